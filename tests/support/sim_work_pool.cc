#include "tests/support/sim_work_pool.h"

#include <algorithm>
#include <utility>

namespace weft::test {

SimWorkPool::SimWorkPool(SimClock& clock, Life life, uint64_t seed, const SimWorkPoolOptions& options, Enter enter)
    : clock_(clock), life_(life), random_(SeededRandom(seed)), options_(options), enter_(std::move(enter)) {}

absl::Duration SimWorkPool::Take() {
  absl::Duration longest = random_->Unit() < options_.stall ? options_.stall_for : options_.longest;
  return options_.shortest + (longest - options_.shortest) * random_->Unit();
}

bool SimWorkPool::Submit(absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> done) {
  if (submitted_ >= options_.capacity) return false;
  ++submitted_;
  // The work takes effect somewhere between its start and the moment at which the node hears of its end.
  absl::Time effect = std::max(clock_.Now(), free_at_) + Take();
  free_at_ = effect + Take();
  clock_.At(effect, life_, std::move(work));
  clock_.At(free_at_, life_, [this, done = std::move(done)]() mutable {
    --submitted_;
    enter_(std::move(done));
  });
  return true;
}

}  // namespace weft::test
