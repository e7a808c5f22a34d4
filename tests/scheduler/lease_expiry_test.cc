// Leases that expire, nodes that come and go, and permits for one request.
#include "tests/scheduler/lease_trouble_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Why = wire::LeaseRelease;

// ---- leases that expire, nodes that come and go ----

TEST_F(LeaseTroubleTest, ADeadFetchersUrlsComeBackAfterTheDeadlineAndTheDelay_Rule19) {
  settings_.set_delay_us(3'000'000);
  Build();
  SeedHost("a.example", 2);
  AddFetcher("dead");
  wire::LeaseGrant grant = GrantOne();
  ExpireAfter(WholeLease() - absl::Milliseconds(1));
  EXPECT_EQ(leases_->leases(), 1u);
  ExpireAfter(absl::Milliseconds(1));
  EXPECT_EQ(leases_->leases(), 0u);
  AddFetcher("g");
  EXPECT_THAT(Grant(), IsEmpty());   // the last request may have been at the deadline
  EXPECT_EQ(WaitForHost("g"), absl::Seconds(3));
  EXPECT_THAT(UrlsOf(GrantOne()), testing::ElementsAreArray(UrlsOf(grant)));
}

TEST_F(LeaseTroubleTest, AStandstillOfOurOwnEndsNoLease_Rule30) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  GrantOne();
  clock_.Advance(absl::Minutes(10));
  leases_->ExtendDeadlines(absl::Minutes(10));
  ASSERT_TRUE(leases_->Expire().ok());
  EXPECT_EQ(leases_->leases(), 1u);
}

TEST_F(LeaseTroubleTest, WhatAGoneNodeHadAskedIsAskedAgain) {
  SeedHost("a.example", 2);
  AddFetcher("f");
  AddFetcher("g", /*credit=*/0);
  Release("f", Asked(GrantOne()));
  EXPECT_THAT(Grant(), IsEmpty());
  leases_->NodeGone("g");
  EXPECT_THAT(Grant(), IsEmpty());
  leases_->NodeGone("f");
  EXPECT_EQ(GrantOne().urls_size(), 2);
}

std::vector<bool> Suspects(const wire::LeaseGrant& grant) {
  std::vector<bool> suspects;
  for (const wire::UrlTicket& ticket : grant.urls()) suspects.push_back(ticket.suspect());
  return suspects;
}

TEST_F(LeaseTroubleTest, WhatWasLostWithANodeIsSuspectUntilItIsHandedOutAgain_Rule14) {
  SeedHost("a.example", 2);
  AddFetcher("f");
  const wire::LeaseGrant first = GrantOne();
  EXPECT_THAT(Suspects(first), ElementsAre(false, false));
  Release("f", Asked(first));
  leases_->NodeGone("f");
  const wire::LeaseGrant second = GrantOne();
  EXPECT_THAT(Suspects(second), ElementsAre(true, true));
  Release("f", Unasked(second, Why::EMPTY));
  EXPECT_THAT(Suspects(GrantOne()), ElementsAre(false, false));
}

TEST_F(LeaseTroubleTest, WhatWasUnderALeaseThatExpiredIsSuspect_Rule14) {
  SeedHost("a.example", 1);
  AddFetcher("dead");
  GrantOne();
  ExpireAfter(WholeLease());
  AddFetcher("g");
  WaitForHost("g");
  EXPECT_THAT(Suspects(GrantOne()), ElementsAre(true));
}

TEST_F(LeaseTroubleTest, WhatIsNeverHandedInIsAskedAgainInTheEnd) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  Release("f", Asked(GrantOne()));
  ExpireAfter(absl::Minutes(4));
  Beat("f", 100);
  EXPECT_THAT(Grant(), IsEmpty());
  ExpireAfter(absl::Minutes(10));
  Beat("f", 100);
  EXPECT_EQ(GrantOne().urls_size(), 1);
}

TEST_F(LeaseTroubleTest, AStandstillOfOurOwnIsNoTimeInWhichAPageCouldHaveBeenHandedIn_Rule30) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  Release("f", Asked(GrantOne()));
  clock_.Advance(absl::Hours(1));
  leases_->ExtendDeadlines(absl::Hours(1));
  ExpireAfter(absl::Minutes(4));
  Beat("f", 100);
  EXPECT_THAT(Grant(), IsEmpty());
  ExpireAfter(absl::Minutes(2));
  Beat("f", 100);
  EXPECT_EQ(GrantOne().urls_size(), 1);
}

TEST_F(LeaseTroubleTest, UnusedUrlsOfATopUpThatCameTooLateComeBack) {
  SeedHost("a.example", 100);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  wire::LeaseGrant more = TopUp("f", grant, 5);   // crosses the release
  Release("f", Asked(grant));
  Release("f", Unasked(more, Why::EMPTY));        // the fetcher has no such lease any more
  EXPECT_THAT(UrlsOf(GrantOne()), testing::IsSupersetOf(UrlsOf(more)));
}

TEST_F(LeaseTroubleTest, HeldUrlsOfAnEarlierLifeAreNotHandedOut_Rule18) {
  SeedHost("a.example", 3);
  wire::Register info;
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  *info.add_holding() = grant.urls(1);
  Build();
  AddFetcher("f");
  ASSERT_TRUE(leases_->AdoptHeld("f", info).ok());
  EXPECT_THAT(UrlsOf(GrantOne()), ElementsAre(grant.urls(0).url(), grant.urls(2).url()));
}

TEST_F(LeaseTroubleTest, HeldUrlsWhoseAttemptIsOverAreNotAdopted_Rule2) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  Build();
  AddFetcher("f");
  wire::Register info;
  *info.add_holding() = grant.urls(0);
  info.mutable_holding(0)->set_attempt(grant.urls(0).attempt() + 1);
  ASSERT_TRUE(leases_->AdoptHeld("f", info).ok());
  info.mutable_holding(0)->set_key("not a key");
  ASSERT_TRUE(leases_->AdoptHeld("f", info).ok());
  EXPECT_EQ(GrantOne().urls_size(), 1);
}

TEST_F(LeaseTroubleTest, ANodeThatRegistersAgainKeepsWhatItHoldsBeyondItsOldLease) {
  SeedHost("a.example", 2);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  // The connection broke and came back within the lease: the node gave its leases up and names what it has asked.
  leases_->NodeGone("f");
  wire::Register info;
  *info.add_holding() = grant.urls(0);
  ASSERT_TRUE(leases_->AdoptHeld("f", info).ok());
  ExpireAfter(WholeLease());
  Beat("f", 100);
  EXPECT_THAT(UrlsOf(GrantOne()), ElementsAre(grant.urls(1).url()));
}

// ---- permits ----

TEST_F(LeaseTroubleTest, APermitLendsTheHostForOneRequest_Rule22) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  wire::HostPermit permit = AskPermit("f", "a.example", 5);
  EXPECT_TRUE(permit.granted());
  EXPECT_EQ(permit.permit_id(), 5u);
  EXPECT_THAT(Grant(), IsEmpty());
  EXPECT_FALSE(AskPermit("f", "a.example", 6).granted());
  wire::HostPermitDone done;
  done.set_permit_id(5);
  done.set_host("a.example");
  done.set_last_request_age_us(-1);
  leases_->OnPermitDone("f", done);
  EXPECT_THAT(Grant(), SizeIs(1));
}

TEST_F(LeaseTroubleTest, APermitWhoseLeaseIsGoneComesBackByItsNumberAlone) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  AskPermit("f", "a.example", 5);
  wire::HostPermitDone done;
  done.set_permit_id(6);
  done.set_last_request_age_us(-1);
  leases_->OnPermitDone("f", done);
  EXPECT_EQ(leases_->leases(), 1u);
  done.set_permit_id(5);
  leases_->OnPermitDone("f", done);
  EXPECT_EQ(leases_->leases(), 0u);
}

TEST_F(LeaseTroubleTest, ALeasedHostIsNotLent) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  GrantOne();
  EXPECT_FALSE(AskPermit("f", "a.example", 5).granted());
}

TEST_F(LeaseTroubleTest, ARequestUnderAPermitCountsAgainstTheRate_Rule19) {
  settings_.set_delay_us(3'000'000);
  Build();
  SeedHost("a.example", 1);
  clock_.Advance(absl::Seconds(100));
  AddFetcher("f");
  AskPermit("f", "a.example", 5);
  wire::HostPermitDone done;
  done.set_permit_id(5);
  done.set_host("a.example");
  done.set_last_request_age_us(1'000'000);
  leases_->OnPermitDone("f", done);
  EXPECT_EQ(WaitForHost(), absl::Seconds(2));
  // A restart does not forget it.
  ASSERT_TRUE(db_->PutClock(Now()).ok());
  EXPECT_EQ(Host("a.example").not_before, Now());
}

TEST_F(LeaseTroubleTest, APermitForAHostThatNobodyKnowsIsGivenAndComesBack) {
  AddFetcher("f");
  EXPECT_TRUE(AskPermit("f", "cdn.example", 5).granted());
  ExpireAfter(absl::Minutes(5));
  EXPECT_EQ(leases_->leases(), 0u);
  EXPECT_TRUE(AskPermit("f", "cdn.example", 6).granted());
}

// Its request may begin at the last moment, and then take its whole time.
TEST_F(LeaseTroubleTest, APermitIsOverHereOnlyAfterItsTimeTheGraceAndARequest_Rule16) {
  settings_.set_timeout_us(7'000'000);
  Build();
  SeedHost("a.example", 1);
  AddFetcher("f");
  const wire::HostPermit permit = AskPermit("f", "a.example", 5);
  EXPECT_EQ(absl::Microseconds(permit.runs_us()), options_.lease);
  ExpireAfter(WholeLease() + absl::Seconds(7) - absl::Milliseconds(1));
  EXPECT_EQ(leases_->leases(), 1u);
  ExpireAfter(absl::Milliseconds(1));
  EXPECT_EQ(leases_->leases(), 0u);
}

TEST_F(LeaseTroubleTest, ALateEndOfAPermitDoesNotEndTheNextOnes_Rule22) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  AddFetcher("g");
  AskPermit("f", "a.example", 5);
  ExpireAfter(absl::Minutes(5));   // f was cut off
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(AskPermit("g", "a.example", 9).granted());
  wire::HostPermitDone late;
  late.set_permit_id(5);
  late.set_host("a.example");
  late.set_last_request_age_us(-1);
  leases_->OnPermitDone("f", late);
  EXPECT_EQ(leases_->leases(), 1u);   // g may be asking right now
  Beat("f", 100);
  EXPECT_THAT(Grant(), IsEmpty());
}

}  // namespace
}  // namespace weft::test
