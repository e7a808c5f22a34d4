// Copies of a CrawlDb on a real disk, and their way back.
#include "storage/checkpoint.h"

#include <filesystem>
#include <fstream>

#include "storage/rocks_kv.h"
#include "tests/storage/crawl_db_fixture.h"
#include "tests/storage/warc_test_support.h"

namespace weft::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class CheckpointTest : public testing::Test {
 protected:
  std::string At(const std::string& name) const { return folder_.path() + "/" + name; }
  std::unique_ptr<CrawlDb> Open(const std::string& data) {
    RocksKvOptions options;
    options.path = data + "/crawl.db";
    auto kv = OpenRocksKv(options);
    EXPECT_TRUE(kv.ok()) << kv.status();
    CrawlDbOptions db_options;
    db_options.create.set_fingerprint_seed(1);
    auto db = CrawlDb::Open(*std::move(kv), db_options, *random_);
    EXPECT_TRUE(db.ok()) << db.status();
    return *std::move(db);
  }
  static void Admit(CrawlDb& db, int from, int to) {
    std::vector<Candidate> candidates;
    for (int i = from; i < to; ++i) candidates.push_back(MakeCandidate(fmt::format("https://h{}.example/{}", i % 7, i)));
    ASSERT_TRUE(db.Admit(candidates, 0).ok());
  }
  std::vector<std::string> Names(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  std::unique_ptr<Random> random_ = SeededRandom(11);
  TempDirectory folder_;
};

TEST_F(CheckpointTest, HoldsWhatWasWrittenBeforeAndNothingLater) {
  auto db = Open(At("data"));
  Admit(*db, 0, 500);
  const uint64_t commit = db->commit();
  auto made = MakeCheckpoint(*db, {}, At("copies/one"));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->commit, commit);
  EXPECT_GT(made->bytes, 0u);
  Admit(*db, 500, 600);
  EXPECT_THAT(Names(At("copies")), ElementsAre("one")) << "nothing half made is left";
  auto copy = Open(At("copies/one"));
  EXPECT_EQ(copy->ledger().discovered, 500u);
  EXPECT_EQ(copy->Recount()->pending, 500u);
  EXPECT_EQ(copy->identity().lineage(), db->identity().lineage());
  EXPECT_EQ(db->ledger().discovered, 600u);
}

TEST_F(CheckpointTest, OtherFilesComeAlongWhereTheyAre) {
  auto db = Open(At("data"));
  std::ofstream(At("data/crawl.log")) << "a line\n";
  ASSERT_TRUE(MakeCheckpoint(*db, {At("data/crawl.log"), At("data/crawl.seen.a")}, At("one")).ok());
  EXPECT_THAT(Names(At("one")), ElementsAre("crawl.db", "crawl.log"));
}

TEST_F(CheckpointTest, ADirectoryThatIsThereIsNotWrittenInto) {
  auto db = Open(At("data"));
  fs::create_directories(At("one"));
  EXPECT_THAT(MakeCheckpoint(*db, {}, At("one")).status().message(), HasSubstr("is there already"));
}

TEST_F(CheckpointTest, WhatABrokenOffOneLeftIsReplaced) {
  auto db = Open(At("data"));
  fs::create_directories(At("one.partial/crawl.db"));
  EXPECT_TRUE(MakeCheckpoint(*db, {}, At("one")).ok());
  EXPECT_FALSE(fs::exists(At("one.partial")));
}

TEST_F(CheckpointTest, ADamagedOneDoesNotVerify) {
  auto db = Open(At("data"));
  Admit(*db, 0, 500);
  ASSERT_TRUE(MakeCheckpoint(*db, {}, At("one")).ok());
  ASSERT_TRUE(VerifyCheckpoint(At("one")).ok());
  for (const auto& entry : fs::directory_iterator(At("one/crawl.db"))) {
    if (entry.path().filename().string().starts_with("MANIFEST")) fs::resize_file(entry.path(), 10);
  }
  EXPECT_FALSE(VerifyCheckpoint(At("one")).ok());
  EXPECT_FALSE(VerifyCheckpoint(At("nowhere")).ok());
}

TEST_F(CheckpointTest, TheNewestAreKept) {
  for (const char* name : {"1", "2", "3", "4"}) fs::create_directories(At(fmt::format("copies/{}/crawl.db", name)));
  fs::create_directories(At("copies/5.partial/crawl.db"));
  fs::create_directories(At("copies/something else"));
  ASSERT_TRUE(PruneCheckpoints(At("copies"), 2).ok());
  EXPECT_THAT(Names(At("copies")), ElementsAre("3", "4", "something else"));
}

TEST_F(CheckpointTest, ARestoredOneIsAnotherOpeningOfTheSameCrawl) {
  uint64_t before = 0;
  {
    auto db = Open(At("data"));
    before = db->incarnation();
    Admit(*db, 0, 100);
    ASSERT_TRUE(MakeCheckpoint(*db, {}, At("one")).ok());
  }
  fs::create_directories(At("new"));
  ASSERT_TRUE(RestoreCheckpoint(At("one"), At("new"), false).ok());
  auto db = Open(At("new"));
  EXPECT_EQ(db->ledger().discovered, 100u);
  EXPECT_NE(db->incarnation(), before) << "leases of the life before are told apart by it";
  EXPECT_EQ(db->previous_incarnation(), before);
  EXPECT_TRUE(VerifyCheckpoint(At("one")).ok()) << "the copy is as it was";
}

TEST_F(CheckpointTest, ACrawlThatIsThereIsReplacedByForceAlone) {
  {
    auto db = Open(At("data"));
    Admit(*db, 0, 100);
    ASSERT_TRUE(MakeCheckpoint(*db, {}, At("one")).ok());
    Admit(*db, 100, 200);
  }
  EXPECT_THAT(RestoreCheckpoint(At("one"), At("data"), false).message(), HasSubstr("a crawl is there already"));
  EXPECT_EQ(Open(At("data"))->ledger().discovered, 200u);
  ASSERT_TRUE(RestoreCheckpoint(At("one"), At("data"), true).ok());
  EXPECT_EQ(Open(At("data"))->ledger().discovered, 100u);
  EXPECT_THAT(Names(At("data")), ElementsAre("crawl.db", "crawl.db.replaced"));
  ASSERT_TRUE(RestoreCheckpoint(At("one"), At("data"), true).ok());
  EXPECT_THAT(Names(At("data")), ElementsAre("crawl.db", "crawl.db.replaced", "crawl.db.replaced-2")) << "what stood there is kept";
}

// A crash between the exchange of the two and the name under which what stood there is kept.
TEST_F(CheckpointTest, WhatABrokenOffRestoreWasAboutToPutAsideIsKept) {
  {
    auto db = Open(At("data"));
    Admit(*db, 0, 100);
    ASSERT_TRUE(MakeCheckpoint(*db, {}, At("one")).ok());
    Admit(*db, 100, 200);
  }
  fs::rename(At("data/crawl.db"), At("data/crawl.db.restoring"));
  fs::copy(At("one/crawl.db"), At("data/crawl.db"));
  ASSERT_TRUE(RestoreCheckpoint(At("one"), At("data"), true).ok());
  EXPECT_THAT(Names(At("data")), ElementsAre("crawl.db", "crawl.db.replaced", "crawl.db.replaced-2"));
  fs::create_directories(At("old"));
  fs::rename(At("data/crawl.db.replaced"), At("old/crawl.db"));
  EXPECT_EQ(Open(At("old"))->ledger().discovered, 200u);
}

TEST_F(CheckpointTest, ACopyThatIsNotWholeIsNotKept) {
  {
    auto db = Open(At("data"));
    Admit(*db, 0, 10);
    ASSERT_TRUE(MakeCheckpoint(*db, {}, At("one")).ok());
  }
  fs::create_directories(At("data/crawl.db.restoring"));
  ASSERT_TRUE(RestoreCheckpoint(At("one"), At("data"), true).ok());
  EXPECT_THAT(Names(At("data")), ElementsAre("crawl.db", "crawl.db.replaced"));
}

TEST_F(CheckpointTest, ABrokenOffRestoreIsKnown) {
  fs::create_directories(At("data/crawl.db.restoring"));
  EXPECT_TRUE(RestoreBrokenOff(At("data")));
  fs::create_directories(At("data/crawl.db"));
  EXPECT_FALSE(RestoreBrokenOff(At("data")));
}

}  // namespace
}  // namespace weft::test
