#include "scheduler/sync_gate.h"

#include "tests/storage/crawl_db_fixture.h"
#include "tests/support/manual_pool.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SyncGateTest : public testing::Test {
 protected:
  SyncGateTest() {
    db_ = CrawlDb::Open(OpenMemoryKv(disk_), {}, *random_).value();
    gate_ = std::make_unique<SyncGate>(db_, pool_);
  }
  absl::AnyInvocable<void()> Note(int number) {
    return [this, number] { said_.push_back(number); };
  }

  std::unique_ptr<Random> random_ = SeededRandom(1);
  MemoryDisk disk_;
  std::shared_ptr<CrawlDb> db_;
  ManualPool pool_;
  std::unique_ptr<SyncGate> gate_;
  std::vector<int> said_;
};

TEST_F(SyncGateTest, SaysNothingBeforeTheSync) {
  gate_->AfterSync(Note(1));
  gate_->Poke();
  EXPECT_THAT(said_, IsEmpty());
  EXPECT_FALSE(gate_->idle());
  pool_.RunAll();
  EXPECT_THAT(said_, ElementsAre(1));
  EXPECT_TRUE(gate_->idle());
}

TEST_F(SyncGateTest, WhatComesWhileASyncRunsWaitsForTheNext) {
  gate_->AfterSync(Note(1));
  gate_->Poke();
  gate_->AfterSync(Note(2));
  gate_->Poke();
  EXPECT_EQ(pool_.waiting(), 1u);
  pool_.RunAll();
  EXPECT_THAT(said_, ElementsAre(1));
  gate_->Poke();
  pool_.RunAll();
  EXPECT_THAT(said_, ElementsAre(1, 2));
}

TEST_F(SyncGateTest, AFullPoolIsTriedAgain) {
  pool_.full = true;
  gate_->AfterSync(Note(1));
  gate_->Poke();
  pool_.full = false;
  gate_->Poke();
  pool_.RunAll();
  EXPECT_THAT(said_, ElementsAre(1));
}

TEST_F(SyncGateTest, AFailedSyncIsFinalAndSaysNothing_Rule4) {
  disk_.FailSync(1);
  gate_->AfterSync(Note(1));
  gate_->Poke();
  pool_.RunAll();
  EXPECT_THAT(said_, IsEmpty());
  EXPECT_FALSE(gate_->health().ok());
  EXPECT_FALSE(gate_->idle()) << "what waited is not durable";
  gate_->AfterSync(Note(2));
  gate_->Poke();
  EXPECT_EQ(pool_.waiting(), 0u);   // an fsync is never retried
}

TEST_F(SyncGateTest, AGateThatIsGoneSaysNothing) {
  gate_->AfterSync(Note(1));
  gate_->Poke();
  gate_.reset();
  pool_.RunAll();
  EXPECT_THAT(said_, IsEmpty());
}

}  // namespace
}  // namespace weft::test
