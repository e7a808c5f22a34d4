#include "tests/support/sim_lease_check.h"

#include <algorithm>

namespace weft::test {
namespace {

uint64_t IdOf(const wire::Epoch& epoch) { return epoch.incarnation() ^ (epoch.counter() * 0x9E3779B97F4A7C15ULL); }

// Another kind of right: by the session that asked for it.
uint64_t IdOf(uint64_t session, uint64_t permit_id) { return session * 0x9E3779B97F4A7C15ULL + permit_id; }

absl::Time FromMicros(int64_t us) { return absl::UnixEpoch() + absl::Microseconds(us); }

// Durations are rounded to microseconds on the wire.
constexpr absl::Duration kSlack = absl::Microseconds(10);

}  // namespace

void LeaseCheck::OnFetcherGone(Life life) {
  clocks_.erase(life);
  registers_.erase(life);
  std::erase_if(hosts_, [life](const auto& entry) { return entry.first.first == life; });
}

void LeaseCheck::Extend(Life fetcher, const std::string& host, uint64_t right, absl::Time until) {
  Right& extended = rights_[{fetcher, host}][right];
  if (!extended.given_back) extended.until = std::max(extended.until, until);
}

void LeaseCheck::GiveBack(Life fetcher, const std::string& host, uint64_t right) {
  auto of_host = rights_.find({fetcher, host});
  if (of_host == rights_.end()) return;
  auto it = of_host->second.find(right);
  if (it == of_host->second.end()) return;
  it->second.given_back = true;
  it->second.until = std::min(it->second.until, clock_.Now());
}

void LeaseCheck::OnDelivered(Life fetcher, const wire::Frame& frame) {
  auto it = clocks_.find(fetcher);
  if (it == clocks_.end()) return;
  const SimNodeClock& node_clock = *it->second;
  // SteadyNow counts from its own epoch; on the wire it is microseconds of that.
  if (frame.has_lease_grant()) {
    const wire::LeaseGrant& grant = frame.lease_grant();
    std::string& host = hosts_[{fetcher, IdOf(grant.epoch())}];
    if (!grant.top_up()) {
      host = grant.host();
      granted_[{fetcher, host}] = clock_.Now();
    }
    absl::Time local = FromMicros(grant.echo_sent_steady_us()) + absl::Microseconds(grant.runs_us());
    Extend(fetcher, host, IdOf(grant.epoch()), node_clock.ToWorld(local));
  } else if (frame.has_heartbeat_reply()) {
    for (const wire::LeaseRenewal& renewal : frame.heartbeat_reply().renewals()) {
      auto host = hosts_.find({fetcher, IdOf(renewal.epoch())});
      if (host == hosts_.end()) continue;
      absl::Time local =
          FromMicros(frame.heartbeat_reply().echo_sent_steady_us()) + absl::Microseconds(renewal.runs_us());
      Extend(fetcher, host->second, IdOf(renewal.epoch()), node_clock.ToWorld(local));
    }
  } else if (frame.has_host_permit()) {
    auto wanted = permits_.extract({frame.peer_session(), frame.host_permit().permit_id()});
    if (wanted.empty() || !frame.host_permit().granted()) return;
    absl::Time asked = node_clock.FromWorld(wanted.mapped().asked);
    // One lease may ask for several, one after the other, under one id.
    rights_[{fetcher, wanted.mapped().host}].erase(IdOf(frame.peer_session(), frame.host_permit().permit_id()));
    Extend(fetcher, wanted.mapped().host, IdOf(frame.peer_session(), frame.host_permit().permit_id()),
           node_clock.ToWorld(asked + absl::Microseconds(frame.host_permit().runs_us())));
  }
}

void LeaseCheck::OnSentByFetcher(Life fetcher, const wire::Frame& frame) {
  std::erase_if(revokes_, [&](const Revoke& revoke) {
    bool read = revoke.fetcher_session == frame.session() && revoke.scheduler_session == frame.peer_session() &&
                frame.received() >= revoke.seq;
    auto host = hosts_.find({revoke.fetcher, revoke.right});
    if (!read || host == hosts_.end()) return read;
    Right& right = rights_[{revoke.fetcher, host->second}][revoke.right];
    right.revoked = std::min(right.revoked, clock_.Now());
    return true;
  });
  if (frame.has_register_()) registers_[fetcher] = clock_.Now();
  if (frame.has_host_permit_wanted()) {
    // Sent again it is still the first time that counts.
    permits_.try_emplace({frame.session(), frame.host_permit_wanted().permit_id()},
                         Wanted{frame.host_permit_wanted().host(), clock_.Now()});
  } else if (frame.has_lease_release()) {
    uint64_t right = IdOf(frame.lease_release().epoch());
    if (auto host = hosts_.find({fetcher, right}); host != hosts_.end()) GiveBack(fetcher, host->second, right);
  } else if (frame.has_host_permit_done()) {
    uint64_t right = IdOf(frame.session(), frame.host_permit_done().permit_id());
    for (auto& [whose, rights] : rights_) {
      if (whose.first == fetcher && rights.contains(right)) GiveBack(fetcher, whose.second, right);
    }
  }
}

void LeaseCheck::OnRevokeSent(Life fetcher, const wire::Frame& frame) {
  revokes_.push_back({frame.session(), frame.peer_session(), frame.seq(), fetcher, IdOf(frame.lease_revoke().epoch())});
}

std::pair<absl::Time, Life> LeaseCheck::OthersMayAsk(Life fetcher, const std::string& host) const {
  std::pair<absl::Time, Life> latest{absl::InfinitePast(), kWorld};
  for (const auto& [life, node_clock] : clocks_) {
    if (life != fetcher) latest = std::max(latest, {DeadlineOf(life, host), life});
  }
  return latest;
}

std::string LeaseCheck::WantedHost(uint64_t fetcher_session, uint64_t permit_id) const {
  auto it = permits_.find({fetcher_session, permit_id});
  return it == permits_.end() ? std::string() : it->second.host;
}

absl::Time LeaseCheck::DeadlineOf(Life fetcher, const std::string& host) const {
  absl::Time deadline = absl::InfinitePast();
  auto it = rights_.find({fetcher, host});
  if (it == rights_.end()) return deadline;
  for (const auto& [id, right] : it->second) deadline = std::max(deadline, right.until);
  return deadline;
}

absl::Time LeaseCheck::AsksUntil(Life fetcher) const {
  const auto registered = registers_.find(fetcher);
  absl::Time latest = absl::InfinitePast();
  for (auto it = granted_.lower_bound({fetcher, ""}); it != granted_.end() && it->first.first == fetcher; ++it) {
    if (registered != registers_.end() && it->second < registered->second) continue;
    latest = std::max(latest, DeadlineOf(fetcher, it->first.second));
  }
  return latest;
}

absl::Time LeaseCheck::GrantedAt(Life fetcher, const std::string& host) const {
  auto it = granted_.find({fetcher, host});
  return it == granted_.end() ? absl::InfinitePast() : it->second;
}

std::string LeaseCheck::HostOf(Life fetcher, const wire::Epoch& epoch) const {
  auto it = hosts_.find({fetcher, IdOf(epoch)});
  return it == hosts_.end() ? std::string() : it->second;
}

void LeaseCheck::OnRequest(const SeenRequest& request) {
  absl::Time deadline = DeadlineOf(request.life, request.host);
  if (deadline == absl::InfinitePast()) {
    violations_.Add("lease", "{} asks {}{} without a lease or permit", request.fetcher, request.origin, request.path);
  } else if (clock_.Now() > deadline + kSlack) {
    violations_.Add("lease", "{} asks {}{} {} after its lease's deadline", request.fetcher, request.origin,
                    request.path, absl::FormatDuration(clock_.Now() - deadline));
  } else if (request.start_by > deadline + kSlack && request.start_by > clock_.Now() + absl::Seconds(1)) {
    violations_.Add("lease", "{} gives {}{} a start_by {} after its lease's deadline", request.fetcher, request.origin,
                    request.path, absl::FormatDuration(request.start_by - deadline));
  }
  // What is under way when the revocation is read ends as it would have.
  auto rights = rights_.find({request.life, request.host});
  if (rights == rights_.end() || clock_.Now() > deadline + kSlack) return;
  bool revoked = std::all_of(rights->second.begin(), rights->second.end(), [&](const auto& entry) {
    return entry.second.until + kSlack < clock_.Now() || entry.second.revoked < request.asked;
  });
  if (revoked) {
    violations_.Add("revoked", "{} asks {}{} under a lease that it knows to be revoked", request.fetcher, request.origin,
                    request.path);
  }
}

}  // namespace weft::test
