// What the scheduler's and the nodes' sessions promise each other: an epoch is given to one grant only (rule 3), leases
// are renewed only for a node that has echoed one of the scheduler's last two nonces (rule 17), and where nothing is lost
// nothing is sent again (rule 28).
// Thread rule: one thread.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "common/bus.h"
#include "tests/support/sim_violations.h"

namespace weft::test {

class SessionCheck {
 public:
  // `lossless`: the network loses nothing, and nobody dies or stands still.
  SessionCheck(Violations& violations, bool lossless) : violations_(violations), lossless_(lossless) {}

  // Handed to the network by anybody, for the machine named.
  void OnSent(const std::string& to, const wire::Frame& frame);
  // Handed to the scheduler.
  void OnDeliveredToScheduler(const wire::Frame& frame);

 private:
  using Sessions = std::pair<uint64_t, uint64_t>;  // the scheduler's and the node's
  void CheckGrant(const wire::Frame& frame);
  void CheckRenewals(const wire::Frame& frame);

  Violations& violations_;
  bool lossless_;
  std::map<std::pair<uint64_t, uint64_t>, std::pair<uint64_t, uint64_t>> grants_;  // session and number, by epoch
  std::map<Sessions, std::array<uint64_t, 2>> nonces_;                             // the last one first
  std::map<uint64_t, uint64_t> echoed_;                                            // by a node's session: its last beat
  std::set<std::tuple<uint64_t, std::string, uint64_t>> sent_;                     // session, to whom, number
};

}  // namespace weft::test
