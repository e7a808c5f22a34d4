#include "tests/support/sim_politeness_check.h"

#include <gtest/gtest.h>

namespace weft::test {
namespace {

class Politeness : public testing::Test {
 protected:
  explicit Politeness(uint32_t connections = 1)
      : check(clock, violations, absl::Seconds(1), connections, [this](Life, const std::string&) { return deadline; }) {}

  SeenRequest Request(Life life, const std::string& origin = "http://a.example") {
    SeenRequest request;
    request.id = next_id++;
    request.life = life;
    request.fetcher = "fetcher-" + std::to_string(life);
    request.origin = origin;
    request.host = "a.example";
    request.path = "/";
    return request;
  }
  void At(double seconds) {
    clock.At(absl::UnixEpoch() + absl::Seconds(seconds), kWorld, [] {});
    clock.RunNext();
  }
  void Ask(SeenRequest request, double start, double end) {
    At(start);
    request.asked = clock.Now();
    check.OnRequest(request);
    At(end);
    check.OnOver(request);
  }

  SimClock clock;
  Life a = clock.Begin();
  Life b = clock.Begin();
  absl::Time deadline = absl::InfiniteFuture();
  uint64_t next_id = 1;
  Violations violations{clock};
  PolitenessCheck check;
};

struct TwoConnections : Politeness {
  TwoConnections() : Politeness(2) {}
};

TEST_F(Politeness, AcceptsRequestsOneDelayApart) {
  Ask(Request(a), 0, 0.5);
  Ask(Request(b), 1.5, 1.6);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Politeness, SeesTheDelayBroken) {
  Ask(Request(a), 0, 0.5);
  Ask(Request(a), 1.4, 1.5);
  EXPECT_TRUE(violations.Has("delay"));
}

TEST_F(Politeness, SeesTheDelayBrokenByAnotherFetcherAndOrigin) {
  Ask(Request(a), 0, 0.5);
  Ask(Request(b, "https://a.example"), 1.4, 1.5);
  EXPECT_TRUE(violations.Has("delay"));
}

TEST_F(Politeness, SeesTwoFetchersAtOneHost) {
  check.OnRequest(Request(a));
  At(5);
  check.OnRequest(Request(b));
  EXPECT_TRUE(violations.Has("one-fetcher"));
}

TEST_F(Politeness, SeesTooManyConnections) {
  check.OnRequest(Request(a));
  At(5);
  check.OnRequest(Request(a));
  EXPECT_TRUE(violations.Has("host-connections"));
}

TEST_F(TwoConnections, LetsEachConnectionKeepItsOwnDelay) {
  SeenRequest slow = Request(a);
  check.OnRequest(slow);
  Ask(Request(a), 0.1, 0.2);
  Ask(Request(a), 1.3, 1.4);
  EXPECT_TRUE(violations.empty());
  At(1.5);
  check.OnRequest(Request(a));
  EXPECT_TRUE(violations.Has("delay"));
}

TEST_F(TwoConnections, StillWantsOneFetcher) {
  check.OnRequest(Request(a));
  check.OnRequest(Request(b));
  EXPECT_TRUE(violations.Has("one-fetcher"));
}

TEST_F(Politeness, ExcusesARequestThatNobodyCouldClose) {
  deadline = absl::UnixEpoch() + absl::Seconds(5);
  check.OnRequest(Request(a));
  clock.Pause(a, absl::Seconds(30));
  At(10);
  check.OnRequest(Request(b));
  EXPECT_TRUE(violations.empty());
  EXPECT_EQ(check.overlaps_while_paused(), 1u);
}

TEST_F(Politeness, DoesNotExcuseAPausedFetcherWithinItsLease) {
  deadline = absl::UnixEpoch() + absl::Seconds(20);
  check.OnRequest(Request(a));
  clock.Pause(a, absl::Seconds(30));
  At(10);
  check.OnRequest(Request(b));
  EXPECT_TRUE(violations.Has("one-fetcher"));
}

TEST_F(Politeness, SeesCrawlDelayBrokenForPages) {
  check.SetCrawlDelay("a.example", absl::Seconds(5));
  Ask(Request(a), 0, 0.5);
  SeenRequest robots = Request(a);
  robots.robots = true;
  Ask(robots, 2, 2.1);
  EXPECT_TRUE(violations.empty());
  Ask(Request(a), 6, 6.1);
  EXPECT_TRUE(violations.Has("delay"));
}

TEST_F(Politeness, SeesRetryAfterBrokenByAnybody) {
  SeenRequest first = Request(a);
  Ask(first, 0, 0.1);
  check.OnThrottled(first, absl::Seconds(60));
  check.OnThrottleTold(a, "a.example");
  check.OnThrottlesDurable();
  check.OnFetcherGone(a);
  check.OnSchedulerGone();
  Ask(Request(b), 59, 59.1);
  EXPECT_TRUE(violations.Has("retry-after"));
}

TEST_F(TwoConnections, AcceptARequestThatWasUnderWayWhenThePauseWasAskedFor) {
  SeenRequest other = Request(a);
  other.asked = clock.Now();
  SeenRequest first = Request(a);
  Ask(first, 0, 0.1);
  check.OnThrottled(first, absl::Seconds(60));
  At(0.2);
  check.OnRequest(other);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Politeness, AcceptsARequestAfterRetryAfter) {
  SeenRequest first = Request(a);
  Ask(first, 0, 0.1);
  check.OnThrottled(first, absl::Seconds(60));
  Ask(Request(b), 60.2, 60.3);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Politeness, OthersNeedNotKnowAPauseThatNobodyCouldTellThemOf) {
  check.set_always_told(false);
  SeenRequest first = Request(a);
  Ask(first, 0, 0.1);
  check.OnThrottled(first, absl::Seconds(60));
  Ask(Request(b), 30, 30.1);
  EXPECT_TRUE(violations.empty());
  Ask(Request(a), 40, 40.1);
  EXPECT_TRUE(violations.Has("retry-after"));
}

TEST_F(Politeness, WhoHadTheHostMustHearOfThePauseInTime) {
  check.set_always_told(false);
  check.set_granted_at([](Life, const std::string&) { return absl::UnixEpoch(); });
  check.set_word_travels(absl::Seconds(15));
  SeenRequest first = Request(a);
  Ask(first, 0, 0.1);
  check.OnThrottled(first, absl::Seconds(60));
  check.OnThrottleTold(a, "a.example");
  Ask(Request(b), 14, 14.1);
  EXPECT_TRUE(violations.empty());
  Ask(Request(b), 16, 16.1);
  EXPECT_TRUE(violations.Has("retry-after"));
}

TEST_F(Politeness, ACrashOfTheSchedulerForgetsOnlyPausesThatAreNotDurable) {
  check.set_always_told(false);
  SeenRequest first = Request(a);
  Ask(first, 0, 0.1);
  check.OnThrottled(first, absl::Seconds(60));
  check.OnThrottleTold(a, "a.example");
  check.OnSchedulerGone();
  Ask(Request(b), 30, 30.1);
  EXPECT_TRUE(violations.empty());
  check.OnThrottleTold(a, "a.example");
  check.OnThrottlesDurable();
  check.OnSchedulerGone();
  Ask(Request(b), 40, 40.1);
  EXPECT_TRUE(violations.Has("retry-after"));
}

TEST_F(Politeness, AFetcherThatDiesBeforeItTellsTakesThePauseWithIt) {
  SeenRequest first = Request(a);
  Ask(first, 0, 0.1);
  check.OnThrottled(first, absl::Seconds(60));
  check.OnFetcherGone(a);
  Ask(Request(b), 30, 30.1);
  EXPECT_TRUE(violations.empty());
  EXPECT_EQ(check.forgotten_throttles(), 1u);
}

}  // namespace
}  // namespace weft::test
