#include "tests/support/sim_clock.h"

#include <gtest/gtest.h>

#include <string>

namespace weft::test {
namespace {

void RunAll(SimClock& clock) {
  while (clock.RunNext()) {
  }
}

TEST(SimClock, RunsEventsInOrderOfTimeThenOfArrival) {
  SimClock clock;
  std::string order;
  clock.After(absl::Seconds(2), kWorld, [&] { order += 'c'; });
  clock.After(absl::Seconds(1), kWorld, [&] { order += 'a'; });
  clock.After(absl::Seconds(1), kWorld, [&] { order += 'b'; });
  RunAll(clock);
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(clock.Now(), absl::UnixEpoch() + absl::Seconds(2));
}

TEST(SimClock, TheEndOfALifeDropsItsEvents) {
  SimClock clock;
  Life life = clock.Begin();
  bool ran = false;
  clock.After(absl::Seconds(1), life, [&] { ran = true; });
  clock.End(life);
  RunAll(clock);
  EXPECT_FALSE(ran);
}

TEST(SimClock, APausedLifeGetsItsEventsInOrderAfterThePause) {
  SimClock clock;
  Life life = clock.Begin();
  std::string order;
  absl::Time first_ran;
  clock.After(absl::Seconds(1), life, [&] { order += 'a', first_ran = clock.Now(); });
  clock.After(absl::Seconds(2), life, [&] { order += 'b'; });
  clock.After(absl::Seconds(3), kWorld, [&] { order += 'w'; });
  clock.Pause(life, absl::Seconds(5));
  RunAll(clock);
  EXPECT_EQ(order, "wab");
  EXPECT_EQ(first_ran, absl::UnixEpoch() + absl::Seconds(5));
}

TEST(SimClock, TellsWhenThePauseBeganAndEnds) {
  SimClock clock;
  Life life = clock.Begin();
  clock.After(absl::Seconds(1), kWorld, [&] { clock.Pause(life, absl::Seconds(5)); });
  RunAll(clock);
  EXPECT_TRUE(clock.Paused(life));
  EXPECT_EQ(clock.PausedFrom(life), absl::UnixEpoch() + absl::Seconds(1));
  EXPECT_EQ(clock.PausedUntil(life), absl::UnixEpoch() + absl::Seconds(6));
}

TEST(SimNodeClock, ToWorldIsTheFirstMomentThatShowsTheTime) {
  SimClock clock;
  clock.After(absl::Seconds(12'345), kWorld, [] {});
  RunAll(clock);
  for (int64_t drift : {-100, 0, 7, 100}) {
    SimNodeClock node(clock, absl::Seconds(98'765), absl::ZeroDuration(), drift);
    for (int64_t ns : {int64_t{1}, int64_t{999}, int64_t{123'456'789}, int64_t{60'000'000'000}}) {
      absl::Time steady = node.SteadyNow() + absl::Nanoseconds(ns);
      absl::Time world = node.ToWorld(steady);
      EXPECT_GE(node.FromWorld(world), steady) << drift << " " << ns;
      EXPECT_LT(node.FromWorld(world - absl::Nanoseconds(2)), steady) << drift << " " << ns;
    }
  }
}

TEST(SimNodeClock, DriftsByMillionths) {
  SimClock clock;
  SimNodeClock fast(clock, absl::ZeroDuration(), absl::ZeroDuration(), 100);
  clock.After(absl::Seconds(1000), kWorld, [] {});
  RunAll(clock);
  EXPECT_EQ(fast.SteadyNow(), absl::UnixEpoch() + absl::Seconds(1000) + absl::Milliseconds(100));
}

TEST(SimNodeClock, AJumpOfTheWallClockMovesNothingElse) {
  SimClock clock;
  SimNodeClock node(clock, absl::Seconds(9), absl::Seconds(1000), 0);
  const absl::Time steady = node.SteadyNow();
  node.JumpWall(-absl::Hours(1));
  EXPECT_EQ(node.WallNow(), absl::UnixEpoch() + absl::Seconds(1000) - absl::Hours(1));
  EXPECT_EQ(node.SteadyNow(), steady);
}

}  // namespace
}  // namespace weft::test
