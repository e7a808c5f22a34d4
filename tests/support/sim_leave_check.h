// Nodes that leave: one that is told to drain gets no further lease, and asks nothing any more once it has read that; a fetcher says
// goodbye when every page that it sent has been acknowledged to it; and no node is forgotten that may still be asking under a
// lease (rules 15, 16, 31).
// Thread rule: one thread.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/wire.pb.h"
#include "tests/support/sim_clock.h"
#include "tests/support/sim_lease_check.h"
#include "tests/support/sim_transport.h"
#include "tests/support/sim_violations.h"

namespace weft::test {

class LeaveCheck {
 public:
  LeaveCheck(const SimClock& clock, Violations& violations, const LeaseCheck& leases)
      : clock_(clock), violations_(violations), leases_(leases) {}

  void OnFetcherStart(Life life, const std::string& machine) { machines_[life] = machine; }
  void OnFetcherGone(Life life);
  void OnSentToFetcher(Life fetcher, const wire::Frame& frame);
  void OnSentByFetcher(Life fetcher, const wire::Frame& frame);
  void OnDeliveredToFetcher(Life fetcher, const wire::Frame& frame);
  void OnRequest(const SeenRequest& request);
  // A tool's wish has reached the scheduler; the scheduler answers it.
  void OnAsked(const wire::Frame& frame);
  void OnAnswered(const wire::Frame& frame);

  // Nodes that have left in order, nodes and pages directories that were forgotten, as their tools were told.
  uint64_t drained() const { return drained_; }
  uint64_t forgotten() const { return forgotten_; }
  // A drain that was told is one node's, not the end of the crawl.
  bool Leaves(const std::string& machine) const { return leaving_.contains(machine); }

 private:
  struct Drain {
    uint64_t seq = 0;
    absl::Time until;      // what is said of it then is over
    uint64_t newest = 0;   // number sent since
  };
  using Sessions = std::pair<uint64_t, uint64_t>;  // the scheduler's and the fetcher's

  const SimClock& clock_;
  Violations& violations_;
  const LeaseCheck& leases_;
  std::map<Life, std::string> machines_;
  std::map<std::pair<Life, Sessions>, Drain> drains_;
  std::map<Life, absl::Time> read_;               // when a fetcher had read that it is to leave
  std::map<Life, std::set<uint64_t>> held_;       // pages sent by a fetcher and not acknowledged to it
  std::map<uint64_t, wire::NodeRequest> asked_;   // by the tool's session
  std::set<std::pair<uint64_t, uint64_t>> seen_;  // questions and answers, by session and number: some are sent again
  std::set<std::string> leaving_;
  uint64_t drained_ = 0;
  uint64_t forgotten_ = 0;
};

}  // namespace weft::test
