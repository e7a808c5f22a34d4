// What the scheduler hands out, read from its messages: a host is lent to one fetcher at a time, whatever the scheduler has
// forgotten in a restart (rules 16, 18, 20, 22), and while a pause lasts that has been announced to it, nobody gets more of
// that host or is kept on it (rule 24).
// Thread rule: one thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/support/sim_lease_check.h"
#include "tests/support/sim_politeness_check.h"

namespace weft::test {

class HandOutCheck {
 public:
  HandOutCheck(const SimClock& clock, Violations& violations, LeaseCheck& leases, const PolitenessCheck& politeness)
      : clock_(clock), violations_(violations), leases_(leases), politeness_(politeness) {}

  // The scheduler's frame was handed to the network, for a fetcher.
  void OnSent(Life fetcher, const wire::Frame& frame);
  uint64_t revokes() const { return revokes_; }

 private:
  using Epoch = std::pair<uint64_t, uint64_t>;
  void CheckFree(Life fetcher, const std::string& host, const char* what);
  void CheckPause(const std::string& host, absl::Duration wait, const char* what);
  void CheckRenewals(const wire::HeartbeatReply& reply);

  const SimClock& clock_;
  Violations& violations_;
  LeaseCheck& leases_;
  const PolitenessCheck& politeness_;
  std::map<Epoch, std::string> hosts_;
  std::set<Epoch> revoked_;
  std::map<std::pair<uint64_t, uint64_t>, uint64_t> newest_;  // number sent, by the scheduler's and the fetcher's session
  uint64_t revokes_ = 0;
};

}  // namespace weft::test
