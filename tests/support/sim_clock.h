// Virtual time for a whole simulated cluster: one queue of events, run in order of time and then of arrival, and the
// lives (process starts) that events belong to. An event of a life that has ended is dropped, as a crash drops what a
// process had in mind; an event of a paused life waits, as it does for a stopped process.
// Thread rule: one thread.
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <vector>

#include "common/clock.h"

namespace weft::test {

using Life = uint64_t;
inline constexpr Life kWorld = 0;  // never ends, never pauses: the network, the web, the script of faults

class SimClock {
 public:
  SimClock();

  absl::Time Now() const { return FromNanos(now_); }
  int64_t now_ns() const { return now_; }
  static absl::Time FromNanos(int64_t ns) { return absl::UnixEpoch() + absl::Nanoseconds(ns); }

  Life Begin();
  void End(Life life);
  bool Alive(Life life) const { return life == kWorld || lives_.contains(life); }
  // Its events wait until then; a later end of the pause wins.
  void Pause(Life life, absl::Duration length);
  bool Paused(Life life) const;
  // When the current or last pause of the life began and ends; the infinite past if there was none.
  absl::Time PausedFrom(Life life) const;
  absl::Time PausedUntil(Life life) const;

  void At(absl::Time when, Life life, absl::AnyInvocable<void()> run);
  void After(absl::Duration wait, Life life, absl::AnyInvocable<void()> run) { At(Now() + wait, life, std::move(run)); }

  // Runs the next event; false: there is none.
  bool RunNext();
  uint64_t events() const { return events_; }
  size_t waiting() const { return heap_.size(); }

 private:
  struct Event {
    int64_t when;
    uint64_t order;
    Life life;
    absl::AnyInvocable<void()> run;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.when != b.when ? a.when > b.when : a.order > b.order;
    }
  };
  struct Pausing {
    int64_t from = -1;
    int64_t until = -1;
  };
  void Push(Event event);

  int64_t now_ = 0;
  uint64_t next_order_ = 1;
  uint64_t events_ = 0;
  Life next_life_ = 1;
  std::map<Life, Pausing> lives_;
  std::vector<Event> heap_;
};

// The clocks of one machine: an epoch and a drift of their own, so that a time that leaks from one node to another is
// wrong at the other one.
class SimNodeClock : public Clock {
 public:
  // `drift_ppm`: millionths that this clock runs fast.
  SimNodeClock(const SimClock& world, absl::Duration steady_offset, absl::Duration wall_offset, int64_t drift_ppm);

  absl::Time WallNow() const override;
  absl::Time SteadyNow() const override;
  // Somebody sets the machine's wall clock: forward, or back where it is negative.
  void JumpWall(absl::Duration by) { wall_offset_ += by; }
  // What no machine's steady clock does: for tests that plant a fault.
  void JumpSteady(absl::Duration by) { steady_offset_ += absl::ToInt64Nanoseconds(by); }
  // The first moment of the world at which SteadyNow() is at least `steady`.
  absl::Time ToWorld(absl::Time steady) const;
  absl::Time FromWorld(absl::Time world) const;

 private:
  int64_t LocalNanos(int64_t world_ns) const;

  const SimClock& world_;
  int64_t steady_offset_;
  absl::Duration wall_offset_;
  int64_t drift_ppm_;
};

}  // namespace weft::test
