// Hosts that others than their lease's holder speak of: pauses that are told late, and permits for one request to the
// host that a robots.txt redirects to (rule 22).
#include <algorithm>
#include <utility>

#include "scheduler/lease_desk.h"

namespace weft {

absl::Status LeaseDesk::OnPause(const wire::HostPause& pause) {
  const HostState* known = db_.FindHost(db_.HostId(pause.host()));
  if (known == nullptr || pause.wait_us() <= 0) return absl::OkStatus();
  HostState state = *known;
  state.not_before = std::max(state.not_before, crawl_clock_.Now() + static_cast<CrawlTime>(pause.wait_us()));
  FrontierHost& host = frontier_.FindOrAdd(state);
  host.not_before = std::max(host.not_before, state.not_before);
  frontier_.Refile(host);
  // Leased to somebody else meanwhile: it does not know of the pause.
  for (const auto& [counter, lease] : leases_) {
    if (lease.host_id != state.id || lease.permit) continue;
    wire::Frame frame;
    frame.mutable_lease_revoke()->mutable_epoch()->set_incarnation(db_.incarnation());
    frame.mutable_lease_revoke()->mutable_epoch()->set_counter(counter);
    nodes_.Send(lease.node, std::move(frame));
  }
  return db_.PutPoliteness(state, crawl_clock_.Now());
}

void LeaseDesk::OnPermitWanted(const PeerId& from, const wire::HostPermitWanted& wanted, bool allowed) {
  HostState stranger;
  stranger.id = db_.HostId(wanted.host());
  stranger.host = wanted.host();
  const HostState* known = db_.FindHost(stranger.id);
  FrontierHost& host = frontier_.FindOrAdd(known == nullptr ? stranger : *known);
  CrawlTime now = crawl_clock_.Now();
  absl::Duration wait = absl::Microseconds(static_cast<int64_t>(host.not_before > now ? host.not_before - now : 0));
  wire::Frame frame;
  wire::HostPermit* permit = frame.mutable_host_permit();
  permit->set_permit_id(wanted.permit_id());
  bool granted = allowed && !host.busy && wait < options_.lease / 2;
  permit->set_granted(granted);
  if (granted) {
    permit->set_wait_us(absl::ToInt64Microseconds(wait));
    permit->set_runs_us(absl::ToInt64Microseconds(options_.lease));
    Lease lease;
    lease.node = from;
    lease.host_id = host.id;
    lease.permit = true;
    lease.permit_id = wanted.permit_id();
    lease.started = lease.progressed = clock_.SteadyNow();
    // The request starts within the lease's time of its asking, and may then take its whole timeout.
    lease.deadline =
        lease.started + options_.lease + options_.lease_grace + absl::Microseconds(settings_.timeout_us());
    leases_.emplace(next_counter_++, std::move(lease));
    frontier_.MarkBusy(host);
  }
  nodes_.Send(from, std::move(frame));
}

void LeaseDesk::OnPermitDone(const PeerId& from, const wire::HostPermitDone& done) {
  uint64_t host_id = db_.HostId(done.host());
  FrontierHost* host = frontier_.Find(host_id);
  if (host == nullptr) return;
  for (const auto& [counter, lease] : leases_) {
    // Another node may have a permit for the host by now, if this one came too late.
    if (!lease.permit || lease.host_id != host_id || lease.node != from || lease.permit_id != done.permit_id()) continue;
    if (done.last_request_age_us() >= 0) {
      const HostState* known = db_.FindHost(host_id);
      CrawlTime now = crawl_clock_.Now();
      CrawlTime asked = now - std::min(now, static_cast<CrawlTime>(done.last_request_age_us()));
      host->not_before = std::max(host->not_before, asked + CrawlMicros(known == nullptr
                                                                            ? absl::Microseconds(settings_.delay_us())
                                                                            : DelayOf(*known)));
    }
    FinishLease(counter, true);
    return;
  }
}

}  // namespace weft
