#include "storage/host_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/crawl_db_state.h"
#include "tests/support/memory_kv.h"

namespace weft::test {
namespace {

class HostTableTest : public testing::Test {
 protected:
  void SetUp() override { kv_ = OpenMemoryKv(disk_); }
  HostState Stored(uint64_t id, uint16_t shard = 1) {
    HostState state;
    state.id = id;
    state.shard = shard;
    state.host = fmt::format("h{}.example", id);
    KvBatch batch;
    batch.Put(Family::kHosts, HostKey(shard, id), EncodeHostState(state));
    EXPECT_TRUE(kv_->Write(batch).ok());
    return state;
  }
  MemoryDisk disk_;
  std::unique_ptr<Kv> kv_;
};

TEST_F(HostTableTest, FindsWhatIsOnDisk) {
  HostTable table(*kv_, 10);
  Stored(7);
  ASSERT_NE(*table.Find(1, 7), nullptr);
  EXPECT_EQ((*table.Find(1, 7))->host, "h7.example");
  EXPECT_EQ(*table.Find(1, 8), nullptr);
  EXPECT_EQ(*table.Find(2, 7), nullptr) << "that key has no record";
}

TEST_F(HostTableTest, ReadsNothingTwice) {
  HostTable table(*kv_, 10);
  Stored(7);
  const std::vector<uint64_t> ids = {7, 8, 7};
  ASSERT_TRUE(table.Load(1, ids).ok());
  const uint64_t reads = disk_.reads();
  EXPECT_NE(*table.Find(1, 7), nullptr);
  EXPECT_EQ(*table.Find(1, 8), nullptr);
  ASSERT_TRUE(table.Load(1, ids).ok());
  EXPECT_EQ(disk_.reads(), reads);
}

TEST_F(HostTableTest, WhatIsPutReplacesWhatWasKnownToBeAbsent) {
  HostTable table(*kv_, 10);
  EXPECT_EQ(*table.Find(1, 7), nullptr);
  table.Put(Stored(7));
  EXPECT_NE(*table.Find(1, 7), nullptr);
  EXPECT_TRUE(table.Elsewhere(2, 7));
  EXPECT_FALSE(table.Elsewhere(1, 7));
}

TEST_F(HostTableTest, KeepsThoseThatAreUsedAndNoMoreThanItMay) {
  HostTable table(*kv_, 10);
  Stored(3);
  for (uint64_t id = 0; id < 100; ++id) {
    table.Put(Stored(id));
    ASSERT_NE(*table.Find(1, 3), nullptr);
    EXPECT_LE(table.size(), 10u);
    const uint64_t reads = disk_.reads();
    ASSERT_NE(*table.Find(1, 3), nullptr);
    EXPECT_EQ(disk_.reads(), reads) << "it was used all the time";
  }
  for (uint64_t id = 0; id < 100; ++id) EXPECT_NE(*table.Find(1, id), nullptr) << id;
}

TEST_F(HostTableTest, ADamagedRecordIsAnError) {
  HostTable table(*kv_, 10);
  KvBatch batch;
  batch.Put(Family::kHosts, HostKey(1, 7), "junk");
  ASSERT_TRUE(kv_->Write(batch).ok());
  EXPECT_EQ(table.Find(1, 7).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace weft::test
