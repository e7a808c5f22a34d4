#include "cli/scheduler_contact.h"

#include <gmock/gmock.h>

namespace weft {
namespace {

using testing::HasSubstr;

class SchedulerContactTest : public testing::Test {
 protected:
  std::string At(int seconds, bool hears) { return contact_.Observe(hears, absl::FromUnixSeconds(1000 + seconds)); }
  SchedulerContact contact_{"tcp://x:1", "working", absl::FromUnixSeconds(1000)};
};

TEST_F(SchedulerContactTest, WorkingIsSaidOnceRegistered) {
  EXPECT_EQ(At(0, false), "");
  EXPECT_FALSE(contact_.begun());
  EXPECT_EQ(At(1, true), "working");
  EXPECT_EQ(At(2, true), "");
  EXPECT_TRUE(contact_.begun());
}

TEST_F(SchedulerContactTest, NoAnswerIsToldAfterThreeSecondsAndEveryThirty) {
  EXPECT_EQ(At(2, false), "");
  EXPECT_EQ(At(3, false), "no answer from the scheduler at tcp://x:1 yet; trying on (one that is there may first wait for an earlier worker of this name "
                          "or token, which was killed)");
  EXPECT_EQ(At(32, false), "");
  EXPECT_THAT(At(33, false), HasSubstr("no answer"));
  EXPECT_EQ(At(34, true), "working");
}

TEST_F(SchedulerContactTest, ALostSchedulerIsToldAndThatItIsBack) {
  At(0, true);
  EXPECT_EQ(At(10, false), "");
  EXPECT_THAT(At(13, false), HasSubstr("does not answer any more"));
  EXPECT_EQ(At(20, true), "the scheduler at tcp://x:1 is back");
}

TEST_F(SchedulerContactTest, AShortSilenceIsNotWorthALine) {
  At(0, true);
  EXPECT_EQ(At(10, false), "");
  EXPECT_EQ(At(12, true), "");
}

}  // namespace
}  // namespace weft
