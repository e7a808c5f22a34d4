#include "tests/storage/crawl_db_fixture.h"

namespace weft::test {
namespace {

using testing::Optional;

using CrawlDbOpen = CrawlDbTest;
using Kind = AttemptEnd::Kind;
constexpr char kA[] = "https://a.example/1";

TEST_F(CrawlDbOpen, CreatesACrawlWithDrawnIds_Rule9) {
  EXPECT_TRUE(db_->created_now());
  EXPECT_NE(db_->identity().lineage(), 0u);
  EXPECT_NE(db_->identity().fingerprint_seed(), 0u);
  EXPECT_EQ(db_->identity().format_version(), 2u);
  EXPECT_EQ(disk_.unsynced_batches(), 0u) << "the seed must be durable before keys are made with it";
}

TEST_F(CrawlDbOpen, GivenIdentityIsKept_Rule9) {
  MemoryDisk disk;
  options_.create.set_lineage(5);
  options_.create.set_public_suffix_version("psl-1");
  options_.create.mutable_keys()->set_drop_www(true);
  auto db = CrawlDb::Open(OpenMemoryKv(disk), options_, *random_);
  ASSERT_TRUE(db.ok());
  db = CrawlDb::Open(OpenMemoryKv(disk), CrawlDbOptions(), *random_);
  ASSERT_TRUE(db.ok());
  EXPECT_EQ((*db)->identity().lineage(), 5u);
  EXPECT_EQ((*db)->identity().public_suffix_version(), "psl-1");
  EXPECT_TRUE((*db)->identity().keys().drop_www());
}

TEST_F(CrawlDbOpen, EveryOpenMintsAnIncarnationAndKeepsTheLineage_Rule3) {
  uint64_t lineage = db_->identity().lineage();
  uint64_t seed = db_->identity().fingerprint_seed();
  uint64_t incarnation = db_->incarnation();
  Reopen();
  EXPECT_FALSE(db_->created_now());
  EXPECT_EQ(db_->identity().lineage(), lineage);
  EXPECT_EQ(db_->identity().fingerprint_seed(), seed);
  EXPECT_NE(db_->incarnation(), incarnation);
  EXPECT_NE(db_->incarnation(), 0u);
}

TEST_F(CrawlDbOpen, NewerFormatIsRefusedInPlainWords) {
  wire::CrawlIdentity identity = db_->identity();
  identity.set_format_version(7);
  KvBatch batch;
  batch.Put(Family::kMeta, "identity", identity.SerializeAsString());
  ASSERT_TRUE(OpenMemoryKv(disk_)->Write(batch).ok());
  absl::Status status = TryOpen();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(status.message()),
            "crawl.db was written by a newer Weft (format 7, this program reads up to 2): use that version");
}

TEST_F(CrawlDbOpen, DamageIsDataLoss) {
  struct Damage {
    Family family;
    std::string key;
    std::string value;
  };
  for (const Damage& damage : {Damage{Family::kMeta, "identity", "\xff\xff"},
                               Damage{Family::kMeta, CountsName(1), "\x01"}}) {
    MemoryDisk disk;
    ASSERT_TRUE(CrawlDb::Open(OpenMemoryKv(disk), {}, *random_).ok());
    KvBatch batch;
    batch.Put(damage.family, damage.key, damage.value);
    ASSERT_TRUE(OpenMemoryKv(disk)->Write(batch).ok());
    EXPECT_EQ(CrawlDb::Open(OpenMemoryKv(disk), {}, *random_).status().code(), absl::StatusCode::kDataLoss)
        << damage.key;
  }
}

TEST_F(CrawlDbOpen, DamageOfWhatIsReadLaterIsToldThen) {
  Admit(kA);
  const HostState host = *Host("a.example");
  KvBatch batch;
  batch.Put(Family::kHosts, HostKey(host.shard, host.id), "");
  batch.Put(Family::kDue, std::string("\0\3\1", 3), "");
  ASSERT_TRUE(OpenMemoryKv(disk_)->Write(batch).ok());
  Reopen();
  EXPECT_EQ(db_->PromoteDue(0, 10).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(db_->FindHost(host.shard, host.id), nullptr);
  EXPECT_EQ(db_->health().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(db_->Admit({}, 1).ok()) << "else its record would be written anew";
  db_.reset();
}

TEST_F(CrawlDbOpen, HostsOfAnOlderStoreArePutInOrderOnce) {
  Admit(kA);
  Admit("https://b.example/");
  Commit(End("https://b.example/", AttemptEnd::Kind::kDone));
  const HostState host = *Host("a.example");
  KvBatch batch;
  batch.DeleteRange(Family::kReady, "", "\xff");
  batch.Delete(Family::kMeta, "filed");
  ASSERT_TRUE(OpenMemoryKv(disk_)->Write(batch).ok());
  Reopen();
  auto filed = db_->ReadFiled(host.shard, {}, 10);
  ASSERT_TRUE(filed.ok());
  ASSERT_EQ(filed->size(), 1u);
  EXPECT_EQ(filed->front().item, host.id);
  EXPECT_EQ(Host("a.example")->filed_at, filed->front().time);
  EXPECT_EQ(Host("b.example")->filed_at, std::nullopt);
}

TEST_F(CrawlDbOpen, DataWithoutIdentityIsDataLossNotANewCrawl) {
  Admit(kA);
  KvBatch batch;
  batch.Delete(Family::kMeta, "identity");
  ASSERT_TRUE(OpenMemoryKv(disk_)->Write(batch).ok());
  EXPECT_EQ(TryOpen().code(), absl::StatusCode::kDataLoss);
}

TEST_F(CrawlDbOpen, ReadsNoUrlsAndNoQueues) {
  for (int i = 0; i < 500; ++i) Admit(fmt::format("https://a.example/{}", i));
  uint64_t reads = disk_.reads();
  // Unreadable records would stop an opener that looked at them.
  KvBatch batch;
  batch.Put(Family::kUrls, "junk", "junk");
  batch.Put(Family::kQueue, "junk", "junk");
  ASSERT_TRUE(OpenMemoryKv(disk_)->Write(batch).ok());
  Reopen();
  EXPECT_LE(disk_.reads(), reads + kShardCount + 6);
  EXPECT_EQ(db_->ledger().pending, 500u);
  db_.reset();
}

TEST_F(CrawlDbOpen, HostsAndLedgerComeBack) {
  Admit(kA);
  Admit("http://a.example/");
  Admit("https://a.example/x", 1, Outcome::kScope);
  HostState host = *Host("a.example");
  host.not_before = 10;
  host.last_request = 9;
  host.crawl_delay_us = 8;
  host.failures = 7;
  host.throttles = 6;
  host.delay_us = 5;
  ASSERT_EQ(host.origins.size(), 2u);
  host.origins[0].not_before = 4;
  host.origins[0].failures = 3;
  host.origins[1].robots_tries = 2;
  host.origins[0].pending = 99;   // not politeness: the ledger's
  ASSERT_TRUE(db_->PutPoliteness(host, host.last_request).ok());
  LedgerCounts before = db_->ledger();
  Reopen();
  ExpectSameCounts(db_->ledger(), before);
  const HostState* back = Host("a.example");
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->host, "a.example");
  EXPECT_EQ(back->shard, ShardOf("a.example"));
  EXPECT_EQ(back->pending(), 2u);
  EXPECT_EQ(back->refused_recorded, 1u);
  EXPECT_EQ(back->not_before, 10u);
  EXPECT_EQ(back->last_request, 9u);
  EXPECT_EQ(back->crawl_delay_us, 8u);
  EXPECT_EQ(back->failures, 7u);
  EXPECT_EQ(back->throttles, 6u);
  EXPECT_EQ(back->delay_us, 5u);
  EXPECT_EQ(back->origins[0].not_before, 4u);
  EXPECT_EQ(back->origins[0].failures, 3u);
  EXPECT_EQ(back->origins[1].robots_tries, 2u);
  int hosts = 0;
  db_->ForEachHost([&](const HostState&) { ++hosts; });
  EXPECT_EQ(hosts, 1);
}

TEST_F(CrawlDbOpen, PolitenessLeavesTheLedgersPartAlone) {
  Admit(kA);
  HostState host = *Host("a.example");
  host.origins.clear();
  host.refused_recorded = 99;
  ASSERT_TRUE(db_->PutPoliteness(host, host.last_request).ok());
  EXPECT_EQ(Host("a.example")->pending(), 1u);
  EXPECT_EQ(Host("a.example")->refused_recorded, 0u);
  HostState unknown;
  unknown.id = 12345;
  EXPECT_EQ(db_->PutPoliteness(unknown, 0).code(), absl::StatusCode::kNotFound);
}

TEST_F(CrawlDbOpen, HostsKeepTheirAddressWhileOthersAreAdded) {
  Admit(kA);
  const HostState* host = Host("a.example");
  for (int i = 0; i < 1000; ++i) Admit(fmt::format("https://h{}.example/", i));
  EXPECT_EQ(Host("a.example"), host);
}

TEST_F(CrawlDbOpen, RobotsMetaAndClockAreKept) {
  Admit(kA);
  EXPECT_EQ(*db_->GetRobots("https://a.example"), std::nullopt);
  ASSERT_TRUE(db_->PutRobots("https://a.example", "rules").ok());
  ASSERT_TRUE(db_->PutRobots("https://unknown.example", "other").ok());
  EXPECT_EQ(*db_->GetMeta("settings"), std::nullopt);
  ASSERT_TRUE(db_->PutMeta("settings", "s").ok());
  ASSERT_TRUE(db_->PutClock(1234).ok());
  ASSERT_TRUE(db_->PutClock(1000).ok());
  Reopen();
  EXPECT_THAT(*db_->GetRobots("https://a.example"), Optional(std::string("rules")));
  EXPECT_THAT(*db_->GetRobots("https://unknown.example"), Optional(std::string("other")));
  EXPECT_THAT(*db_->GetMeta("settings"), Optional(std::string("s")));
  EXPECT_EQ(db_->stored_clock(), 1234u) << "the crawl clock never goes back";
}

TEST_F(CrawlDbOpen, LostTailIsSeenAsASmallerCommit_Rule13) {
  Admit(kA);
  ASSERT_TRUE(db_->Sync().ok());
  uint64_t acknowledged = db_->commit();
  Admit("https://a.example/2");
  disk_.CrashToSynced();
  Reopen();
  EXPECT_EQ(db_->commit(), acknowledged);
  EXPECT_EQ(Find("https://a.example/2"), std::nullopt);
}

}  // namespace
}  // namespace weft::test
