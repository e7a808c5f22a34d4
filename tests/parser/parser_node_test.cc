// A parser's promises: nothing reported before it is durable, nothing acknowledged before it is recorded.
#include "parser/parser_node.h"

#include "tests/parser/parser_node_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- registration ----

TEST_F(ParserNodeTest, RegistersFirstWithWhatItIs) {
  ASSERT_THAT(scheduler_->Of(wire::Frame::kRegister), SizeIs(1));
  wire::Register info = scheduler_->Of(wire::Frame::kRegister)[0].register_();
  EXPECT_TRUE(info.parses());
  EXPECT_FALSE(info.fetches());
  EXPECT_EQ(info.pages_dir_id(), 70u);
}

TEST_F(ParserNodeTest, PagesThatComeBeforeTheRegistrationWaitForIt) {
  Hello();
  SendPage(Page("https://a.example/"), "x");
  Work();
  EXPECT_THAT(parts_.store.appended, IsEmpty());
  Register();
  Work();
  EXPECT_THAT(parts_.store.appended, ElementsAre("https://a.example/"));
}

TEST_F(ParserNodeTest, ARefusedRegistrationStopsItWithTheReason) {
  wire::Frame frame;
  frame.mutable_register_refused()->set_reason("too old");
  scheduler_->Say(std::move(frame));
  EXPECT_TRUE(node_->stopped());
  EXPECT_EQ(node_->refused(), "too old");
}

TEST_F(ParserNodeTest, AStoreThatCannotBeMadeStopsIt) {
  parts_.store_status = absl::PermissionDeniedError("no room here");
  Register();
  EXPECT_TRUE(node_->stopped());
  EXPECT_THAT(node_->refused(), testing::HasSubstr("no room here"));
}

TEST_F(ParserNodeTest, AnotherCrawlsSchedulerStopsIt) {
  Register();
  identity_.set_lineage(13);
  Register();
  EXPECT_TRUE(node_->stopped());
  EXPECT_NE(node_->refused(), "");
}

TEST_F(ParserNodeTest, CreditIsAtLeastOneMaximumBody_Rule26) {
  settings_.set_max_body_bytes(50'000'000);
  Register();
  ASSERT_THAT(fetcher_->Of(wire::Frame::kPageAck), SizeIs(1));
  EXPECT_GE(fetcher_->Of(wire::Frame::kPageAck)[0].page_ack().credit_bytes(), 50'000'000u);
}

// ---- acknowledged links, and a CrawlDb that lost some ----

class AcknowledgedLinksTest : public ParserNodeTest {
 protected:
  // One page's links are acknowledged with commit 17 (AckResult), under incarnation 1.
  void SetUp() override {
    Reopened(1, 0, 0);
    SendPage(Page("https://a.example/"), "/1\n");
    Work();
    AckResult(Results().at(0));
  }
  // Of a second page with the same link.
  std::vector<std::string> LinksNamedAgain() {
    SendPage(Page("https://a.example/again"), "/1\n");
    Work();
    return LinksOf(Results().at(1));
  }
};

TEST_F(AcknowledgedLinksTest, AreNotSentAgain) { EXPECT_THAT(LinksNamedAgain(), IsEmpty()); }

TEST_F(AcknowledgedLinksTest, StayKnownWhenTheDbWasReopenedWhole_Rule3) {
  Reopened(2, 1, 17);
  EXPECT_THAT(LinksNamedAgain(), IsEmpty());
}

TEST_F(AcknowledgedLinksTest, StayKnownInANewSessionOfOneOpening) {
  Reopened(1, 0, 0);
  EXPECT_THAT(LinksNamedAgain(), IsEmpty());
}

TEST_F(AcknowledgedLinksTest, AreSentAgainToADbThatIsBehind_Rule13) {
  Reopened(2, 1, 16);
  EXPECT_THAT(LinksNamedAgain(), ElementsAre("https://a.example/1"));
}

TEST_F(AcknowledgedLinksTest, AreSentAgainWhenAnOpeningWasMissed_Rule13) {
  Reopened(3, 2, 30);   // opening 2 may have begun at 16
  EXPECT_THAT(LinksNamedAgain(), ElementsAre("https://a.example/1"));
}

// After a loss it is compared with what the db has had acknowledged since.
TEST_F(AcknowledgedLinksTest, StayKnownInTheWholeOpeningThatFollowsALoss_Rule13) {
  Reopened(2, 1, 10);
  SendPage(Page("https://a.example/after"), "/1\n");
  Work();
  AckResult(Results().at(1), /*superseded=*/false, /*commit=*/12);
  Reopened(3, 2, 12);
  SendPage(Page("https://a.example/again"), "/1\n");
  Work();
  EXPECT_THAT(LinksOf(Results().at(2)), IsEmpty());
}

TEST_F(ParserNodeTest, AnotherExtractorInTheSettingsTakesThePlaceOfTheFirst) {
  settings_.set_extractor("linear");
  Register();
  Reopened(2, 1, 16);
  settings_.set_extractor("gumbo");
  Reopened(3, 2, 16);
  EXPECT_THAT(parts_.extractors, ElementsAre("linear", "gumbo"));
}

// ---- the order of promises ----

TEST_F(ParserNodeTest, AResultIsReportedOnlyWhenItsPageIsDurable) {
  Register();
  SendPage(Page("https://a.example/"), "/1\n");
  Tick();
  EXPECT_THAT(parts_.store.appended, SizeIs(1));
  EXPECT_THAT(Results(), IsEmpty());
  pool_.RunAll();
  ASSERT_THAT(Results(), SizeIs(1));
  EXPECT_EQ(parts_.store.syncs, 1);
}

TEST_F(ParserNodeTest, APageIsAcknowledgedOnlyWhenItsResultIsRecorded) {
  Register();
  uint64_t id = SendPage(Page("https://a.example/"), "/1\n");
  Work();
  EXPECT_THAT(AckedPages(), IsEmpty());
  AckResult(Results().at(0));
  EXPECT_THAT(AckedPages(), ElementsAre(id));
}

TEST_F(ParserNodeTest, WhatComesWhileASyncRunsWaitsForTheNext) {
  Register();
  SendPage(Page("https://a.example/1"), "x");
  Tick();
  SendPage(Page("https://a.example/2"), "x");
  Tick();
  EXPECT_EQ(pool_.waiting(), 1u);
  pool_.RunOne();
  EXPECT_THAT(Results(), SizeIs(1));
  pool_.RunAll();
  EXPECT_THAT(Results(), SizeIs(2));
}

TEST_F(ParserNodeTest, AFullPoolIsTriedAgain) {
  Register();
  pool_.full = true;
  SendPage(Page("https://a.example/1"), "x");
  Tick();
  pool_.full = false;
  Work();
  EXPECT_THAT(Results(), SizeIs(1));
}

TEST_F(ParserNodeTest, AFailedSyncReportsNothingAndRefusesAllThatItMayHaveLost_Rule28) {
  Register();
  uint64_t first = SendPage(Page("https://a.example/1"), "x");
  Tick();
  uint64_t second = SendPage(Page("https://a.example/2"), "x");
  Tick();   // appended to the same file while the sync runs
  parts_.store.sync = absl::DataLossError("io error");
  pool_.RunOne();
  Tick();
  EXPECT_THAT(Results(), IsEmpty());
  EXPECT_THAT(RefusedPages(), ElementsAre(first, second));
  EXPECT_THAT(AckedPages(), IsEmpty());
}

TEST_F(ParserNodeTest, AFailedSyncTakesNoCredit_Rule25) {
  Register();
  parts_.store.sync = absl::DataLossError("io error");
  SendPage(Page("https://a.example/1"), std::string(300, 'x'));
  Work();
  parts_.store.sync = absl::OkStatus();
  SendPage(Page("https://a.example/2"), std::string(300, 'x'));
  Work();
  AckResult(Results().at(0));
  wire::PageAck last = fetcher_->Of(wire::Frame::kPageAck).back().page_ack();
  wire::PageAck first = fetcher_->Of(wire::Frame::kPageAck).front().page_ack();
  EXPECT_EQ(last.credit_items() - first.credit_items(), 2u);
  EXPECT_EQ(last.credit_bytes() - first.credit_bytes(), 600u);
}

TEST_F(ParserNodeTest, AFullDiskRefusesWhatItHolds_Rule28) {
  Register();
  parts_.store.append = absl::ResourceExhaustedError("disk full");
  uint64_t id = SendPage(Page("https://a.example/"), "x");
  Work();
  EXPECT_THAT(RefusedPages(), ElementsAre(id));
  EXPECT_THAT(Results(), IsEmpty());
}

TEST_F(ParserNodeTest, WhoGivesNoMoreCreditRefusesAllTheSame_Rule27) {
  Register();
  const uint64_t id = SendPage(Page("https://a.example/1"), "x");
  parts_.store.append = absl::ResourceExhaustedError("no space left");
  node_->Drain(absl::Minutes(1));
  Work();
  EXPECT_THAT(RefusedPages(), ElementsAre(id));
}

TEST_F(ParserNodeTest, RobotsExchangesAreStoredSyncedAndReportNoResult) {
  Register();
  wire::Page page = Page("https://a.example/robots.txt", "Content-Type: text/plain\r\n");
  page.set_robots(true);
  uint64_t id = SendPage(std::move(page), "User-agent: *\n");
  Tick();
  EXPECT_THAT(AckedPages(), IsEmpty());
  pool_.RunAll();
  Tick();
  EXPECT_THAT(AckedPages(), ElementsAre(id));
  EXPECT_THAT(Results(), IsEmpty());
  EXPECT_THAT(parts_.store.appended, SizeIs(1));
}

TEST_F(ParserNodeTest, APageSentAgainIsReportedOnceAndBothAreReleased_Rule11) {
  Register();
  uint64_t first = SendPage(Page("https://a.example/"), "x");
  Work();
  uint64_t second = SendPage(Page("https://a.example/"), "x");
  Work();
  EXPECT_THAT(Results(), SizeIs(1));
  AckResult(Results()[0]);
  EXPECT_THAT(AckedPages(), ElementsAre(first, second));
}

TEST_F(ParserNodeTest, AnAcknowledgementOfAnotherAttemptReleasesNothing_Rule2) {
  Register();
  SendPage(Page("https://a.example/"), "x");
  Work();
  wire::PageResult other = Results().at(0);
  other.mutable_ticket()->set_attempt(1);
  AckResult(other);
  EXPECT_THAT(AckedPages(), IsEmpty());
}

TEST_F(ParserNodeTest, ANewSchedulersLifeHearsAllUnacknowledgedResultsAgain) {
  Register();
  SendPage(Page("https://a.example/1"), "x");
  SendPage(Page("https://a.example/2"), "x");
  Work();
  AckResult(Results().at(0));
  uint64_t session = scheduler_->nodes_session();
  scheduler_->frames.clear();
  scheduler_->Restart(1101);
  wire::Frame unknown;
  unknown.set_version(kProtocolVersion);
  unknown.set_session(1101);
  unknown.set_peer_session(session);
  unknown.mutable_session_unknown();
  scheduler_->SkipWhatWasSent();
  scheduler_->SayRaw(std::move(unknown));
  ASSERT_THAT(scheduler_->Of(wire::Frame::kRegister), SizeIs(1));
  EXPECT_EQ(scheduler_->Of(wire::Frame::kRegister)[0].register_().highest_commit(), 17u);   // rule 13
  EXPECT_EQ(scheduler_->Of(wire::Frame::kRegister)[0].register_().lineage(), 12u);
  EXPECT_EQ(scheduler_->Of(wire::Frame::kRegister)[0].register_().incarnation(), 1u);
  ASSERT_THAT(Results(), SizeIs(1));
  EXPECT_EQ(Results()[0].ticket().url(), "https://a.example/2");
}

TEST_F(ParserNodeTest, NothingIsReportedAgainByTime_Rule28) {
  Register();
  SendPage(Page("https://a.example/"), "x");
  Work();
  for (int second = 0; second < 60; ++second) Tick(absl::Seconds(1));
  EXPECT_THAT(Results(), SizeIs(1));
}

// ---- what is told of a page ----

TEST_F(ParserNodeTest, TheResultSaysWhereThePageLiesAndWhatItWas) {
  Register();
  wire::Page page = Page("https://a.example/", "Content-Type: Text/HTML; charset=x\r\n", 404);
  page.set_truncated("length");
  page.mutable_ticket()->set_attempt(2);
  page.mutable_epoch()->set_counter(9);
  SendPage(std::move(page), "12345");
  Work();
  wire::PageResult result = Results().at(0);
  EXPECT_EQ(result.status(), 404u);
  EXPECT_EQ(result.mime(), "text/html");
  EXPECT_EQ(result.place().file(), "f.warc.gz");
  EXPECT_EQ(result.place().offset(), 100u);
  EXPECT_EQ(result.payload_bytes(), 5u);
  EXPECT_TRUE(result.truncated());
  EXPECT_EQ(result.ticket().attempt(), 2u);
  EXPECT_EQ(result.epoch().counter(), 9u);
  EXPECT_EQ(result.outcome(), static_cast<uint32_t>(Outcome::kResponse));
  EXPECT_THAT(result.links(), IsEmpty());   // not of an error page
}

TEST_F(ParserNodeTest, LinksAreNamedOncePerKey) {
  Register();
  SendPage(Page("https://a.example/"), "/1\n/2\n/1#x\nhttps://a.example:443/2\n");
  Work();
  EXPECT_THAT(LinksOf(Results().at(0)), ElementsAre("https://a.example/1", "https://a.example/2"));
  EXPECT_EQ(Results()[0].links_seen(), 4u);
}

TEST_F(ParserNodeTest, TheTransferCodingIsNoPartOfThePage) {
  Register();
  SendPage(Page("https://a.example/", "Content-Type: text/html\r\nTransfer-Encoding: chunked\r\n"),
           "3\r\n/1\n\r\n0\r\n\r\n");
  Work();
  EXPECT_THAT(LinksOf(Results().at(0)), ElementsAre("https://a.example/1"));
  EXPECT_THAT(parts_.store.payloads, ElementsAre("/1\n"));
}

TEST_F(ParserNodeTest, WhatIsNotHtmlIsNotSearched) {
  Register();
  SendPage(Page("https://a.example/", "Content-Type: image/png\r\n"), "/1\n");
  Work();
  EXPECT_THAT(Results().at(0).links(), IsEmpty());
}

TEST_F(ParserNodeTest, ARedirectIsItsTargetAndNoLink_Rule7) {
  Register();
  for (int status : {301, 302, 303, 307, 308}) {
    SendPage(Page(fmt::format("https://a.example/{}", status), "Location: ../to\r\n", status), "");
  }
  SendPage(Page("https://a.example/304", "Location: /to\r\n", 304), "");
  SendPage(Page("https://a.example/ftp", "Location: ftp://x/\r\n", 301), "");
  Work();
  std::vector<wire::PageResult> results = Results();
  ASSERT_THAT(results, SizeIs(7));
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(results[i].redirect().url(), "https://a.example/to") << results[i].status();
  }
  EXPECT_FALSE(results[5].has_redirect());
  EXPECT_FALSE(results[6].has_redirect());
}

TEST_F(ParserNodeTest, MoreLinksThanAMessageHoldsGoBeforeTheResult) {
  Register();
  std::string html;
  for (int i = 0; i < 4500; ++i) html += fmt::format("/{}\n", i);
  SendPage(Page("https://a.example/"), html);
  Work();
  size_t links = 0;
  bool result_seen = false;
  for (const wire::Frame& frame : scheduler_->frames) {
    if (frame.has_link_batch()) {
      EXPECT_FALSE(result_seen);
      EXPECT_EQ(frame.link_batch().ticket().key(), Page("https://a.example/").ticket().key());
      links += static_cast<size_t>(frame.link_batch().links_size());
    }
    if (frame.has_page_result()) {
      result_seen = true;
      links += static_cast<size_t>(frame.page_result().links_size());
    }
  }
  EXPECT_EQ(links, 4500u);
}

TEST_F(ParserNodeTest, AResponseThatIsNoHttpIsStoredAsItCame) {
  Register();
  wire::Page page = Page("https://a.example/");
  page.set_response_head("garbage");
  SendPage(std::move(page), "body");
  Work();
  ASSERT_THAT(Results(), SizeIs(1));
  EXPECT_THAT(parts_.store.payloads, ElementsAre("body"));
}

// ---- links that are known (rule 3) ----

TEST_F(ParserNodeTest, LinksAreSuppressedOnceTheirPageIsRecordedAndNotBefore_Rule3) {
  Register();
  SendPage(Page("https://a.example/p1"), "/1\n/2\n");
  SendPage(Page("https://a.example/p2"), "/1\n");
  Work();
  EXPECT_THAT(LinksOf(Results().at(1)), SizeIs(1));   // only stored so far
  AckResult(Results()[0]);
  SendPage(Page("https://a.example/p3"), "/1\n/3\n");
  Work();
  EXPECT_THAT(LinksOf(Results().at(2)), ElementsAre("https://a.example/3"));
  EXPECT_EQ(Results()[2].links_seen(), 2u);
}

TEST_F(ParserNodeTest, ADepthLimitSuppressesNothing_Rule36) {
  settings_.set_has_max_depth(true);
  settings_.set_max_depth(3);
  Register();
  SendPage(Page("https://a.example/p1"), "/1\n");
  Work();
  AckResult(Results().at(0));
  SendPage(Page("https://a.example/p2"), "/1\n");
  Work();
  EXPECT_THAT(LinksOf(Results().at(1)), SizeIs(1));
}

TEST_F(ParserNodeTest, AChangedScopeForgetsKnownLinksAndAPlainRestartDoesNot_Rule3) {
  Register();
  SendPage(Page("https://a.example/p1"), "/1\n");
  Work();
  AckResult(Results().at(0));
  Register();
  SendPage(Page("https://a.example/p2"), "/1\n");
  Work();
  EXPECT_THAT(LinksOf(Results().at(1)), IsEmpty());
  settings_.set_scope_version(2);
  Register();
  SendPage(Page("https://a.example/p3"), "/1\n");
  Work();
  EXPECT_THAT(LinksOf(Results().at(2)), SizeIs(1));
}

// ---- poison pages (rule 14) ----

TEST_F(ParserNodeTest, ThePageIsNamedWhileItIsParsed_Rule14) {
  Register();
  wire::Page page = Page("https://a.example/");
  std::string key = page.ticket().key();
  SendPage(std::move(page), "/1\n");
  Work();
  EXPECT_THAT(parts_.named, ElementsAre(key, ""));
}

TEST_F(ParserNodeTest, APageThatKilledThreeParsersIsStoredAndNotParsed_Rule14) {
  Register();
  wire::Page page = Page("https://a.example/");
  parts_.crashes[page.ticket().key()] = 3;
  SendPage(std::move(page), "/1\n");
  Work();
  ASSERT_THAT(Results(), SizeIs(1));
  EXPECT_EQ(Results()[0].outcome(), static_cast<uint32_t>(Outcome::kParserCrash));
  EXPECT_THAT(Results()[0].links(), IsEmpty());
  EXPECT_THAT(parts_.store.appended, SizeIs(1));
}

// ---- the end ----

TEST_F(ParserNodeTest, ADrainHandsInEverythingBeforeTheGoodbye_Rule31) {
  Register();
  uint64_t id = SendPage(Page("https://a.example/"), "x");
  wire::Frame drain;
  drain.mutable_drain()->set_deadline_us(20'000'000);
  scheduler_->Say(std::move(drain));
  Tick();
  EXPECT_THAT(scheduler_->Of(wire::Frame::kGoodbye), IsEmpty());
  pool_.RunAll();
  Tick();
  EXPECT_THAT(scheduler_->Of(wire::Frame::kGoodbye), IsEmpty());   // reported, not recorded
  AckResult(Results().at(0));
  Tick();
  EXPECT_THAT(AckedPages(), ElementsAre(id));
  EXPECT_THAT(scheduler_->Of(wire::Frame::kGoodbye), SizeIs(1));
  Tick(absl::Seconds(3));
  EXPECT_TRUE(node_->stopped());
}

TEST_F(ParserNodeTest, ADrainHasADeadline_Rule31) {
  Register();
  SendPage(Page("https://a.example/"), "x");
  Work();   // never acknowledged
  node_->Drain(absl::Seconds(20));
  Tick(absl::Seconds(19));
  EXPECT_FALSE(node_->stopped());
  Tick(absl::Seconds(1));
  EXPECT_TRUE(node_->stopped());
}

TEST_F(ParserNodeTest, ASyncThatOutlivesTheNodeTouchesNothingOfIt) {
  Register();
  SendPage(Page("https://a.example/"), "x");
  Tick();
  fetcher_.reset(), scheduler_.reset();
  node_.reset();
  pool_.RunAll();
  EXPECT_EQ(parts_.store.syncs, 1);
}

}  // namespace
}  // namespace weft::test
