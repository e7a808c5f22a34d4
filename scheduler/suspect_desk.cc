#include "scheduler/suspect_desk.h"

#include <algorithm>
#include <utility>

namespace weft {
namespace {

// Beyond it no further page is counted: each takes a crash, or a node that lies.
constexpr size_t kMostPages = 10'000;
constexpr size_t kKeyBytes = 16;

}  // namespace

uint32_t SuspectDesk::CrashesIn(uint64_t directory, const std::string& key) const {
  const auto known = by_directory_.find(key);
  if (known == by_directory_.end()) return 0;
  const auto count = known->second.find(directory);
  return count == known->second.end() ? 0 : count->second;
}

uint32_t SuspectDesk::CrashesOn(const std::string& key) const {
  uint32_t crashes = 0;
  if (const auto known = by_directory_.find(key); known != by_directory_.end()) {
    for (const auto& [directory, count] : known->second) crashes += count;
  }
  crashes += static_cast<uint32_t>(std::count_if(readings_.begin(), readings_.end(), [&](const Reading& reading) {
    return reading.key == key && reading.state == Reading::State::kLost;
  }));
  return crashes;
}

void SuspectDesk::Count(const std::string& key, uint64_t directory, uint32_t crashes) {
  if (key.size() != kKeyBytes || (by_directory_.size() >= kMostPages && !by_directory_.contains(key))) return;
  uint32_t& count = by_directory_[key][directory];
  count = std::max(count, crashes);
}

void SuspectDesk::OnRegister(const wire::Register& info) {
  if (!info.parses()) return;
  std::erase_if(readings_, [&](const Reading& reading) {
    if (reading.node_id == info.node_id()) return true;
    if (reading.directory != info.pages_dir_id() || reading.process == info.process()) return false;
    // Its directory may not have kept it: then it is known from here alone.
    if (reading.state != Reading::State::kWaits) Count(reading.key, reading.directory, CrashesIn(reading.directory, reading.key) + 1);
    return true;
  });
  for (const wire::BlamedPage& page : info.blamed()) Count(page.key(), info.pages_dir_id(), page.crashes());
  AnswerWaiting();
}

void SuspectDesk::OnWaiting(const wire::Register& info) {
  if (!info.parses()) return;
  for (const wire::BlamedPage& page : info.blamed()) {
    // What its twin was reading is counted with the twin, once that is gone.
    const bool with_twin = std::any_of(readings_.begin(), readings_.end(), [&](const Reading& reading) {
      return reading.directory == info.pages_dir_id() && reading.key == page.key() && reading.state != Reading::State::kWaits;
    });
    if (!with_twin) Count(page.key(), info.pages_dir_id(), page.crashes());
  }
}

void SuspectDesk::OnSuspect(const PeerId& from, const wire::Register& info, const wire::SuspectPage& page) {
  std::erase_if(readings_, [&](const Reading& reading) { return reading.node_id == info.node_id(); });
  if (!page.over() && page.key().size() == kKeyBytes) {
    readings_.push_back({from, info.node_id(), info.process(), info.pages_dir_id(), page.key()});
  }
  AnswerWaiting();
}

void SuspectDesk::OnTick() {
  if (readings_.empty()) return;
  std::erase_if(readings_, [this](Reading& reading) {
    if (reading.state == Reading::State::kLost || nodes_.FindWorking(reading.node_id) != nullptr) return false;
    if (reading.state == Reading::State::kWaits) return true;
    reading.state = Reading::State::kLost;
    return false;
  });
  AnswerWaiting();
}

void SuspectDesk::AnswerWaiting() {
  for (Reading& waits : readings_) {
    const bool taken = std::any_of(readings_.begin(), readings_.end(), [&](const Reading& other) {
      return other.key == waits.key && other.state == Reading::State::kReads;
    });
    if (waits.state != Reading::State::kWaits || taken) continue;
    waits.state = Reading::State::kReads;
    wire::Frame frame;
    frame.mutable_suspect_leave()->set_key(waits.key);
    frame.mutable_suspect_leave()->set_crashes(CrashesOn(waits.key));
    nodes_.Send(waits.peer, std::move(frame));
  }
}

}  // namespace weft
