#include "scheduler/commit_desk.h"

#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Why = wire::LeaseRelease;

class CommitDeskTest : public DeskTest {
 protected:
  // One URL, seeded and out with "f".
  wire::UrlTicket OutTicket(const std::string& url) {
    Seed({url});
    AddFetcher("f");
    grant_ = GrantOne();
    return grant_.urls(0);
  }
  static void AddLink(wire::PageResult& result, const std::string& url) { result.add_links()->set_url(url); }
  static wire::PageResult Redirect(const wire::UrlTicket& ticket, const std::string& target) {
    wire::PageResult result = Page(ticket, 301);
    result.mutable_redirect()->set_url(target);
    return result;
  }
  // The URL of `key`, handed out again.
  wire::UrlTicket NextTicket() {
    Release("f", Asked(grant_));
    clock_.Advance(absl::Hours(1));
    EXPECT_TRUE(db_->PromoteDue(Now(), 100).ok());
    frontier_->TakeInserts();
    Beat("f", 1000);
    grant_ = GrantOne();
    return grant_.urls_size() > 0 ? grant_.urls(0) : wire::UrlTicket();
  }

  wire::LeaseGrant grant_;
};

TEST_F(CommitDeskTest, APageIsDoneWithAllThatIsKnownOfIt) {
  wire::PageResult result = Page(OutTicket("https://a.example/"), 404);
  result.mutable_place()->set_pages_dir_id(9);
  result.mutable_place()->set_file("x.warc.gz");
  result.mutable_place()->set_offset(5);
  result.mutable_place()->set_length(7);
  result.set_payload_digest("01234567890123456789");
  result.set_payload_bytes(11);
  result.set_truncated(true);
  result.set_mime("text/html");
  result.set_wall_us(1'000'000);
  TakePage(result);
  EXPECT_FALSE(commits_->empty());
  Flush();
  EXPECT_TRUE(commits_->empty());
  UrlRecord record = *Find("https://a.example/");
  EXPECT_EQ(record.state, UrlState::kDone);
  EXPECT_EQ(record.status, 404u);
  EXPECT_EQ(record.place.file, "x.warc.gz");
  EXPECT_EQ(record.place.offset, 5u);
  EXPECT_EQ(record.place.length, 7u);
  EXPECT_EQ(record.place.pages_dir_id, 9u);
  EXPECT_EQ(record.payload_digest, "01234567890123456789");
  EXPECT_EQ(record.payload_bytes, 11u);
  EXPECT_TRUE(record.truncated);
  EXPECT_EQ(record.mime, "text/html");
  EXPECT_EQ(record.fetched_at, absl::FromUnixSeconds(1));
  EXPECT_FALSE(IsOut("https://a.example/"));
}

TEST_F(CommitDeskTest, AcknowledgesOnlyWhatIsDurable) {
  wire::UrlTicket ticket = OutTicket("https://a.example/");
  TakePage(Page(ticket));
  Flush();
  EXPECT_THAT(AcksTo("p"), IsEmpty());
  Node("p");
  gate_->Poke();
  EXPECT_THAT(AcksTo("p"), IsEmpty());
  EXPECT_THAT(observer_.ends, IsEmpty());
  pool_.RunAll();
  ASSERT_THAT(AcksTo("p"), SizeIs(1));
  EXPECT_EQ(AcksTo("p")[0].key(), ticket.key());
  EXPECT_EQ(AcksTo("p")[0].attempt(), ticket.attempt());
  EXPECT_FALSE(AcksTo("p")[0].superseded());
  EXPECT_THAT(observer_.ends, SizeIs(1));
  EXPECT_EQ(bus_.Of("p", wire::Frame::kEndedAck)[0].ended_ack().commit(), db_->commit());
}

TEST_F(CommitDeskTest, AFailedWriteAcknowledgesNothing_Rule4) {
  wire::UrlTicket ticket = OutTicket("https://a.example/");
  Node("p");
  disk_.FailWrite(1);
  TakePage(Page(ticket));
  EXPECT_FALSE(commits_->Flush().ok());
  gate_->Poke();
  pool_.RunAll();
  EXPECT_THAT(AcksTo("p"), IsEmpty());
  EXPECT_FALSE(db_->health().ok());
}

TEST_F(CommitDeskTest, LinksAreAdmittedBeforeTheirPageIsDone_Rule12) {
  wire::PageResult result = Page(OutTicket("https://a.example/"));
  AddLink(result, "https://a.example/1");
  wire::LinkBatch batch;
  *batch.mutable_ticket() = result.ticket();
  batch.mutable_ticket()->clear_url();
  batch.add_links()->set_url("https://a.example/2");
  commits_->Take("p", batch);
  TakePage(result);
  uint64_t writes = disk_.writes();
  disk_.FailWrite(2);   // the first is the links'
  EXPECT_FALSE(commits_->Flush().ok());
  EXPECT_GT(disk_.writes(), writes);
  Build();
  EXPECT_EQ(Find("https://a.example/")->state, UrlState::kPending);
  EXPECT_TRUE(Find("https://a.example/1").has_value());
  EXPECT_TRUE(Find("https://a.example/2").has_value());
}

TEST_F(CommitDeskTest, LinksOfAPageAreHandedOut) {
  wire::PageResult result = Page(OutTicket("https://a.example/"));
  AddLink(result, "https://a.example/1");
  AddLink(result, "https://elsewhere.example/");
  AddLink(result, "mailto:x@a.example");
  AddLink(result, "not a url");
  TakePage(result);
  Flush();
  EXPECT_EQ(Find("https://a.example/1")->depth, 1u);
  EXPECT_EQ(Find("https://a.example/1")->referrer, Fingerprint::FromBytes(grant_.urls(0).key()));
  EXPECT_EQ(Find("https://elsewhere.example/")->reason, Outcome::kScope);
  EXPECT_EQ(db_->ledger().discovered, 3u);
  Release("f", Asked(grant_));
  EXPECT_THAT(UrlsOf(GrantOne()), ElementsAre("https://a.example/1"));
}

TEST_F(CommitDeskTest, TheSecondResultOfAnAttemptIsSupersededAndAcknowledged_Rule1) {
  wire::UrlTicket ticket = OutTicket("https://a.example/");
  Node("p");
  TakePage(Page(ticket, 200));
  FlushAndSync();
  TakePage(Page(ticket, 500));
  FlushAndSync();
  ASSERT_THAT(AcksTo("p"), SizeIs(2));
  EXPECT_TRUE(AcksTo("p")[1].superseded());
  EXPECT_EQ(Find("https://a.example/")->status, 200u);
  EXPECT_EQ(db_->ledger().superseded, 1u);
  EXPECT_THAT(observer_.ends, SizeIs(1));
}

TEST_F(CommitDeskTest, TwoResultsInOneBatchCountOnce) {
  wire::UrlTicket ticket = OutTicket("https://a.example/");
  Node("p");
  TakePage(Page(ticket));
  TakePage(Page(ticket));
  FlushAndSync();
  EXPECT_EQ(db_->ledger().done, 1u);
  EXPECT_EQ(db_->ledger().superseded, 1u);
  EXPECT_THAT(AcksTo("p"), SizeIs(2));
}

TEST_F(CommitDeskTest, AnUnknownKeyIsAcknowledgedAsSuperseded) {
  Node("p");
  wire::UrlTicket ticket;
  ticket.set_key(std::string(16, 'k'));
  ticket.set_shard(9999);
  TakePage(Page(ticket));
  ticket.set_key("short");
  TakePage(Page(ticket));
  FlushAndSync();
  ASSERT_THAT(AcksTo("p"), SizeIs(2));
  EXPECT_TRUE(AcksTo("p")[0].superseded());
}

TEST_F(CommitDeskTest, ALateResultOfAnExpiredLeaseCommits_Rule1) {
  wire::UrlTicket ticket = OutTicket("https://a.example/");
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(leases_->Expire().ok());
  AddFetcher("g");
  wire::LeaseGrant second = GrantOne();
  ASSERT_EQ(second.urls(0).url(), ticket.url());
  TakePage(Page(ticket));
  Flush();
  EXPECT_EQ(Find("https://a.example/")->state, UrlState::kDone);
  TakePage(Page(second.urls(0)));
  Flush();
  EXPECT_EQ(db_->ledger().superseded, 1u);
  EXPECT_FALSE(IsOut("https://a.example/"));
}

TEST_F(CommitDeskTest, WhatALateResultEndedIsNotHandedOutFromTheReadAhead_Rule1) {
  settings_.set_delay_us(2'000'000);   // small grants: more is read ahead than handed out
  Build();
  SeedHost("a.example", 9);
  AddFetcher("f");
  wire::LeaseGrant lost = GrantOne();
  ASSERT_EQ(lost.urls_size(), 3);
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(leases_->Expire().ok());
  clock_.Advance(absl::Minutes(1));
  AddFetcher("g", 100);
  Beat("g", 100);
  wire::LeaseGrant next = GrantOne();
  wire::LeaseRelease release = Asked(next);
  release.add_unused(next.urls(2).key());
  release.add_unused(next.urls(1).key());
  Release("g", release);   // 001 and 002 wait again
  clock_.Advance(absl::Minutes(1));
  Beat("g", 100);
  settings_.set_delay_us(60'000'000);
  leases_->set_settings(settings_);
  wire::LeaseGrant one = GrantOne();   // 001; 002 is read ahead
  ASSERT_THAT(UrlsOf(one), ElementsAre("https://a.example/001"));
  TakePage(Page(lost.urls(2)));        // the first fetcher had it after all
  Flush();
  EXPECT_THAT(UrlsOf(TopUp("g", one, 1)), ElementsAre("https://a.example/003"));
}

TEST_F(CommitDeskTest, FailuresAreTriedAgainUntilTheirTriesAreUsedUp) {
  wire::UrlTicket ticket = OutTicket("https://a.example/");
  int tries = RetryPolicyFor(Outcome::kTimeout).tries;
  for (int tried = 1; tried <= tries; ++tried) {
    TakeEnded("f", ticket, Outcome::kTimeout);
    FlushAndSync();
    UrlRecord record = *Find("https://a.example/");
    if (tried < tries) {
      EXPECT_EQ(record.state, UrlState::kPending);
      EXPECT_GE(record.due_us, Now() + CrawlMicros(RetryWait(Outcome::kTimeout, tried)));
      EXPECT_THAT(observer_.ends, IsEmpty());
      ticket = NextTicket();
      EXPECT_EQ(ticket.attempt(), static_cast<uint32_t>(tried));
    } else {
      EXPECT_EQ(record.state, UrlState::kFailed);
      EXPECT_EQ(record.reason, Outcome::kTimeout);
    }
  }
  ASSERT_THAT(observer_.ends, SizeIs(1));
  EXPECT_EQ(observer_.ends[0].outcome, Outcome::kTimeout);
}

TEST_F(CommitDeskTest, ARefusalByRobotsIsCountedAsSuch) {
  TakeEnded("f", OutTicket("https://a.example/"), Outcome::kRobots);
  FlushAndSync();
  EXPECT_EQ(db_->ledger().refused[Outcome::kRobots], 1u);
  ASSERT_THAT(AcksTo("f"), SizeIs(1));
  ASSERT_THAT(observer_.ends, SizeIs(1));
  EXPECT_EQ(observer_.ends[0].url, "https://a.example/");
}

TEST_F(CommitDeskTest, NobodysFaultGoesBackWithoutCostingATry) {
  TakeEnded("f", OutTicket("https://a.example/"), Outcome::kNone);
  FlushAndSync();
  EXPECT_THAT(AcksTo("f"), SizeIs(1));
  EXPECT_THAT(observer_.ends, IsEmpty());
  EXPECT_FALSE(IsOut("https://a.example/"));
  Release("f", Asked(grant_));
  EXPECT_EQ(GrantOne().urls(0).attempt(), 0u);
}

TEST_F(CommitDeskTest, WhatSomebodyElseHasOutNowIsNotTakenFromHimByALateEnd) {
  wire::UrlTicket ticket = OutTicket("https://a.example/");
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(leases_->Expire().ok());
  AddFetcher("g");
  wire::LeaseGrant second = GrantOne();
  ASSERT_EQ(second.urls_size(), 1);
  TakeEnded("f", ticket, Outcome::kNone);   // the answer came after the lease
  FlushAndSync();
  EXPECT_TRUE(IsOut("https://a.example/"));
  EXPECT_EQ(TopUp("g", second, 5).urls_size(), 0);
  EXPECT_THAT(AcksTo("f"), SizeIs(1));
}

TEST_F(CommitDeskTest, AParserCrashIsAFailure_Rule14) {
  wire::PageResult result = Page(OutTicket("https://a.example/"));
  result.set_outcome(static_cast<uint32_t>(Outcome::kParserCrash));
  AddLink(result, "https://a.example/1");
  TakePage(result);
  FlushAndSync();
  EXPECT_EQ(db_->ledger().failed[Outcome::kParserCrash], 1u);
}

TEST_F(CommitDeskTest, AnOutcomeThatNobodyKnowsIsAFailureAndNotLost) {
  wire::UrlEnded ended;
  *ended.mutable_ticket() = OutTicket("https://a.example/");
  ended.set_outcome(200);
  commits_->Take("f", ended);
  FlushAndSync();
  EXPECT_EQ(db_->ledger().pending, 0u);
  EXPECT_TRUE(db_->ledger().AddsUp());
}

// ---- redirects ----

TEST_F(CommitDeskTest, ARedirectIsDoneAndItsTargetALinkOfTheSameDepth_Rule7) {
  TakePage(Redirect(OutTicket("https://a.example/"), "https://a.example/next"));
  Flush();
  EXPECT_EQ(Find("https://a.example/")->state, UrlState::kDone);
  UrlRecord target = *Find("https://a.example/next");
  EXPECT_EQ(target.depth, 0u);
  EXPECT_EQ(target.redirect_hops, 1u);
  EXPECT_TRUE(target.seed);
}

TEST_F(CommitDeskTest, ARedirectToItsOwnKeyIsAskedAgainThenALoop_Rule7) {
  wire::UrlTicket ticket = OutTicket("https://a.example/x");
  for (int hop = 1; hop <= kMaxOwnKeyRedirects; ++hop) {
    TakePage(Redirect(ticket, "https://a.example/x#" + std::to_string(hop)));
    FlushAndSync();
    ASSERT_EQ(Find("https://a.example/x")->state, UrlState::kPending) << hop;
    EXPECT_THAT(observer_.ends, IsEmpty());
    ticket = NextTicket();
    EXPECT_EQ(ticket.own_key_redirects(), static_cast<uint32_t>(hop));
  }
  TakePage(Redirect(ticket, "https://a.example/x"));
  FlushAndSync();
  EXPECT_EQ(db_->ledger().failed[Outcome::kRedirectLoop], 1u);
  ASSERT_THAT(observer_.ends, SizeIs(1));
  EXPECT_EQ(observer_.ends[0].outcome, Outcome::kRedirectLoop);
}

TEST_F(CommitDeskTest, OwnKeyRedirectsAreAnswersAndCostNoTry) {
  wire::UrlTicket ticket = OutTicket("https://a.example/x");
  for (int hop = 0; hop < 3; ++hop) {
    TakePage(Redirect(ticket, "https://a.example/x"));
    Flush();
    ticket = NextTicket();
  }
  TakeEnded("f", ticket, Outcome::kTimeout);
  Flush();
  EXPECT_EQ(Find("https://a.example/x")->state, UrlState::kPending);
}

TEST_F(CommitDeskTest, TheEleventhRedirectIsRefused_Rule7) {
  wire::UrlTicket ticket = OutTicket("https://a.example/0");
  for (int hop = 1; hop <= kMaxRedirectHops; ++hop) {
    TakePage(Redirect(ticket, fmt::format("https://a.example/{}", hop)));
    Flush();
    ticket = NextTicket();
    ASSERT_EQ(ticket.redirect_hops(), static_cast<uint32_t>(hop));
  }
  TakePage(Redirect(ticket, "https://a.example/11"));
  Flush();
  EXPECT_EQ(db_->ledger().refused[Outcome::kRedirectHops], 1u);
  EXPECT_EQ(db_->ledger().pending, 0u);
}

TEST_F(CommitDeskTest, ASeedThatRedirectsElsewhereBringsThatHostIntoTheScope_Rule7) {
  TakePage(Redirect(OutTicket("https://a.example/"), "https://b.example/home"));
  Flush();
  EXPECT_EQ(Find("https://b.example/home")->state, UrlState::kPending);
  EXPECT_THAT(commits_->TakeNewAnchors(), ElementsAre("https://b.example/home"));
  EXPECT_THAT(observer_.notices, ElementsAre(HasSubstr("b.example is in the scope now")));
  EXPECT_THAT(commits_->TakeNewAnchors(), IsEmpty());
}

TEST_F(CommitDeskTest, ALinkThatRedirectsElsewhereDoesNot) {
  wire::PageResult page = Page(OutTicket("https://a.example/"));
  AddLink(page, "https://a.example/out");
  TakePage(page);
  Flush();
  TakePage(Redirect(NextTicket(), "https://b.example/"));
  Flush();
  EXPECT_EQ(Find("https://b.example/")->reason, Outcome::kScope);
  EXPECT_THAT(commits_->TakeNewAnchors(), IsEmpty());
}

TEST_F(CommitDeskTest, AnExcludedTargetOfASeedStaysOut) {
  settings_.add_exclude("b\\.example");
  Build();
  TakePage(Redirect(OutTicket("https://a.example/"), "https://b.example/"));
  Flush();
  EXPECT_EQ(Find("https://b.example/")->reason, Outcome::kExcluded);
  EXPECT_THAT(commits_->TakeNewAnchors(), IsEmpty());
}

TEST_F(CommitDeskTest, ARedirectToSomethingElseThanHttpEndsThere) {
  TakePage(Redirect(OutTicket("https://a.example/"), "ftp://a.example/"));
  Flush();
  EXPECT_EQ(Find("https://a.example/")->state, UrlState::kDone);
  EXPECT_EQ(db_->ledger().discovered, 1u);
}

// ---- what the user is told ----

TEST_F(CommitDeskTest, TheReferrerIsNamedByItsUrl) {
  wire::PageResult page = Page(OutTicket("https://a.example/"));
  AddLink(page, "https://a.example/1");
  TakePage(page);
  FlushAndSync();
  TakePage(Page(NextTicket()));
  FlushAndSync();
  ASSERT_THAT(observer_.ends, SizeIs(2));
  EXPECT_EQ(observer_.ends[0].referrer, "");
  EXPECT_EQ(observer_.ends[1].referrer, "https://a.example/");
  EXPECT_FALSE(observer_.ends[1].seed);
}

TEST_F(CommitDeskTest, AReferrerThatWasTooLongToBeCarriedAlongIsNamedAllTheSame) {
  const std::string parent = "https://a.example/" + std::string(3000, 'x');
  wire::PageResult page = Page(OutTicket(parent));
  AddLink(page, "https://a.example/1");
  TakePage(page);
  FlushAndSync();
  TakePage(Page(NextTicket()));
  FlushAndSync();
  ASSERT_THAT(observer_.ends, SizeIs(2));
  EXPECT_EQ(observer_.ends[1].referrer, parent);
}

TEST_F(CommitDeskTest, ARedirectsTargetIsMarkedAndNamesWhoNamedItsSource) {
  wire::PageResult page = Page(OutTicket("https://a.example/"));
  AddLink(page, "https://a.example/1");
  TakePage(page);
  Flush();
  TakePage(Redirect(NextTicket(), "https://a.example/2"));
  Flush();
  observer_.ends.clear();
  TakePage(Page(NextTicket()));
  FlushAndSync();
  ASSERT_THAT(observer_.ends, testing::Not(IsEmpty()));
  EXPECT_EQ(observer_.ends.back().url, "https://a.example/2");
  EXPECT_TRUE(observer_.ends.back().redirect);
  EXPECT_EQ(observer_.ends.back().referrer, "https://a.example/");
}

// ---- origins that are given up ----

TEST_F(CommitDeskTest, EndingAnOriginTakesAllThatWaitsAndNothingElse) {
  SeedHost("a.example", 25);
  SeedHost("a.example", 2, "http");
  AddFetcher("f");
  OriginEnding ending;
  ending.host_id = Host("a.example").id;
  ending.shard = Host("a.example").shard;
  ending.origin = "https://a.example";
  ending.outcome = Outcome::kHostUnreachable;
  ending.detail = "gone";
  int calls = 0;
  while (true) {
    auto finished = commits_->EndSome(ending, 10);
    ASSERT_TRUE(finished.ok()) << finished.status();
    ++calls;
    if (*finished) break;
    ASSERT_LT(calls, 100);
  }
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(db_->ledger().failed[Outcome::kHostUnreachable], 25u);
  EXPECT_EQ(db_->ledger().pending, 2u);
  gate_->Poke();
  pool_.RunAll();
  ASSERT_THAT(observer_.ends, SizeIs(25));
  EXPECT_EQ(observer_.ends[0].note, "gone");
}

TEST_F(CommitDeskTest, WhatIsOutIsNotEndedWithItsOrigin) {
  SeedHost("a.example", 3);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  ASSERT_EQ(grant.urls_size(), 3);
  OriginEnding ending;
  ending.host_id = Host("a.example").id;
  ending.origin = "https://a.example";
  ending.outcome = Outcome::kConnect;
  ASSERT_TRUE(commits_->EndSome(ending, 10).ok());
  EXPECT_EQ(db_->ledger().pending, 3u);
}

}  // namespace
}  // namespace weft::test
