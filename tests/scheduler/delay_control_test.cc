#include "scheduler/delay_control.h"

#include <gtest/gtest.h>

#include "common/politeness.h"

namespace weft {
namespace {

DelayTerms Terms(absl::Duration start, absl::Duration least, absl::Duration most) { return {start, least, most}; }

LeaseSight Calm(absl::Duration latency = absl::Milliseconds(100)) {
  LeaseSight sight;
  sight.answers = 5;
  sight.latency = latency;
  return sight;
}

LeaseSight Failing() {
  LeaseSight sight;
  sight.answers = 1;
  sight.errors = 3;
  sight.latency = absl::Milliseconds(100);
  return sight;
}

const DelayTerms kPlain = Terms(absl::Seconds(1), absl::Seconds(1), absl::Seconds(60));

TEST(DelayTerms, WithoutOptionsTheDelayIsWhereItStartsAndItsFloor) {
  wire::CrawlSettings settings;
  settings.set_delay_us(1'000'000);
  DelayTerms terms = DelayTermsOf(settings);
  EXPECT_EQ(terms.start, absl::Seconds(1));
  EXPECT_EQ(terms.least, absl::Seconds(1));
  EXPECT_EQ(terms.most, kDelayMaxDefault);
  settings.set_delay_us(absl::ToInt64Microseconds(absl::Minutes(5)));
  EXPECT_EQ(DelayTermsOf(settings).most, absl::Minutes(5));
}

TEST(DelayTerms, AFloorOfZeroIsOneThatWasGiven) {
  wire::CrawlSettings settings;
  settings.set_delay_us(1'000'000);
  settings.set_has_delay_min(true);
  settings.set_delay_max_us(2'000'000);
  DelayTerms terms = DelayTermsOf(settings);
  EXPECT_EQ(terms.least, absl::ZeroDuration());
  EXPECT_EQ(terms.most, absl::Seconds(2));
}

TEST(HostDelay, CrawlDelayIsAFloorUpToItsCap) {
  EXPECT_EQ(HostDelay(kPlain, absl::ZeroDuration(), absl::ZeroDuration()), absl::Seconds(1));
  EXPECT_EQ(HostDelay(kPlain, absl::ZeroDuration(), absl::Seconds(10)), absl::Seconds(10));
  EXPECT_EQ(HostDelay(kPlain, absl::Seconds(20), absl::Seconds(10)), absl::Seconds(20));
  EXPECT_EQ(HostDelay(kPlain, absl::ZeroDuration(), absl::Hours(5)), kLongestCrawlDelay);
  EXPECT_EQ(HostDelay(kPlain, absl::Hours(5), absl::ZeroDuration()), absl::Seconds(60)) << "of other settings";
}

TEST(NextPace, AFastSiteIsCrawledAtTheDelayForEver) {
  HostPace pace{absl::Seconds(1), absl::ZeroDuration()};
  for (int i = 0; i < 1000; ++i) {
    pace = NextPace(kPlain, pace, Calm(absl::Milliseconds(20 + 37 * (i % 25))));
    ASSERT_EQ(pace.delay, absl::Seconds(1)) << i;
  }
}

TEST(NextPace, WithoutDelayAFastSiteStaysWithoutDelay) {
  DelayTerms none = Terms(absl::ZeroDuration(), absl::ZeroDuration(), absl::Seconds(60));
  HostPace pace;
  for (int i = 0; i < 1000; ++i) {
    pace = NextPace(none, pace, Calm(absl::Milliseconds(1 + i % 300)));
    ASSERT_EQ(pace.delay, absl::ZeroDuration()) << i;
  }
}

TEST(NextPace, ErrorsDoubleTheDelayUpToItsMost) {
  HostPace pace{absl::Seconds(1), absl::Milliseconds(100)};
  for (int seconds : {2, 4, 8, 16, 32, 60, 60}) {
    pace = NextPace(kPlain, pace, Failing());
    EXPECT_EQ(pace.delay, absl::Seconds(seconds));
  }
}

TEST(NextPace, ABrokenPageNowAndThenIsNoTrouble) {
  HostPace pace{absl::Seconds(1), absl::Milliseconds(100)};
  LeaseSight sight = Calm();
  sight.errors = 1;
  EXPECT_EQ(NextPace(kPlain, pace, sight).delay, absl::Seconds(1));
  sight.answers = 0;
  EXPECT_EQ(NextPace(kPlain, pace, sight).delay, absl::Seconds(1));
}

TEST(NextPace, AThrottledAnswerDoublesTheDelay) {
  LeaseSight sight = Calm();
  sight.throttled = true;
  EXPECT_EQ(NextPace(kPlain, {absl::Seconds(3), absl::ZeroDuration()}, sight).delay, absl::Seconds(6));
  DelayTerms none = Terms(absl::ZeroDuration(), absl::ZeroDuration(), absl::Seconds(60));
  EXPECT_GT(NextPace(none, {}, sight).delay, absl::ZeroDuration());
}

TEST(NextPace, AnswersThatGetSlowDoubleTheDelayAndSlowOnesAloneDoNot) {
  HostPace pace{absl::Seconds(1), absl::Milliseconds(200)};
  EXPECT_EQ(NextPace(kPlain, pace, Calm(absl::Seconds(5))).delay, absl::Seconds(2));
  EXPECT_EQ(NextPace(kPlain, pace, Calm(absl::Milliseconds(1100))).delay, absl::Seconds(1));
  // A host that always takes 30 s is as well as ever.
  HostPace slow{absl::Seconds(1), absl::ZeroDuration()};
  for (int i = 0; i < 10; ++i) slow = NextPace(kPlain, slow, Calm(absl::Seconds(30)));
  EXPECT_EQ(slow.delay, absl::Seconds(1));
}

TEST(NextPace, TheRateGrowsBySteadyStepsWhileAllGoesWell) {
  HostPace pace{absl::Seconds(32), absl::Milliseconds(100)};
  double rate = 1.0 / 32;
  int leases = 0;
  while (pace.delay > absl::Seconds(1)) {
    pace = NextPace(kPlain, pace, Calm());
    double now = 1 / absl::ToDoubleSeconds(pace.delay);
    EXPECT_GT(now, rate);
    EXPECT_LE(now - rate, 0.126);
    rate = now;
    ASSERT_LT(++leases, 20);
  }
  EXPECT_GE(leases, 5);
  EXPECT_EQ(pace.delay, absl::Seconds(1));
}

TEST(NextPace, BelowTheStartOnlyWhereALowerFloorIsGiven) {
  DelayTerms terms = Terms(absl::Seconds(1), absl::Milliseconds(250), absl::Seconds(60));
  HostPace pace{absl::Seconds(1), absl::Milliseconds(100)};
  for (int i = 0; i < 100; ++i) pace = NextPace(terms, pace, Calm());
  EXPECT_EQ(pace.delay, absl::Milliseconds(250));
}

TEST(NextPace, ALeaseThatSawNothingChangesNothing) {
  HostPace pace{absl::Seconds(4), absl::Milliseconds(100)};
  HostPace after = NextPace(kPlain, pace, LeaseSight());
  EXPECT_EQ(after.delay, pace.delay);
  EXPECT_EQ(after.latency, pace.latency);
}

}  // namespace
}  // namespace weft
