#include "tests/support/sim_hand_out_check.h"

#include <utility>

namespace weft::test {
namespace {

// Waits are measured on clocks that drift.
constexpr absl::Duration kSlack = absl::Milliseconds(20);

}  // namespace

void HandOutCheck::OnSent(Life fetcher, const wire::Frame& frame) {
  if (frame.has_heartbeat_reply()) return CheckRenewals(frame.heartbeat_reply());
  if (frame.seq() == 0) return;
  uint64_t& newest = newest_[{frame.session(), frame.peer_session()}];
  if (frame.seq() <= newest) return;  // sent again: as it was
  newest = frame.seq();
  if (frame.has_lease_revoke()) {
    const wire::Epoch& epoch = frame.lease_revoke().epoch();
    revoked_.insert({epoch.incarnation(), epoch.counter()});
    ++revokes_;
    leases_.OnRevokeSent(fetcher, frame);
  } else if (frame.has_lease_grant() && frame.lease_grant().urls_size() > 0) {
    const wire::LeaseGrant& grant = frame.lease_grant();
    std::string& host = hosts_[{grant.epoch().incarnation(), grant.epoch().counter()}];
    if (!grant.top_up()) {
      host = grant.host();
      CheckFree(fetcher, host, "lent");
    }
    CheckPause(host, absl::ZeroDuration(), grant.top_up() ? "topped up" : "lent");
  } else if (frame.has_host_permit() && frame.host_permit().granted()) {
    std::string host = leases_.WantedHost(frame.peer_session(), frame.host_permit().permit_id());
    CheckFree(fetcher, host, "permitted");
    CheckPause(host, absl::Microseconds(frame.host_permit().wait_us()), "permitted");
  }
}

void HandOutCheck::CheckFree(Life fetcher, const std::string& host, const char* what) {
  auto [until, other] = leases_.OthersMayAsk(fetcher, host);
  if (until <= clock_.Now()) return;
  violations_.Add("one-lease", "{} is {} to life {} while life {} may ask it for another {}", host, what, fetcher, other,
                  absl::FormatDuration(until - clock_.Now()));
}

void HandOutCheck::CheckPause(const std::string& host, absl::Duration wait, const char* what) {
  absl::Time until = politeness_.PausedUntil(host);
  if (until <= clock_.Now() + wait + kSlack) return;
  violations_.Add("retry-after", "{} is {} {} before the end of a pause that the scheduler knows of", host, what,
                  absl::FormatDuration(until - clock_.Now() - wait));
}

void HandOutCheck::CheckRenewals(const wire::HeartbeatReply& reply) {
  for (const wire::LeaseRenewal& renewal : reply.renewals()) {
    Epoch epoch{renewal.epoch().incarnation(), renewal.epoch().counter()};
    auto host = hosts_.find(epoch);
    if (host == hosts_.end() || revoked_.contains(epoch)) continue;
    CheckPause(host->second, absl::ZeroDuration(), "left to its holder");
  }
}

}  // namespace weft::test
