#include "tests/support/sim_work_pool.h"

#include <gtest/gtest.h>

#include <string>

namespace weft::test {
namespace {

class WorkPoolTest : public testing::Test {
 protected:
  void RunAll() {
    while (clock.RunNext()) {
    }
  }
  SimClock clock;
  Life life = clock.Begin();
  SimWorkPool pool{clock, life, 1, {.capacity = 2}, [](absl::AnyInvocable<void()> done) { done(); }};
  std::string log;
};

TEST_F(WorkPoolTest, RunsWorkThenTellsInOrder) {
  ASSERT_TRUE(pool.Submit([&] { log += "a"; }, [&] { log += "A"; }));
  ASSERT_TRUE(pool.Submit([&] { log += "b"; }, [&] { log += "B"; }));
  EXPECT_EQ(log, "");
  RunAll();
  EXPECT_EQ(log, "aAbB");
}

TEST_F(WorkPoolTest, RefusesBeyondItsCapacityUntilSomeIsDone) {
  ASSERT_TRUE(pool.Submit([] {}, [] {}));
  ASSERT_TRUE(pool.Submit([] {}, [] {}));
  EXPECT_FALSE(pool.Submit([] {}, [] {}));
  RunAll();
  EXPECT_TRUE(pool.Submit([] {}, [] {}));
}

TEST_F(WorkPoolTest, ACrashDropsWhatIsQueued) {
  ASSERT_TRUE(pool.Submit([&] { log += "a"; }, [&] { log += "A"; }));
  clock.End(life);
  RunAll();
  EXPECT_EQ(log, "");
}

}  // namespace
}  // namespace weft::test
