// What is said of a host outside its lease: pauses that it asked for, and permits for one request (rule 22).
#include <algorithm>
#include <utility>

#include "scheduler/lease_desk.h"

namespace weft {

absl::Status LeaseDesk::OnPause(const wire::HostPause& pause) {
  const HostState* known = db_.FindHost(pause.host());
  if (known == nullptr || pause.wait_us() <= 0) return absl::OkStatus();
  HostState state = *known;
  state.not_before = std::max(state.not_before, crawl_clock_.Now() + static_cast<CrawlTime>(pause.wait_us()));
  FrontierHost& host = frontier_.FindOrAdd(state);
  host.not_before = std::max(host.not_before, state.not_before);
  frontier_.Refile(host);
  // Leased to somebody else meanwhile: it does not know of the pause.
  for (const auto& [counter, lease] : leases_) {
    if (lease.host_id == state.id && !lease.permit) Revoke(counter, lease);
  }
  return db_.PutPoliteness(state, crawl_clock_.Now());
}

void LeaseDesk::Revoke(uint64_t counter, const Lease& lease) {
  wire::Frame frame;
  frame.mutable_lease_revoke()->mutable_epoch()->set_incarnation(db_.incarnation());
  frame.mutable_lease_revoke()->mutable_epoch()->set_counter(counter);
  nodes_.Send(lease.node, std::move(frame));
}

void LeaseDesk::OnPermitWanted(const PeerId& from, const wire::HostPermitWanted& wanted, bool allowed) {
  HostState stranger;
  stranger.id = db_.HostId(wanted.host());
  stranger.host = wanted.host();
  const HostState* known = db_.FindHost(wanted.host());
  FrontierHost& host = frontier_.FindOrAdd(known == nullptr ? stranger : *known);
  CrawlTime now = crawl_clock_.Now();
  absl::Duration wait = absl::Microseconds(static_cast<int64_t>(host.not_before > now ? host.not_before - now : 0));
  wire::Frame frame;
  wire::HostPermit* permit = frame.mutable_host_permit();
  permit->set_permit_id(wanted.permit_id());
  bool granted = allowed && !host.busy && wait < options_.lease / 2;
  std::optional<PolitenessLedger::Hold> hold;
  if (granted) hold = ledger_.TryTake(host.host, 1, now);
  granted = hold.has_value();
  permit->set_granted(granted);
  if (granted) {
    permit->set_wait_us(absl::ToInt64Microseconds(wait));
    permit->set_runs_us(absl::ToInt64Microseconds(options_.lease));
    Lease lease;
    lease.node = from;
    lease.host_id = host.id;
    lease.permit = true;
    lease.hold = *std::move(hold);
    lease.permit_id = wanted.permit_id();
    lease.started = lease.progressed = clock_.SteadyNow();
    // The request starts within the lease's time of its asking, and may then take its whole timeout.
    lease.deadline =
        lease.started + options_.lease + options_.lease_grace + absl::Microseconds(settings_.timeout_us());
    none_over_before_ = std::min(none_over_before_, lease.deadline);
    leases_.emplace(next_counter_++, std::move(lease));
    frontier_.MarkBusy(host);
  }
  nodes_.Send(from, std::move(frame));
}

absl::flat_hash_map<uint64_t, LeaseDesk::Lease>::iterator LeaseDesk::FindPermit(const PeerId& from,
                                                                                uint64_t permit_id) {
  return std::find_if(leases_.begin(), leases_.end(), [&](const auto& entry) {
    const Lease& lease = entry.second;
    return lease.permit && lease.node == from && lease.permit_id == permit_id;
  });
}

void LeaseDesk::OnPermitDone(const PeerId& from, const wire::HostPermitDone& done) {
  // The permit may have run out and the host be lent to somebody else by now.
  auto it = std::find_if(leases_.begin(), leases_.end(), [&](const auto& entry) {
    const Lease& lease = entry.second;
    return lease.permit && lease.node == from && lease.permit_id == done.permit_id() &&
           (done.host().empty() || lease.host_id == db_.HostId(done.host()));
  });
  if (it == leases_.end()) return;
  FrontierHost* host = frontier_.Find(it->second.host_id);
  if (host == nullptr) return;
  if (done.last_request_age_us() >= 0) NoteRequest(*host, absl::Microseconds(done.last_request_age_us()));
  FinishLease(it->first, true, AskedAt(done.last_request_age_us()));
  // A failed write shows in the CrawlDb's health.
  StoreGroups().IgnoreError();
}

// A request without a lease counts against the host's rate all the same (rule 19).
void LeaseDesk::NoteRequest(FrontierHost& host, absl::Duration age) {
  CrawlTime now = crawl_clock_.Now();
  CrawlTime asked = now - std::min(now, CrawlMicros(age));
  const HostState* known = db_.FindHost(host.shard, host.id);
  if (known == nullptr) {
    host.not_before = std::max(host.not_before, asked + CrawlMicros(absl::Microseconds(settings_.delay_us())));
    return;
  }
  HostState state = *known;
  state.last_request = std::max(state.last_request, asked);
  state.not_before = std::max(state.not_before, asked + CrawlMicros(DelayOf(state)));
  host.not_before = std::max(host.not_before, state.not_before);
  // A failed write shows in the CrawlDb's health.
  db_.PutPoliteness(state, now).IgnoreError();
}

}  // namespace weft
