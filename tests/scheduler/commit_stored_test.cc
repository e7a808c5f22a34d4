// Pages that were stored before and are submitted again (rule 13).
#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class CommitStoredTest : public DeskTest {
 protected:
  void SetUp() override {
    DeskTest::SetUp();
    Node("p");
  }
  static wire::PageResult Stored(uint64_t number, const std::string& url, const std::vector<std::string>& links = {}) {
    wire::PageResult result;
    result.set_stored_number(number);
    result.mutable_ticket()->set_url(url);
    result.set_status(200);
    result.set_outcome(static_cast<uint32_t>(Outcome::kResponse));
    result.mutable_place()->set_file("f.warc.gz");
    result.mutable_place()->set_offset(100 * number);
    for (const std::string& link : links) result.add_links()->set_url(link);
    return result;
  }
  void Take(const wire::PageResult& result) {
    absl::Status status = commits_->TakeStored("p", result);
    EXPECT_TRUE(status.ok()) << status;
  }
  struct Answers {
    std::vector<uint64_t> recorded, passed, unknown;
    uint64_t commit = 0;
  };
  Answers Answered() const {
    Answers all;
    for (const wire::Frame& frame : bus_.Of("p", wire::Frame::kStoredAck)) {
      const wire::StoredAck& ack = frame.stored_ack();
      all.recorded.insert(all.recorded.end(), ack.recorded().begin(), ack.recorded().end());
      all.passed.insert(all.passed.end(), ack.passed().begin(), ack.passed().end());
      all.unknown.insert(all.unknown.end(), ack.unknown().begin(), ack.unknown().end());
      all.commit = std::max(all.commit, ack.commit());
    }
    return all;
  }
};

TEST_F(CommitStoredTest, AWaitingUrlIsDoneByItsStoredPage) {
  Seed({"https://a.example/"});
  Take(Stored(1, "https://a.example/", {"https://a.example/1"}));
  FlushAndSync();
  EXPECT_THAT(Answered().recorded, ElementsAre(1));
  EXPECT_EQ(Answered().commit, db_->commit());
  ASSERT_EQ(Find("https://a.example/")->state, UrlState::kDone);
  EXPECT_EQ(Find("https://a.example/")->place.offset, 100u);
  EXPECT_EQ(Find("https://a.example/1")->state, UrlState::kPending);
  EXPECT_EQ(Find("https://a.example/1")->depth, 1u);
  EXPECT_EQ(db_->ledger().pages, 1u);
  ASSERT_THAT(observer_.ends, SizeIs(1));
  EXPECT_EQ(observer_.ends[0].note, "stored-before");
}

TEST_F(CommitStoredTest, IsAnsweredAsRecordedOnlyWhenDurable) {
  Seed({"https://a.example/"});
  Take(Stored(1, "https://a.example/"));
  Flush();
  EXPECT_THAT(Answered().recorded, IsEmpty());
}

TEST_F(CommitStoredTest, IsNotHandedOutAnyMore) {
  AddFetcher("f");
  Seed({"https://a.example/1", "https://a.example/2"});
  Take(Stored(1, "https://a.example/1"));
  FlushAndSync();
  EXPECT_THAT(UrlsOf(GrantOne()), ElementsAre("https://a.example/2"));
}

TEST_F(CommitStoredTest, WhatIsOutWithAFetcherStaysIts) {
  AddFetcher("f");
  Seed({"https://a.example/"});
  wire::LeaseGrant grant = GrantOne();
  Take(Stored(1, "https://a.example/"));
  FlushAndSync();
  EXPECT_THAT(Answered().passed, ElementsAre(1));
  EXPECT_EQ(Find("https://a.example/")->state, UrlState::kPending);
  TakePage(Page(grant.urls(0)));
  FlushAndSync();
  EXPECT_EQ(Find("https://a.example/")->place.offset, 0u);
}

// A revisit in the WARC files of a URL of which nothing is known says nothing: the page that it is of comes by itself.
TEST_F(CommitStoredTest, ARevisitOfAPageThatIsNotStoredIsPassed) {
  Seed({"https://a.example/"});
  wire::PageResult revisit = Stored(1, "https://a.example/");
  revisit.set_revisit_of_us(1'000'000);
  Take(revisit);
  revisit = Stored(2, "https://a.example/never-named");
  revisit.set_revisit_of_us(1'000'000);
  Take(revisit);
  FlushAndSync();
  EXPECT_THAT(Answered().passed, ElementsAre(1, 2));
  EXPECT_THAT(Answered().unknown, IsEmpty());
  EXPECT_EQ(Find("https://a.example/")->state, UrlState::kPending);
}

TEST_F(CommitStoredTest, WhatIsOverIsPassed) {
  Seed({"https://a.example/"});
  Take(Stored(1, "https://a.example/"));
  FlushAndSync();
  Take(Stored(2, "https://a.example/"));
  FlushAndSync();
  EXPECT_THAT(Answered().passed, ElementsAre(2));
  EXPECT_EQ(db_->ledger().pages, 1u);
  EXPECT_EQ(Find("https://a.example/")->place.offset, 100u);
}

TEST_F(CommitStoredTest, TwoCopiesAtOnceCountOnce) {
  Seed({"https://a.example/"});
  Take(Stored(1, "https://a.example/"));
  Take(Stored(2, "https://a.example/"));
  FlushAndSync();
  EXPECT_THAT(Answered().recorded, ElementsAre(1));
  EXPECT_THAT(Answered().passed, ElementsAre(2));
  EXPECT_EQ(db_->ledger().pages, 1u);
  EXPECT_THAT(observer_.ends, SizeIs(1));
}

TEST_F(CommitStoredTest, WhatNobodyHasNamedIsUnknown) {
  Seed({"https://a.example/"});
  Take(Stored(1, "https://a.example/1", {"https://a.example/2"}));
  FlushAndSync();
  EXPECT_THAT(Answered().unknown, ElementsAre(1));
  EXPECT_FALSE(Find("https://a.example/1"));
  EXPECT_FALSE(Find("https://a.example/2"));
}

// In the order in which they were fetched one round is enough.
TEST_F(CommitStoredTest, APageKnowsTheLinksOfTheOneBeforeIt) {
  Seed({"https://a.example/"});
  Take(Stored(1, "https://a.example/", {"https://a.example/1"}));
  Take(Stored(2, "https://a.example/1", {"https://a.example/2"}));
  Take(Stored(3, "https://a.example/2"));
  FlushAndSync();
  EXPECT_THAT(Answered().recorded, ElementsAre(1, 2, 3));
  EXPECT_EQ(Find("https://a.example/2")->depth, 2u);
}

TEST_F(CommitStoredTest, ARedirectGoesOnAsItDidThen) {
  Seed({"https://a.example/"});
  wire::PageResult moved = Stored(1, "https://a.example/");
  moved.set_status(301);
  moved.mutable_redirect()->set_url("https://a.example/home");
  Take(moved);
  Take(Stored(2, "https://a.example/home"));
  FlushAndSync();
  EXPECT_THAT(Answered().recorded, ElementsAre(1, 2));
  EXPECT_EQ(Find("https://a.example/home")->depth, 0u);
  EXPECT_TRUE(Find("https://a.example/home")->seed);
}

// "/a" and "/a?" have one key.
TEST_F(CommitStoredTest, ARedirectToItsOwnKeyIsFollowedByTheNextRequestsPage) {
  Seed({"https://a.example/a"});
  wire::PageResult moved = Stored(1, "https://a.example/a");
  moved.set_status(302);
  moved.mutable_redirect()->set_url("https://a.example/a?");
  Take(moved);
  Take(Stored(2, "https://a.example/a?"));
  FlushAndSync();
  EXPECT_THAT(Answered().recorded, ElementsAre(1, 2));
  EXPECT_EQ(Find("https://a.example/a")->attempt, 1u);
  EXPECT_EQ(Find("https://a.example/a")->place.offset, 200u);
}

TEST_F(CommitStoredTest, AnotherRequestUrlOfTheSameKeyIsNotTakenYet) {
  Seed({"https://a.example/a"});
  Take(Stored(1, "https://a.example/a?"));
  FlushAndSync();
  EXPECT_THAT(Answered().unknown, ElementsAre(1));
  EXPECT_EQ(Find("https://a.example/a")->state, UrlState::kPending);
}

TEST_F(CommitStoredTest, LinksBeforeTheirPageAreAdmittedAtItsDepth) {
  Seed({"https://a.example/"});
  wire::LinkBatch batch;
  batch.set_stored(true);
  batch.mutable_ticket()->set_url("https://a.example/");
  batch.add_links()->set_url("https://a.example/1");
  ASSERT_TRUE(commits_->TakeStored(batch).ok());
  Take(Stored(1, "https://a.example/"));
  FlushAndSync();
  EXPECT_EQ(Find("https://a.example/1")->depth, 1u);
  EXPECT_EQ(Find("https://a.example/1")->referrer, intake_->KeyOf(Url::Parse("https://a.example/").value()));
}

TEST_F(CommitStoredTest, LinksOfAnUnknownPageAreNot) {
  Seed({"https://a.example/"});
  wire::LinkBatch batch;
  batch.set_stored(true);
  batch.mutable_ticket()->set_url("https://a.example/other");
  batch.add_links()->set_url("https://a.example/1");
  ASSERT_TRUE(commits_->TakeStored(batch).ok());
  FlushAndSync();
  EXPECT_FALSE(Find("https://a.example/1"));
}

TEST_F(CommitStoredTest, AUrlThatWaitsForARetryIsTaken) {
  AddFetcher("f");
  Seed({"https://a.example/"});
  wire::LeaseGrant grant = GrantOne();
  TakeEnded("f", grant.urls(0), Outcome::kTimeout);
  Flush();
  Release("f", Asked(grant));
  ASSERT_GT(Find("https://a.example/")->due_us, 0u);
  Take(Stored(1, "https://a.example/"));
  FlushAndSync();
  EXPECT_THAT(Answered().recorded, ElementsAre(1));
  EXPECT_FALSE(db_->NextDue());
}

TEST_F(CommitStoredTest, APageThatBroughtParsersDownEndsAsThat_Rule14) {
  Seed({"https://a.example/"});
  wire::PageResult crash = Stored(1, "https://a.example/");
  crash.set_outcome(static_cast<uint32_t>(Outcome::kParserCrash));
  Take(crash);
  FlushAndSync();
  EXPECT_EQ(Find("https://a.example/")->reason, Outcome::kParserCrash);
  EXPECT_THAT(Answered().recorded, ElementsAre(1));
}

TEST_F(CommitStoredTest, WhatIsNoUrlIsPassed) {
  Take(Stored(1, "no url"));
  Take(Stored(2, ""));
  FlushAndSync();
  EXPECT_THAT(Answered().passed, ElementsAre(1, 2));
}

}  // namespace
}  // namespace weft::test
