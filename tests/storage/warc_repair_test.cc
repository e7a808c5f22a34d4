// What a crash leaves behind, and what Repair makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/warc_file.h"
#include "storage/warc_place.h"
#include "storage/warc_store.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::SizeIs;

// A directory as a killed process leaves it: three pages in an open file, two of them synced.
class WarcRepairTest : public ::testing::TestWithParam<WarcCompression> {
 protected:
  void SetUp() override {
    WarcStoreOptions options = StoreOptions(directory_.path());
    options.compression = GetParam();
    FailingFileOps files;
    auto store = WarcStore::Open(options, clock_, *random_, files);
    ASSERT_TRUE(store.ok());
    for (int i = 0; i < 3; ++i) {
      const Page page("http://example.org/" + std::to_string(i), "page " + std::to_string(i) + std::string(500, 'x'));
      auto stored = (*store)->Append(page.exchange());
      ASSERT_TRUE(stored.ok());
      places_.push_back(stored->place);
      if (i == 1) {
        ASSERT_TRUE((*store)->Sync().ok());
      }
    }
    name_ = places_[0].file;
    bytes_ = ReadFile(directory_ / (name_ + ".open"));
    note_ = ReadFile(directory_ / (name_ + ".synced"));
    synced_ = ReadSyncedNote(directory_ / (name_ + ".synced")).value_or(0);
    ASSERT_TRUE((*store)->Close().ok());
    ASSERT_TRUE(std::filesystem::remove(directory_ / name_));
  }

  void Leave(std::string_view bytes) {
    WriteFile(directory_ / (name_ + ".open"), bytes);
    WriteFile(directory_ / (name_ + ".synced"), note_);
  }

  WarcRepair RepairOne() {
    const auto repairs = WarcStore::Repair(directory_.path(), files_);
    EXPECT_TRUE(repairs.ok()) << repairs.status();
    EXPECT_THAT(*repairs, SizeIs(1));
    return repairs.ok() && !repairs->empty() ? repairs->front() : WarcRepair{};
  }

  bool Readable(int page) const { return ReadWarcPlace(directory_.path(), places_[static_cast<size_t>(page)]).ok(); }

  TempDirectory directory_;
  StandingClock clock_;
  FailingFileOps files_;
  std::unique_ptr<Random> random_ = SeededRandom(7);
  std::vector<WarcPlace> places_;
  std::string name_, bytes_, note_;
  uint64_t synced_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Forms, WarcRepairTest, kAllCompressions, CompressionName);

TEST_P(WarcRepairTest, WholeFileIsRenamedAndNothingElse) {
  Leave(bytes_);
  const WarcRepair repair = RepairOne();
  EXPECT_EQ(repair.file, name_);
  EXPECT_EQ(repair.kept_bytes, bytes_.size());
  EXPECT_EQ(repair.cut_bytes, 0u);
  EXPECT_EQ(repair.synced_bytes_lost, 0u);
  EXPECT_THAT(directory_.Names(), ElementsAre(name_));
  EXPECT_EQ(ReadFile(directory_ / name_), bytes_);
  for (int page = 0; page < 3; ++page) EXPECT_TRUE(Readable(page));
}

TEST_P(WarcRepairTest, EveryTornTailIsCutBehindTheLastWholeRecord) {
  std::vector<uint64_t> ends;
  for (const WarcRecord& record : ReadAllOf(bytes_).records) ends.push_back(record.offset + record.length);
  for (size_t size = 0; size < bytes_.size(); size += 1 + size / 40) {
    SCOPED_TRACE(size);
    uint64_t whole = 0;
    for (const uint64_t end : ends) whole = end <= size ? end : whole;
    Leave(std::string_view(bytes_).substr(0, size));
    const WarcRepair repair = RepairOne();
    EXPECT_EQ(repair.kept_bytes, whole);
    EXPECT_EQ(repair.cut_bytes, size - whole);
    EXPECT_EQ(repair.synced_bytes_lost, synced_ > whole ? synced_ - whole : 0);
    if (whole == 0) {
      EXPECT_THAT(directory_.Names(), SizeIs(0)) << "a file without a record is removed";
    } else {
      EXPECT_EQ(ReadFile(directory_ / name_), bytes_.substr(0, whole));
      std::filesystem::remove(directory_ / name_);
    }
  }
}

TEST_P(WarcRepairTest, TailOfZeroesOrGarbageIsCut) {
  for (const char filler : {'\0', 'x'}) {
    Leave(bytes_ + std::string(5000, filler));
    const WarcRepair repair = RepairOne();
    EXPECT_EQ(repair.kept_bytes, bytes_.size());
    EXPECT_EQ(repair.cut_bytes, 5000u);
    EXPECT_EQ(repair.synced_bytes_lost, 0u);
    std::filesystem::remove(directory_ / name_);
  }
}

TEST_P(WarcRepairTest, UnsyncedRecordWithZeroedContentIsCut) {
  // The length of the file reached the disk, a page of its bytes did not.
  std::string damaged = bytes_;
  damaged.replace(places_[2].offset + places_[2].length - 60, 40, std::string(40, '\0'));
  Leave(damaged);
  const WarcRepair repair = RepairOne();
  EXPECT_EQ(repair.kept_bytes, places_[2].offset);
  EXPECT_TRUE(Readable(1));
}

TEST_P(WarcRepairTest, DamageInSyncedBytesIsReportedAndNothingSyncedIsCut) {
  std::string damaged = bytes_;
  damaged[places_[0].offset + places_[0].length - 50] ^= 1;
  Leave(damaged);
  const WarcRepair repair = RepairOne();
  EXPECT_EQ(repair.synced_bytes_lost, synced_ - places_[0].offset);
  EXPECT_EQ(repair.kept_bytes, bytes_.size());
  EXPECT_FALSE(Readable(0));
  EXPECT_TRUE(Readable(1));
  EXPECT_TRUE(Readable(2));
}

TEST_P(WarcRepairTest, DamagedNoteVouchesForNothing) {
  Leave(std::string_view(bytes_).substr(0, 100));
  for (const std::string& note : {std::string(16, '\0'), std::string("short"), std::string()}) {
    Leave(std::string_view(bytes_).substr(0, 100));
    WriteFile(directory_ / (name_ + ".synced"), note);
    EXPECT_EQ(RepairOne().synced_bytes_lost, 0u);
  }
}

TEST_P(WarcRepairTest, MissingNoteIsNoError) {
  Leave(bytes_);
  std::filesystem::remove(directory_ / (name_ + ".synced"));
  EXPECT_EQ(RepairOne().kept_bytes, bytes_.size());
}

TEST_P(WarcRepairTest, FinishedFilesAreLeftAloneAndLonelyNotesRemoved) {
  WriteFile(directory_ / name_, bytes_ + "torn");
  WriteFile(directory_ / (name_ + ".synced"), note_);
  WriteFile(directory_ / "notes.open", "not ours");
  const auto repairs = WarcStore::Repair(directory_.path());
  ASSERT_TRUE(repairs.ok());
  EXPECT_THAT(*repairs, SizeIs(0));
  EXPECT_THAT(directory_.Names(), ElementsAre("notes.open", name_));
  EXPECT_EQ(ReadFile(directory_ / name_), bytes_ + "torn");
}

TEST_P(WarcRepairTest, NothingToDoIsFine) {
  EXPECT_THAT(*WarcStore::Repair(directory_.path()), SizeIs(0));
  EXPECT_THAT(*WarcStore::Repair(directory_ / "missing"), SizeIs(0));
}

TEST_P(WarcRepairTest, FinishedFileIsNeverReplaced) {
  Leave(bytes_);
  WriteFile(directory_ / name_, "precious");
  EXPECT_TRUE(absl::IsAlreadyExists(WarcStore::Repair(directory_.path()).status()));
  EXPECT_EQ(ReadFile(directory_ / name_), "precious");
}

TEST_P(WarcRepairTest, RepairThatFailsAnywhereIsDoneAgain) {
  for (int k = 0;; ++k) {
    SCOPED_TRACE(k);
    Leave(bytes_ + "torn");
    FailingFileOps failing;
    failing.fail = [k](int index, FailingFileOps::Op) { return index == k ? absl::InternalError("I/O error") : absl::OkStatus(); };
    const auto first = WarcStore::Repair(directory_.path(), failing);
    EXPECT_EQ(first.ok(), k >= failing.count());
    ASSERT_TRUE(WarcStore::Repair(directory_.path(), files_).ok());
    EXPECT_THAT(directory_.Names(), ElementsAre(name_));
    EXPECT_EQ(ReadFile(directory_ / name_), bytes_);
    std::filesystem::remove(directory_ / name_);
    if (first.ok()) break;
    ASSERT_LT(k, 20);
  }
}

}  // namespace
}  // namespace weft
