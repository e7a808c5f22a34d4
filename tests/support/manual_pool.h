// A work pool that runs what was submitted when the test says so: first the work, then, apart from it, its end.
#pragma once

#include <deque>
#include <utility>

#include "common/work_pool.h"

namespace weft::test {

class ManualPool : public WorkPool {
 public:
  bool Submit(absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> done) override {
    if (full) return false;
    jobs_.emplace_back(std::move(work), std::move(done));
    return true;
  }
  // Runs the oldest job and tells its end.
  void RunOne() {
    auto [work, done] = std::move(jobs_.front());
    jobs_.pop_front();
    work();
    done();
  }
  void RunAll() {
    while (!jobs_.empty()) RunOne();
  }
  size_t waiting() const { return jobs_.size(); }

  bool full = false;

 private:
  std::deque<std::pair<absl::AnyInvocable<void()>, absl::AnyInvocable<void()>>> jobs_;
};

}  // namespace weft::test
