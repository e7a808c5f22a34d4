// WorkPool at virtual times: the work runs some milliseconds after it was submitted, its end is told later still, and a
// crash (the end of the life) drops both. Between the two other events of the node run, as beside a real thread.
// Thread rule: one thread.
#pragma once

#include <absl/time/time.h>

#include <memory>

#include "common/random.h"
#include "common/work_pool.h"
#include "tests/support/sim_clock.h"

namespace weft::test {

struct SimWorkPoolOptions {
  size_t capacity = 8;
  absl::Duration shortest = absl::Milliseconds(1);
  absl::Duration longest = absl::Milliseconds(10);
  double stall = 0;                                // chance that a piece of work takes up to `stall_for`
  absl::Duration stall_for = absl::Seconds(3);
};

class SimWorkPool : public WorkPool {
 public:
  // `enter` runs a callback as an event of the node (and ticks it afterwards).
  using Enter = absl::AnyInvocable<void(absl::AnyInvocable<void()>)>;
  SimWorkPool(SimClock& clock, Life life, uint64_t seed, const SimWorkPoolOptions& options, Enter enter);
  bool Submit(absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> done) override;

 private:
  absl::Duration Take();

  SimClock& clock_;
  Life life_;
  std::unique_ptr<Random> random_;
  SimWorkPoolOptions options_;
  Enter enter_;
  size_t submitted_ = 0;
  absl::Time free_at_ = absl::InfinitePast();  // one thread: pieces run one after the other
};

}  // namespace weft::test
