// Time as a seam. Nothing but system_clock.cc reads a clock; everything else is handed a Clock.
// Thread rule: implementations are safe to read from any thread.
#pragma once

#include <absl/time/time.h>

namespace weft {

class Clock {
 public:
  virtual ~Clock() = default;
  // Civil time, for records and logs only: it may jump.
  virtual absl::Time WallNow() const = 0;
  // A clock that only goes forward, also while the machine sleeps (CLOCK_BOOTTIME). Its epoch means nothing
  // outside this process: only durations between two readings may be stored or sent.
  virtual absl::Time SteadyNow() const = 0;
};

// The machine's clocks. The object lives for the whole process.
const Clock& SystemClock();

}  // namespace weft
