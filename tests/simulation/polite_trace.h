// The checker of politeness: reads who asked whom and when, and counts by itself. It knows the world's limits as plain
// numbers and shares no code with the crawler.
// Thread rule: one thread.
#pragma once

#include <absl/time/time.h>

#include <array>
#include <deque>
#include <string>
#include <vector>

#include "tests/simulation/polite_world.h"

namespace weft::test {

class PoliteTrace {
 public:
  explicit PoliteTrace(const PoliteWorld& world);

  void OnRequest(size_t host, int fetcher, absl::Time now);
  // `retry_after`: zero unless the answer asks for a pause.
  void OnEnd(size_t host, absl::Time now, absl::Duration retry_after);
  void OnLease(size_t host, absl::Time now);
  void OnLeaseOver(size_t host, absl::Time now);
  // While a fetcher has credit: nobody may wait twice in a row who could be leased.
  void LookForIdle(absl::Time now);

  uint64_t requests() const { return requests_; }
  uint64_t requests_of(PoliteBound bound) const { return by_bound_[static_cast<size_t>(bound)]; }
  uint64_t requests_of(size_t host) const { return hosts_[host].requests; }
  uint64_t throttles() const { return throttles_; }
  // How late after the end of a pause the host was asked again, at most; beyond the pause, as a share of it and a second.
  absl::Duration latest_after_pause() const { return latest_after_pause_; }
  size_t violation_count() const { return violation_count_; }
  const std::vector<std::string>& violations() const { return violations_; }   // the first ones

 private:
  struct Host {
    bool open = false;
    bool leased = false;
    int fetcher = -1;
    bool idle = false;
    bool ever_throttled = false;
    bool pause_open = false;             // not asked since the pause
    absl::Time last_end = absl::InfinitePast();
    absl::Time paused_until = absl::InfinitePast();
    uint64_t requests = 0;
  };
  struct Limit {
    uint32_t open = 0;
    std::deque<absl::Time> ended;        // of responses, not longer ago than the delay
    uint32_t leases = 0;
    std::deque<absl::Time> over;         // when places of ended leases are free again
  };
  bool MayBeLeased(size_t host, absl::Time now);
  std::string Limits(size_t host, absl::Time now) const;
  void Violation(std::string text);

  const PoliteWorld& world_;
  std::vector<Host> hosts_;
  std::vector<Limit> limits_;
  uint64_t requests_ = 0;
  std::array<uint64_t, kPoliteBounds> by_bound_ = {};
  uint64_t throttles_ = 0;
  absl::Duration latest_after_pause_;
  size_t violation_count_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace weft::test
