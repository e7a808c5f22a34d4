#include <time.h>

#include "common/clock.h"

namespace weft {
namespace {

absl::Time Read(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return absl::TimeFromTimespec(now);
}

class KernelClock : public Clock {
 public:
  absl::Time WallNow() const override { return Read(CLOCK_REALTIME); }
  absl::Time SteadyNow() const override { return Read(CLOCK_BOOTTIME); }
};

}  // namespace

const Clock& SystemClock() {
  static const KernelClock clock;
  return clock;
}

}  // namespace weft
