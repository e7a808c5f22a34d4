// What errors and crashes of the disk do to a CrawlDb (protocol rules 4 and 13).
#include <stdlib.h>

#include <filesystem>

#include "common/status.h"
#include "storage/rocks_kv.h"
#include "tests/storage/crawl_db_fixture.h"

namespace weft::test {
namespace {

using testing::HasSubstr;
using Kind = AttemptEnd::Kind;

constexpr char kA[] = "https://a.example/1";

class CrawlDbFaults : public CrawlDbTest {
 protected:
  // A run that takes every path that writes. Stops at the first error.
  absl::Status Script() {
    std::vector<Candidate> found;
    for (int i = 0; i < 12; ++i) found.push_back(MakeCandidate(fmt::format("https://{}.example/{}", i % 3, i)));
    found.push_back(MakeCandidate("https://far.example/", 1, Outcome::kDepth));
    WEFT_RETURN_IF_ERROR(db_->Admit(found, 10).status());
    found.back().refused = Outcome::kNone;
    WEFT_RETURN_IF_ERROR(db_->Admit(found, 20).status());
    std::vector<AttemptEnd> ends = {End(found[0].url, Kind::kDone), End(found[1].url, Kind::kFailed, Outcome::kDns),
                                    End(found[2].url, Kind::kRefused, Outcome::kRobots), Retry(found[3].url, 5),
                                    OwnKeyRedirect(found[4].url, "https://1.example/other"), Retry(found[6].url, 500)};
    WEFT_RETURN_IF_ERROR(db_->Commit(ends, 30).status());
    WEFT_RETURN_IF_ERROR(db_->Commit(ends, 31).status());   // all superseded
    WEFT_RETURN_IF_ERROR(db_->Sync());
    WEFT_RETURN_IF_ERROR(db_->PromoteDue(40, 100).status());
    WEFT_RETURN_IF_ERROR(db_->RequeueFailed(50).status());
    if (const HostState* host = Host("0.example")) WEFT_RETURN_IF_ERROR(db_->PutPoliteness(*host, 0));
    WEFT_RETURN_IF_ERROR(db_->PutRobots("https://0.example", "rules"));
    WEFT_RETURN_IF_ERROR(db_->PutMeta("name", "value"));
    WEFT_RETURN_IF_ERROR(db_->PutClock(60));
    return db_->Sync();
  }

  void ExpectEveryCallRefused() {
    constexpr auto kRefused = absl::StatusCode::kFailedPrecondition;
    Candidate c = MakeCandidate(kA);
    AttemptEnd end;
    std::vector<CrawlDb::Row> rows;
    std::string next;
    EXPECT_FALSE(db_->health().ok());
    EXPECT_EQ(db_->Admit({&c, 1}, 0).status().code(), kRefused);
    EXPECT_EQ(db_->Commit({&end, 1}, 0).status().code(), kRefused);
    EXPECT_EQ(db_->RequeueFailed(0).status().code(), kRefused);
    EXPECT_EQ(db_->Recount().status().code(), kRefused);
    EXPECT_EQ(db_->Find(c.key, c.shard).status().code(), kRefused);
    EXPECT_EQ(db_->ReadQueue(c.shard, c.origin(), 0, 1).status().code(), kRefused);
    EXPECT_EQ(db_->PromoteDue(0, 1).status().code(), kRefused);
    EXPECT_EQ(db_->PutPoliteness({}, 0).code(), kRefused);
    EXPECT_EQ(db_->GetRobots("https://a.example").status().code(), kRefused);
    EXPECT_EQ(db_->PutRobots("https://a.example", "").code(), kRefused);
    EXPECT_EQ(db_->GetMeta("x").status().code(), kRefused);
    EXPECT_EQ(db_->PutMeta("x", "").code(), kRefused);
    EXPECT_EQ(db_->PutClock(UINT64_MAX).code(), kRefused);
    EXPECT_EQ(db_->ReadDone("", 1, 0, rows, next).code(), kRefused);
    EXPECT_EQ(db_->Sync().code(), kRefused);
  }
};

TEST_F(CrawlDbFaults, FailedCommitChangesNothingInMemory_Rule4) {
  Admit(kA);
  const LedgerCounts before = db_->ledger();
  const uint64_t commit = db_->commit();
  const AttemptEnd end = End(kA, Kind::kDone);
  disk_.FailWrite(1);
  EXPECT_FALSE(db_->Commit({&end, 1}, 0).ok());
  ExpectSameCounts(db_->ledger(), before);
  EXPECT_EQ(db_->commit(), commit);
  EXPECT_EQ(Host("a.example")->pending(), 1u);
}

TEST_F(CrawlDbFaults, FailedWriteChangesNothingInMemory_Rule4) {
  Admit(kA);
  LedgerCounts before = db_->ledger();
  uint64_t commit = db_->commit();
  disk_.FailWrite(1);
  std::vector<Candidate> found = {MakeCandidate("https://a.example/2"), MakeCandidate("https://new.example/")};
  EXPECT_FALSE(db_->Admit({&found[0], 1}, 0).ok());
  ExpectSameCounts(db_->ledger(), before);
  EXPECT_EQ(db_->commit(), commit);
  EXPECT_EQ(Host("a.example")->pending(), 1u);
  EXPECT_EQ(Host("new.example"), nullptr);
}

TEST_F(CrawlDbFaults, EveryFailedWriteEndsTheObjectAndLeavesAConsistentStore_Rule4) {
  MemoryDisk whole;
  db_ = std::move(*CrawlDb::Open(OpenMemoryKv(whole), options_, *random_));
  uint64_t before = whole.writes();
  const absl::Status run = Script();
  const uint64_t writes = whole.writes() - before;
  db_.reset();
  ASSERT_TRUE(run.ok()) << run;
  ASSERT_GT(writes, 8u);
  for (auto batch : {MemoryDisk::FailedBatch::kLost, MemoryDisk::FailedBatch::kKept}) {
    for (uint64_t k = 1; k <= writes; ++k) {
      SCOPED_TRACE(fmt::format("write {} of {} fails", k, writes));
      db_.reset();
      std::destroy_at(&disk_);
      std::construct_at(&disk_);
      Reopen();
      disk_.FailWrite(k, batch);
      EXPECT_FALSE(Script().ok());
      ExpectEveryCallRefused();
      Reopen();
      CheckPlaces();
      ASSERT_TRUE(Script().ok()) << "the run goes on after reopening";
      CheckPlaces();
    }
  }
}

TEST_F(CrawlDbFaults, FailedSyncEndsTheObject_Rule4) {
  Admit(kA);
  disk_.FailSync(1);
  EXPECT_FALSE(db_->Sync().ok());
  ExpectEveryCallRefused();
  EXPECT_THAT(std::string(db_->health().message()), HasSubstr("sync"));
}

TEST_F(CrawlDbFaults, FullDiskIsNamedInHealth) {
  disk_.set_capacity(0);
  Candidate c = MakeCandidate(kA);
  EXPECT_EQ(db_->Admit({&c, 1}, 0).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(db_->health().code(), absl::StatusCode::kResourceExhausted);
  ExpectEveryCallRefused();
}

TEST_F(CrawlDbFaults, WhateverACrashKeepsIsConsistent_Rule13) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    db_.reset();
    std::destroy_at(&disk_);
    std::construct_at(&disk_);
    Reopen();
    auto random = SeededRandom(seed);
    disk_.FailSync(1 + random->Below(2));   // so that some batches are not synced
    (void)Script();
    disk_.Crash(*random);
    Reopen();
    CheckPlaces();
  }
}

TEST_F(CrawlDbFaults, DamagedRecordIsDataLossAndChangesNothing) {
  Admit(kA);
  Candidate c = MakeCandidate(kA);
  KvBatch batch;
  batch.Put(Family::kUrls, UrlKey(c.shard, c.key), "junk");
  ASSERT_TRUE(OpenMemoryKv(disk_)->Write(batch).ok());
  Reopen();
  c.depth = 0;   // nearer: the record is looked at
  std::vector<Candidate> both = {MakeCandidate("https://a.example/2"), c};
  EXPECT_EQ(db_->Admit(both, 0).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(db_->ReadQueue(c.shard, c.origin(), 0, 9).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(db_->ledger().discovered, 1u);
  db_.reset();
}

// --- The same CrawlDb on the real store ---

TEST(CrawlDbOnRocks, RunsReopensAndIsReadWithoutWriting) {
  std::string directory = (std::filesystem::temp_directory_path() / "weft_crawl_db_XXXXXX").string();
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  auto random = SeededRandom(3);
  uint64_t incarnation = 0;
  {
    auto db = CrawlDb::Open(std::move(*OpenRocksKv({.path = directory})), {}, *random);
    ASSERT_TRUE(db.ok()) << db.status();
    std::vector<Candidate> found;
    for (int i = 0; i < 3000; ++i) found.push_back(MakeCandidate(fmt::format("https://{}.example/{}", i % 9, i)));
    ASSERT_TRUE((*db)->Admit(found, 5).ok());
    std::vector<AttemptEnd> ends(1000);
    for (size_t i = 0; i < ends.size(); ++i) {
      ends[i].key = found[i].key;
      ends[i].shard = found[i].shard;
      ends[i].status = 200;
    }
    ASSERT_TRUE((*db)->Commit(ends, 6).ok());
    ASSERT_TRUE((*db)->Sync().ok());
    incarnation = (*db)->incarnation();
  }
  auto db = CrawlDb::Open(std::move(*OpenRocksKv({.path = directory, .read_only = true})), {}, *random);
  ASSERT_TRUE(db.ok()) << db.status();
  EXPECT_EQ((*db)->incarnation(), incarnation) << "a reader mints none";
  EXPECT_EQ((*db)->ledger().pending, 2000u);
  EXPECT_EQ((*db)->ledger().pages, 1000u);
  ExpectSameCounts((*db)->ledger(), *(*db)->Recount());
  EXPECT_EQ((*db)->ReadQueue(ShardOf("8.example"), "https://8.example", 0, 10000)->size(), 222u);
  EXPECT_FALSE((*db)->PutMeta("x", "y").ok());
  db->reset();
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace weft::test
