#include "tests/support/sim_leave_check.h"

#include <algorithm>

namespace weft::test {

void LeaveCheck::OnFetcherGone(Life life) {
  machines_.erase(life);
  read_.erase(life);
  held_.erase(life);
  std::erase_if(drains_, [life](const auto& entry) { return entry.first.first == life; });
}

void LeaveCheck::OnSentToFetcher(Life fetcher, const wire::Frame& frame) {
  const std::pair<Life, Sessions> whose = {fetcher, {frame.session(), frame.peer_session()}};
  if (frame.has_drain()) {
    Drain drain{frame.seq(), clock_.Now() + absl::Microseconds(frame.drain().deadline_us()), frame.seq()};
    drains_.try_emplace(whose, drain);
    return;
  }
  if (!frame.has_lease_grant() || frame.lease_grant().top_up()) return;
  const auto it = drains_.find(whose);
  if (it == drains_.end() || frame.seq() <= it->second.newest) return;  // sent again: as it was
  it->second.newest = frame.seq();
  if (clock_.Now() > it->second.until) return;
  violations_.Add("drain", "{} is lent {} after it was told to leave", machines_[fetcher], frame.lease_grant().host());
}

void LeaveCheck::OnSentByFetcher(Life fetcher, const wire::Frame& frame) {
  const auto told = drains_.find({fetcher, {frame.peer_session(), frame.session()}});
  if (told != drains_.end() && frame.received() >= told->second.seq) read_.try_emplace(fetcher, clock_.Now());
  if (frame.has_page()) held_[fetcher].insert(frame.page().page_id());
  if (!frame.has_goodbye() || held_[fetcher].empty()) return;
  violations_.Add("drain", "{} says goodbye with {} pages that nobody has acknowledged", machines_[fetcher], held_[fetcher].size());
}

void LeaveCheck::OnDeliveredToFetcher(Life fetcher, const wire::Frame& frame) {
  for (uint64_t id : frame.page_ack().page_ids()) held_[fetcher].erase(id);
}

void LeaveCheck::OnRequest(const SeenRequest& request) {
  const auto read = read_.find(request.life);
  if (read == read_.end() || request.asked <= read->second) return;
  violations_.Add("drain", "{} asks {}{} after it has read that it is to leave", request.fetcher, request.origin, request.path);
}

void LeaveCheck::OnAsked(const wire::Frame& frame) {
  if (!seen_.emplace(frame.session(), frame.seq()).second) return;
  asked_[frame.session()] = frame.node_request();
  if (frame.node_request().what() == wire::NodeRequest::DRAIN) leaving_.insert(frame.node_request().name());
}

void LeaveCheck::OnAnswered(const wire::Frame& frame) {
  const wire::NodeReply& reply = frame.node_reply();
  const auto asked = asked_.find(frame.peer_session());
  if (asked == asked_.end() || !seen_.emplace(frame.session() ^ frame.peer_session(), frame.seq()).second || !reply.problem().empty()) return;
  const bool drain = asked->second.what() == wire::NodeRequest::DRAIN;
  asked_.erase(asked);
  if (drain) {
    drained_ += static_cast<uint64_t>(reply.nodes_size() - reply.late_size());
    return;
  }
  forgotten_ += static_cast<uint64_t>(reply.nodes_size() + reply.pages_size());
  for (const auto& [life, machine] : machines_) {
    const absl::Time until = leases_.AsksUntil(life);
    if (std::find(reply.nodes().begin(), reply.nodes().end(), machine) == reply.nodes().end() || until <= clock_.Now()) continue;
    violations_.Add("forget", "{} is forgotten while it may ask for another {}", machine, absl::FormatDuration(until - clock_.Now()));
  }
}

}  // namespace weft::test
