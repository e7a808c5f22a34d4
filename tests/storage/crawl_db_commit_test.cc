#include "tests/storage/crawl_db_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using CrawlDbCommit = CrawlDbTest;
using Kind = AttemptEnd::Kind;
constexpr char kA[] = "https://a.example/1";
constexpr char kOrigin[] = "https://a.example";

TEST_F(CrawlDbCommit, DoneIsStoredAndLeavesTheQueue) {
  Admit(kA);
  AttemptEnd end = End(kA, Kind::kDone);
  end.place = {1, "f.warc.gz", 2, 3, std::string(20, 'd')};
  end.payload_bytes = 4;
  end.mime = "text/html";
  end.truncated = true;
  EXPECT_EQ(Commit(end), CommitVerdict::kCommitted);
  UrlRecord record = *Find(kA);
  EXPECT_EQ(record.state, UrlState::kDone);
  EXPECT_EQ(record.place, end.place);
  EXPECT_EQ(record.mime, "text/html");
  EXPECT_EQ(record.commit, db_->commit());
  EXPECT_THAT(QueueUrls(kOrigin), IsEmpty());
  EXPECT_EQ(db_->ledger().done, 1u);
  EXPECT_EQ(db_->ledger().pages, 1u);
  EXPECT_EQ(db_->ledger().truncated, 1u);
  EXPECT_EQ(Host("a.example")->pending(), 0u);
}

TEST_F(CrawlDbCommit, DoneWithAnotherStatusIsNoPage_Rule34) {
  Admit(kA);
  AttemptEnd end = End(kA, Kind::kDone);
  end.status = 404;
  Commit(end);
  EXPECT_EQ(db_->ledger().done, 1u);
  EXPECT_EQ(db_->ledger().pages, 0u);
}

TEST_F(CrawlDbCommit, FirstWinsAndTheSecondIsSuperseded_Rule1) {
  Admit(kA);
  AttemptEnd end = End(kA, Kind::kDone);
  end.mime = "first/one";
  Commit(end);
  end.mime = "second/one";
  EXPECT_EQ(Commit(end), CommitVerdict::kSuperseded);
  EXPECT_EQ(Find(kA)->mime, "first/one");
  EXPECT_EQ(db_->ledger().superseded, 1u);
  Reopen();
  EXPECT_EQ(db_->ledger().superseded, 1u);
}

// One write: all of it survives, or nothing.
TEST_F(CrawlDbCommit, EndsOfManyShardsAreOneWrite) {
  std::vector<AttemptEnd> ends;
  std::set<uint16_t> shards;
  for (int i = 0; i < 20; ++i) {
    const std::string url = fmt::format("https://h{}.example/", i);
    Admit(url);
    ends.push_back(End(url, i % 2 == 0 ? Kind::kDone : Kind::kFailed, i % 2 == 0 ? Outcome::kNone : Outcome::kDns));
    shards.insert(ends.back().shard);
  }
  ASSERT_GT(shards.size(), 10u);
  const uint64_t commit = db_->commit();
  const uint64_t writes = disk_.writes();
  EXPECT_THAT(*db_->Commit(ends, 0), testing::Each(CommitVerdict::kCommitted));
  EXPECT_EQ(disk_.writes(), writes + 1);
  EXPECT_EQ(db_->commit(), commit + shards.size());
  std::set<uint64_t> commits;
  for (int i = 0; i < 20; ++i) {
    const UrlRecord record = *Find(fmt::format("https://h{}.example/", i));
    EXPECT_EQ(record.state, i % 2 == 0 ? UrlState::kDone : UrlState::kFailed);
    commits.insert(record.commit);
  }
  EXPECT_EQ(commits.size(), shards.size()) << "each shard has its own number";
  disk_.CrashToSynced();
  Reopen();
  EXPECT_EQ(db_->ledger().done, 0u);
}

TEST_F(CrawlDbCommit, AShardInWhichNothingChangesHasNoCommit) {
  Admit(kA);
  Admit("https://b.example/");
  std::vector<AttemptEnd> ends = {End(kA, Kind::kBackToQueue), End("https://b.example/", Kind::kDone)};
  ASSERT_NE(ends[0].shard, ends[1].shard);
  const uint64_t commit = db_->commit();
  EXPECT_THAT(*db_->Commit(ends, 0), ElementsAre(CommitVerdict::kCommitted, CommitVerdict::kCommitted));
  EXPECT_EQ(db_->commit(), commit + 1);
  EXPECT_EQ(Find("https://b.example/")->commit, commit + 1);
}

TEST_F(CrawlDbCommit, UrlsAreReadTogether) {
  Admit(kA);
  Admit("https://b.example/");
  const Candidate a = MakeCandidate(kA);
  const Candidate b = MakeCandidate("https://b.example/");
  const Candidate none = MakeCandidate("https://c.example/");
  const std::vector<std::pair<Fingerprint, uint16_t>> places = {{b.key, b.shard}, {none.key, none.shard}, {a.key, a.shard}, {b.key, b.shard}};
  EXPECT_THAT(*db_->UrlsOf(places), ElementsAre(b.url, "", a.url, b.url));
  EXPECT_THAT(*db_->UrlsOf({}), IsEmpty());
}

TEST_F(CrawlDbCommit, FirstWinsWithinOneCall_Rule1) {
  Admit(kA);
  std::vector<AttemptEnd> both = {End(kA, Kind::kDone), End(kA, Kind::kFailed, Outcome::kDns)};
  EXPECT_THAT(*db_->Commit(both, 0), ElementsAre(CommitVerdict::kCommitted, CommitVerdict::kSuperseded));
  EXPECT_EQ(Find(kA)->state, UrlState::kDone);
}

TEST_F(CrawlDbCommit, OtherGenerationOrAttemptIsSuperseded_Rule2) {
  Admit(kA);
  AttemptEnd end = End(kA, Kind::kDone);
  end.generation = 1;
  EXPECT_EQ(Commit(end), CommitVerdict::kSuperseded);
  end.generation = 0;
  end.attempt = 1;
  EXPECT_EQ(Commit(end), CommitVerdict::kSuperseded);
  EXPECT_EQ(Find(kA)->state, UrlState::kPending);
}

TEST_F(CrawlDbCommit, UnknownKeyIsCountedAsSuperseded) {
  AttemptEnd end = End(kA, Kind::kDone);
  EXPECT_EQ(Commit(end), CommitVerdict::kUnknownKey);
  end.shard = 60000;
  EXPECT_EQ(Commit(end), CommitVerdict::kUnknownKey);
  EXPECT_EQ(db_->ledger().superseded, 2u);
  EXPECT_EQ(db_->ledger().discovered, 0u);
}

TEST_F(CrawlDbCommit, FailedAndRefusedKeepTheirReason) {
  Admit(kA);
  Admit("https://a.example/2");
  Commit(End(kA, Kind::kFailed, Outcome::kTls));
  Commit(End("https://a.example/2", Kind::kRefused, Outcome::kRobots));
  EXPECT_EQ(Find(kA)->reason, Outcome::kTls);
  EXPECT_EQ(Find("https://a.example/2")->state, UrlState::kRefused);
  EXPECT_EQ(db_->ledger().failed.at(Outcome::kTls), 1u);
  EXPECT_EQ(db_->ledger().refused.at(Outcome::kRobots), 1u);
  EXPECT_THAT(QueueUrls(kOrigin), IsEmpty());
}

TEST_F(CrawlDbCommit, RetryWaitsOutsideTheQueueAndIsStillPending) {
  Admit(kA);
  EXPECT_EQ(Commit(Retry(kA, 50), 100), CommitVerdict::kCommitted);
  EXPECT_THAT(QueueUrls(kOrigin), IsEmpty());
  EXPECT_EQ(Find(kA)->attempt, 1u);
  EXPECT_EQ(Find(kA)->due_us, 150u);
  EXPECT_EQ(db_->NextDue(), 150u);
  EXPECT_EQ(db_->ledger().pending, 1u);
  EXPECT_EQ(Host("a.example")->pending(), 1u);
}

TEST_F(CrawlDbCommit, ResultOfTheEarlierTryIsSupersededAfterARetry_Rule2) {
  Admit(kA);
  AttemptEnd late = End(kA, Kind::kDone);
  Commit(Retry(kA, 50));
  EXPECT_EQ(Commit(late), CommitVerdict::kSuperseded);
}

TEST_F(CrawlDbCommit, RetryWithAnEndlessWaitDoesNotWrapAround) {
  Admit(kA);
  Commit(Retry(kA, UINT64_MAX), 100);
  EXPECT_THAT(Promote(1'000'000), IsEmpty());
  EXPECT_GT(*db_->NextDue(), uint64_t{1} << 62);
}

TEST_F(CrawlDbCommit, BackToQueueKeepsPlaceAndAttemptAndWritesNothing) {
  Admit(kA);
  Admit("https://a.example/2");
  UrlRecord before = *Find(kA);
  uint64_t writes = disk_.writes();
  EXPECT_EQ(Commit(End(kA, Kind::kBackToQueue)), CommitVerdict::kCommitted);
  EXPECT_EQ(*Find(kA), before);
  EXPECT_EQ(disk_.writes(), writes);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(kA, "https://a.example/2"));
}

TEST_F(CrawlDbCommit, BackToQueueEndsAWait) {
  Admit(kA);
  Commit(Retry(kA, 50));
  EXPECT_EQ(Commit(End(kA, Kind::kBackToQueue)), CommitVerdict::kCommitted);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(kA));
  EXPECT_EQ(Find(kA)->attempt, 1u);
  EXPECT_THAT(Promote(1000), IsEmpty());
  EXPECT_EQ(db_->NextDue(), std::nullopt);
}

TEST_F(CrawlDbCommit, RedirectToItsOwnKeyIsQueuedAgainWithTheNewUrl_Rule7) {
  Admit(kA);
  EXPECT_EQ(Commit(OwnKeyRedirect(kA, "https://a.example/1/index.html")), CommitVerdict::kCommitted);
  UrlRecord record = *Find(kA);
  EXPECT_EQ(record.url, "https://a.example/1/index.html");
  EXPECT_EQ(record.attempt, 1u);
  EXPECT_EQ(record.depth, 1u);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre("https://a.example/1/index.html"));
}

TEST_F(CrawlDbCommit, RedirectToItsOwnKeyMayMoveToAnotherOrigin_Rule7) {
  std::string http = "http://a.example:8080/1";
  Admit(http);
  Commit(OwnKeyRedirect(http, "https://a.example:8443?x"));
  EXPECT_THAT(QueueUrls("http://a.example:8080"), IsEmpty());
  EXPECT_THAT(QueueUrls("https://a.example:8443"), ElementsAre("https://a.example:8443?x"));
  const HostState* host = Host("a.example");
  ASSERT_EQ(host->origins.size(), 2u);
  EXPECT_EQ(host->origins[0].pending, 0u);
  EXPECT_EQ(host->origins[1].pending, 1u);
  Commit(End(http, Kind::kDone));
  EXPECT_EQ(host->pending(), 0u);
}

TEST_F(CrawlDbCommit, SixthRedirectToItsOwnKeyIsALoop_Rule7) {
  Admit(kA);
  for (int i = 0; i < kMaxOwnKeyRedirects; ++i) {
    EXPECT_EQ(Commit(OwnKeyRedirect(kA, kA)), CommitVerdict::kCommitted);
  }
  EXPECT_EQ(Commit(OwnKeyRedirect(kA, kA)), CommitVerdict::kRedirectLoop);
  EXPECT_EQ(Find(kA)->state, UrlState::kFailed);
  EXPECT_EQ(db_->ledger().failed.at(Outcome::kRedirectLoop), 1u);
  EXPECT_THAT(QueueUrls(kOrigin), IsEmpty());
}

TEST_F(CrawlDbCommit, RedirectToWhatIsNoHttpUrlEndsTheUrl) {
  for (const char* target : {"", "ftp://a.example/", "https://"}) {
    std::string url = fmt::format("https://a.example/from?{}", target);
    Admit(url);
    EXPECT_EQ(Commit(OwnKeyRedirect(url, target)), CommitVerdict::kRedirectLoop) << target;
  }
}

TEST_F(CrawlDbCommit, CommitSequenceGrowsWithEveryBatchAndSurvives_Rule37) {
  uint64_t before = db_->commit();
  Admit(kA);
  EXPECT_EQ(db_->commit(), before + 1);
  Admit("https://b.example/");
  Commit(End(kA, Kind::kDone));
  EXPECT_EQ(db_->commit(), before + 3);
  Reopen();
  EXPECT_EQ(db_->commit(), before + 3);
}

TEST_F(CrawlDbCommit, RequeueFailedGivesEveryFailedUrlAllItsTriesAgain) {
  for (int i = 0; i < 2500; ++i) {
    std::string url = fmt::format("https://{}.example/{}", i % 3, i);
    Admit(url);
    if (i % 2 == 0) Commit(End(url, Kind::kFailed, Outcome::kDns));
  }
  Admit(kA);
  Commit(Retry(kA, 5));
  Promote(10);
  AttemptEnd late = End(kA, Kind::kDone);
  Commit(End(kA, Kind::kFailed, Outcome::kDns));
  EXPECT_EQ(*db_->RequeueFailed(0), 1251u);
  EXPECT_TRUE(db_->ledger().failed.empty());
  EXPECT_EQ(db_->ledger().pending, 2501u);
  EXPECT_EQ(Find(kA)->attempt, 0u);
  EXPECT_EQ(Find(kA)->generation, 1u);
  EXPECT_EQ(Commit(late), CommitVerdict::kSuperseded);
  EXPECT_THAT(QueueUrls(kOrigin), ElementsAre(kA));
  EXPECT_EQ(*db_->RequeueFailed(0), 0u);
}

TEST_F(CrawlDbCommit, ReadDoneAnswersOncePerUrlInKeyOrderAcrossCalls) {
  for (int i = 0; i < 300; ++i) {
    std::string url = fmt::format("https://{}.example/{}", i % 7, i);
    Admit(url);
    if (i % 3 != 0) Commit(End(url, Kind::kDone));
  }
  std::vector<CrawlDb::Row> rows;
  std::vector<std::string> keys;
  std::string cursor;
  do {
    ASSERT_TRUE(db_->ReadDone(cursor, 7, db_->commit(), rows, cursor).ok());
    EXPECT_LE(rows.size(), 7u);
    for (const CrawlDb::Row& row : rows) keys.push_back(UrlKey(row.shard, row.key).Text());
  } while (!cursor.empty());
  EXPECT_EQ(keys.size(), 200u);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
}

TEST_F(CrawlDbCommit, ASliceOfDoneRecordsEndsBehindTheRowThatFillsIt) {
  for (int i = 0; i < 5; ++i) {
    const std::string url = fmt::format("https://a.example/{}", i);
    Admit(url);
    Commit(End(url, Kind::kDone));
  }
  std::vector<DoneRow> rows;
  std::string cursor;
  size_t slices = 0;
  size_t all = 0;
  do {
    ASSERT_TRUE(db_->done_records().Read(cursor, 100, /*most_bytes=*/1, db_->commit(), rows, cursor).ok());
    EXPECT_LE(rows.size(), 1u);
    all += rows.size();
    ++slices;
  } while (!cursor.empty() && slices < 100);
  EXPECT_EQ(all, 5u);
}

TEST_F(CrawlDbCommit, ReadDoneLeavesOutWhatCameAfterThePin_Rule37) {
  Admit(kA);
  Commit(End(kA, Kind::kDone));
  uint64_t pin = db_->commit();
  Admit("https://a.example/2");
  Commit(End("https://a.example/2", Kind::kDone));
  std::vector<CrawlDb::Row> rows;
  std::string next;
  ASSERT_TRUE(db_->ReadDone("", 10, pin, rows, next).ok());
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].record.url, kA);
}

}  // namespace
}  // namespace weft::test
