#include "common/thread_pool.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/mutex.h"

namespace weft {
namespace {

using ::testing::ElementsAre;

// Holds work until told.
class Gate {
 public:
  void Open() {
    MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }
  void Pass() {
    MutexLock lock(mutex_);
    while (!open_) changed_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ = false;
};

class ThreadPoolTest : public ::testing::Test {
 protected:
  EventLoop loop_{"test", SystemClock()};
};

TEST_F(ThreadPoolTest, RunsWorkElsewhereAndDoneOnTheLoop) {
  ThreadPool pool("pool", 2, 16, loop_);
  std::thread::id loop_thread = std::this_thread::get_id();
  std::thread::id worked;
  std::thread::id finished;
  ASSERT_TRUE(pool.Submit([&] { worked = std::this_thread::get_id(); },
                          [&] {
                            finished = std::this_thread::get_id();
                            loop_.Stop();
                          }));
  loop_.Run();
  EXPECT_NE(worked, loop_thread);
  EXPECT_NE(worked, std::thread::id());
  EXPECT_EQ(finished, loop_thread);
}

TEST_F(ThreadPoolTest, OneThreadKeepsTheOrder) {
  std::vector<int> order;
  {
    ThreadPool pool("pool", 1, 16, loop_);
    for (int i = 1; i <= 4; ++i) ASSERT_TRUE(pool.Submit([&, i] { order.push_back(i); }, [] {}));
  }
  EXPECT_THAT(order, ElementsAre(1, 2, 3, 4));
}

TEST_F(ThreadPoolTest, RefusesBeyondItsCapacityAndRunsNeitherPart) {
  Gate gate;
  int ran = 0;
  bool refused_ran = false;
  {
    ThreadPool pool("pool", 1, 3, loop_);
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(pool.Submit([&] { gate.Pass(); }, [&] { ++ran; }));
    }
    EXPECT_FALSE(pool.Submit([&] { refused_ran = true; }, [&] { refused_ran = true; }));
    gate.Open();
  }
  loop_.Stop();
  loop_.Run();
  EXPECT_EQ(ran, 3);
  EXPECT_FALSE(refused_ran);
}

TEST_F(ThreadPoolTest, DoneFindsThePlaceOfItsWorkFree) {
  ThreadPool pool("pool", 1, 1, loop_);
  int rounds = 0;
  absl::AnyInvocable<void()> next = [&] {
    if (++rounds == 100) return loop_.Stop();
    bool taken = pool.Submit([] {}, [&] { next(); });
    EXPECT_TRUE(taken);
    if (!taken) loop_.Stop();
  };
  ASSERT_TRUE(pool.Submit([] {}, [&] { next(); }));
  loop_.Run();
  EXPECT_EQ(rounds, 100);
}

TEST_F(ThreadPoolTest, DropsTheWorksStateBeforeDoneRuns) {
  auto state = std::make_shared<int>(7);  // shared: watched by the test from outside
  std::weak_ptr<int> watch = state;
  ThreadPool pool("pool", 1, 1, loop_);
  bool expired = false;
  ASSERT_TRUE(pool.Submit([owned = std::move(state)] {},
                          [&] {
                            expired = watch.expired();
                            loop_.Stop();
                          }));
  loop_.Run();
  EXPECT_TRUE(expired);
}

TEST_F(ThreadPoolTest, TheDestructorRunsWhatWasSubmitted) {
  Gate gate;
  std::atomic<int> worked{0};
  int finished = 0;
  std::thread opener;
  {
    ThreadPool pool("pool", 2, 100, loop_);
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(pool.Submit(
          [&] {
            gate.Pass();
            ++worked;
          },
          [&] { ++finished; }));
    }
    opener = std::thread([&] { gate.Open(); });
  }
  opener.join();
  EXPECT_EQ(worked, 100);
  EXPECT_EQ(finished, 0);
  loop_.Stop();
  loop_.Run();
  EXPECT_EQ(finished, 100);
}

TEST_F(ThreadPoolTest, UsesAllItsThreadsAtOnce) {
  Gate all_here;
  std::atomic<int> here{0};
  ThreadPool pool("pool", 3, 3, loop_);
  int finished = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool.Submit(
        [&] {
          if (++here == 3) all_here.Open();
          all_here.Pass();  // only if three run at a time
        },
        [&] {
          if (++finished == 3) loop_.Stop();
        }));
  }
  loop_.Run();
  EXPECT_EQ(finished, 3);
}

}  // namespace
}  // namespace weft
