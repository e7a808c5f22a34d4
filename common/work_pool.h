// Blocking work (fsync, compression, look-ups) off a node's loop, as a seam. A pool has a name, a fixed number of
// threads and a bounded queue; when the queue is full Submit answers false and the caller keeps the work for its next
// tick. The simulation runs the work at a virtual time of its own.
#pragma once

#include <absl/functional/any_invocable.h>

namespace weft {

class WorkPool {
 public:
  virtual ~WorkPool() = default;
  // Runs `work` on some thread of the pool, then `done` on the loop of the node that the pool was made for.
  // False: the queue is full, neither will run.
  virtual bool Submit(absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> done) = 0;
};

}  // namespace weft
