// A lease at work: what is asked, when, and what becomes of the answers.
#include "tests/fetcher/lease_run_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using Why = wire::LeaseRelease;

// ---- politeness ----

TEST_F(LeaseRunTest, OneRequestAtATimeOnOneConnection) {
  AddUrls(3);
  BeginResolved();
  EXPECT_THAT(host_.urls, SizeIs(1));
  clock_.Advance(absl::Seconds(30));
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(1));
  EXPECT_EQ(EndLast(Response(200)), LeaseRun::Verdict::kPage);
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(2));
}

TEST_F(LeaseRunTest, TheDelayRunsFromTheEndOfAResponse_Rule20) {
  AddUrls(2);
  grant_.set_delay_us(5'000'000);
  BeginResolved();
  clock_.Advance(absl::Seconds(20));   // a slow response
  EndLast(Response(200));
  run_->Advance();
  clock_.Advance(absl::Seconds(5) - absl::Milliseconds(1));
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(1));
  EXPECT_EQ(run_->NextWake(), clock_.SteadyNow() + absl::Milliseconds(1));
  clock_.Advance(absl::Milliseconds(1));
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(2));
}

TEST_F(LeaseRunTest, EachConnectionKeepsItsOwnDelay_Rule20) {
  AddUrls(6);
  grant_.set_delay_us(5'000'000);
  grant_.set_connections(2);
  BeginResolved();
  EXPECT_THAT(host_.urls, SizeIs(2));
  run_->OnUrlEnd(host_.urls[0].ticket, Response(200));
  clock_.Advance(absl::Seconds(3));
  run_->OnUrlEnd(host_.urls[1].ticket, Response(200));
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(2));
  clock_.Advance(absl::Seconds(2));
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(3));
  clock_.Advance(absl::Seconds(3));
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(4));
}

TEST_F(LeaseRunTest, TheLastRequestOfAnEarlierLeaseCounts_Rule19) {
  AddUrls(1);
  grant_.set_delay_us(5'000'000);
  grant_.set_last_request_age_us(2'000'000);
  BeginResolved();
  EXPECT_THAT(host_.urls, IsEmpty());
  clock_.Advance(absl::Seconds(3) - absl::Milliseconds(1));
  run_->Advance();
  EXPECT_THAT(host_.urls, IsEmpty());
  clock_.Advance(absl::Milliseconds(1));
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(1));
}

TEST_F(LeaseRunTest, AnOrphanedRequestsEndCountsToo) {
  AddUrls(1);
  grant_.set_delay_us(5'000'000);
  Begin();
  run_->HostWasAsked(clock_.SteadyNow());
  run_->Advance();
  EXPECT_THAT(host_.resolved, IsEmpty());
  clock_.Advance(absl::Seconds(5));
  run_->Advance();
  Resolve({"93.184.216.34"});
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(1));
}

TEST_F(LeaseRunTest, CrawlDelayRaisesTheDelayUpToItsBound) {
  Rules("User-agent: *\nCrawl-delay: 4000\n");
  AddUrls(2);
  BeginResolved();
  EndLast(Response(200));
  run_->Advance();
  clock_.Advance(absl::Minutes(2) - absl::Milliseconds(1));
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(1));
  clock_.Advance(absl::Milliseconds(1));
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(2));
  EXPECT_EQ(run_->MakeRelease().crawl_delay_us(), absl::ToInt64Microseconds(absl::Minutes(2)));
}

TEST_F(LeaseRunTest, WithoutRoomItSaysThatItWantsToGoOn) {
  AddUrls(1);
  host_.may_start = false;
  Begin();
  run_->Advance();
  Resolve({"93.184.216.34"});
  EXPECT_TRUE(run_->Advance());
  EXPECT_THAT(host_.urls, IsEmpty());
  host_.may_start = true;
  EXPECT_FALSE(run_->Advance());
  EXPECT_THAT(host_.urls, SizeIs(1));
}

// ---- the lease's time ----

TEST_F(LeaseRunTest, NothingIsAskedAtTheDeadline_Rule16) {
  AddUrls(2);
  BeginResolved();
  EndLast(Response(200));
  clock_.Advance(absl::Minutes(10));
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(1));
  EXPECT_TRUE(run_->ReadyToRelease());
  EXPECT_EQ(run_->MakeRelease().why(), Why::OVER);
  EXPECT_THAT(Unused(), ElementsAre("https://a.example/1"));
}

TEST_F(LeaseRunTest, ARenewalOnlyLengthens) {
  AddUrls(1);
  Begin();
  absl::Time before = run_->deadline();
  run_->Renew(before - absl::Seconds(5));
  EXPECT_EQ(run_->deadline(), before);
  run_->Renew(before + absl::Seconds(5));
  EXPECT_EQ(run_->deadline(), before + absl::Seconds(5));
}

TEST_F(LeaseRunTest, ItIsReleasedOnlyWhenNothingIsInFlight) {
  AddUrls(2);
  BeginResolved();
  run_->Close(Why::DRAIN);
  EXPECT_FALSE(run_->ReadyToRelease());
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(1));
  EndLast(Response(200));
  EXPECT_TRUE(run_->ReadyToRelease());
  EXPECT_EQ(run_->MakeRelease().why(), Why::DRAIN);
  EXPECT_THAT(Unused(), ElementsAre("https://a.example/1"));
}

TEST_F(LeaseRunTest, WhatIsUnderWayWhenItIsClosedIsLookedAfterAtTheDeadline_Rule16) {
  AddUrls(2);
  BeginResolved();
  run_->Close(Why::DRAIN);
  EXPECT_EQ(run_->NextWake(), run_->deadline());
  EndLast(Response(200));
  EXPECT_EQ(run_->NextWake(), absl::InfiniteFuture());
}

TEST_F(LeaseRunTest, WhatTheDeadlineCutOffGoesBack) {
  AddUrls(1);
  BeginResolved();
  run_->Close(Why::OVER);
  run_->OnUrlCancelled(host_.urls[0].ticket, clock_.SteadyNow());
  EXPECT_TRUE(run_->ReadyToRelease());
  EXPECT_THAT(Unused(), ElementsAre("https://a.example/0"));
  EXPECT_EQ(run_->MakeRelease().last_request_age_us(), 0);
}

TEST_F(LeaseRunTest, WhatWasNeverSentGoesBackAndCountsNoRequest) {
  AddUrls(1);
  BeginResolved();
  EXPECT_EQ(EndLast(NotSent()), LeaseRun::Verdict::kHandled);
  run_->Close(Why::OVER);
  EXPECT_THAT(Unused(), ElementsAre("https://a.example/0"));
  EXPECT_EQ(run_->MakeRelease().last_request_age_us(), -1);
  EXPECT_THAT(host_.ended, IsEmpty());
}

TEST_F(LeaseRunTest, TheReleaseTellsTheAgeOfTheLastRequest_Rule19) {
  AddUrls(1);
  BeginResolved();
  clock_.Advance(absl::Seconds(2));
  EndLast(Response(200));
  clock_.Advance(absl::Seconds(3));
  run_->Close(Why::EMPTY);
  EXPECT_EQ(run_->MakeRelease().last_request_age_us(), 3'000'000);
  EXPECT_EQ(run_->MakeRelease().asked(), 1u);
}

// ---- more of the same host ----

TEST_F(LeaseRunTest, AsksForMoreAtLowWaterAndOnlyOnceAtATime_Rule23) {
  AddUrls(2);
  BeginResolved();
  EXPECT_THAT(host_.more, SizeIs(1));
  run_->Advance();
  EXPECT_THAT(host_.more, SizeIs(1));
  wire::LeaseGrant top_up;
  *top_up.add_urls() = Ticket("https://a.example/9");
  run_->TopUp(top_up);
  EndLast(Response(200));
  run_->Advance();
  EndLast(Response(200));
  run_->Advance();
  EXPECT_EQ(host_.urls.back().url, "https://a.example/9");
}

TEST_F(LeaseRunTest, AnEmptyTopUpEndsTheLeaseWhenAllIsDone) {
  AddUrls(1);
  BeginResolved();
  EndLast(Response(200));
  run_->Advance();
  EXPECT_FALSE(run_->closing());   // more may come
  run_->TopUp({});
  run_->Advance();
  EXPECT_TRUE(run_->ReadyToRelease());
  EXPECT_EQ(run_->MakeRelease().why(), Why::EMPTY);
}

TEST_F(LeaseRunTest, ATopUpThatComesWhileItClosesGoesBack) {
  AddUrls(1);
  BeginResolved();
  run_->Close(Why::DRAIN);
  wire::LeaseGrant top_up;
  *top_up.add_urls() = Ticket("https://a.example/9");
  run_->TopUp(top_up);
  EndLast(Response(200));
  EXPECT_THAT(Unused(), ElementsAre("https://a.example/9"));
}

// ---- addresses ----

TEST_F(LeaseRunTest, OneLookUpForTheWholeLease) {
  AddUrls(3);
  BeginResolved();
  for (int i = 0; i < 2; ++i) {
    EndLast(Response(200));
    run_->Advance();
  }
  EXPECT_THAT(host_.resolved, ElementsAre("a.example:443"));
  for (const auto& started : host_.urls) EXPECT_EQ(started.address, "93.184.216.34");
}

TEST_F(LeaseRunTest, ANameThatDoesNotResolveFailsTheHostAndGivesEverythingBack) {
  AddUrls(2);
  Begin();
  run_->Advance();
  run_->OnResolved(absl::NotFoundError("no such name"));
  run_->Advance();
  EXPECT_TRUE(run_->ReadyToRelease());
  EXPECT_EQ(run_->MakeRelease().why(), Why::HOST_FAILED);
  EXPECT_EQ(run_->MakeRelease().outcome(), static_cast<uint32_t>(Outcome::kDns));
  EXPECT_THAT(Unused(), SizeIs(2));
  EXPECT_THAT(host_.ended, IsEmpty());
}

TEST_F(LeaseRunTest, SpecialAddressesAreNotAskedUnlessAllowed) {
  AddUrls(1);
  BeginResolved({"127.0.0.1", "10.0.0.1"});
  EXPECT_THAT(host_.urls, IsEmpty());
  EXPECT_EQ(run_->MakeRelease().outcome(), static_cast<uint32_t>(Outcome::kAddress));
  settings_.allowed_private.push_back(Cidr::Parse("10.0.0.0/8").value());
  BeginResolved({"127.0.0.1", "10.0.0.1"});
  ASSERT_THAT(host_.urls, SizeIs(1));
  EXPECT_EQ(host_.urls[0].address, "10.0.0.1");
}

TEST_F(LeaseRunTest, ANameWithMoreAddressesIsTriedAtTheNext) {
  AddUrls(1);
  BeginResolved({"93.184.216.34", "93.184.216.35"});
  EndLast(Failure(Outcome::kConnect));
  run_->Advance();
  ASSERT_THAT(host_.urls, SizeIs(2));
  EXPECT_EQ(host_.urls[1].address, "93.184.216.35");
  EndLast(Failure(Outcome::kConnect));
  run_->Advance();
  EXPECT_EQ(run_->MakeRelease().why(), Why::HOST_FAILED);
  EXPECT_THAT(Unused(), ElementsAre("https://a.example/0"));
}

TEST_F(LeaseRunTest, ThroughAProxyNothingIsResolvedHere) {
  UseProxies({}, "http://proxy.example:3128");
  AddUrls(1);
  Begin();
  run_->Advance();
  EXPECT_THAT(host_.resolved, IsEmpty());
  EXPECT_THAT(host_.urls, SizeIs(1));
}

TEST_F(LeaseRunTest, AHostWithAProxyByRuleIsNotResolvedHere) {
  UseProxies({"match=//a\\.example/ proxy=socks5h://proxy.example:1080"});
  settings_.address_permits = true;
  AddUrls(1);
  Begin();
  run_->Advance();
  EXPECT_EQ(run_->proxy(), "socks5h://proxy.example:1080");
  EXPECT_THAT(host_.resolved, IsEmpty());
  EXPECT_THAT(host_.addresses_wanted, IsEmpty()) << "no address, no limit of it";
  EXPECT_THAT(host_.urls, SizeIs(1));
}

TEST_F(LeaseRunTest, APrivateAddressIsNotAskedThroughAProxyEither) {
  UseProxies({}, "http://proxy.example:3128");
  for (const char* host : {"169.254.169.254", "[::1]"}) {
    grant_.set_host(host);
    grant_.set_origin(fmt::format("http://{}", host));
    *grant_.add_urls() = Ticket(fmt::format("http://{}/", host));
    Begin();
    run_->Advance();
    EXPECT_THAT(host_.urls, IsEmpty());
    EXPECT_TRUE(run_->closing());
    EXPECT_EQ(run_->MakeRelease().outcome(), static_cast<uint32_t>(Outcome::kAddress)) << host;
  }
}

TEST_F(LeaseRunTest, AHostThatARuleTakesFromTheCrawlsProxyIsResolvedHere) {
  UseProxies({"match=//a\\.example/ proxy=none"}, "http://proxy.example:3128");
  AddUrls(1);
  Begin();
  run_->Advance();
  EXPECT_EQ(run_->proxy(), "");
  EXPECT_THAT(host_.resolved, ElementsAre("a.example:443"));
}

// ---- answers ----

TEST_F(LeaseRunTest, AnAnswerOfAnyStatusIsAPage) {
  AddUrls(4);
  BeginResolved();
  for (int status : {200, 301, 404, 501}) {
    EXPECT_EQ(EndLast(Response(status)), LeaseRun::Verdict::kPage) << status;
    run_->Advance();
  }
}

TEST_F(LeaseRunTest, ThrottlingClosesTheLeaseAndCostsTheUrlNothing) {
  for (int status : {429, 503}) {
    grant_.clear_urls();
    AddUrls(2);
    BeginResolved();
    EXPECT_EQ(EndLast(Response(status, "Retry-After: 30\r\n")), LeaseRun::Verdict::kHandled);
    run_->Advance();
    ASSERT_TRUE(run_->ReadyToRelease());
    wire::LeaseRelease release = run_->MakeRelease();
    EXPECT_EQ(release.why(), Why::THROTTLED);
    EXPECT_EQ(release.retry_after_us(), 30'000'000);
    EXPECT_THAT(Unused(), UnorderedElementsAre("https://a.example/0", "https://a.example/1"));
    EXPECT_EQ(run_->pause(), absl::Seconds(30));
    EXPECT_THAT(host_.ended, IsEmpty());
  }
}

TEST_F(LeaseRunTest, TheLongestPauseOfSeveralAnswersIsTold) {
  AddUrls(2);
  grant_.set_connections(2);
  BeginResolved();
  run_->OnUrlEnd(host_.urls[0].ticket, Response(429, "Retry-After: 90\r\n"));
  run_->OnUrlEnd(host_.urls[1].ticket, Response(503, "Retry-After: 30\r\n"));
  EXPECT_EQ(run_->MakeRelease().retry_after_us(), 90'000'000);
}

TEST_F(LeaseRunTest, APauseIsToldEvenIfTheLeaseWasClosingForAnotherReason) {
  AddUrls(1);
  BeginResolved();
  run_->Close(Why::DRAIN);
  EndLast(Response(429, "Retry-After: 90\r\n"));
  EXPECT_EQ(run_->MakeRelease().why(), Why::THROTTLED);
  EXPECT_EQ(run_->MakeRelease().retry_after_us(), 90'000'000);
}

TEST_F(LeaseRunTest, AServerErrorIsTriedAgainAndTheLastAnswerStored) {
  for (int status : {500, 502, 504}) {
    grant_.clear_urls();
    AddUrls(1);
    host_.ended.clear();
    uint32_t tries = static_cast<uint32_t>(RetryPolicyFor(Outcome::kServerError).tries);
    grant_.mutable_urls(0)->set_attempt(tries - 2);
    BeginResolved();
    EXPECT_EQ(EndLast(Response(status)), LeaseRun::Verdict::kHandled);
    ASSERT_THAT(host_.ended, SizeIs(1));
    EXPECT_EQ(host_.ended[0].outcome, Outcome::kServerError);
    grant_.mutable_urls(0)->set_attempt(tries - 1);
    BeginResolved();
    EXPECT_EQ(EndLast(Response(status)), LeaseRun::Verdict::kPage);
  }
}

TEST_F(LeaseRunTest, OwnKeyRedirectsAreNoFailedTries) {
  AddUrls(1);
  grant_.mutable_urls(0)->set_attempt(3);
  grant_.mutable_urls(0)->set_own_key_redirects(3);
  BeginResolved();
  EXPECT_EQ(EndLast(Response(500)), LeaseRun::Verdict::kHandled);
}

TEST_F(LeaseRunTest, AUrlsOwnFailureIsReportedAndTheHostGoesOn) {
  AddUrls(2);
  BeginResolved();
  EndLast(Failure(Outcome::kTimeout));
  ASSERT_THAT(host_.ended, SizeIs(1));
  EXPECT_EQ(host_.ended[0].url, "https://a.example/0");
  EXPECT_EQ(host_.ended[0].outcome, Outcome::kTimeout);
  EXPECT_EQ(host_.ended[0].detail, "no luck");
  run_->Advance();
  EXPECT_THAT(host_.urls, SizeIs(2));
}

TEST_F(LeaseRunTest, AHostsFailureBlamesNoUrl) {
  AddUrls(2);
  BeginResolved();
  EndLast(Failure(Outcome::kTls));
  EXPECT_TRUE(run_->ReadyToRelease());
  EXPECT_EQ(run_->MakeRelease().why(), Why::HOST_FAILED);
  EXPECT_EQ(run_->MakeRelease().detail(), "no luck");
  EXPECT_THAT(Unused(), SizeIs(2));
  EXPECT_THAT(host_.ended, IsEmpty());
}

TEST_F(LeaseRunTest, AUrlThatIsNoneIsReportedAndNotAskedFor) {
  *grant_.add_urls() = Ticket("nonsense");
  AddUrls(1);
  BeginResolved();
  ASSERT_THAT(host_.ended, SizeIs(1));
  EXPECT_EQ(host_.ended[0].outcome, Outcome::kScheme);
  EXPECT_THAT(host_.urls, SizeIs(1));
}

}  // namespace
}  // namespace weft::test
