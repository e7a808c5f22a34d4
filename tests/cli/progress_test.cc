#include "cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

absl::Time At(double seconds) { return absl::FromUnixSeconds(1000) + absl::Seconds(seconds); }

void Count(google::protobuf::RepeatedPtrField<wire::Count>* counts, const std::string& name, uint64_t count) {
  wire::Count* one = counts->Add();
  one->set_name(name);
  one->set_count(count);
}

TEST(RateMeterTest, NothingKnownIsNoRate) {
  RateMeter meter;
  EXPECT_EQ(meter.rate(), 0);
  meter.Add(At(0), 100);
  EXPECT_EQ(meter.rate(), 0);
  meter.Add(At(0), 200);
  EXPECT_EQ(meter.rate(), 0);
}

TEST(RateMeterTest, PagesThatWereThereBeforeDoNotCount) {
  RateMeter meter;
  meter.Add(At(0), 1'000'000);
  meter.Add(At(2), 1'000'010);
  EXPECT_DOUBLE_EQ(meter.rate(), 5);
}

TEST(RateMeterTest, OnlyTheLastSecondsCount) {
  RateMeter meter;
  for (int second = 0; second <= 100; ++second) meter.Add(At(second), second <= 50 ? 1000u * second : 50'000u);
  EXPECT_DOUBLE_EQ(meter.rate(), 0);
}

TEST(RateMeterTest, AGapDoesNotMakeTheOldRateTheNewOne) {
  RateMeter meter;
  meter.Add(At(0), 0);
  meter.Add(At(1), 1000);
  meter.Add(At(1001), 1000);
  EXPECT_LT(meter.rate(), 1.1);
}

// After a disk error the CrawlDb is opened again, and what was not durable yet is pending once more.
TEST(RateMeterTest, FewerPagesThanBeforeAreNoRate) {
  RateMeter meter;
  meter.Add(At(0), 100);
  meter.Add(At(1), 90);
  EXPECT_LE(meter.rate(), 0);
}

TEST(ProgressLineTest, SaysWhatIsThereInOneLine) {
  wire::StatusReply status;
  status.set_pages(1204);
  status.set_hosts(14);
  status.mutable_ledger()->set_queued(5000);
  status.mutable_ledger()->set_leased(120);
  Count(status.mutable_ledger()->mutable_failed(), "dns", 1);
  Count(status.mutable_ledger()->mutable_failed(), "connect", 2);
  EXPECT_EQ(ProgressLine(status, 38.06, absl::Seconds(31)),
            "1,204 pages, 38.1/s · queued 5,120 · 14 hosts · 3 failed · 0:31");
}

TEST(ProgressLineTest, OneHostAndHours) {
  wire::StatusReply status;
  status.set_hosts(1);
  EXPECT_THAT(ProgressLine(status, 0, absl::Hours(26) + absl::Seconds(61)), HasSubstr("1 host ·"));
  EXPECT_THAT(ProgressLine(status, 0, absl::Hours(26) + absl::Seconds(61)), HasSubstr("26:01:01"));
}

TEST(PolitenessNoteTest, SaysWhatBindsAndHowToGoFaster) {
  EXPECT_EQ(PolitenessNote({1, absl::Seconds(1)}, 1, 0.9),
            "1 host × 1s delay: at most 60 pages/min; --delay 0 for a server of your own");
}

TEST(PolitenessNoteTest, IsSilentWherePolitenessDoesNotBind) {
  EXPECT_EQ(PolitenessNote({1, absl::ZeroDuration()}, 1, 1), "");
  EXPECT_EQ(PolitenessNote({0, absl::Seconds(1)}, 1, 0), "");
  EXPECT_EQ(PolitenessNote({10, absl::Seconds(1)}, 1, 1), "");      // far below: something else is slow
  EXPECT_EQ(PolitenessNote({1000, absl::Seconds(1)}, 1, 900), "");  // fast enough
}

TEST(PolitenessNoteTest, ConnectionsCount) {
  EXPECT_THAT(PolitenessNote({2, absl::Seconds(2)}, 3, 3), HasSubstr("at most 180 pages/min"));
  EXPECT_THAT(PolitenessNote({2, absl::Seconds(2)}, 0, 1), HasSubstr("at most 60 pages/min"));
}

class SummaryTest : public testing::Test {
 protected:
  SummaryTest() {
    wire::Ledger* ledger = summary_.status.mutable_ledger();
    ledger->set_discovered(6000);
    ledger->set_queued(1000);
    ledger->set_leased(1);
    ledger->set_done(4994);
    Count(ledger->mutable_failed(), "dns", 2);
    Count(ledger->mutable_refused(), "robots", 1);
    Count(ledger->mutable_refused(), "scope", 2);
    summary_.status.set_state("running");
    summary_.status.set_pages(4000);
    summary_.pages_this_run = 100;
    summary_.elapsed = absl::Seconds(50);
    summary_.command_to_go_on = "weft crawl --out x";
  }
  CrawlSummary summary_;
};

TEST_F(SummaryTest, TheLedgerAddsUpBeforeTheReadersEyes_Rule34) {
  std::string text = SummaryText(summary_);
  EXPECT_THAT(text, HasSubstr("6,000 = queued 1,000 + leased 1 + done 4,994 + failed 2 + refused 3\n"));
  EXPECT_THAT(text, HasSubstr("dns 2\n"));
  EXPECT_THAT(text, HasSubstr("robots 1, scope 2\n"));
  EXPECT_THAT(text, HasSubstr("4,000 pages, 100 of them in this run (2.0/s, 0:50)"));
}

TEST_F(SummaryTest, TellsHowToGoOnOnlyWhereSomethingIsLeft) {
  EXPECT_THAT(SummaryText(summary_), HasSubstr("1,001 URLs are left; go on with: weft crawl --out x\n"));
  summary_.status.mutable_ledger()->clear_queued();
  summary_.status.mutable_ledger()->clear_leased();
  EXPECT_THAT(SummaryText(summary_), Not(HasSubstr("go on with")));
}

TEST_F(SummaryTest, SaysWhyItEnded) {
  summary_.stop = StopReason::kMaxPages;
  EXPECT_THAT(SummaryText(summary_), HasSubstr("Crawl stopped: --max-pages reached"));
  summary_.stop = StopReason::kMaxTime;
  EXPECT_THAT(SummaryText(summary_), HasSubstr("Crawl stopped: --max-time reached"));
  summary_.stop = StopReason::kInterrupted;
  EXPECT_THAT(SummaryText(summary_), HasSubstr("Crawl interrupted"));
  // Finished is what the ledger says, whatever was asked at the last moment.
  summary_.status.set_state("finished");
  EXPECT_THAT(SummaryText(summary_), HasSubstr("Crawl finished"));
}

TEST_F(SummaryTest, WhatIsBesideTheLedgerIsToldOnlyWhereThereIsSome) {
  EXPECT_THAT(SummaryText(summary_), Not(HasSubstr("superseded")));
  summary_.status.set_superseded(3);
  summary_.status.set_truncated(4);
  summary_.status.set_sightings(5);
  std::string text = SummaryText(summary_);
  EXPECT_THAT(text, HasSubstr("3 second copies"));
  EXPECT_THAT(text, HasSubstr("4 bodies cut short"));
  EXPECT_THAT(text, HasSubstr("5 refused links"));
}

TEST_F(SummaryTest, ARunOfNoTimeHasARate) {
  summary_.elapsed = absl::ZeroDuration();
  EXPECT_THAT(SummaryText(summary_), Not(HasSubstr("inf")));
  EXPECT_THAT(SummaryText(summary_), Not(HasSubstr("nan")));
}

UrlEnd End(const std::string& url, Outcome outcome, int status, const std::string& note = "") {
  UrlEnd end;
  end.url = url;
  end.outcome = outcome;
  end.status = status;
  end.note = note;
  return end;
}

TEST(WhyFewPagesTest, AGoodCrawlNeedsNoWords) {
  wire::StatusReply status;
  status.set_pages(3);
  Count(status.mutable_ledger()->mutable_refused(), "scope", 10);
  EXPECT_THAT(WhyFewPages(status, {End("https://a/", Outcome::kDns, 0)}, "host"), IsEmpty());
}

TEST(WhyFewPagesTest, FailuresAndRefusalsOfTheFirstUrlsAreNamed) {
  wire::StatusReply status;
  std::vector<std::string> why =
      WhyFewPages(status,
                  {End("https://a/", Outcome::kDns, 0, "no such name"), End("https://b/", Outcome::kRobots, 0, "Disallow: /"),
                   End("https://c/", Outcome::kResponse, 403), End("https://d/", Outcome::kTimeout, 0)},
                  "host");
  EXPECT_THAT(why, ElementsAre("https://a/: dns: no such name", "https://b/: robots.txt refuses it (Disallow: /)",
                               "https://c/: status 403", "https://d/: timeout"));
}

TEST(WhyFewPagesTest, AtMostFiveOfThem) {
  std::vector<UrlEnd> ends(20, End("https://a/", Outcome::kDns, 0));
  EXPECT_THAT(WhyFewPages({}, ends, "host"), SizeIs(5));
}

TEST(WhyFewPagesTest, LinksThatLeadOutAreCountedWithWhatLetsThemIn) {
  wire::StatusReply status;
  status.set_pages(1);
  Count(status.mutable_ledger()->mutable_refused(), "scope", 1234);
  Count(status.mutable_ledger()->mutable_refused(), "prefix", 5);
  Count(status.mutable_ledger()->mutable_refused(), "depth", 6);
  std::vector<std::string> why = WhyFewPages(status, {End("https://a/", Outcome::kResponse, 200)}, "host");
  ASSERT_THAT(why, SizeIs(3));
  EXPECT_THAT(why[0], HasSubstr("1,234 links lead to other hosts: --scope domain"));
  EXPECT_THAT(why[1], HasSubstr("5 links lie outside the seed's prefix"));
  EXPECT_THAT(why[2], HasSubstr("6 links lie deeper than --max-depth"));
  EXPECT_THAT(WhyFewPages(status, {}, "domain")[0], HasSubstr("--scope any"));
}

TEST(WhyFewPagesTest, PagesWithoutLinksSayWhatTheyWere) {
  wire::StatusReply status;
  status.set_pages(1);
  status.set_state("finished");
  UrlEnd end = End("https://a/", Outcome::kResponse, 200);
  end.mime = "application/pdf";
  EXPECT_THAT(WhyFewPages(status, {end}, "host"), ElementsAre(HasSubstr("not HTML")));
  end.mime = "text/html";
  EXPECT_THAT(WhyFewPages(status, {end}, "host"), ElementsAre(HasSubstr("has no link to a further page")));
}

TEST(WhyFewPagesTest, LinksThatAreNotToBeFollowedAreNamedWithWhatFollowsThem) {
  wire::StatusReply status;
  status.set_pages(1);
  EXPECT_THAT(WhyFewPages(status, {End("https://a/", Outcome::kResponse, 200, "noindex,nofollow")}, "host"),
              ElementsAre("https://a/: says nofollow of its links; a new crawl with --nofollow ignore follows them"));
  EXPECT_THAT(WhyFewPages(status, {End("https://a/", Outcome::kResponse, 200, "nofollow-links:2")}, "host"), SizeIs(1));
}

TEST(WhyFewPagesTest, OfLinksNothingIsSaidBeforeTheEndNorWhereNothingWasFetched) {
  wire::StatusReply status;
  status.set_pages(1);
  status.set_state("stopped");
  UrlEnd end = End("https://a/", Outcome::kResponse, 200);
  end.mime = "text/html";
  EXPECT_THAT(WhyFewPages(status, {end}, "host"), IsEmpty());
  status.set_state("finished");
  EXPECT_THAT(WhyFewPages(status, {}, "host"), IsEmpty());
}

TEST(RecrawlTexts, TellWhatIsDueAndWhatVisitsFound) {
  wire::StatusReply status;
  EXPECT_TRUE(RecrawlTexts(status).empty());
  status.set_due_later(1200);
  status.set_next_due_us(90'500'000);
  status.set_recrawl_changed(3);
  status.set_recrawl_unchanged(4000);
  EXPECT_EQ(RecrawlTexts(status), (std::vector<std::string>{"due later  1,200 pages are fetched again, the next in 1m30s",
                                                            "visits     3 changed, 4,000 unchanged, 0 missed"}));
  EXPECT_NE(ProgressLine(status, 0, absl::ZeroDuration()).find("1,200 due later"), std::string::npos);
}

}  // namespace
}  // namespace weft
