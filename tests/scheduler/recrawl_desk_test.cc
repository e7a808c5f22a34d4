// Fetching again, as the scheduler's desks do it: terms, plans, conditional tickets, and results that come too late.
#include "scheduler/recrawl_desk.h"

#include "scheduler/anchor_list.h"
#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

const std::string kUrl = "https://a.example/";

uint64_t Micros(absl::Duration duration) { return CrawlMicros(duration); }

class RecrawlDeskTest : public DeskTest {
 protected:
  void SetUp() override {
    settings_.set_recrawl(true);
    DeskTest::SetUp();
    Begin();
    AddFetcher("f");
    Node("p");
  }
  void TearDown() override {
    commits_.reset();
    DeskTest::TearDown();
  }
  void Begin() {
    recrawls_ = std::make_unique<RecrawlDesk>(*db_, settings_, *crawl_clock_, clock_);
    absl::Status opened = recrawls_->Open();
    ASSERT_TRUE(opened.ok()) << opened;
    commits_->set_recrawls(recrawls_.get());
  }
  // Another life of the scheduler on the same disk.
  void Restart() {
    Build();
    Begin();
    AddFetcher("f");
  }
  std::optional<RecrawlTerms> Terms(const std::string& url) const { return recrawls_->TermsFor(url); }
  // The ticket under which the URL is out now.
  wire::UrlTicket Ask() {
    frontier_->TakeInserts();
    wire::LeaseGrant grant = GrantOne();
    Release("f", Asked(grant));
    return grant.urls_size() == 1 ? grant.urls(0) : wire::UrlTicket();
  }
  wire::PageResult Answer(const wire::UrlTicket& ticket, const std::string& digest, int status = 200) {
    wire::PageResult result = Page(ticket, status);
    result.set_payload_digest(digest);
    result.mutable_place()->set_file(digest);
    result.set_wall_us(absl::ToUnixMicros(clock_.WallNow()));
    return result;
  }
  void FetchFirst() {
    Seed({kUrl});
    wire::PageResult result = Answer(Ask(), "one");
    result.set_etag("\"1\"");
    result.set_last_modified("Sat");
    TakePage(result);
    FlushAndSync();
  }
  // Moves the clock, and what is due then into its queue.
  void Wait(absl::Duration duration) {
    clock_.Advance(duration);
    ASSERT_TRUE(db_->PromoteDue(Now(), 100).ok());
    Beat("f", 1000);
  }
  void PlanAll() {
    for (int i = 0; i < 100 && recrawls_->planning(); ++i) ASSERT_TRUE(recrawls_->Poke().ok());
    EXPECT_FALSE(recrawls_->planning());
  }

  std::unique_ptr<RecrawlDesk> recrawls_;
};

TEST_F(RecrawlDeskTest, WithoutBoundsTheDefaultsHold) {
  EXPECT_EQ(Terms(kUrl)->least_us, Micros(kDefaultRecrawlMin));
  EXPECT_EQ(Terms(kUrl)->most_us, Micros(kDefaultRecrawlMax));
}

TEST_F(RecrawlDeskTest, RulesBeatTheCrawlsBounds) {
  settings_.set_recrawl_min_us(60'000'000);
  settings_.set_recrawl_max_us(600'000'000);
  for (const char* rule : {"match=/both recrawl=2h..3h", "match=/least recrawl-min=2h", "match=/most recrawl-max=10s",
                           "match=/never recrawl=off"}) {
    settings_.add_rule(rule);
  }
  Begin();
  EXPECT_EQ(*Terms("https://h/"), (RecrawlTerms{60'000'000, 600'000'000, std::nullopt}));
  EXPECT_EQ(*Terms("https://h/both"), (RecrawlTerms{Micros(absl::Hours(2)), Micros(absl::Hours(3)), std::nullopt}));
  EXPECT_EQ(*Terms("https://h/least"), (RecrawlTerms{Micros(absl::Hours(2)), Micros(absl::Hours(2)), std::nullopt}));
  EXPECT_EQ(*Terms("https://h/most"), (RecrawlTerms{10'000'000, 10'000'000, std::nullopt}));
  EXPECT_EQ(Terms("https://h/never"), std::nullopt);
}

TEST_F(RecrawlDeskTest, FixedTimesAreWaitedFor) {
  settings_.add_rule("match=. recrawl-at=\"daily 00:00\"");
  Begin();
  // The test's clock begins at 22:13:20 UTC.
  EXPECT_EQ(Terms(kUrl)->at_us, Micros(absl::Hours(1) + absl::Minutes(46) + absl::Seconds(40)));
  EXPECT_EQ(recrawls_->TermsFor(kUrl, clock_.WallNow() - absl::Hours(48))->at_us, 0u) << "it was missed while nobody crawled";
}

TEST_F(RecrawlDeskTest, OffNothingIsFetchedAgain) {
  settings_.set_recrawl(false);
  Begin();
  EXPECT_EQ(Terms(kUrl), std::nullopt);
  FetchFirst();
  EXPECT_EQ(db_->ledger().due_later, 0u);
}

TEST_F(RecrawlDeskTest, AVisitAsksWhetherThePageIsAnotherNow) {
  FetchFirst();
  EXPECT_EQ(db_->ledger().due_later, 1u);
  Wait(kDefaultRecrawlMin);
  wire::UrlTicket ticket = Ask();
  EXPECT_EQ(ticket.generation(), 1u);
  EXPECT_EQ(ticket.etag(), "\"1\"");
  EXPECT_EQ(ticket.last_modified(), "Sat");
  TakePage(Answer(ticket, "empty", 304));
  FlushAndSync();
  EXPECT_EQ(Find(kUrl)->state, UrlState::kDone);
  EXPECT_EQ(Find(kUrl)->place.file, "one");
  EXPECT_EQ(Find(kUrl)->recrawl_us, Micros(kDefaultRecrawlMin) * 3 / 2);
}

TEST_F(RecrawlDeskTest, NothingIsAskedOfAFirstVisitNorOfAnErrorNorOfACutPage) {
  UrlRecord record;
  record.etag = "x";
  const auto etag_of = [&] {
    wire::UrlTicket ticket;
    FillConditions(record, ticket);
    return ticket.etag();
  };
  record.status = 200;
  EXPECT_EQ(etag_of(), "") << "no page is stored";
  record.keeps_page = true;
  EXPECT_EQ(etag_of(), "x");
  record.status = 404;
  EXPECT_EQ(etag_of(), "");
  record.status = 200;
  record.truncated = true;
  EXPECT_EQ(etag_of(), "");
}

TEST_F(RecrawlDeskTest, ATicketBringsThePageThatIsStored) {
  FetchFirst();
  EXPECT_FALSE(Find(kUrl)->payload_digest.empty());
  Wait(kDefaultRecrawlMin);
  const wire::UrlTicket ticket = Ask();
  const UrlRecord record = *Find(kUrl);
  ASSERT_TRUE(ticket.has_stored());
  EXPECT_EQ(ticket.stored().payload_digest(), record.payload_digest);
  EXPECT_EQ(ticket.stored().payload_bytes(), record.payload_bytes);
  EXPECT_EQ(ticket.stored().status(), 200u);
  EXPECT_EQ(absl::FromUnixMicros(ticket.stored().wall_us()), record.fetched_at);
  EXPECT_EQ(ticket.stored().place().file(), record.place.file);
}

// As it is found in the WARC files when the CrawlDb has lost the visit (rule 13).
TEST_F(RecrawlDeskTest, ARevisitSubmittedAgainIsAVisitOfThePageThatItIsOf) {
  FetchFirst();
  const absl::Time fetched = Find(kUrl)->fetched_at;
  Wait(kDefaultRecrawlMin);
  wire::PageResult revisit;
  revisit.mutable_ticket()->set_url(kUrl);
  revisit.set_status(200);
  revisit.set_outcome(static_cast<uint32_t>(Outcome::kResponse));
  revisit.mutable_place()->set_file("revisit");
  revisit.set_wall_us(absl::ToUnixMicros(clock_.WallNow()));
  const auto take = [&](uint64_t number, absl::Time of) {
    revisit.set_stored_number(number);
    revisit.set_revisit_of_us(absl::ToUnixMicros(of));
    ASSERT_TRUE(commits_->TakeStored("p", revisit).ok());
    FlushAndSync();
  };
  take(1, fetched - absl::Hours(1));
  EXPECT_EQ(Find(kUrl)->state, UrlState::kPending) << "of a page that was stored before this one";
  take(2, fetched);
  EXPECT_EQ(Find(kUrl)->state, UrlState::kDone);
  EXPECT_EQ(Find(kUrl)->unchanged, 1u);
  EXPECT_EQ(Find(kUrl)->changes, 0u);
  EXPECT_EQ(Find(kUrl)->place.file, "one");
  EXPECT_EQ(Find(kUrl)->payload_digest, "one");
}

// So that the same bytes are stored once; it has nothing to be asked conditionally by.
TEST_F(RecrawlDeskTest, OfAPageOfErrorsTooThePageIsBrought) {
  UrlRecord record;
  record.keeps_page = true;
  record.status = 404;
  record.etag = "\"x\"";
  wire::UrlTicket ticket;
  FillConditions(record, ticket);
  EXPECT_TRUE(ticket.has_stored());
  EXPECT_EQ(ticket.stored().status(), 404u);
  EXPECT_TRUE(ticket.etag().empty());
}

TEST_F(RecrawlDeskTest, AFirstVisitBringsNoPage) {
  Seed({kUrl});
  EXPECT_FALSE(Ask().has_stored());
}

// The page lies under the URL that was asked then.
TEST_F(RecrawlDeskTest, AfterARedirectToItsOwnKeyNoPageIsBrought) {
  UrlRecord record;
  record.keeps_page = true;
  record.status = 200;
  wire::UrlTicket ticket;
  FillConditions(record, ticket);
  EXPECT_TRUE(ticket.has_stored());
  record.own_key_redirects = 1;
  ticket.Clear();
  FillConditions(record, ticket);
  EXPECT_FALSE(ticket.has_stored());
}

TEST_F(RecrawlDeskTest, AResultOfTheVisitBeforeDoesNotEndThisOne) {
  Seed({kUrl});
  wire::PageResult first = Answer(Ask(), "one");
  TakePage(first);
  FlushAndSync();
  Wait(kDefaultRecrawlMin);
  wire::UrlTicket ticket = Ask();
  TakePage(first);
  FlushAndSync();
  EXPECT_EQ(Find(kUrl)->state, UrlState::kPending);
  EXPECT_TRUE(IsOut(kUrl)) << "its fetcher still has it";
  TakePage(Answer(ticket, "two"));
  FlushAndSync();
  EXPECT_EQ(Find(kUrl)->place.file, "two");
}

TEST_F(RecrawlDeskTest, AFailedVisitLeavesThePage) {
  FetchFirst();
  Wait(kDefaultRecrawlMin);
  TakeEnded("f", Ask(), Outcome::kRobots);
  FlushAndSync();
  EXPECT_EQ(Find(kUrl)->state, UrlState::kDone);
  EXPECT_EQ(Find(kUrl)->place.file, "one");
  EXPECT_EQ(Find(kUrl)->recrawl_us, Micros(kDefaultRecrawlMin) * 2);
  EXPECT_EQ(db_->ledger().recrawl_missed, 1u);
  EXPECT_TRUE(db_->ledger().refused.empty());
}

TEST_F(RecrawlDeskTest, AnOriginThatIsGivenUpLosesNoPage) {
  FetchFirst();
  Wait(kDefaultRecrawlMin);
  frontier_->TakeInserts();
  OriginEnding ending;
  ending.host_id = db_->HostId("a.example");
  ending.shard = db_->FindHost("a.example")->shard;
  ending.origin = "https://a.example";
  ending.outcome = Outcome::kHostUnreachable;
  ASSERT_TRUE(commits_->EndSome(ending, 10).ok());
  EXPECT_EQ(Find(kUrl)->state, UrlState::kDone);
  EXPECT_EQ(Find(kUrl)->missed, 1u);
  EXPECT_EQ(db_->ledger().due_later, 1u);
}

TEST_F(RecrawlDeskTest, AStoredPageFromBeforeTheLastVisitIsNoAnswer) {
  Seed({kUrl});
  wire::PageResult stored = Answer(Ask(), "one");
  TakePage(stored);
  FlushAndSync();
  Wait(kDefaultRecrawlMin);
  stored.clear_ticket();
  stored.mutable_ticket()->set_url(kUrl);
  stored.set_stored_number(1);
  ASSERT_TRUE(commits_->TakeStored("p", stored).ok());
  FlushAndSync();
  EXPECT_EQ(Find(kUrl)->state, UrlState::kPending);
  stored.set_wall_us(absl::ToUnixMicros(clock_.WallNow()));
  ASSERT_TRUE(commits_->TakeStored("p", stored).ok());
  FlushAndSync();
  EXPECT_EQ(Find(kUrl)->state, UrlState::kDone);
}

TEST_F(RecrawlDeskTest, AStoredNotModifiedEndsNoFirstVisit) {
  Seed({kUrl});
  wire::PageResult stored = Page({}, 304);
  stored.mutable_ticket()->set_url(kUrl);
  stored.set_stored_number(1);
  ASSERT_TRUE(commits_->TakeStored("p", stored).ok());
  FlushAndSync();
  EXPECT_EQ(Find(kUrl)->state, UrlState::kPending);
}

TEST_F(RecrawlDeskTest, ASitemapsLastmodPullsAVisit) {
  FetchFirst();
  Seed({"https://a.example/map"});
  wire::PageResult map = Answer(Ask(), "map");
  wire::Link* link = map.add_links();
  link->set_url(kUrl);
  link->set_lastmod_us(absl::ToUnixMicros(clock_.WallNow() + absl::Seconds(10)));
  TakePage(map);
  FlushAndSync();
  Wait(absl::Milliseconds(1));
  EXPECT_EQ(Find(kUrl)->state, UrlState::kPending);
  EXPECT_EQ(Find("https://a.example/map")->state, UrlState::kDone);
}

TEST_F(RecrawlDeskTest, WhatWasDoneBeforeIsPlannedOnce) {
  settings_.set_recrawl(false);
  Restart();
  FetchFirst();
  EXPECT_EQ(db_->ledger().due_later, 0u);
  settings_.set_recrawl(true);
  Restart();
  EXPECT_TRUE(recrawls_->planning());
  PlanAll();
  EXPECT_EQ(db_->ledger().due_later, 1u);
  Restart();
  EXPECT_FALSE(recrawls_->planning()) << "the same settings need no second plan";
  settings_.set_recrawl_min_us(5'000'000);
  Restart();
  EXPECT_TRUE(recrawls_->planning()) << "others do";
}

TEST_F(RecrawlDeskTest, FixedTimesArePlannedAtEveryStart) {
  settings_.add_rule("match=. recrawl-at=\"daily 00:00\"");
  Restart();
  PlanAll();
  Restart();
  EXPECT_TRUE(recrawls_->planning());
}

TEST_F(RecrawlDeskTest, TheStatusTellsWhatIsDue) {
  FetchFirst();
  wire::StatusReply status;
  FillRecrawls(db_->ledger(), db_->NextDue(), Now(), status);
  EXPECT_EQ(status.due_later(), 1u);
  EXPECT_EQ(status.next_due_us(), absl::ToInt64Microseconds(kDefaultRecrawlMin));
}

}  // namespace
}  // namespace weft::test
