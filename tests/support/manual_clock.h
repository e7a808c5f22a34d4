// A clock that a test moves by hand. Wall and steady time go together.
#pragma once

#include "common/clock.h"

namespace weft::test {

class ManualClock : public Clock {
 public:
  absl::Time WallNow() const override { return now_; }
  absl::Time SteadyNow() const override { return now_; }
  void Advance(absl::Duration by) { now_ += by; }

 private:
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
};

}  // namespace weft::test
