// WorkPool on real threads; see work_pool.h. `done` callbacks are posted to the loop.
// Thread rule: Submit from any thread. The loop outlives the pool.
#pragma once

#include <memory>
#include <string>

#include "common/event_loop.h"
#include "common/work_pool.h"

namespace weft {

class ThreadPool : public WorkPool {
 public:
  // At most `capacity` pieces of work wait or run. The destructor runs what was submitted, then joins.
  ThreadPool(std::string name, int threads, size_t capacity, EventLoop& loop);
  ~ThreadPool() override;
  bool Submit(absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> done) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
