#include "tests/storage/crawl_db_fixture.h"

namespace weft::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

using CrawlDbQueue = CrawlDbTest;
using Kind = AttemptEnd::Kind;
constexpr char kOrigin[] = "https://a.example";
constexpr char k1[] = "https://a.example/1";
constexpr char k2[] = "https://a.example/2";
constexpr char k3[] = "https://a.example/3";

TEST_F(CrawlDbQueue, DepthFirstThenArrival) {
  Admit(k1, 2);
  Admit(k2, 1);
  Admit(k3, 2);
  Admit("https://a.example/4", 1);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k2, "https://a.example/4", k1, k3));
}

TEST_F(CrawlDbQueue, DepthsBeyond255AreOne) {
  Admit(k1, 1000);
  Admit(k2, 300);
  Admit(k3, 254);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k3, k1, k2));
}

TEST_F(CrawlDbQueue, ReadingResumesBehindAPosition) {
  for (const char* url : {k1, k2, k3}) Admit(url);
  std::vector<QueuedUrl> first = Queue(kOrigin, 0, 2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_LT(first[0].position, first[1].position);
  EXPECT_THAT(QueueUrls(kOrigin, first[1].position), ElementsAre(k3));
  EXPECT_THAT(QueueUrls(kOrigin, UINT64_MAX), IsEmpty());
}

TEST_F(CrawlDbQueue, EachOriginHasItsOwn_Rule20) {
  Admit(k1);
  Admit("http://a.example/1");
  Admit("https://a.example:444/1");
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k1));
  EXPECT_THAT(QueueUrls("http://a.example"), ElementsAre("http://a.example/1"));
  EXPECT_EQ(Host("a.example")->origins.size(), 3u);
  EXPECT_EQ(Host("a.example")->pending(), 3u);
  EXPECT_THAT(QueueUrls("https://nobody.example"), IsEmpty());
}

TEST_F(CrawlDbQueue, WrongShardReadsNothingAndSpoilsNothing) {
  Admit(k1);
  EXPECT_THAT(*db_->ReadQueue(static_cast<uint16_t>((ShardOf("a.example") + 1) % kShardCount), kOrigin, 0, 10),
              IsEmpty());
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k1));
}

TEST_F(CrawlDbQueue, EntryStaysUntilItsEndCommits) {
  Admit(k1);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k1));
  Reopen();
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k1));
}

TEST_F(CrawlDbQueue, InsertBelowTheStartBoundLowersIt_Rule6) {
  Admit(k1, 5);
  Admit(k2, 5);
  Commit(End(k1, Kind::kDone));
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k2));   // the bound is k2's place now
  Admit(k3, 1);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k3, k2));
  Reopen();
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k3, k2));
}

TEST_F(CrawlDbQueue, InsertIntoAnEmptiedQueueIsFound_Rule6) {
  Admit(k1, 5);
  Commit(End(k1, Kind::kDone));
  EXPECT_THAT(QueueUrls(kOrigin), IsEmpty());
  Admit(k2, 2);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k2));
  Reopen();
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k2));
}

TEST_F(CrawlDbQueue, HigherPrioritiesComeFirstWhateverTheirDepth) {
  db_->SetPriorities([](std::string_view url) { return url.ends_with("good") ? 100 : url.ends_with("bad") ? -100 : 0; });
  const std::string bad = kOrigin + std::string("/bad");
  const std::string good = kOrigin + std::string("/good");
  Admit(bad, 0);
  Admit(k2, 1);
  Admit(good, 9);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(good, k2, bad));
  Reopen();
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(good, k2, bad)) << "what waits keeps its place";
}

TEST_F(CrawlDbQueue, LowestInsertsAreToldOnce_Rule6) {
  Admit(k1, 5);
  Admit(k2, 3);
  Admit("https://b.example/", 4);
  EXPECT_THAT(db_->TakeLowestInserts(),
              UnorderedElementsAre(
                  Pair(kOrigin, Field(&QueueInsert::position, Find(k2)->queue_position)),
                  Pair("https://b.example",
                       AllOf(Field(&QueueInsert::position, Find("https://b.example/")->queue_position),
                             Field(&QueueInsert::host_id, db_->HostId("b.example"))))));
  EXPECT_THAT(db_->TakeLowestInserts(), IsEmpty());
  Admit(k1, 5);
  EXPECT_THAT(db_->TakeLowestInserts(), IsEmpty()) << "a known URL goes nowhere";
}

TEST_F(CrawlDbQueue, SequencesAreNeverUsedAgainAfterReopening) {
  Admit(k1);
  uint64_t first = Find(k1)->queue_position;
  Commit(End(k1, Kind::kDone));
  Reopen();
  Admit(k2);
  EXPECT_GT(Find(k2)->queue_position, first);
}

TEST_F(CrawlDbQueue, DueRetriesGoBackToTheQueue) {
  for (const char* url : {k1, k2}) Admit(url);
  Commit(Retry(k1, 50), 100);
  Commit(Retry(k2, 70), 100);
  EXPECT_THAT(Promote(149), IsEmpty());
  EXPECT_THAT(Promote(150), ElementsAre(db_->HostId("a.example")));
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k1));
  EXPECT_EQ(db_->NextDue(), 170u);
  EXPECT_EQ(Find(k1)->due_us, 0u);
  EXPECT_NE(Find(k1)->queue_position, 0u);
  Promote(1000);
  EXPECT_EQ(db_->NextDue(), std::nullopt);
  EXPECT_EQ(db_->ledger().pending, 2u);
}

TEST_F(CrawlDbQueue, PromoteKeepsItsLimitAndNextDueSaysThatMoreIsDue) {
  for (int i = 0; i < 10; ++i) {
    std::string url = fmt::format("https://{}.example/", i);
    Admit(url);
    Commit(Retry(url, static_cast<uint64_t>(10 + i % 2)), 0);
  }
  EXPECT_EQ(Promote(100, 4).size(), 4u);
  EXPECT_LE(*db_->NextDue(), 11u);
  EXPECT_EQ(Promote(100, 100).size(), 6u);
  EXPECT_EQ(db_->NextDue(), std::nullopt);
}

TEST_F(CrawlDbQueue, ShorterWaitAddedLaterIsDueFirst) {
  Admit(k1);
  Admit(k2);
  Commit(Retry(k1, 500), 0);
  Promote(100);
  Commit(Retry(k2, 50), 100);
  EXPECT_EQ(db_->NextDue(), 150u);
  Promote(150);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k2));
}

TEST_F(CrawlDbQueue, WaitsSurviveReopening) {
  Admit(k1);
  Commit(Retry(k1, 50), 100);
  Reopen();
  EXPECT_EQ(db_->NextDue(), 150u);
  EXPECT_THAT(QueueUrls(kOrigin), IsEmpty());
  Promote(150);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(k1));
}

TEST_F(CrawlDbQueue, NoWaitIsLongerAfterACrashThanItWas_Rule24) {
  Admit(k1);
  ASSERT_TRUE(db_->PutClock(10).ok());
  ASSERT_TRUE(db_->Sync().ok());
  Commit(Retry(k1, 50), 1000);   // no tick of the clock is stored after this
  ASSERT_TRUE(db_->Sync().ok());
  disk_.CrashToSynced();
  Reopen();
  EXPECT_LE(*db_->NextDue() - db_->stored_clock(), 50u);
}

TEST_F(CrawlDbQueue, NoPolitenessIsLongerAfterACrashThanItWas_Rule24) {
  Admit(k1);
  HostState host = *Host("a.example");
  host.last_request = 5000;
  host.not_before = 5100;
  ASSERT_TRUE(db_->PutPoliteness(host, host.last_request).ok());
  Reopen();
  EXPECT_LE(Host("a.example")->not_before - db_->stored_clock(), 100u);
}

}  // namespace
}  // namespace weft::test
