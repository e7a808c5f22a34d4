#include "scheduler/resubmit_desk.h"

#include <algorithm>
#include <charconv>

#include "common/status.h"
#include "scheduler/anchor_list.h"

namespace weft {
namespace {

// Clocks of machines differ, and a request began before its page was stored.
constexpr absl::Duration kMargin = absl::Minutes(10);
constexpr absl::Duration kPatience = absl::Seconds(10);
// Who was away for more is asked again: that costs reading, and loses nothing.
constexpr int kMostOpenings = 256;

std::string TimeText(int64_t wall_us) {
  if (wall_us <= 0) return "the beginning";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixMicros(wall_us), absl::UTCTimeZone());
}

}  // namespace

absl::Status ResubmitDesk::Open() {
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> stored, db_.GetMeta(kMetaResubmissions));
  if (stored && !state_.ParseFromString(*stored)) return DataLoss("crawl.db: the list of its openings cannot be read");
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> wall, db_.GetMeta(kMetaWall));
  int64_t wall_us = 0;
  if (wall) std::from_chars(wall->data(), wall->data() + wall->size(), wall_us);
  if (state_.openings().empty() && db_.previous_incarnation() != 0) {
    state_.add_openings()->set_incarnation(db_.previous_incarnation());
  }
  wire::Resubmissions::Opening* opening = state_.add_openings();
  opening->set_incarnation(db_.incarnation());
  opening->set_commit(db_.opened_commit());
  opening->set_wall_us(wall_us);
  if (state_.openings_size() > kMostOpenings) {
    state_.mutable_openings()->DeleteSubrange(0, state_.openings_size() - kMostOpenings);
  }
  WEFT_RETURN_IF_ERROR(Put());
  return NoteWall();
}

absl::Status ResubmitDesk::NoteWall() {
  return db_.PutMeta(kMetaWall, fmt::to_string(absl::ToUnixMicros(clock_.WallNow())));
}

absl::Status ResubmitDesk::Put() { return db_.PutMeta(kMetaResubmissions, state_.SerializeAsString()); }

wire::Resubmissions::Directory& ResubmitDesk::DirectoryOf(uint64_t pages_dir_id) {
  for (wire::Resubmissions::Directory& directory : *state_.mutable_directories()) {
    if (directory.pages_dir_id() == pages_dir_id) return directory;
  }
  wire::Resubmissions::Directory* added = state_.add_directories();
  added->set_pages_dir_id(pages_dir_id);
  return *added;
}

int ResubmitDesk::IndexOf(uint64_t incarnation) const {
  for (int i = state_.openings_size() - 1; i >= 0; --i) {
    if (state_.openings(i).incarnation() == incarnation) return i;
  }
  return -1;
}

ResubmitDesk::Loss ResubmitDesk::LossAt(const wire::Resubmissions::Opening& behind) const {
  Loss loss;
  loss.at = behind.incarnation();
  loss.opened_commit = behind.commit();
  loss.from_wall_us = std::max<int64_t>(0, behind.wall_us() - absl::ToInt64Microseconds(kMargin));
  return loss;
}

// Compared with the opening that followed the one the parser names, not with now: new commits hide that old ones are lost.
std::optional<ResubmitDesk::Loss> ResubmitDesk::FindLoss(const wire::Register& info,
                                                         const wire::Resubmissions::Directory& directory) const {
  if (info.lineage() != db_.identity().lineage() || info.highest_commit() == 0) return std::nullopt;
  if (info.incarnation() == db_.incarnation()) return std::nullopt;
  int named = IndexOf(info.incarnation());
  if (named >= 0) {
    const wire::Resubmissions::Opening& next = state_.openings(named + 1);
    if (info.highest_commit() <= next.commit()) return std::nullopt;
    return LossAt(next);
  }
  // An opening that this CrawlDb never had: it is a copy from before. What the directory stored until one of its parsers
  // last met this history, this history has.
  int met = IndexOf(directory.met_before());
  if (met >= 0) return LossAt(state_.openings(met + 1));
  Loss all;
  all.at = db_.incarnation();
  all.opened_commit = db_.opened_commit();
  return all;
}

absl::Status ResubmitDesk::OnRegister(const wire::Register& info) {
  if (!info.parses()) return absl::OkStatus();
  wire::Resubmissions::Directory& directory = DirectoryOf(info.pages_dir_id());
  const std::string before = directory.SerializeAsString();
  if (directory.met() != db_.incarnation()) {
    directory.set_met_before(directory.met());
    directory.set_met(db_.incarnation());
  }
  std::optional<Loss> loss = FindLoss(info, directory);
  // Each parser of a directory, and one that was away, may tell of the same loss.
  if (loss && loss->at != directory.lost_at()) {
    const int64_t from = loss->from_wall_us;
    directory.set_from_wall_us(directory.wanted() ? std::min(from, directory.from_wall_us()) : from);
    directory.set_lost_at(loss->at);
    directory.set_wanted(true);
    TellBegin(info, *loss);
  }
  return directory.SerializeAsString() == before ? absl::OkStatus() : Put();
}

void ResubmitDesk::TellBegin(const wire::Register& info, const Loss& loss) {
  observer_.OnNotice(fmt::format(
      "crawl.db ended at commit {} when it was opened, {} has seen commit {}: it has lost acknowledged writes, or is a copy "
      "that was put back; what {} stored since {} is taken again from its WARC files, and nothing is fetched meanwhile",
      loss.opened_commit, info.name(), info.highest_commit(), info.pages_path(), TimeText(loss.from_wall_us)));
}

// Somebody submits for it now.
bool ResubmitDesk::Works(const Asked& asked) const {
  auto it = nodes_.nodes().find(asked.peer);
  if (asked.done || it == nodes_.nodes().end()) return false;
  const NodeEntry& node = it->second;
  return node.registered && !node.draining && node.link.peer_session() == asked.session;
}

absl::Status ResubmitDesk::Ask() {
  WEFT_RETURN_IF_ERROR(FinishIfAllDone());
  for (const wire::Resubmissions::Directory& directory : state_.directories()) {
    if (!directory.wanted()) continue;
    Asked& asked = asked_[directory.pages_dir_id()];
    if (!asked.done && !Works(asked)) AskOneOf(directory.pages_dir_id(), directory.from_wall_us(), asked);
  }
  return absl::OkStatus();
}

void ResubmitDesk::AskOneOf(uint64_t pages_dir_id, int64_t from_wall_us, Asked& asked) {
  for (auto& [peer, node] : nodes_.nodes()) {
    const bool its = node.works() && node.info.parses() && node.info.pages_dir_id() == pages_dir_id;
    if (!its || node.draining) continue;
    wire::Frame frame;
    frame.mutable_submit_again()->set_from_wall_us(from_wall_us);
    node.link.Send({std::move(frame), nullptr});
    asked.peer = peer;
    asked.session = node.link.peer_session();
    asked.path = node.info.pages_path();
    asked.progress = clock_.SteadyNow();
    return;
  }
}

void ResubmitDesk::Progress(const PeerId& from) {
  for (auto& [id, asked] : asked_) {
    if (asked.peer == from) asked.progress = clock_.SteadyNow();
  }
}

bool ResubmitDesk::busy() const {
  return std::any_of(asked_.begin(), asked_.end(), [this](const auto& one) {
    return Works(one.second) && clock_.SteadyNow() - one.second.progress < kPatience;
  });
}

void ResubmitDesk::ExtendPatience(absl::Duration gap) {
  for (auto& [id, asked] : asked_) asked.progress += gap;
}

absl::Status ResubmitDesk::OnOver(const PeerId& from, const wire::SubmitAgainOver& over) {
  auto asked = std::find_if(asked_.begin(), asked_.end(), [&](const auto& one) { return one.second.peer == from; });
  if (asked == asked_.end() || !Works(asked->second)) return absl::OkStatus();
  asked->second.done = true;
  asked->second.over = over;
  asked->second.recorded += over.recorded();
  for (auto& [id, other] : asked_) other.stale = other.stale || (id != asked->first && over.recorded() > 0);
  return FinishIfAllDone();
}

// Pages of one directory name those of another: what was unknown is submitted once more after others have come further.
// Each further walk stands on pages that were recorded since, so this ends.
absl::Status ResubmitDesk::FinishIfAllDone() {
  if (std::any_of(asked_.begin(), asked_.end(), [this](const auto& one) { return Works(one.second); })) {
    return absl::OkStatus();
  }
  bool finished = false;
  for (auto it = asked_.begin(); it != asked_.end();) {
    Asked& asked = it->second;
    if (asked.done && asked.stale && asked.over.unknown() > 0) asked.done = asked.stale = false, asked.peer.clear();
    if (!asked.done) {
      ++it;
      continue;
    }
    DirectoryOf(it->first).set_wanted(false);
    TellEnd(asked);
    it = asked_.erase(it);
    finished = true;
  }
  return finished ? Put() : absl::OkStatus();
}

void ResubmitDesk::TellEnd(const Asked& asked) {
  std::string text = fmt::format("{} pages were taken again from {}", asked.recorded, asked.path);
  if (!asked.over.problem().empty()) text = fmt::format("{} cannot be read: {}", asked.path, asked.over.problem());
  if (asked.over.damaged() > 0) text += fmt::format("; {} of its records cannot be read", asked.over.damaged());
  text += "; what is missing is fetched again";
  gate_.AfterSync([this, text] { observer_.OnNotice(text); });
}

}  // namespace weft
