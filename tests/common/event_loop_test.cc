#include "common/event_loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe(ends_), 0); }
  ~Pipe() {
    if (ends_[0] >= 0) close(ends_[0]);
    close(ends_[1]);
  }
  int reader() const { return ends_[0]; }
  void Write() { EXPECT_EQ(write(ends_[1], "x", 1), 1); }
  void Read() {
    char c;
    EXPECT_EQ(read(ends_[0], &c, 1), 1);
  }
  void CloseReader() {
    close(ends_[0]);
    ends_[0] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

// Counts ticks; wakes when told.
class CountingNode : public Node {
 public:
  void Start() override {}
  void OnMessage(const PeerId&, Message) override {}
  void OnTick() override {
    ++ticks;
    if (on_tick) on_tick();
  }
  absl::Time NextWake() const override { return next_wake; }

  int ticks = 0;
  absl::Time next_wake = absl::InfiniteFuture();
  absl::AnyInvocable<void()> on_tick;
};

class HandClock : public Clock {
 public:
  absl::Time WallNow() const override { return now; }
  absl::Time SteadyNow() const override { return now; }
  absl::Time now = absl::UnixEpoch() + absl::Hours(1);
};

class EventLoopTest : public ::testing::Test {
 protected:
  absl::Time Now() const { return SystemClock().SteadyNow(); }
  void StopAfter(absl::Duration delay) {
    loop_.At(Now() + delay, [this] { loop_.Stop(); });
  }
  EventLoop loop_{"test", SystemClock()};
};

// How many timers of this process run on the clock, as the kernel names it; all of them: "".
size_t TimersOn(const std::string& clock) {
  size_t timers = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream info(entry.path());
    for (std::string line; std::getline(info, line);) timers += line.starts_with("clockid: " + clock) ? 1 : 0;
  }
  return timers;
}

// The deadlines of leases are its timers.
TEST_F(EventLoopTest, ItsTimersGoOnWhileTheMachineIsSuspended_Rule16) {
  const std::string boottime = std::to_string(CLOCK_BOOTTIME);
  const size_t all = TimersOn("");
  const size_t steady = TimersOn(boottime);
  if (all == 0) GTEST_SKIP() << "the kernel does not tell";
  const EventLoop another("another", SystemClock());
  EXPECT_EQ(TimersOn(""), all + 1);
  EXPECT_EQ(TimersOn(boottime), steady + 1);
}

TEST_F(EventLoopTest, RunsPostsOfAnotherThreadOnTheLoopsThreadInOrder) {
  constexpr int kPosts = 20'000;
  std::vector<int> seen;
  std::thread::id loop_thread = std::this_thread::get_id();
  bool elsewhere = false;
  std::thread poster([&] {
    for (int i = 0; i < kPosts; ++i) {
      loop_.Post([&, i] {
        seen.push_back(i);
        elsewhere |= std::this_thread::get_id() != loop_thread;
      });
    }
    loop_.Stop();
  });
  loop_.Run();
  poster.join();
  ASSERT_EQ(seen.size(), size_t{kPosts});
  for (int i = 0; i < kPosts; ++i) ASSERT_EQ(seen[static_cast<size_t>(i)], i);
  EXPECT_FALSE(elsewhere);
}

TEST_F(EventLoopTest, RunsPostsOfSeveralThreadsOnce) {
  constexpr int kPosts = 5'000;
  int ran = 0;
  std::vector<std::thread> posters;
  for (int t = 0; t < 4; ++t) {
    posters.emplace_back([&] {
      for (int i = 0; i < kPosts; ++i) {
        loop_.Post([&] {
          if (++ran == 4 * kPosts) loop_.Stop();
        });
      }
    });
  }
  loop_.Run();
  for (std::thread& poster : posters) poster.join();
  EXPECT_EQ(ran, 4 * kPosts);
}

TEST_F(EventLoopTest, AnswersAPostWhileItSleeps) {
  std::atomic<int> answered{0};
  std::thread other([&] {
    for (int i = 1; i <= 200; ++i) {
      loop_.Post([&] { ++answered; });
      while (answered < i) std::this_thread::yield();  // the loop is asleep, or about to be
    }
    loop_.Stop();
  });
  loop_.Run();
  other.join();
  EXPECT_EQ(answered, 200);
}

TEST_F(EventLoopTest, RunsWhatWasPostedBeforeStopAndTheRestInTheNextRun) {
  std::vector<int> ran;
  loop_.Post([&] {
    ran.push_back(1);
    loop_.Post([&] { ran.push_back(3); });
  });
  loop_.Post([&] { ran.push_back(2); });
  loop_.Stop();
  loop_.Run();
  EXPECT_THAT(ran, ElementsAre(1, 2));
  loop_.Stop();
  loop_.Run();
  EXPECT_THAT(ran, ElementsAre(1, 2, 3));
}

TEST_F(EventLoopTest, RunsTimersInTheOrderOfTheirTimesThenOfTheCalls) {
  std::vector<int> ran;
  absl::Time start = Now();
  loop_.At(start + absl::Milliseconds(3), [&] {
    ran.push_back(4);
    loop_.Stop();
  });
  loop_.At(start + absl::Milliseconds(1), [&] { ran.push_back(2); });
  loop_.At(start + absl::Milliseconds(1), [&] { ran.push_back(3); });
  loop_.At(start - absl::Seconds(1), [&] { ran.push_back(1); });
  loop_.Run();
  EXPECT_THAT(ran, ElementsAre(1, 2, 3, 4));
}

TEST_F(EventLoopTest, NeverRunsATimerEarlyAndIsPreciseBelowAMillisecond) {
  constexpr int kTimers = 100;
  int left = kTimers;
  absl::Duration least_late = absl::InfiniteDuration();
  absl::AnyInvocable<void()> set = [&] {
    absl::Time when = Now() + absl::Microseconds(300);
    loop_.At(when, [&, when] {
      absl::Duration late = Now() - when;
      EXPECT_GE(late, absl::ZeroDuration());
      least_late = std::min(least_late, late);
      if (--left == 0) loop_.Stop();
      if (left > 0) set();
    });
  };
  set();
  loop_.Run();
  // Whole milliseconds would make each at least 700 µs late.
  EXPECT_LT(least_late, absl::Microseconds(600));
}

TEST_F(EventLoopTest, NeverRunsACancelledTimer) {
  bool ran = false;
  uint64_t id = loop_.At(Now() + absl::Milliseconds(1), [&] { ran = true; });
  loop_.CancelTimer(id);
  loop_.CancelTimer(id);
  loop_.CancelTimer(12345);
  StopAfter(absl::Milliseconds(5));
  loop_.Run();
  EXPECT_FALSE(ran);
}

TEST_F(EventLoopTest, ATimerCancelsAnotherThatIsDueInTheSameTurnAndItself) {
  absl::Time past = Now() - absl::Seconds(1);
  std::vector<int> ran;
  uint64_t first = 0;
  uint64_t second = 0;
  first = loop_.At(past, [&] {
    ran.push_back(1);
    loop_.CancelTimer(first);
    loop_.CancelTimer(second);
  });
  second = loop_.At(past, [&] { ran.push_back(2); });
  loop_.At(past, [&] {
    ran.push_back(3);
    loop_.Stop();
  });
  loop_.Run();
  EXPECT_THAT(ran, ElementsAre(1, 3));
}

TEST_F(EventLoopTest, ATimerThatSetsItselfAnewInThePastDoesNotKeepOthersAway) {
  bool posted_ran = false;
  int runs = 0;
  absl::AnyInvocable<void()> again = [&] {
    ++runs;
    if (!posted_ran) loop_.At(absl::UnixEpoch(), [&] { again(); });
  };
  loop_.At(absl::UnixEpoch(), [&] {
    loop_.Post([&] {
      posted_ran = true;
      loop_.Stop();
    });
    again();
  });
  loop_.Run();
  EXPECT_GE(runs, 1);
}

TEST_F(EventLoopTest, CallsBackForAReadableDescriptorUntilUnwatched) {
  Pipe pipe;
  int calls = 0;
  loop_.Watch(pipe.reader(), EPOLLIN, [&](uint32_t events) {
    EXPECT_TRUE(events & EPOLLIN);
    if (++calls < 3) return;  // level-triggered: comes again
    loop_.Unwatch(pipe.reader());
    StopAfter(absl::Milliseconds(2));
  });
  pipe.Write();
  loop_.Run();
  EXPECT_EQ(calls, 3);
}

TEST_F(EventLoopTest, ASecondWatchReplacesTheFirstFromWithinItsOwnCallback) {
  Pipe pipe;
  std::string seen;
  std::string owned = "first, a string that is not stored inline in its object";
  loop_.Watch(pipe.reader(), EPOLLIN, [&, owned](uint32_t) {
    loop_.Watch(pipe.reader(), EPOLLIN, [&](uint32_t) {
      seen += "|second";
      loop_.Unwatch(pipe.reader());
      loop_.Stop();
    });
    seen += owned;  // still there
  });
  pipe.Write();
  loop_.Run();
  EXPECT_EQ(seen, owned + "|second");
}

TEST_F(EventLoopTest, ACallbackUnwatchesAnotherThatIsReadyInTheSameTurn) {
  Pipe first;
  Pipe second;
  int calls = 0;
  auto unwatch_both = [&](uint32_t) {
    ++calls;
    loop_.Unwatch(first.reader());
    loop_.Unwatch(second.reader());
    StopAfter(absl::Milliseconds(2));
  };
  loop_.Watch(first.reader(), EPOLLIN, unwatch_both);
  loop_.Watch(second.reader(), EPOLLIN, unwatch_both);
  first.Write();
  second.Write();
  loop_.Run();
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, AnEventOfAClosedDescriptorDoesNotReachTheNextOneOfThatNumber) {
  Pipe pipes[2];
  std::unique_ptr<Pipe> reborn;
  int calls = 0;
  int calls_of_reborn = 0;
  for (int i = 0; i < 2; ++i) {
    loop_.Watch(pipes[i].reader(), EPOLLIN, [&, i](uint32_t) {
      ++calls;
      pipes[i].Read();
      int number = pipes[1 - i].reader();
      loop_.Unwatch(number);
      pipes[1 - i].CloseReader();
      reborn = std::make_unique<Pipe>();
      ASSERT_EQ(reborn->reader(), number);
      loop_.Watch(number, EPOLLIN, [&](uint32_t) { ++calls_of_reborn; });
      StopAfter(absl::Milliseconds(2));
    });
  }
  pipes[0].Write();
  pipes[1].Write();
  loop_.Run();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(calls_of_reborn, 0);
}

TEST_F(EventLoopTest, ADescriptorClosedWithoutUnwatchMayBeWatchedAgain) {
  auto pipe = std::make_unique<Pipe>();
  int number = pipe->reader();
  loop_.Watch(number, EPOLLIN, [](uint32_t) { FAIL(); });
  pipe = nullptr;
  Pipe next;
  ASSERT_EQ(next.reader(), number);
  bool called = false;
  loop_.Watch(number, EPOLLIN, [&](uint32_t) {
    called = true;
    loop_.Stop();
  });
  next.Write();
  loop_.Run();
  EXPECT_TRUE(called);
}

TEST_F(EventLoopTest, DoesNotSleepWhileAPollerIsBusy) {
  int polls = 0;
  loop_.AddPoller([&] {
    if (++polls < 1000) return true;
    loop_.Stop();
    return false;
  });
  loop_.Run();  // would sleep for ever
  EXPECT_EQ(polls, 1001);  // the last turn after Stop
}

TEST_F(EventLoopTest, APollerIsGoneOnceRemovedAlsoByItself) {
  int polls = 0;
  uint64_t id = 0;
  id = loop_.AddPoller([&] {
    ++polls;
    loop_.RemovePoller(id);
    return true;
  });
  StopAfter(absl::Milliseconds(2));
  loop_.Run();
  EXPECT_EQ(polls, 1);
}

TEST_F(EventLoopTest, TicksTheNodeAfterATurnAndBeforeThePollers) {
  CountingNode node;
  int ticks_at_poll = -1;
  loop_.SetNode(&node);
  loop_.AddPoller([&] {
    if (ticks_at_poll < 0) ticks_at_poll = node.ticks;
    return false;
  });
  loop_.Post([&] { EXPECT_EQ(node.ticks, 0); });
  loop_.Stop();
  loop_.Run();
  EXPECT_EQ(node.ticks, 1);
  EXPECT_EQ(ticks_at_poll, 1);
}

TEST_F(EventLoopTest, TicksAnIdleNodeOnlyWhenSomethingHappens) {
  CountingNode node;
  loop_.SetNode(&node);
  StopAfter(absl::Milliseconds(20));
  loop_.Run();
  EXPECT_EQ(node.ticks, 3);  // the first turn, the timer's, and the last
}

TEST_F(EventLoopTest, TicksTheNodeAtItsNextWake) {
  CountingNode node;
  absl::Time wake = Now() + absl::Milliseconds(3);
  node.next_wake = wake;
  node.on_tick = [&] {
    if (Now() >= wake) loop_.Stop();
  };
  loop_.SetNode(&node);
  loop_.Run();
  EXPECT_GE(Now(), wake);
  EXPECT_EQ(node.ticks, 3);  // the first turn, this one, and the last
}

TEST_F(EventLoopTest, ANodeThatAlwaysWantsToWakeDoesNotMakeTheLoopSpin) {
  CountingNode node;
  node.next_wake = absl::InfinitePast();
  loop_.SetNode(&node);
  absl::Time start = Now();
  StopAfter(absl::Milliseconds(20));
  loop_.Run();
  EXPECT_GT(node.ticks, 2);
  EXPECT_LE(node.ticks, 3 + (Now() - start) / absl::Microseconds(200));
}

TEST_F(EventLoopTest, StopsFromEveryKindOfCallbackAndRunsAgain) {
  Pipe pipe;
  pipe.Write();
  loop_.Watch(pipe.reader(), EPOLLIN, [&](uint32_t) {
    loop_.Unwatch(pipe.reader());
    loop_.Stop();
  });
  loop_.Run();
  loop_.At(Now(), [&] { loop_.Stop(); });
  loop_.Run();
  loop_.Post([&] { loop_.Stop(); });
  loop_.Run();
  CountingNode node;
  node.on_tick = [&] { loop_.Stop(); };
  loop_.SetNode(&node);
  loop_.Run();
  EXPECT_GE(node.ticks, 1);
}

TEST(EventLoopDestruction, AllowsCallbacksWhoseStateUnwatchesAndCancels) {
  Pipe pipe;
  int ended = 0;
  {
    auto loop = std::make_unique<EventLoop>("test", SystemClock());
    EventLoop* raw = loop.get();
    struct Ender {
      EventLoop* loop;
      int fd;
      int* ended;
      ~Ender() {
        loop->Unwatch(fd);
        loop->CancelTimer(1);
        ++*ended;
      }
    };
    auto ender = [&] { return std::unique_ptr<Ender>(new Ender{raw, pipe.reader(), &ended}); };
    loop->At(absl::InfiniteFuture(), [owned = ender()] {});
    loop->Watch(pipe.reader(), EPOLLIN, [owned = ender()](uint32_t) {});
    loop->Post([owned = ender()] {});
    loop->AddPoller([owned = ender()] { return false; });
  }
  EXPECT_EQ(ended, 4);
}

class SlowCallbacks : public ::testing::Test {
 protected:
  SlowCallbacks() {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(log_)));
  }
  ~SlowCallbacks() override { spdlog::set_default_logger(before_); }

  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  std::ostringstream log_;
  HandClock clock_;
  EventLoop loop_{"slowpoke", clock_, absl::Milliseconds(250)};
};

TEST_F(SlowCallbacks, AreReportedWithTheLoopsNameAndTheTime) {
  loop_.Post([&] { clock_.now += absl::Milliseconds(321); });
  loop_.Stop();
  loop_.Run();
  EXPECT_THAT(log_.str(), HasSubstr("loop slowpoke: a posted callback held the loop for 321 ms"));
}

TEST_F(SlowCallbacks, AreNotReportedBelowTheLimitOrForSleep) {
  loop_.Post([&] { clock_.now += absl::Milliseconds(249); });
  loop_.Post([&] { clock_.now += absl::Milliseconds(249); });
  loop_.Stop();
  loop_.Run();
  clock_.now += absl::Seconds(10);  // between two turns
  loop_.Stop();
  loop_.Run();
  EXPECT_EQ(log_.str(), "");
}

TEST_F(SlowCallbacks, IncludeTheNodesTick) {
  CountingNode node;
  node.on_tick = [&] { clock_.now += absl::Seconds(2); };
  loop_.SetNode(&node);
  loop_.Stop();
  loop_.Run();
  EXPECT_THAT(log_.str(), HasSubstr("the node's tick held the loop for 2000 ms"));
}

}  // namespace
}  // namespace weft
