#include "tests/support/sim_lease_check.h"

#include <algorithm>

namespace weft::test {
namespace {

uint64_t IdOf(const wire::Epoch& epoch) { return epoch.incarnation() ^ (epoch.counter() * 0x9E3779B97F4A7C15ULL); }

absl::Time FromMicros(int64_t us) { return absl::UnixEpoch() + absl::Microseconds(us); }

// Durations are rounded to microseconds on the wire.
constexpr absl::Duration kSlack = absl::Microseconds(10);

}  // namespace

void LeaseCheck::OnFetcherGone(Life life) {
  clocks_.erase(life);
  std::erase_if(hosts_, [life](const auto& entry) { return entry.first.first == life; });
}

void LeaseCheck::Extend(Life fetcher, const std::string& host, absl::Time until) {
  absl::Time& deadline = deadlines_.try_emplace({fetcher, host}, absl::InfinitePast()).first->second;
  deadline = std::max(deadline, until);
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
    Extend(fetcher, host, node_clock.ToWorld(local));
  } else if (frame.has_heartbeat_reply()) {
    for (const wire::LeaseRenewal& renewal : frame.heartbeat_reply().renewals()) {
      auto host = hosts_.find({fetcher, IdOf(renewal.epoch())});
      if (host == hosts_.end()) continue;
      absl::Time local =
          FromMicros(frame.heartbeat_reply().echo_sent_steady_us()) + absl::Microseconds(renewal.runs_us());
      Extend(fetcher, host->second, node_clock.ToWorld(local));
    }
  } else if (frame.has_host_permit()) {
    auto wanted = permits_.extract({frame.peer_session(), frame.host_permit().permit_id()});
    if (wanted.empty() || !frame.host_permit().granted()) return;
    absl::Time asked = node_clock.FromWorld(wanted.mapped().asked);
    Extend(fetcher, wanted.mapped().host, node_clock.ToWorld(asked + absl::Microseconds(frame.host_permit().runs_us())));
  } else if (frame.has_host_permit_wanted()) {
    // Sent again it is still the first time that counts.
    permits_.try_emplace({frame.session(), frame.host_permit_wanted().permit_id()},
                         Wanted{frame.host_permit_wanted().host(), clock_.Now()});
  }
}

absl::Time LeaseCheck::DeadlineOf(Life fetcher, const std::string& host) const {
  auto it = deadlines_.find({fetcher, host});
  return it == deadlines_.end() ? absl::InfinitePast() : it->second;
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
}

}  // namespace weft::test
