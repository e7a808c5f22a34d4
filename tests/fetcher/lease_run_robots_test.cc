// robots.txt first, and where it redirects to.
#include "tests/fetcher/lease_run_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Why = wire::LeaseRelease;

class LeaseRobotsTest : public LeaseRunTest {
 protected:
  LeaseRobotsTest() {
    grant_.clear_robots();
    AddUrls(2);
  }
  wire::HostPermit Permit(bool granted, absl::Duration wait = absl::ZeroDuration(),
                          absl::Duration runs = absl::Seconds(10)) {
    wire::HostPermit permit;
    permit.set_permit_id(run_->id());
    permit.set_granted(granted);
    permit.set_wait_us(absl::ToInt64Microseconds(wait));
    permit.set_runs_us(absl::ToInt64Microseconds(runs));
    return permit;
  }
  void RedirectAway() {
    BeginResolved();
    ASSERT_THAT(host_.robots, SizeIs(1));
    run_->OnRobotsEnd(Response(301, "Location: https://cdn.example/robots.txt\r\n"), "");
    run_->Advance();
  }
};

TEST_F(LeaseRobotsTest, ItIsAskedFirstAndAlone) {
  grant_.set_connections(4);
  BeginResolved();
  ASSERT_THAT(host_.robots, SizeIs(1));
  EXPECT_EQ(host_.robots[0].url, "https://a.example/robots.txt");
  EXPECT_THAT(host_.urls, IsEmpty());
  run_->Advance();
  EXPECT_THAT(host_.robots, SizeIs(1));
  EXPECT_THAT(host_.urls, IsEmpty());
}

TEST_F(LeaseRobotsTest, ItNeedsNoPageCredit) {
  host_.may_start = false;
  BeginResolved();
  EXPECT_THAT(host_.robots, SizeIs(1));
}

TEST_F(LeaseRobotsTest, ItCountsAgainstTheDelay_Rule19) {
  grant_.set_delay_us(5'000'000);
  BeginResolved();
  clock_.Advance(absl::Seconds(1));
  run_->OnRobotsEnd(Response(404), "");
  run_->Advance();
  EXPECT_THAT(host_.urls, IsEmpty());
  clock_.Advance(absl::Seconds(5));
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(1));
  EXPECT_EQ(run_->asked(), 2u);
}

TEST_F(LeaseRobotsTest, ForbiddenUrlsAreReportedWithTheRuleAndNeverAsked) {
  BeginResolved();
  run_->OnRobotsEnd(Response(200), "User-agent: *\nDisallow: /0\n");
  run_->Advance();
  ASSERT_THAT(host_.ended, SizeIs(1));
  EXPECT_EQ(host_.ended[0].url, "https://a.example/0");
  EXPECT_EQ(host_.ended[0].outcome, Outcome::kRobots);
  EXPECT_EQ(host_.ended[0].detail, "Disallow: /0");
  ASSERT_THAT(host_.urls, SizeIs(1));
  EXPECT_EQ(host_.urls[0].url, "https://a.example/1");
}

TEST_F(LeaseRobotsTest, RulesGoBackWithTheReleaseForTheNextLease_Rule19) {
  BeginResolved();
  run_->OnRobotsEnd(Response(200), "User-agent: weft\nCrawl-delay: 3\n");
  run_->Close(Why::DRAIN);
  wire::LeaseRelease release = run_->MakeRelease();
  EXPECT_EQ(release.robots().kind(), wire::RobotsState::RULES);
  EXPECT_EQ(release.robots().body(), "User-agent: weft\nCrawl-delay: 3\n");
  EXPECT_EQ(release.crawl_delay_us(), 3'000'000);
}

TEST_F(LeaseRobotsTest, GivenRulesAreUsedAndNotSentBack) {
  Rules("User-agent: *\nDisallow: /0\n");
  BeginResolved();
  EXPECT_THAT(host_.robots, IsEmpty());
  EXPECT_THAT(host_.ended, SizeIs(1));
  EXPECT_FALSE(run_->MakeRelease().has_robots());
}

TEST_F(LeaseRobotsTest, StaleRulesAreFetchedAnew) {
  Rules("User-agent: *\nDisallow: /0\n");
  grant_.mutable_robots()->set_fresh_us(0);
  BeginResolved();
  EXPECT_THAT(host_.robots, SizeIs(1));
}

TEST_F(LeaseRobotsTest, IgnoredRobotsAreNotAskedFor) {
  settings_.ignore_robots = true;
  BeginResolved();
  EXPECT_THAT(host_.robots, IsEmpty());
  EXPECT_THAT(host_.urls, SizeIs(1));
}

TEST_F(LeaseRobotsTest, UnreachableGivesTheHostBackAndRefusesNothing_Rule8) {
  BeginResolved();
  run_->OnRobotsEnd(Response(503, "Retry-After: 40\r\n"), "");
  run_->Advance();
  ASSERT_TRUE(run_->ReadyToRelease());
  wire::LeaseRelease release = run_->MakeRelease();
  EXPECT_EQ(release.why(), Why::ROBOTS_UNREACHABLE);
  EXPECT_EQ(release.outcome(), static_cast<uint32_t>(Outcome::kRobotsUnreachable));
  EXPECT_EQ(release.retry_after_us(), 40'000'000);
  EXPECT_EQ(release.unused_size(), 2);
  EXPECT_THAT(host_.ended, IsEmpty());
  EXPECT_FALSE(release.has_robots());
}

TEST_F(LeaseRobotsTest, ANameWithMoreAddressesIsTriedAtTheNext) {
  BeginResolved({"93.184.216.34", "93.184.216.35"});
  run_->OnRobotsEnd(Failure(Outcome::kConnect), "");
  ASSERT_TRUE(AdvanceUntil([&] { return host_.robots.size() == 2 || run_->closing(); }));
  ASSERT_THAT(host_.robots, SizeIs(2));
  EXPECT_EQ(host_.robots[1].address, "93.184.216.35");
  run_->OnRobotsEnd(Failure(Outcome::kConnect), "");
  run_->Advance();
  EXPECT_EQ(run_->MakeRelease().why(), Why::ROBOTS_UNREACHABLE);
  EXPECT_EQ(run_->MakeRelease().outcome(), static_cast<uint32_t>(Outcome::kConnect));
}

TEST_F(LeaseRobotsTest, ARedirectOnTheSameHostNeedsNoPermit) {
  BeginResolved();
  run_->OnRobotsEnd(Response(301, "Location: /r2.txt\r\n"), "");
  run_->Advance();
  ASSERT_THAT(host_.robots, SizeIs(2));
  EXPECT_EQ(host_.robots[1].url, "https://a.example/r2.txt");
  EXPECT_THAT(host_.permits, IsEmpty());
}

// ---- redirected to another host (rule 22) ----

TEST_F(LeaseRobotsTest, AnotherHostIsAskedUnderItsPermitOnly_Rule22) {
  RedirectAway();
  EXPECT_THAT(host_.permits, ElementsAre("cdn.example"));
  EXPECT_THAT(host_.robots, SizeIs(1));
  run_->OnPermit(Permit(true, absl::Seconds(2)));
  EXPECT_EQ(host_.resolved.back(), "cdn.example:443");
  Resolve({"93.184.216.99"});
  run_->Advance();
  EXPECT_THAT(host_.robots, SizeIs(1));   // the permit says when
  clock_.Advance(absl::Seconds(2));
  run_->Advance();
  ASSERT_THAT(host_.robots, SizeIs(2));
  EXPECT_EQ(host_.robots[1].url, "https://cdn.example/robots.txt");
  EXPECT_EQ(host_.robots[1].address, "93.184.216.99");
  run_->OnRobotsEnd(Response(200), "User-agent: *\nDisallow: /0\n");
  ASSERT_THAT(host_.permits_done, SizeIs(1));
  EXPECT_EQ(host_.permits_done[0].first, "cdn.example");
  EXPECT_GE(host_.permits_done[0].second, absl::ZeroDuration());
  run_->Advance();
  EXPECT_THAT(host_.ended, SizeIs(1));
  // The origin's own address serves its pages.
  ASSERT_THAT(host_.urls, SizeIs(1));
  EXPECT_EQ(host_.urls[0].address, "93.184.216.34");
}

TEST_F(LeaseRobotsTest, ARefusedPermitIsNobodysFault) {
  RedirectAway();
  run_->OnPermit(Permit(false));
  run_->Advance();
  ASSERT_TRUE(run_->ReadyToRelease());
  EXPECT_EQ(run_->MakeRelease().why(), Why::ROBOTS_UNREACHABLE);
  EXPECT_EQ(run_->MakeRelease().outcome(), static_cast<uint32_t>(Outcome::kNone));
  EXPECT_EQ(run_->MakeRelease().unused_size(), 2);
}

TEST_F(LeaseRobotsTest, APermitThatRanOutIsNotUsed_Rule22) {
  RedirectAway();
  run_->OnPermit(Permit(true, absl::ZeroDuration(), absl::Seconds(10)));
  clock_.Advance(absl::Seconds(10));
  Resolve({"93.184.216.99"});
  run_->Advance();
  EXPECT_THAT(host_.robots, SizeIs(1));
  ASSERT_THAT(host_.permits_done, SizeIs(1));
  EXPECT_LT(host_.permits_done[0].second, absl::ZeroDuration());   // not asked
  EXPECT_EQ(run_->MakeRelease().why(), Why::ROBOTS_UNREACHABLE);
}

TEST_F(LeaseRobotsTest, APermitRunsFromItsAskingHoweverLateItComes_Rule16) {
  RedirectAway();
  clock_.Advance(absl::Seconds(6));
  run_->OnPermit(Permit(true, absl::ZeroDuration(), absl::Seconds(10)));
  clock_.Advance(absl::Seconds(4));
  Resolve({"93.184.216.99"});
  run_->Advance();
  EXPECT_THAT(host_.robots, SizeIs(1));
}

TEST_F(LeaseRobotsTest, TheOtherHostsFailureIsNotTheHostsOwn_Rule8) {
  for (Outcome outcome : {Outcome::kDns, Outcome::kConnect, Outcome::kTimeout}) {
    host_ = NotingHost();
    RedirectAway();
    run_->OnPermit(Permit(true));
    if (outcome == Outcome::kDns) {
      run_->OnResolved(absl::NotFoundError("no such name"));
    } else {
      Resolve({"93.184.216.99"});
      run_->Advance();
      run_->OnRobotsEnd(Failure(outcome), "");
    }
    ASSERT_TRUE(run_->ReadyToRelease());
    EXPECT_EQ(run_->MakeRelease().why(), Why::ROBOTS_UNREACHABLE);
    EXPECT_EQ(run_->MakeRelease().outcome(), static_cast<uint32_t>(Outcome::kRobotsUnreachable))
        << OutcomeName(outcome);
  }
}

TEST_F(LeaseRobotsTest, AnotherHostAtASpecialAddressIsNotAsked) {
  RedirectAway();
  run_->OnPermit(Permit(true));
  Resolve({"127.0.0.1"});
  run_->Advance();
  EXPECT_THAT(host_.robots, SizeIs(1));
  EXPECT_THAT(host_.permits_done, SizeIs(1));
}

TEST_F(LeaseRobotsTest, AnUnusedPermitGoesBackWhenTheLeaseCloses_Rule21) {
  RedirectAway();
  run_->OnPermit(Permit(true, absl::Seconds(5)));
  Resolve({"93.184.216.99"});
  run_->Close(Why::DRAIN);
  ASSERT_THAT(host_.permits_done, SizeIs(1));
  EXPECT_EQ(host_.permits_done[0].first, "cdn.example");
  EXPECT_LT(host_.permits_done[0].second, absl::ZeroDuration());
  EXPECT_TRUE(run_->ReadyToRelease());
}

TEST_F(LeaseRobotsTest, APermitThatComesWhileTheLeaseClosesGoesBackAtOnce) {
  grant_.set_connections(1);
  RedirectAway();
  run_->Close(Why::DRAIN);
  EXPECT_THAT(host_.permits_done, IsEmpty());
  run_->OnPermit(Permit(true));
  ASSERT_THAT(host_.permits_done, SizeIs(1));
  EXPECT_LT(host_.permits_done[0].second, absl::ZeroDuration());
}

TEST_F(LeaseRobotsTest, APermitInUseGoesBackOnceWhenItsRequestEnds) {
  RedirectAway();
  run_->OnPermit(Permit(true));
  Resolve({"93.184.216.99"});
  run_->Advance();
  run_->Close(Why::DRAIN);
  EXPECT_FALSE(run_->ReadyToRelease());
  EXPECT_THAT(host_.permits_done, IsEmpty());
  run_->OnRobotsEnd(Response(200), "");
  EXPECT_THAT(host_.permits_done, SizeIs(1));
  EXPECT_TRUE(run_->ReadyToRelease());
}

// ---- and where connections to an address are limited (rule 21) ----

class LeaseRobotsAddressTest : public LeaseRobotsTest {
 protected:
  void PermitAddress(const std::string& address, uint64_t permit_id) {
    wire::AddressPermit permit;
    *permit.mutable_epoch() = grant_.epoch();
    permit.set_permit_id(static_cast<int64_t>(permit_id));
    permit.set_address(address);
    permit.set_connections(address.empty() ? 0 : 1);
    run_->OnAddress(permit);
    run_->Advance();
  }
  // Up to the look-up of the host that robots.txt redirects to.
  void RedirectAwayAndResolve() {
    settings_.address_permits = true;
    BeginResolved();
    PermitAddress("93.184.216.34", 0);
    ASSERT_THAT(host_.robots, SizeIs(1));
    run_->OnRobotsEnd(Response(301, "Location: https://cdn.example/robots.txt\r\n"), "");
    run_->Advance();
    run_->OnPermit(Permit(true));
    Resolve({"93.184.216.98", "10.0.0.1", "93.184.216.99"});
    run_->Advance();
  }
};

TEST_F(LeaseRobotsAddressTest, TheOtherHostNeedsAPermitForItsAddressToo_Rule21) {
  RedirectAwayAndResolve();
  ASSERT_THAT(host_.addresses_wanted, SizeIs(2));
  EXPECT_EQ(host_.addresses_wanted[1], "permit: 93.184.216.98 93.184.216.99") << "allowed ones only";
  clock_.Advance(absl::Seconds(5));
  run_->Advance();
  EXPECT_THAT(host_.robots, SizeIs(1)) << "not before it is there";
  PermitAddress("93.184.216.99", run_->id());
  ASSERT_THAT(host_.robots, SizeIs(2));
  EXPECT_EQ(host_.robots[1].url, "https://cdn.example/robots.txt");
  EXPECT_EQ(host_.robots[1].address, "93.184.216.99");
  run_->OnRobotsEnd(Response(404), "");
  EXPECT_THAT(host_.permits_done, SizeIs(1));
  run_->Advance();
  ASSERT_THAT(host_.urls, SizeIs(1));
  EXPECT_EQ(host_.urls[0].address, "93.184.216.34") << "the lease's own";
}

TEST_F(LeaseRobotsAddressTest, WithoutRoomThereItIsNobodysFaultAndThePermitGoesBack_Rule21) {
  RedirectAwayAndResolve();
  PermitAddress("", run_->id());
  EXPECT_THAT(host_.robots, SizeIs(1));
  ASSERT_THAT(host_.permits_done, SizeIs(1));
  EXPECT_LT(host_.permits_done[0].second, absl::ZeroDuration());
  ASSERT_TRUE(run_->ReadyToRelease());
  EXPECT_EQ(run_->MakeRelease().why(), Why::ROBOTS_UNREACHABLE);
  EXPECT_EQ(run_->MakeRelease().outcome(), static_cast<uint32_t>(Outcome::kNone));
}

TEST_F(LeaseRobotsAddressTest, AnAddressThatIsNotTheOtherHostsIsNone) {
  RedirectAwayAndResolve();
  PermitAddress("10.0.0.1", run_->id());
  EXPECT_THAT(host_.robots, SizeIs(1));
  EXPECT_THAT(host_.permits_done, SizeIs(1));
}

TEST_F(LeaseRobotsTest, ThroughAProxyTheOtherHostIsNotResolvedHereEither) {
  UseProxies({}, "http://proxy.example:3128");
  Begin();
  run_->Advance();
  ASSERT_THAT(host_.robots, SizeIs(1));
  run_->OnRobotsEnd(Response(301, "Location: https://cdn.example/robots.txt\r\n"), "");
  run_->Advance();
  run_->OnPermit(Permit(true));
  run_->Advance();
  EXPECT_THAT(host_.resolved, IsEmpty());
  EXPECT_THAT(host_.robots, SizeIs(2));
}

TEST_F(LeaseRobotsTest, TheOtherHostsRuleSaysHowItIsAsked) {
  UseProxies({"match=//cdn\\.example/ proxy=none"}, "http://proxy.example:3128");
  Begin();
  run_->Advance();
  EXPECT_THAT(host_.resolved, IsEmpty());
  run_->OnRobotsEnd(Response(301, "Location: https://cdn.example/robots.txt\r\n"), "");
  run_->Advance();
  run_->OnPermit(Permit(true));
  EXPECT_THAT(host_.resolved, ElementsAre("cdn.example:443"));
}

TEST_F(LeaseRobotsTest, NotSentBeforeTheDeadlineIsTriedAgainByTheNextLease) {
  Begin(absl::Seconds(5));
  run_->Advance();
  Resolve({"93.184.216.34"});
  run_->Advance();
  clock_.Advance(absl::Seconds(5));
  run_->OnRobotsEnd(NotSent(), "");
  run_->Advance();
  EXPECT_EQ(run_->MakeRelease().why(), Why::OVER);
  EXPECT_EQ(run_->MakeRelease().last_request_age_us(), -1);
}

}  // namespace
}  // namespace weft::test
