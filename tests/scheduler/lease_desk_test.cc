// Leases while all goes well: who gets what, for how long, and what comes back.
#include "scheduler/lease_desk.h"

#include <set>

#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Why = wire::LeaseRelease;

class LeaseDeskTest : public DeskTest {
 protected:
  void SetDelay(absl::Duration delay) {
    settings_.set_delay_us(absl::ToInt64Microseconds(delay));
    Build();
  }
};

TEST_F(LeaseDeskTest, AGrantNamesTheOriginAndItsTickets) {
  Seed({"https://a.example:8443/x"});
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  EXPECT_EQ(grant.origin(), "https://a.example:8443");
  EXPECT_EQ(grant.host(), "a.example");
  EXPECT_EQ(grant.epoch().incarnation(), db_->incarnation());
  EXPECT_FALSE(grant.top_up());
  EXPECT_EQ(grant.last_request_age_us(), -1);
  ASSERT_EQ(grant.urls_size(), 1);
  EXPECT_EQ(grant.urls(0).url(), "https://a.example:8443/x");
  EXPECT_TRUE(grant.urls(0).seed());
  EXPECT_EQ(grant.urls(0).attempt(), Find("https://a.example:8443/x")->attempt);
}

TEST_F(LeaseDeskTest, ATicketNamesThePageThatNamedItsUrlFirst) {
  Seed({"https://a.example/"});
  AddFetcher("f");
  const wire::LeaseGrant first = GrantOne();
  EXPECT_EQ(first.urls(0).via(), "") << "nobody named a seed";
  wire::PageResult page = Page(first.urls(0));
  page.add_links()->set_url("https://a.example/1");
  page.add_links()->set_url("https://a.example/2");
  TakePage(page);
  Flush();
  const wire::LeaseGrant more = TopUp("f", first, 10);
  ASSERT_EQ(more.urls_size(), 2);
  EXPECT_EQ(more.urls(0).via(), "https://a.example/");
  EXPECT_EQ(more.urls(1).via(), "https://a.example/");
}

TEST_F(LeaseDeskTest, EachTicketHasItsOwnReferrerInWhateverOrderTheyCome) {
  Seed({"https://a.example/p", "https://a.example/q"});
  AddFetcher("f");
  const wire::LeaseGrant first = GrantOne();
  ASSERT_EQ(first.urls_size(), 2);
  for (const auto& [parent, child] : {std::pair{0, "1"}, {1, "2"}, {0, "3"}, {0, "4"}, {1, "5"}}) {
    wire::LinkBatch batch;
    *batch.mutable_ticket() = first.urls(parent);
    batch.add_links()->set_url(fmt::format("https://a.example/{}", child));
    commits_->Take("f", batch);
    Flush();
  }
  const wire::LeaseGrant more = TopUp("f", first, 10);
  std::vector<std::string> named;
  for (const wire::UrlTicket& ticket : more.urls()) named.push_back(ticket.url().substr(18) + " by " + ticket.via().substr(18));
  EXPECT_THAT(named, testing::ElementsAre("1 by p", "2 by q", "3 by p", "4 by p", "5 by q"));
}

TEST_F(LeaseDeskTest, AVeryLongReferrerIsNotCarriedAlong) {
  const std::string parent = "https://a.example/" + std::string(3000, 'x');
  Seed({parent});
  AddFetcher("f");
  const wire::LeaseGrant first = GrantOne();
  wire::PageResult page = Page(first.urls(0));
  page.add_links()->set_url("https://a.example/1");
  TakePage(page);
  Flush();
  const wire::LeaseGrant more = TopUp("f", first, 10);
  ASSERT_EQ(more.urls_size(), 1);
  EXPECT_EQ(more.urls(0).via(), "");
}

TEST_F(LeaseDeskTest, NoTwoOriginsOfAHostAreOutAtOnce_Rule20) {
  Seed({"http://a.example/1", "https://a.example/1", "https://a.example:444/1"});
  AddFetcher("f");
  AddFetcher("g");
  wire::LeaseGrant first = GrantOne();
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Grant(), IsEmpty());
  PeerId holder = bus_.sent.back().to;
  Release(holder, Asked(first));
  wire::LeaseGrant second = GrantOne();
  EXPECT_NE(first.origin(), second.origin());
}

// What was asked and is not committed yet counts against the host's budget of pages, whoever holds the host next.
TEST_F(LeaseDeskTest, WhatIsOutCountsAgainstTheHostsBudget) {
  settings_.set_host_max_pages(3);
  Build();
  SeedHost("a.example", 10);
  AddFetcher("f", /*credit=*/100);
  const wire::LeaseGrant first = GrantOne();
  EXPECT_EQ(first.urls_size(), 3);
  Release("f", Asked(first));
  clock_.Advance(absl::Seconds(10));
  Beat("f", 100);
  EXPECT_THAT(Grant(), IsEmpty()) << "three pages are on their way";
  EXPECT_GT(*frontier_->NextReadyTime(), crawl_clock_->Now()) << "and nobody spins meanwhile";
}

TEST_F(LeaseDeskTest, WithoutCreditNothingIsGranted_Rule25) {
  SeedHost("a.example", 1);
  SeedHost("b.example", 1);
  SeedHost("c.example", 1);
  AddFetcher("f", /*credit=*/2);
  EXPECT_THAT(Grant(), SizeIs(2));
  // The limit is cumulative: said again it is no new credit.
  Beat("f", 2);
  EXPECT_THAT(Grant(), IsEmpty());
  Beat("f", 1);   // a late heartbeat takes nothing away and gives nothing
  EXPECT_THAT(Grant(), IsEmpty());
  Beat("f", 3);
  EXPECT_THAT(Grant(), SizeIs(1));
}

TEST_F(LeaseDeskTest, AFetcherThatIsNotHeardOrDrainsGetsNothing) {
  SeedHost("a.example", 1);
  AddFetcher("silent");
  clock_.Advance(4 * options_.heartbeat);
  EXPECT_THAT(Grant(), IsEmpty());
  AddFetcher("draining");
  Node("draining").draining = true;
  EXPECT_THAT(Grant(), IsEmpty());
  Beat("silent", 100);
  EXPECT_THAT(Grant(), SizeIs(1));
}

TEST_F(LeaseDeskTest, TheBudgetBoundsAllGrantsTogether_Rule32) {
  SeedHost("a.example", 4);
  SeedHost("b.example", 4);
  SeedHost("c.example", 4);
  AddFetcher("f");
  int urls = 0;
  for (const wire::LeaseGrant& grant : Grant(/*budget=*/6)) urls += grant.urls_size();
  EXPECT_EQ(urls, 6);
  EXPECT_THAT(Grant(0), IsEmpty());
}

TEST_F(LeaseDeskTest, ABatchIsWorthAFewSecondsAtTheHostsDelay_Rule23) {
  SetDelay(absl::Seconds(1));
  SeedHost("a.example", 50);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  EXPECT_LE(grant.urls_size(), 1 + options_.batch / absl::Seconds(1));
  EXPECT_GE(grant.urls_size(), 1);
  EXPECT_EQ(grant.delay_us(), 1'000'000);
}

TEST_F(LeaseDeskTest, AVerySlowHostStillGetsOneUrl) {
  SetDelay(absl::Seconds(60));
  SeedHost("a.example", 5);
  AddFetcher("f");
  EXPECT_EQ(GrantOne().urls_size(), 1);
}

TEST_F(LeaseDeskTest, CrawlDelayRaisesTheDelayAndIsBounded) {
  SeedHost("a.example", 20);
  AddFetcher("f");
  wire::LeaseRelease release = Asked(GrantOne());
  release.set_crawl_delay_us(absl::ToInt64Microseconds(absl::Hours(5)));
  Release("f", release);
  EXPECT_EQ(leases_->DelayOf(Host("a.example")), kLongestCrawlDelay);
}

TEST_F(LeaseDeskTest, TheDelayOfTheSettingsHoldsUnderAShorterCrawlDelay) {
  SetDelay(absl::Seconds(3));
  SeedHost("a.example", 2);
  AddFetcher("f");
  wire::LeaseRelease release = Asked(GrantOne());
  release.set_crawl_delay_us(1'000'000);
  Release("f", release);
  EXPECT_EQ(leases_->DelayOf(Host("a.example")), absl::Seconds(3));
}

TEST_F(LeaseDeskTest, AfterAReleaseTheHostRestsForItsDelay_Rule19) {
  SetDelay(absl::Seconds(4));
  SeedHost("a.example", 6);
  AddFetcher("f");
  clock_.Advance(absl::Seconds(100));
  Beat("f", 100);
  wire::LeaseRelease release = Asked(GrantOne());
  release.set_last_request_age_us(absl::ToInt64Microseconds(absl::Seconds(1)));
  Release("f", release);
  clock_.Advance(absl::Seconds(3) - absl::Milliseconds(1));
  Beat("f", 100);
  EXPECT_THAT(Grant(), IsEmpty());
  clock_.Advance(absl::Milliseconds(1));
  wire::LeaseGrant again = GrantOne();
  EXPECT_EQ(again.last_request_age_us(), 4'000'000);
}

TEST_F(LeaseDeskTest, AReleaseWithoutARequestCostsNoDelay) {
  SetDelay(absl::Seconds(4));
  SeedHost("a.example", 2);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  Release("f", Unasked(grant, Why::NO_CREDIT));
  wire::LeaseGrant again = GrantOne();
  EXPECT_EQ(UrlsOf(again), UrlsOf(grant));
  EXPECT_GT(again.epoch().counter(), grant.epoch().counter());
}

TEST_F(LeaseDeskTest, WhatWasAskedStaysOutAfterTheRelease_Rule1) {
  SeedHost("a.example", 3);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  wire::LeaseRelease release = Asked(grant);
  release.add_unused(grant.urls(2).key());
  Release("f", release);
  EXPECT_THAT(UrlsOf(GrantOne()), ElementsAre("https://a.example/002"));
  EXPECT_EQ(frontier_->out_count(), 3u);
}

TEST_F(LeaseDeskTest, AReleaseOfSomebodyElsesLeaseChangesNothing) {
  SeedHost("a.example", 3);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  AddFetcher("g");
  Release("g", Unasked(grant, Why::EMPTY));
  EXPECT_EQ(leases_->leases(), 1u);
  EXPECT_TRUE(IsOut("https://a.example/000"));
  wire::LeaseRelease other_life = Unasked(grant, Why::EMPTY);
  other_life.mutable_epoch()->set_incarnation(grant.epoch().incarnation() + 1);
  Release("f", other_life);
  EXPECT_EQ(leases_->leases(), 1u);
  EXPECT_TRUE(IsOut("https://a.example/000"));
}

TEST_F(LeaseDeskTest, ARepeatedReleaseEndsNoLaterLease) {
  SeedHost("a.example", 3);
  AddFetcher("f");
  wire::LeaseRelease release = Unasked(GrantOne(), Why::EMPTY);
  Release("f", release);
  wire::LeaseGrant again = GrantOne();
  Release("f", release);
  EXPECT_EQ(leases_->leases(), 1u);
  for (const std::string& url : UrlsOf(again)) EXPECT_TRUE(IsOut(url)) << url;
}

TEST_F(LeaseDeskTest, ATopUpGivesMoreUnderTheSameEpoch_Rule23) {
  SeedHost("a.example", 200);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  wire::LeaseGrant more = TopUp("f", grant, 10);
  EXPECT_TRUE(more.top_up());
  EXPECT_EQ(more.epoch().counter(), grant.epoch().counter());
  EXPECT_EQ(more.urls_size(), 10);
  std::set<std::string> all;
  for (const wire::LeaseGrant* one : {&grant, &more}) {
    for (const std::string& url : UrlsOf(*one)) EXPECT_TRUE(all.insert(url).second) << url;
  }
}

// Else a fetcher would take it for a renewal that the scheduler knows nothing of, and ask on when the lease is over there.
TEST_F(LeaseDeskTest, ATopUpGivesNoMoreTime_Rule16) {
  SeedHost("a.example", 200);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  EXPECT_GT(grant.runs_us(), 0);
  EXPECT_EQ(TopUp("f", grant, 10).runs_us(), 0);
}

TEST_F(LeaseDeskTest, ATopUpWithNothingLeftIsAnsweredAllTheSame) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  wire::LeaseGrant more = TopUp("f", GrantOne(), 10);
  EXPECT_TRUE(more.top_up());
  EXPECT_EQ(more.urls_size(), 0);
}

TEST_F(LeaseDeskTest, ATopUpKeepsToTheBudgetAndToItsHolder) {
  SeedHost("a.example", 100);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  AddFetcher("g");
  EXPECT_EQ(TopUp("f", grant, 10, /*budget=*/3).urls_size(), 3);
  EXPECT_EQ(TopUp("f", grant, 10, /*budget=*/0).urls_size(), 0);
  size_t before = bus_.sent.size();
  TopUp("g", grant, 10);
  EXPECT_EQ(bus_.sent.size(), before);
}

TEST_F(LeaseDeskTest, HostsTakeTurnsWhenOthersWait) {
  SeedHost("a.example", 500);
  AddFetcher("f", /*credit=*/1);
  wire::LeaseGrant grant = GrantOne();
  clock_.Advance(options_.turn + absl::Seconds(1));
  EXPECT_GT(TopUp("f", grant, 5).urls_size(), 0);   // nobody waits
  SeedHost("b.example", 1);
  EXPECT_EQ(TopUp("f", grant, 5).urls_size(), 0);
}

TEST_F(LeaseDeskTest, FreshRobotsTravelWithTheGrantAndStaleOnesDoNot_Rule19) {
  SetDelay(absl::Seconds(1));
  SeedHost("a.example", 40);
  AddFetcher("f");
  wire::LeaseRelease release = Asked(GrantOne());
  release.mutable_robots()->set_kind(wire::RobotsState::RULES);
  release.mutable_robots()->set_body("User-agent: *\nDisallow: /x");
  release.mutable_robots()->set_fresh_us(absl::ToInt64Microseconds(absl::Seconds(100)));
  Release("f", release);
  clock_.Advance(absl::Seconds(60));
  Beat("f", 100);
  wire::LeaseGrant second = GrantOne();
  EXPECT_EQ(second.robots().body(), "User-agent: *\nDisallow: /x");
  EXPECT_EQ(second.robots().fresh_us(), absl::ToInt64Microseconds(absl::Seconds(40)));
  Release("f", Asked(second));
  clock_.Advance(absl::Seconds(40));
  Beat("f", 100);
  EXPECT_FALSE(GrantOne().has_robots());
}

TEST_F(LeaseDeskTest, RobotsBelongToTheirOrigin_Rule20) {
  Seed({"http://a.example/1", "https://a.example/1"});
  AddFetcher("f");
  wire::LeaseRelease release = Asked(GrantOne());
  release.mutable_robots()->set_kind(wire::RobotsState::ALLOW_ALL);
  release.mutable_robots()->set_fresh_us(1'000'000'000);
  Release("f", release);
  EXPECT_FALSE(GrantOne().has_robots());
}

TEST_F(LeaseDeskTest, UnreachableRobotsAreNotKeptAsRules) {
  Seed({"http://a.example/1", "http://a.example/2"});
  AddFetcher("f");
  wire::LeaseRelease release = Unasked(GrantOne(), Why::EMPTY);
  release.mutable_robots()->set_kind(wire::RobotsState::UNREACHABLE);
  release.mutable_robots()->set_fresh_us(1'000'000'000);
  Release("f", release);
  EXPECT_FALSE(GrantOne().has_robots());
}

TEST_F(LeaseDeskTest, HeadersGoToSeedsHostsOnly) {
  settings_.set_scope("any");
  Build();
  SeedHost("a.example", 1);
  Candidate found = intake_->FromSeed(Url::Parse("https://b.example/").value());
  found.seed = false;
  ASSERT_TRUE(db_->Admit({&found, 1}, Now()).ok());
  frontier_->TakeInserts();
  AddFetcher("f");
  for (const wire::LeaseGrant& grant : Grant()) {
    EXPECT_EQ(grant.send_headers(), grant.host() == "a.example") << grant.host();
  }
}

TEST_F(LeaseDeskTest, AHeartbeatRenewsOnlyWhatTheNodeHolds) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  AddFetcher("g");
  EXPECT_THAT(Beat("f", 100, {Held(grant)}).renewals(), SizeIs(1));
  EXPECT_THAT(Beat("g", 100, {Held(grant)}).renewals(), IsEmpty());
  wire::LeaseGrant other_life = grant;
  other_life.mutable_epoch()->set_incarnation(grant.epoch().incarnation() + 1);
  EXPECT_THAT(Beat("f", 100, {Held(other_life)}).renewals(), IsEmpty());
}

TEST_F(LeaseDeskTest, ARenewedLeaseOutlivesItsFirstDeadline) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  for (int second = 1; second <= 60; ++second) {
    clock_.Advance(absl::Seconds(1));
    Beat("f", 100, {Held(grant, static_cast<uint64_t>(second))});
    ASSERT_TRUE(leases_->Expire().ok());
  }
  EXPECT_EQ(leases_->leases(), 1u);
}

// Counted from the answer, and with the grace: the fetcher counts from before it asked, and stops first.
TEST_F(LeaseDeskTest, ARenewedLeaseIsOverHereOnlyAfterItsWholeTimeAndTheGrace_Rule16) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  clock_.Advance(options_.lease / 2);
  ASSERT_THAT(Beat("f", 100, {Held(grant, 1)}).renewals(), SizeIs(1));
  clock_.Advance(options_.lease + options_.lease_grace - absl::Milliseconds(1));
  ASSERT_TRUE(leases_->Expire().ok());
  EXPECT_EQ(leases_->leases(), 1u);
  clock_.Advance(absl::Milliseconds(1));
  ASSERT_TRUE(leases_->Expire().ok());
  EXPECT_EQ(leases_->leases(), 0u);
}

// By the fetcher's clock, from which it counts; it means nothing here.
TEST_F(LeaseDeskTest, GrantsAndAnswersNameTheHeartbeatThatTheyAnswer_Rule16) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  NodeEntry& node = Node("f");
  wire::Heartbeat beat;
  beat.set_nonce_echo(node.nonce);
  beat.set_lease_limit(100);
  beat.set_sent_steady_us(1234);
  wire::HeartbeatReply reply;
  leases_->OnHeartbeat("f", node, beat, reply);
  EXPECT_EQ(reply.echo_sent_steady_us(), 1234);
  EXPECT_EQ(GrantOne().echo_sent_steady_us(), 1234);
}

TEST_F(LeaseDeskTest, TheGraceIsNotTheFetchers_Rule16) {
  ASSERT_GT(options_.lease_grace, absl::ZeroDuration());
  SeedHost("a.example", 1);
  AddFetcher("f");
  const wire::LeaseGrant grant = GrantOne();
  EXPECT_EQ(absl::Microseconds(grant.runs_us()), options_.lease);
  const wire::HeartbeatReply reply = Beat("f", 100, {Held(grant, 1)});
  ASSERT_THAT(reply.renewals(), SizeIs(1));
  EXPECT_EQ(absl::Microseconds(reply.renewals(0).runs_us()), options_.lease);
}

TEST_F(LeaseDeskTest, ANodeThatDoesNotHearUsGetsNoRenewal_Rule17) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  NodeEntry& node = Node("f");
  wire::Heartbeat deaf;
  deaf.set_nonce_echo(node.nonce + 1);
  *deaf.add_leases() = Held(grant, 5);
  wire::HeartbeatReply reply;
  leases_->OnHeartbeat("f", node, deaf, reply);
  EXPECT_FALSE(reply.nonce_accepted());
  EXPECT_THAT(reply.renewals(), IsEmpty());
}

TEST_F(LeaseDeskTest, ALeaseWithoutProgressEndsWhateverTheHeartbeatsSay_Rule17) {
  SeedHost("a.example", 1);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  absl::Time end = clock_.SteadyNow() + options_.no_progress + options_.lease + options_.lease_grace +
                   absl::Seconds(5);
  while (clock_.SteadyNow() < end) {
    clock_.Advance(absl::Seconds(1));
    Beat("f", 100, {Held(grant, 1)});
    ASSERT_TRUE(leases_->Expire().ok());
  }
  EXPECT_EQ(leases_->leases(), 0u);
}

}  // namespace
}  // namespace weft::test
