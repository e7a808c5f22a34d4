#include "tests/support/sim_key_check.h"

#include <algorithm>

namespace weft::test {
namespace {

std::tuple<Fingerprint, uint32_t, uint32_t> AttemptOf(const wire::UrlTicket& ticket) {
  return {Fingerprint::FromBytes(ticket.key()), ticket.generation(), ticket.attempt()};
}

}  // namespace

void KeyCheck::OnKeysTaken(const NodeKeys& keys) {
  used_ = true;
  for (const auto& [key, token] : keys) {
    if (token.revoked) revoked_.insert(key);
  }
}

void KeyCheck::OnSentByScheduler(Life to_life, const PeerKey& to, const std::string& machine, const wire::Frame& frame) {
  if (!used_) return;
  if (frame.has_allowed_keys()) {
    told_.push_back({to_life, frame.session(), frame.peer_session(), frame.seq(),
                     {frame.allowed_keys().keys().begin(), frame.allowed_keys().keys().end()}});
  }
  if (!revoked_.contains(to)) return;
  switch (frame.body_case()) {
    case wire::Frame::kRegisterRefused:
    case wire::Frame::kSessionUnknown:
    case wire::Frame::BODY_NOT_SET: return;
    // What it handed in while its key held may become durable later.
    case wire::Frame::kEndedAck:
      for (const wire::EndedAck::One& one : frame.ended_ack().ended()) {
        if (ends_.contains({Fingerprint::FromBytes(one.key()), one.generation(), one.attempt()})) continue;
        violations_.Add("key", "{} is acknowledged an end that it handed in after its token was revoked", machine);
      }
      return;
    default:
      violations_.Add("key", "{} is sent a frame with body {} after its token was revoked", machine,
                      static_cast<int>(frame.body_case()));
  }
}

void KeyCheck::OnDeliveredToScheduler(const PeerKey& from, const wire::Frame& frame) {
  if (!used_ || revoked_.contains(from)) return;
  if (frame.has_url_ended()) ends_.insert(AttemptOf(frame.url_ended().ticket()));
  if (!frame.has_page_result()) return;
  ends_.insert(AttemptOf(frame.page_result().ticket()));
  const wire::WarcPlace& place = frame.page_result().place();
  places_.emplace(place.pages_dir_id(), place.file(), place.offset());
}

void KeyCheck::OnWritten(const UrlRecord& record) {
  if (!used_ || record.state != UrlState::kDone || record.place.file.empty()) return;
  if (places_.contains({record.place.pages_dir_id, record.place.file, record.place.offset})) return;
  violations_.Add("key", "{} is done by a result that came under a revoked key", record.url);
}

bool KeyCheck::MayBring(Life parser, const PeerKey& key) const {
  const auto read = read_.find(parser);
  if (read == read_.end() || read->second.contains(key)) return true;
  // By a list that it may have read, and has not said so.
  return std::any_of(told_.begin(), told_.end(), [&](const Told& told) { return told.parser == parser && told.keys.contains(key); });
}

void KeyCheck::OnDeliveredToParser(Life parser, const PeerKey& from, const wire::Frame& frame) {
  if (used_ && frame.has_page() && MayBring(parser, from)) taken_[parser].insert(AttemptOf(frame.page().ticket()));
}

void KeyCheck::OnSentByParser(Life parser, const wire::Frame& frame) {
  if (!used_) return;
  std::erase_if(told_, [&](const Told& told) {
    const bool read = told.parser == parser && told.parser_session == frame.session() &&
                      told.scheduler_session == frame.peer_session() && frame.received() >= told.seq;
    if (read) read_[parser] = told.keys;
    return read;
  });
  if (!frame.has_page_result() || taken_[parser].contains(AttemptOf(frame.page_result().ticket()))) return;
  violations_.Add("key", "the page of {} is reported, and came under a key that its parser knows to hold no more",
                  frame.page_result().ticket().url());
}

void KeyCheck::OnProcessGone(Life life) {
  read_.erase(life);
  taken_.erase(life);
  std::erase_if(told_, [life](const Told& told) { return told.parser == life; });
}

}  // namespace weft::test
