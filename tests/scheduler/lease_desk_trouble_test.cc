// Hosts that fail, answer nothing, or ask for a pause.
#include "tests/scheduler/lease_trouble_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Why = wire::LeaseRelease;

// ---- hosts that fail ----

TEST_F(LeaseTroubleTest, AFailedHostWaitsLongerEachTimeThenItsUrlsEnd_Rule8) {
  SeedHost("a.example", 3);
  AddFetcher("f");
  Release("f", Failed(GrantOne(), Outcome::kConnect));
  EXPECT_THAT(Grant(), IsEmpty());
  EXPECT_EQ(db_->ledger().pending, 3u);
  absl::Duration first = WaitForHost();
  EXPECT_GE(first, RetryWait(Outcome::kConnect, 1));
  Release("f", Failed(GrantOne(), Outcome::kConnect));
  absl::Duration second = WaitForHost();
  EXPECT_GE(second, RetryWait(Outcome::kConnect, 2));
  Release("f", Failed(GrantOne(), Outcome::kConnect));
  EndGivenUp();
  EXPECT_EQ(db_->ledger().failed[Outcome::kConnect], 3u);
  EXPECT_EQ(db_->ledger().pending, 0u);
}

TEST_F(LeaseTroubleTest, AFailedOriginsWaitAndTriesOutliveARestart_Rule24) {
  SeedHost("a.example", 5);
  AddFetcher("f");
  Release("f", Failed(GrantOne(), Outcome::kConnect));
  CrawlTime until = Host("a.example").origins[0].not_before;
  EXPECT_GE(until, Now() + CrawlMicros(RetryWait(Outcome::kConnect, 1)));
  ASSERT_TRUE(db_->PutClock(Now()).ok());
  Build();
  AddFetcher("g");
  EXPECT_THAT(Grant(), IsEmpty());
  EXPECT_EQ(frontier_->NextReadyTime(), until);
  WaitForHost("g");
  Release("g", Failed(GrantOne(), Outcome::kConnect));
  WaitForHost("g");
  Release("g", Failed(GrantOne(), Outcome::kConnect));
  EXPECT_THAT(leases_->TakeEndings(), SizeIs(1)) << "three tries, one of them in the life before";
}

TEST_F(LeaseTroubleTest, TriesForRobotsOutliveARestart) {
  SeedHost("a.example", 5);
  AddFetcher("f");
  int tries = RetryPolicyFor(Outcome::kRobotsUnreachable).tries;
  for (int i = 1; i < tries; ++i) {
    Release("f", NoRobots(GrantOne(), Outcome::kServerError));
    ASSERT_TRUE(db_->PutClock(Now()).ok());
    Build();
    AddFetcher("f");
    EXPECT_GE(WaitForHost(), RetryWait(Outcome::kRobotsUnreachable, i)) << i;
  }
  Release("f", NoRobots(GrantOne(), Outcome::kServerError));
  EXPECT_THAT(leases_->TakeEndings(), SizeIs(1));
}

TEST_F(LeaseTroubleTest, AHostThatAnswersNothingIsParkedForLongerEachTimeThenGivenUp_Rule32) {
  SeedHost("a.example", 100);
  AddFetcher("f");
  wire::LeaseRelease release = Unasked(GrantOne(), Why::EMPTY);
  release.set_last_request_age_us(0);
  release.set_unanswered(kUnansweredInARow);
  Release("f", release);
  const int tries = RetryPolicyFor(Outcome::kHostUnreachable).tries;
  for (int parked = 1; parked < tries; ++parked) {
    absl::Duration wait = WaitForHost();
    EXPECT_GE(wait, RetryWait(Outcome::kHostUnreachable, parked)) << parked;
    EXPECT_LE(wait, RetryWait(Outcome::kHostUnreachable, parked) * (1 + kRetryAfterJitter)) << parked;
    EXPECT_THAT(leases_->TakeEndings(), IsEmpty());
    wire::LeaseGrant probe = GrantOne();
    EXPECT_EQ(probe.urls_size(), 1) << "asked by single requests";
    EXPECT_EQ(TopUp("f", probe, 10).urls_size(), 0);
    release = Unasked(probe, Why::EMPTY);
    release.set_last_request_age_us(0);
    release.set_unanswered(1);
    Release("f", release);
  }
  EndGivenUp();
  EXPECT_EQ(db_->ledger().failed[Outcome::kHostUnreachable], 100u);
}

TEST_F(LeaseTroubleTest, OneAnswerEndsTheParking) {
  SeedHost("a.example", 10);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  wire::LeaseRelease release = Unasked(grant, Why::EMPTY);
  release.set_last_request_age_us(0);
  release.set_unanswered(kUnansweredInARow + 2);
  Release("f", release);
  EXPECT_EQ(Host("a.example").failures, kUnansweredInARow + 2);
  leases_->OriginAnswered(Host("a.example").id, "https://a.example");
  EXPECT_EQ(Host("a.example").failures, 0u);
  WaitForHost();
  EXPECT_EQ(GrantOne().urls_size(), 10);
}

TEST_F(LeaseTroubleTest, AnAnswerInBetweenForgivesEarlierFailures) {
  SeedHost("a.example", 3);
  AddFetcher("f");
  for (int round = 0; round < 6; ++round) {
    Release("f", Failed(GrantOne(), Outcome::kConnect));
    leases_->OriginAnswered(Host("a.example").id, "https://a.example");
    WaitForHost();
  }
  EXPECT_THAT(leases_->TakeEndings(), IsEmpty());
}

TEST_F(LeaseTroubleTest, ARefusedPortSaysNothingOfTheOthers) {
  Seed({"http://a.example/", "https://a.example/"});
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  Release("f", Failed(grant, Outcome::kConnect));
  wire::LeaseGrant other = GrantOne();
  EXPECT_NE(other.origin(), grant.origin());
}

TEST_F(LeaseTroubleTest, ANameThatDoesNotResolveFailsAllItsOrigins) {
  Seed({"http://a.example/", "https://a.example/"});
  AddFetcher("f");
  Release("f", Failed(GrantOne(), Outcome::kDns));
  EXPECT_THAT(Grant(), IsEmpty());
}

TEST_F(LeaseTroubleTest, AForbiddenAddressRefusesAtOnce) {
  SeedHost("a.example", 2);
  AddFetcher("f");
  Release("f", Failed(GrantOne(), Outcome::kAddress));
  EndGivenUp();
  EXPECT_EQ(db_->ledger().refused[Outcome::kAddress], 2u);
  EXPECT_THAT(leases_->TakeNotices(), ElementsAre(HasSubstr("https://a.example: given up: address")));
}

TEST_F(LeaseTroubleTest, WhatWasReadAheadAndEndedWithItsHostIsNotHandedOut) {
  settings_.set_delay_us(1'000'000);
  Build();
  SeedHost("a.example", 20, "http");
  SeedHost("a.example", 20, "https");
  AddFetcher("f");
  wire::LeaseGrant first = GrantOne();   // more of it is read ahead than is handed out
  Release("f", Asked(first));
  WaitForHost();
  wire::LeaseGrant second = GrantOne();
  ASSERT_NE(first.origin(), second.origin());
  Release("f", Failed(second, Outcome::kAddress));   // of the name: both origins end
  EndGivenUp();
  clock_.Advance(absl::Hours(1));
  Beat("f", 1000);
  for (const wire::LeaseGrant& grant : Grant()) {
    for (const std::string& url : UrlsOf(grant)) EXPECT_EQ(Find(url)->state, UrlState::kPending) << url;
  }
}

// Numbers come from peers: whatever they are, the ledger holds an end that has a name.
TEST_F(LeaseTroubleTest, AFailureOfNoKnownKindEndsAsHostUnreachable) {
  for (uint32_t number : {0u, 1u, 31u, 99u, 250u}) {
    std::string host = fmt::format("h{}.example", number);
    SeedHost(host, 1);
    AddFetcher("f");
    wire::LeaseRelease release = Unasked(GrantOne(), Why::HOST_FAILED);
    release.set_outcome(number);
    Release("f", release);
    while (db_->ledger().pending > 0) {
      EndGivenUp();
      if (db_->ledger().pending == 0) break;
      WaitForHost();
      wire::LeaseRelease again = Unasked(GrantOne(), Why::HOST_FAILED);
      again.set_outcome(number);
      Release("f", again);
    }
  }
  EXPECT_THAT(db_->ledger().failed, ElementsAre(testing::Pair(Outcome::kHostUnreachable, 5u)));
}

// ---- robots.txt that cannot be had ----

TEST_F(LeaseTroubleTest, UnreachableRobotsEndAsTheHostsFailure_Rule8) {
  SeedHost("a.example", 2);
  AddFetcher("f");
  for (int round = 0; round < RetryPolicyFor(Outcome::kRobotsUnreachable).tries; ++round) {
    if (round > 0) {
      EXPECT_GE(WaitForHost(), RetryWait(Outcome::kRobotsUnreachable, round));
    }
    Release("f", NoRobots(GrantOne(), Outcome::kTimeout));
  }
  EndGivenUp();
  EXPECT_EQ(db_->ledger().failed[Outcome::kTimeout], 2u);
}

// Else nobody learns why nothing seems to happen.
TEST_F(LeaseTroubleTest, TheFirstFailureToHaveRobotsIsToldOnce) {
  SeedHost("a.example", 2);
  AddFetcher("f");
  Release("f", NoRobots(GrantOne(), Outcome::kTimeout));
  EXPECT_THAT(leases_->TakeNotices(), ElementsAre(HasSubstr("try 2 of ")));
  WaitForHost();
  Release("f", NoRobots(GrantOne(), Outcome::kTimeout));
  EXPECT_THAT(leases_->TakeNotices(), testing::IsEmpty());
}

TEST_F(LeaseTroubleTest, RobotsThatAnswer500EndAsRefused_Rule8) {
  SeedHost("a.example", 2);
  AddFetcher("f");
  for (int round = 0; round < RetryPolicyFor(Outcome::kRobotsUnreachable).tries; ++round) {
    if (round > 0) WaitForHost();
    EXPECT_EQ(db_->ledger().pending, 2u);   // temporary is not refused
    Release("f", NoRobots(GrantOne(), Outcome::kRobotsUnreachable));
  }
  EndGivenUp();
  EXPECT_EQ(db_->ledger().refused[Outcome::kRobotsUnreachable], 2u);
}

TEST_F(LeaseTroubleTest, NobodysFaultCountsNoTryForRobots) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  for (int round = 0; round < 10; ++round) {
    Release("f", NoRobots(GrantOne(), Outcome::kNone));
    EXPECT_GT(WaitForHost(), absl::ZeroDuration());
  }
  EXPECT_THAT(leases_->TakeEndings(), IsEmpty());
}

TEST_F(LeaseTroubleTest, RobotsRetryAfterIsObeyed) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  wire::LeaseRelease release = NoRobots(GrantOne(), Outcome::kRobotsUnreachable);
  release.set_retry_after_us(absl::ToInt64Microseconds(absl::Hours(1)));
  Release("f", release);
  EXPECT_GE(WaitForHost(), absl::Hours(1));
}

// ---- pauses ----

TEST_F(LeaseTroubleTest, RetryAfterIsNeverEarlierAndAtMostALittleLater_Rule24) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  for (int round = 0; round < 15; ++round) {
    Release("f", Throttled(GrantOne(), absl::Seconds(100)));
    absl::Duration wait = WaitForHost();
    EXPECT_GE(wait, absl::Seconds(100));
    EXPECT_LE(wait, absl::Seconds(100) * (1 + kRetryAfterJitter) + absl::Seconds(1));
  }
}

TEST_F(LeaseTroubleTest, ThrottlingHoldsForAllOriginsOfTheHostAndOutlivesARestart) {
  Seed({"http://a.example/", "https://a.example/"});
  AddFetcher("f");
  Release("f", Throttled(GrantOne(), absl::Seconds(100)));
  EXPECT_THAT(Grant(), IsEmpty());
  ASSERT_TRUE(db_->PutClock(Now()).ok());
  Build();
  AddFetcher("f");
  EXPECT_THAT(Grant(), IsEmpty());
  EXPECT_GE(WaitForHost(), absl::Seconds(99));
}

TEST_F(LeaseTroubleTest, ThrottlingCostsNoTryAndHasACap_Rule32) {
  SeedHost("a.example", 2);
  AddFetcher("f");
  for (uint32_t round = 1; round < kThrottleCap; ++round) {
    wire::LeaseGrant grant = GrantOne();
    EXPECT_EQ(grant.urls(0).attempt(), 0u);
    Release("f", Throttled(grant, absl::ZeroDuration()));
    EXPECT_GT(WaitForHost(), absl::ZeroDuration());
  }
  EXPECT_EQ(db_->ledger().pending, 2u);
  Release("f", Throttled(GrantOne(), absl::ZeroDuration()));
  EndGivenUp();
  EXPECT_EQ(db_->ledger().failed[Outcome::kHostThrottled], 2u);
}

TEST_F(LeaseTroubleTest, AnAnswerInBetweenEndsTheRunOfThrottles) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  for (uint32_t round = 0; round < 2 * kThrottleCap; ++round) {
    Release("f", Throttled(GrantOne(), absl::Seconds(1)));
    leases_->OriginAnswered(Host("a.example").id, "https://a.example");
    WaitForHost();
  }
  EXPECT_THAT(leases_->TakeEndings(), IsEmpty());
}

TEST_F(LeaseTroubleTest, APauseToldAfterTheLeaseHoldsForTheHost) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  wire::HostPause pause;
  pause.set_host("a.example");
  pause.set_wait_us(absl::ToInt64Microseconds(absl::Seconds(50)));
  ASSERT_TRUE(leases_->OnPause(pause).ok());
  EXPECT_THAT(Grant(), IsEmpty());
  EXPECT_GE(WaitForHost(), absl::Seconds(50));
  EXPECT_THAT(Grant(), SizeIs(1));
}

TEST_F(LeaseTroubleTest, APauseOfAHostThatIsLeasedStopsItsTopUps) {
  SeedHost("a.example", 200);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  wire::HostPause pause;
  pause.set_host("a.example");
  pause.set_wait_us(absl::ToInt64Microseconds(absl::Seconds(50)));
  ASSERT_TRUE(leases_->OnPause(pause).ok());
  EXPECT_EQ(TopUp("f", grant, 10).urls_size(), 0);
}

TEST_F(LeaseTroubleTest, AShorterPauseDoesNotEndALongerOne) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  wire::HostPause pause;
  pause.set_host("a.example");
  pause.set_wait_us(absl::ToInt64Microseconds(absl::Seconds(50)));
  ASSERT_TRUE(leases_->OnPause(pause).ok());
  pause.set_wait_us(1'000'000);
  ASSERT_TRUE(leases_->OnPause(pause).ok());
  pause.set_wait_us(-5);
  ASSERT_TRUE(leases_->OnPause(pause).ok());
  EXPECT_GE(WaitForHost(), absl::Seconds(50));
}

}  // namespace
}  // namespace weft::test
