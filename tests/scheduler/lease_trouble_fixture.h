// Short ways to say what goes wrong with leases.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tests/scheduler/desk_fixture.h"

namespace weft::test {

class LeaseTroubleTest : public DeskTest {
 protected:
  static wire::LeaseRelease Failed(const wire::LeaseGrant& grant, Outcome outcome) {
    wire::LeaseRelease release = Unasked(grant, wire::LeaseRelease::HOST_FAILED);
    release.set_outcome(static_cast<uint32_t>(outcome));
    release.set_detail("no luck");
    return release;
  }
  static wire::LeaseRelease Throttled(const wire::LeaseGrant& grant, absl::Duration retry_after) {
    wire::LeaseRelease release = Unasked(grant, wire::LeaseRelease::THROTTLED);
    release.set_last_request_age_us(0);
    release.set_retry_after_us(absl::ToInt64Microseconds(retry_after));
    release.set_detail("status 429");
    return release;
  }
  static wire::LeaseRelease NoRobots(const wire::LeaseGrant& grant, Outcome outcome) {
    wire::LeaseRelease release = Unasked(grant, wire::LeaseRelease::ROBOTS_UNREACHABLE);
    release.set_outcome(static_cast<uint32_t>(outcome));
    return release;
  }
  // Waits, with heartbeats, until the host may be leased again. How long that took.
  absl::Duration WaitForHost(const PeerId& peer = "f") {
    auto ready = frontier_->NextReadyTime();
    EXPECT_TRUE(ready.has_value());
    if (!ready) return absl::InfiniteDuration();
    absl::Duration wait = crawl_clock_->SteadyAt(*ready) - clock_.SteadyNow();
    clock_.Advance(std::max(wait, absl::ZeroDuration()));
    Beat(peer, 1000);
    return wait;
  }
  wire::HostPermit AskPermit(const PeerId& peer, const std::string& host, uint64_t id) {
    wire::HostPermitWanted wanted;
    wanted.set_permit_id(id);
    wanted.set_host(host);
    leases_->OnPermitWanted(peer, wanted);
    std::vector<wire::Frame> frames = bus_.Of(peer, wire::Frame::kHostPermit);
    EXPECT_FALSE(frames.empty());
    return frames.empty() ? wire::HostPermit() : frames.back().host_permit();
  }
  void ExpireAfter(absl::Duration wait) {
    clock_.Advance(wait);
    absl::Status status = leases_->Expire();
    EXPECT_TRUE(status.ok()) << status;
  }
  absl::Duration WholeLease() const { return options_.lease + options_.lease_grace; }
};

}  // namespace weft::test
