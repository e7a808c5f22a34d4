#include "tests/support/sim_clock.h"

#include <algorithm>
#include <utility>

namespace weft::test {
namespace {

constexpr int64_t kMillion = 1'000'000;

}  // namespace

SimClock::SimClock() = default;

Life SimClock::Begin() {
  Life life = next_life_++;
  lives_[life] = {};
  return life;
}

void SimClock::End(Life life) { lives_.erase(life); }

void SimClock::Pause(Life life, absl::Duration length) {
  auto it = lives_.find(life);
  if (it == lives_.end()) return;
  if (it->second.until <= now_) it->second.from = now_;
  it->second.until = std::max(it->second.until, now_ + absl::ToInt64Nanoseconds(length));
}

bool SimClock::Paused(Life life) const {
  auto it = lives_.find(life);
  return it != lives_.end() && it->second.until > now_;
}

absl::Time SimClock::PausedFrom(Life life) const {
  auto it = lives_.find(life);
  return it == lives_.end() || it->second.from < 0 ? absl::InfinitePast() : FromNanos(it->second.from);
}

absl::Time SimClock::PausedUntil(Life life) const {
  auto it = lives_.find(life);
  return it == lives_.end() || it->second.until < 0 ? absl::InfinitePast() : FromNanos(it->second.until);
}

void SimClock::Push(Event event) {
  heap_.push_back(std::move(event));
  std::push_heap(heap_.begin(), heap_.end(), Later());
}

void SimClock::At(absl::Time when, Life life, absl::AnyInvocable<void()> run) {
  if (!Alive(life) || when == absl::InfiniteFuture()) return;
  Push({std::max(now_, absl::ToUnixNanos(when)), next_order_++, life, std::move(run)});
}

bool SimClock::RunNext() {
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), Later());
    Event event = std::move(heap_.back());
    heap_.pop_back();
    now_ = event.when;
    if (event.life != kWorld) {
      auto it = lives_.find(event.life);
      if (it == lives_.end()) continue;
      if (it->second.until > now_) {
        event.when = it->second.until;  // in the order of their own times
        event.order = next_order_++;
        Push(std::move(event));
        continue;
      }
    }
    ++events_;
    event.run();
    return true;
  }
  return false;
}

SimNodeClock::SimNodeClock(const SimClock& world, absl::Duration steady_offset, absl::Duration wall_offset,
                           int64_t drift_ppm)
    : world_(world),
      steady_offset_(absl::ToInt64Nanoseconds(steady_offset)),
      wall_offset_(wall_offset),
      drift_ppm_(drift_ppm) {}

int64_t SimNodeClock::LocalNanos(int64_t world_ns) const {
  return steady_offset_ + world_ns + world_ns / kMillion * drift_ppm_ + world_ns % kMillion * drift_ppm_ / kMillion;
}

absl::Time SimNodeClock::WallNow() const { return world_.Now() + wall_offset_; }

absl::Time SimNodeClock::SteadyNow() const { return SimClock::FromNanos(LocalNanos(world_.now_ns())); }

absl::Time SimNodeClock::FromWorld(absl::Time world) const {
  return SimClock::FromNanos(LocalNanos(absl::ToUnixNanos(world)));
}

absl::Time SimNodeClock::ToWorld(absl::Time steady) const {
  if (steady == absl::InfiniteFuture()) return steady;
  if (steady <= SteadyNow()) return world_.Now();
  int64_t local = absl::ToUnixNanos(steady);
  int64_t since = local - steady_offset_;
  int64_t guess = since - since / (kMillion + drift_ppm_) * drift_ppm_ - kMillion;
  guess = std::max<int64_t>(guess, 0);
  for (int64_t step = kMillion; step > 0; step /= 10) {
    while (LocalNanos(guess + step) < local) guess += step;
  }
  return SimClock::FromNanos(guess + 1);
}

}  // namespace weft::test
