// Rule 16: no request starts after its lease's deadline as the fetcher knows it, and none without a lease or a permit, nor
// under one that it has given back or has read the revocation of (rule 24). Deadlines are read from the messages that
// reached the fetcher, in the time of its own clock.
// Thread rule: one thread.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/wire.pb.h"
#include "tests/support/sim_clock.h"
#include "tests/support/sim_transport.h"
#include "tests/support/sim_violations.h"

namespace weft::test {

class LeaseCheck {
 public:
  LeaseCheck(const SimClock& clock, Violations& violations) : clock_(clock), violations_(violations) {}

  void OnFetcherStart(Life life, const SimNodeClock& node_clock) { clocks_[life] = &node_clock; }
  void OnFetcherGone(Life life);
  // A frame was handed to the fetcher.
  void OnDelivered(Life fetcher, const wire::Frame& frame);
  // A fetcher's frame was handed to the network.
  void OnSentByFetcher(Life fetcher, const wire::Frame& frame);
  // The scheduler has sent the fetcher the revocation of a lease.
  void OnRevokeSent(Life fetcher, const wire::Frame& frame);
  void OnRequest(const SeenRequest& request);
  // Until when a living fetcher other than this one may start a request to the host, and which one.
  std::pair<absl::Time, Life> OthersMayAsk(Life fetcher, const std::string& host) const;
  // The host of a permit that was asked for and has not reached its fetcher; empty if nobody asked.
  std::string WantedHost(uint64_t fetcher_session, uint64_t permit_id) const;
  // The last moment at which this fetcher may start a request to the host; the infinite past if it never could.
  absl::Time DeadlineOf(Life fetcher, const std::string& host) const;
  // The last moment at which it may start a request to any host; it gives up its leases when it registers anew.
  absl::Time AsksUntil(Life fetcher) const;
  // When its last lease of the host reached it.
  absl::Time GrantedAt(Life fetcher, const std::string& host) const;
  // The host of a lease; empty if the fetcher never heard of it.
  std::string HostOf(Life fetcher, const wire::Epoch& epoch) const;

 private:
  struct Wanted {
    std::string host;
    absl::Time asked;
  };
  // One lease or permit at one fetcher.
  struct Right {
    absl::Time until = absl::InfinitePast();
    bool given_back = false;
    absl::Time revoked = absl::InfiniteFuture();  // read by the fetcher
  };
  struct Revoke {
    uint64_t scheduler_session = 0;
    uint64_t fetcher_session = 0;
    uint64_t seq = 0;
    Life fetcher = kWorld;
    uint64_t right = 0;
  };
  void Extend(Life fetcher, const std::string& host, uint64_t right, absl::Time until);
  void GiveBack(Life fetcher, const std::string& host, uint64_t right);

  const SimClock& clock_;
  Violations& violations_;
  std::map<Life, const SimNodeClock*> clocks_;
  std::map<std::pair<Life, uint64_t>, std::string> hosts_;            // of epochs, by incarnation ^ counter
  std::map<std::pair<Life, std::string>, std::map<uint64_t, Right>> rights_;  // by epoch or permit; the world's time
  std::vector<Revoke> revokes_;                                       // on their way
  // Asked for, by the fetcher's session: a scheduler that starts again counts from the beginning.
  std::map<std::pair<uint64_t, uint64_t>, Wanted> permits_;
  std::map<std::pair<Life, std::string>, absl::Time> granted_;
  std::map<Life, absl::Time> registers_;                              // sent last
};

}  // namespace weft::test
