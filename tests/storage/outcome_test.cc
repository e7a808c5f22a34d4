#include "common/outcome.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

namespace weft {
namespace {

constexpr std::array kAll = {
    Outcome::kNone,          Outcome::kResponse,        Outcome::kDns,           Outcome::kConnect,
    Outcome::kTls,           Outcome::kTimeout,         Outcome::kProtocol,      Outcome::kTruncatedEarly,
    Outcome::kHostUnreachable, Outcome::kHostThrottled, Outcome::kRedirectLoop,  Outcome::kParserCrash,
    Outcome::kThrottled,     Outcome::kServerError,     Outcome::kScope,         Outcome::kDepth,
    Outcome::kRobots,        Outcome::kRobotsUnreachable, Outcome::kAddress,     Outcome::kUrlTooLong,
    Outcome::kScheme,        Outcome::kExcluded,        Outcome::kRefusedCap,    Outcome::kPrefix,
    Outcome::kRedirectHops,  Outcome::kHostBudget,      Outcome::kTrap};

TEST(Outcome, EveryNameIsItsOwnAndReadsBack) {
  std::set<std::string_view> names;
  for (Outcome outcome : kAll) {
    std::string_view name = OutcomeName(outcome);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(OutcomeFromName(name), outcome) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string_view::npos) << name;
  }
}

TEST(Outcome, NamesThatUsersSee) {
  EXPECT_EQ(OutcomeName(Outcome::kHostUnreachable), "host-unreachable");
  EXPECT_EQ(OutcomeName(Outcome::kTruncatedEarly), "truncated-early");
  EXPECT_EQ(OutcomeName(Outcome::kUrlTooLong), "url-too-long");
  EXPECT_EQ(OutcomeName(Outcome::kHostBudget), "host-budget");
  EXPECT_EQ(OutcomeName(Outcome::kTrap), "trap");
  EXPECT_EQ(OutcomeFromName("dns"), Outcome::kDns);
  EXPECT_EQ(OutcomeFromName("Dns"), std::nullopt);
  EXPECT_EQ(OutcomeFromName(""), std::nullopt);
}

TEST(Outcome, UnknownNumberCountsAsNone) {
  EXPECT_EQ(OutcomeName(static_cast<Outcome>(200)), "none");
  EXPECT_EQ(RetryPolicyFor(static_cast<Outcome>(200)).tries, 1);
}

TEST(Outcome, FailuresAndRefusalsAreDisjoint) {
  for (Outcome outcome : kAll) {
    int number = static_cast<int>(outcome);
    EXPECT_EQ(IsFailure(outcome), number >= 10 && number < 20) << OutcomeName(outcome);
    EXPECT_EQ(IsRefusal(outcome), number >= 50 && number < 70) << OutcomeName(outcome);
  }
}

TEST(Outcome, HostTroubleIsBlamedOnTheHost) {
  for (Outcome outcome : {Outcome::kDns, Outcome::kConnect, Outcome::kTls, Outcome::kThrottled,
                          Outcome::kRobotsUnreachable}) {
    EXPECT_EQ(RetryPolicyFor(outcome).blame, Blame::kHost) << OutcomeName(outcome);
  }
  for (Outcome outcome : {Outcome::kTimeout, Outcome::kProtocol, Outcome::kTruncatedEarly, Outcome::kServerError}) {
    EXPECT_EQ(RetryPolicyFor(outcome).blame, Blame::kUrl) << OutcomeName(outcome);
  }
}

TEST(Outcome, NumberOfTries) {
  EXPECT_EQ(RetryPolicyFor(Outcome::kDns).tries, 3);
  EXPECT_EQ(RetryPolicyFor(Outcome::kConnect).tries, 3);
  EXPECT_EQ(RetryPolicyFor(Outcome::kTls).tries, 2);
  EXPECT_EQ(RetryPolicyFor(Outcome::kTimeout).tries, 3);
  EXPECT_EQ(RetryPolicyFor(Outcome::kProtocol).tries, 2);
  EXPECT_EQ(RetryPolicyFor(Outcome::kTruncatedEarly).tries, 3);
  EXPECT_EQ(RetryPolicyFor(Outcome::kServerError).tries, 3);
  EXPECT_EQ(RetryPolicyFor(Outcome::kRobotsUnreachable).tries, 4);
  EXPECT_GT(RetryPolicyFor(Outcome::kThrottled).tries, 1000) << "a throttled answer costs no try";
}

TEST(Outcome, RefusalsAndEndingsAreFinal) {
  for (Outcome outcome : kAll) {
    if (outcome == Outcome::kRobotsUnreachable || !IsRefusal(outcome)) continue;
    EXPECT_EQ(RetryPolicyFor(outcome).tries, 1) << OutcomeName(outcome);
    EXPECT_EQ(RetryWait(outcome, 1), absl::ZeroDuration()) << OutcomeName(outcome);
  }
  EXPECT_EQ(RetryPolicyFor(Outcome::kRedirectLoop).tries, 1);
}

TEST(Outcome, AHostThatAnswersNothingIsParkedWithWaitsThatDoubleUpToACap_Rule32) {
  EXPECT_EQ(RetryPolicyFor(Outcome::kHostUnreachable).tries, 10);
  EXPECT_EQ(RetryWait(Outcome::kHostUnreachable, 1), absl::Seconds(30));
  EXPECT_EQ(RetryWait(Outcome::kHostUnreachable, 2), absl::Minutes(1));
  EXPECT_EQ(RetryWait(Outcome::kHostUnreachable, 50), absl::Minutes(30));
}

TEST(Outcome, WaitDoublesUpToItsLongest) {
  EXPECT_EQ(RetryWait(Outcome::kDns, 1), absl::Seconds(5));
  EXPECT_EQ(RetryWait(Outcome::kDns, 2), absl::Seconds(10));
  EXPECT_EQ(RetryWait(Outcome::kDns, 3), absl::Seconds(20));
  EXPECT_EQ(RetryWait(Outcome::kDns, 50), absl::Minutes(10));
  EXPECT_EQ(RetryWait(Outcome::kThrottled, 1'000'000'000), absl::Minutes(15));
  EXPECT_EQ(RetryWait(Outcome::kServerError, 99), absl::Minutes(5));
  EXPECT_EQ(RetryWait(Outcome::kRobotsUnreachable, 99), absl::Minutes(30));
  EXPECT_EQ(RetryWait(Outcome::kDns, 0), absl::Seconds(5));
}

}  // namespace
}  // namespace weft
