// What one lease shows of its host: how fast it was asked, how long its answers took, how many failed. The scheduler's
// adaptive delay and the report of the highest rate ever sent live on it.
// Bounded: requests of one second, 64 latencies. Thread rule: its lease's.
#pragma once

#include <absl/time/time.h>

#include <deque>
#include <vector>

#include "common/outcome.h"
#include "common/wire.pb.h"

namespace weft {

class RequestMeter {
 public:
  // A request begins; `since`: from the end of the response before it on its connection, infinite if there was none.
  void Began(absl::Time now, absl::Duration since);
  // A response came, with any status.
  void Answered(int status, absl::Duration took);
  void Failed(Outcome outcome);

  // Requests since the last response that timed out.
  uint64_t unanswered() const { return unanswered_; }
  void Fill(absl::Time now, wire::LeaseRelease& release) const;

 private:
  absl::Duration MedianLatency() const;

  std::vector<absl::Time> first_second_;   // the first ones of it
  std::deque<absl::Time> last_second_;
  uint64_t busiest_second_ = 0;
  absl::Duration shortest_gap_ = absl::InfiniteDuration();
  std::vector<absl::Duration> latencies_;
  uint64_t answers_ = 0;
  uint64_t errors_ = 0;
  uint64_t unanswered_ = 0;
  bool any_response_ = false;
  int throttle_status_ = 0;
};

}  // namespace weft
