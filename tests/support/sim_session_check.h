// What sessions promise each other: an incarnation belongs to one opening and an epoch to one grant (rule 3), the crawl's
// identity stays (rule 9), leases are renewed only for a node that has echoed one of the scheduler's last two nonces
// (rule 17), frames are sent again on evidence that the last copy is lost, and only then, and nobody says to have received what lies
// beyond a gap (rule 28).
// Thread rule: one thread.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "common/bus.h"
#include "tests/support/sim_clock.h"
#include "tests/support/sim_violations.h"

namespace weft::test {

class SessionCheck {
 public:
  // `lossless`: the network loses nothing, and nobody dies or stands still.
  SessionCheck(const SimClock& clock, Violations& violations, bool lossless)
      : clock_(clock), violations_(violations), lossless_(lossless) {}

  // Handed to the network by one process, for another; kWorld: nobody is there.
  void OnSent(Life from, Life to, const wire::Frame& frame);
  // Handed to a process.
  void OnDelivered(Life to, const wire::Frame& frame);
  // Sessions that the scheduler has taken up with nodes.
  uint64_t registrations() const { return registered_.size(); }

 private:
  using Sessions = std::pair<uint64_t, uint64_t>;  // most often the scheduler's and the node's
  // What one session has sent another one, step by step.
  struct Said {
    uint64_t steps = 0;
    std::map<uint64_t, uint64_t> last;     // step in which a number was sent last
    std::map<uint64_t, uint64_t> through;  // first step whose frame says that so much has been sent
    std::map<int64_t, uint64_t> beats;     // steps of heartbeats, by their sender's clock
    uint64_t missing = 0;                  // number that an answer to the heartbeat below showed to be missing, 0: none
    uint64_t missing_by = 0;               // its step
    uint64_t acknowledged = 0;             // the most that any answer which has come said to be received
  };
  // The last answer that reached a session, as to what it has sent.
  struct Answer {
    uint64_t echo = 0;
    absl::Time at;
  };
  struct Arrived {
    uint64_t through = 0;  // without a gap
    std::set<uint64_t> beyond;
  };
  void CheckGrant(const wire::Frame& frame);
  void CheckRenewals(const wire::Frame& frame);
  void CheckRegistered(const wire::Frame& frame);
  void CheckResend(const wire::Frame& frame);
  void CheckMissing(const wire::Frame& reply);
  void CheckReceived(Life from, const wire::Frame& frame);

  const SimClock& clock_;
  Violations& violations_;
  bool lossless_;
  std::map<std::pair<uint64_t, uint64_t>, std::pair<uint64_t, uint64_t>> grants_;  // session and number, by epoch
  std::map<Sessions, std::array<uint64_t, 2>> nonces_;                             // the last one first
  std::map<uint64_t, uint64_t> echoed_;                                            // by a node's session: its last beat
  std::set<std::tuple<uint64_t, Life, uint64_t>> sent_;                            // session, to whom, number
  std::map<Sessions, Said> said_;                                                  // from and to
  std::map<Sessions, Answer> answers_;                                             // to and from
  std::map<std::tuple<uint64_t, Life, uint64_t>, Arrived> arrived_;                // session, process, numbering's life
  std::map<uint64_t, uint64_t> incarnations_;                                      // to the scheduler's sessions
  std::set<Sessions> registered_;
  std::optional<std::string> identity_;
};

}  // namespace weft::test
