#include "scheduler/seen_keeper.h"

#include <stdlib.h>

#include <filesystem>

#include "tests/storage/crawl_db_fixture.h"
#include "tests/support/manual_pool.h"

namespace weft::test {
namespace {

namespace fs = std::filesystem;

class SeenKeeperTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/weft-keeper-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    options_.seen_path = directory_ + "/crawl.seen";
    options_.seen_save_bytes = 13;
    db_ = CrawlDb::Open(OpenMemoryKv(disk_), options_, *random_).value();
    gate_ = std::make_unique<SyncGate>(db_, pool_);
    keeper_ = std::make_unique<SeenKeeper>(*db_, *gate_, pool_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  // Enough for a snapshot to be due.
  void AdmitSome() {
    for (int i = 0; i < 200; ++i) {
      Candidate c = MakeCandidate(fmt::format("https://a.example/{}", admitted_++));
      ASSERT_TRUE(db_->Admit({&c, 1}, 0).ok());
    }
  }
  void Tick() {
    ASSERT_TRUE(keeper_->Poke().ok());
    gate_->Poke();
  }
  bool There(const std::string& slot) const { return fs::exists(directory_ + "/crawl.seen." + slot); }

  std::string directory_;
  std::unique_ptr<Random> random_ = SeededRandom(1);
  MemoryDisk disk_;
  CrawlDbOptions options_;
  std::shared_ptr<CrawlDb> db_;
  ManualPool pool_;
  std::unique_ptr<SyncGate> gate_;
  std::unique_ptr<SeenKeeper> keeper_;
  int admitted_ = 0;
};

TEST_F(SeenKeeperTest, NothingIsWrittenWhileNothingIsDue) {
  Tick();
  EXPECT_EQ(pool_.waiting(), 0u);
}

TEST_F(SeenKeeperTest, OlderSnapshotGoesOnlyAfterTheStoreHasDurablyNamedTheNewer) {
  AdmitSome();
  for (int i = 0; i < 6; ++i) {
    Tick();
    pool_.RunAll();
  }
  ASSERT_TRUE(There("a"));
  AdmitSome();
  Tick();
  pool_.RunAll();   // the snapshot
  Tick();           // is named by the store, and a sync begins
  EXPECT_TRUE(There("b"));
  EXPECT_TRUE(There("a"));
  disk_.FailSync(1);
  pool_.RunAll();
  for (int i = 0; i < 3; ++i) {
    gate_->Poke();
    pool_.RunAll();
  }
  EXPECT_TRUE(There("a")) << "the store may be opened in the state that names it";
}

TEST_F(SeenKeeperTest, OneSnapshotIsLeftInTheEnd) {
  for (int round = 0; round < 3; ++round) {
    AdmitSome();
    for (int i = 0; i < 6; ++i) {
      Tick();
      pool_.RunAll();
    }
    EXPECT_NE(There("a"), There("b")) << round;
  }
}

TEST_F(SeenKeeperTest, FullPoolIsTriedAgain) {
  AdmitSome();
  pool_.full = true;
  Tick();
  pool_.full = false;
  for (int i = 0; i < 6; ++i) {
    Tick();
    pool_.RunAll();
  }
  EXPECT_TRUE(There("a"));
}

TEST_F(SeenKeeperTest, WorkMayOutliveItAndItsCrawlDb) {
  AdmitSome();
  Tick();
  keeper_.reset();
  gate_.reset();
  db_.reset();
  pool_.RunAll();
  auto db = CrawlDb::Open(OpenMemoryKv(disk_), options_, *random_);
  ASSERT_TRUE(db.ok());
  EXPECT_EQ((*db)->seen()->size(), 200u);
}

}  // namespace
}  // namespace weft::test
