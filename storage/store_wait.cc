#include "storage/store_wait.h"

namespace weft {

bool StoppableWait::Pause(absl::Duration duration) {
  MutexLock lock(mutex_);
  // Woken without cause the pause is shorter, which does no harm.
  if (!stopped_) changed_.WaitFor(mutex_, duration);
  return !stopped_;
}

void StoppableWait::Stop() {
  MutexLock lock(mutex_);
  stopped_ = true;
  changed_.NotifyAll();
}

}  // namespace weft
