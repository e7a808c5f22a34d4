// Places by popularity: what moves, what does not, and that nothing else changes by it.
#include "tests/storage/crawl_db_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = AttemptEnd::Kind;
using Moved = Preferred::Kind;

constexpr char kOrigin[] = "https://a.example";
constexpr char k1[] = "https://a.example/1";
constexpr char k2[] = "https://a.example/2";
constexpr char k3[] = "https://a.example/3";

class CrawlDbOrder : public CrawlDbTest {
 protected:
  void SetUp() override {
    CrawlDbTest::SetUp();
    db_->SetPopular(true);
  }
  static Preference Want(const std::string& url, int step) {
    const Candidate c = MakeCandidate(url);
    return {c.key, c.shard, step};
  }
  Preferred Prefer(const std::string& url, int step) {
    const Preference wanted = Want(url, step);
    auto answers = db_->Prefer({&wanted, 1}, 0);
    EXPECT_TRUE(answers.ok()) << answers.status();
    return answers.ok() && answers->size() == 1 ? answers->front() : Preferred();
  }
  void AdmitNearer(const std::string& url, uint32_t depth, int nearer) {
    Candidate c = MakeCandidate(url, depth);
    c.nearer = nearer;
    AdmitOne(c);
  }
};

TEST_F(CrawlDbOrder, WithoutStepsItIsByDepthAsEver) {
  Admit(k1, 2);
  Admit(k2, 0);
  Admit(k3, 2);
  Admit("https://a.example/4", 1);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k2, "https://a.example/4", k1, k3));
}

TEST_F(CrawlDbOrder, WhatHasAStepGoesBeforeEveryDepthAndMoreStepsFirst) {
  Admit(k1, 0);
  Admit(k2, 9);
  Admit(k3, 300);
  EXPECT_EQ(Prefer(k2, 1).kind, Moved::kMoved);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k2, k1, k3));
  EXPECT_EQ(Prefer(k3, 2).kind, Moved::kMoved);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k3, k2, k1));
  CheckPlaces();
}

TEST_F(CrawlDbOrder, ItsAnswerSaysWhereItIsNow) {
  Admit(k1, 3);
  const Preferred moved = Prefer(k1, 1);
  EXPECT_EQ(moved.origin, kOrigin);
  EXPECT_EQ(moved.host_id, Host("a.example")->id);
  EXPECT_EQ(moved.url.key, MakeCandidate(k1).key);
  EXPECT_EQ(moved.url.position, Queue(kOrigin).front().position);
  EXPECT_EQ(moved.url.record, *Find(k1));
  EXPECT_EQ(Find(k1)->queue_position, moved.url.position);
}

TEST_F(CrawlDbOrder, APlaceThatIsAsGoodIsKept) {
  Admit(k1, 3);
  Prefer(k1, 2);
  const uint64_t position = Find(k1)->queue_position;
  EXPECT_EQ(Prefer(k1, 2).kind, Moved::kWaits);
  EXPECT_EQ(Prefer(k1, 1).kind, Moved::kWaits);
  EXPECT_EQ(Find(k1)->queue_position, position);
  EXPECT_EQ(Prefer(k1, kPopularSteps).kind, Moved::kMoved);
  EXPECT_EQ(Prefer(k1, 1000).kind, Moved::kWaits) << "there are no more steps than that";
}

TEST_F(CrawlDbOrder, ARulesPriorityComesFirst) {
  db_->SetPriorities([](std::string_view url) { return url.ends_with("/1") ? 1 : url.ends_with("/3") ? -1 : 0; });
  Admit(k1, 9);
  Admit(k2, 1);
  Admit(k3, 1);
  Prefer(k2, kPopularSteps);
  Prefer(k3, kPopularSteps);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k1, k2, k3));
  CheckPlaces();
}

TEST_F(CrawlDbOrder, NothingElseOfItChanges) {
  Admit(k1, 3);
  const LedgerCounts before = db_->ledger();
  UrlRecord was = *Find(k1);
  Prefer(k1, 1);
  ExpectSameCounts(db_->ledger(), before);
  UrlRecord is = *Find(k1);
  EXPECT_GT(is.commit, was.commit);
  is.commit = was.commit;
  is.queue_position = was.queue_position;
  EXPECT_EQ(is, was);
  EXPECT_EQ(Host("a.example")->pending(), 1u);
}

TEST_F(CrawlDbOrder, WhatWaitsForARetryStaysThere) {
  Admit(k1, 3);
  Commit(Retry(k1, 500));
  EXPECT_EQ(Prefer(k1, 3).kind, Moved::kWaits);
  EXPECT_THAT(QueueUrls(kOrigin), IsEmpty());
  CheckPlaces();
}

TEST_F(CrawlDbOrder, WhatIsOverOrUnknownIsNotTouched) {
  Admit(k1);
  Commit(End(k1, Kind::kDone));
  Admit(k2, 1, Outcome::kScope);
  const uint64_t commit = db_->commit();
  for (const char* url : {k1, k2, k3}) EXPECT_EQ(Prefer(url, 3).kind, Moved::kOver) << url;
  EXPECT_EQ(db_->commit(), commit) << "nothing was written";
}

TEST_F(CrawlDbOrder, OneCallMovesUrlsOfManyShardsAndTheSameOneTwice) {
  const std::vector<std::string> urls = {k1, "https://b.example/", "https://c.example/", k2};
  for (const std::string& url : urls) Admit(url, 4);
  std::vector<Preference> wanted;
  for (const std::string& url : urls) wanted.push_back(Want(url, 1));
  wanted.push_back(Want(k2, 2));
  auto answers = db_->Prefer(wanted, 0);
  ASSERT_TRUE(answers.ok());
  for (const Preferred& answer : *answers) EXPECT_EQ(answer.kind, Moved::kMoved);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k2, k1));
  CheckPlaces();
  Reopen();
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k2, k1)) << "places outlive a restart";
  CheckPlaces();
}

TEST_F(CrawlDbOrder, AMoveBelowTheHeadLowersItAndIsNoInsert_Rule6) {
  Admit(k1, 1);
  Admit(k2, 1);
  HostState state = *Host("a.example");
  db_->TakeLowestInserts();
  state.origins.front().head = Find(k2)->queue_position;
  ASSERT_TRUE(db_->PutPoliteness(state, 0).ok());
  Prefer(k2, 1);
  EXPECT_LE(Host("a.example")->origins.front().head, Find(k2)->queue_position);
  EXPECT_TRUE(db_->TakeLowestInserts().empty());
}

TEST_F(CrawlDbOrder, ASitemapsWordCountsAsSoManyLinksNearer) {
  AdmitNearer(k1, 3, -2);
  AdmitNearer(k2, 3, 0);
  AdmitNearer(k3, 3, 2);
  Admit("https://a.example/seed", 0);
  AdmitNearer("https://a.example/top", 1, 9);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre("https://a.example/seed", "https://a.example/top", k3, k2, k1));
}

TEST_F(CrawlDbOrder, BreadthKnowsOfNoneOfIt) {
  db_->SetPopular(false);
  AdmitNearer(k1, 3, 9);
  Admit(k2, 1);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k2, k1));
  EXPECT_EQ((Find(k2)->queue_position >> kDepthShift) & 255, 1u);
}

TEST_F(CrawlDbOrder, AfterAFailedWriteNothingHasMoved_Rule4) {
  Admit(k1, 3);
  Admit(k2, 3);
  disk_.FailWrite(1);
  const Preference wanted = Want(k2, 1);
  EXPECT_FALSE(db_->Prefer({&wanted, 1}, 0).ok());
  EXPECT_FALSE(db_->health().ok());
  Reopen();
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k1, k2));
  CheckPlaces();
}

}  // namespace
}  // namespace weft::test
