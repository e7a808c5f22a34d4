// The store on a disk that fails: what Sync vouched for is there, whatever fails when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "storage/warc_place.h"
#include "storage/warc_store.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using Op = FailingFileOps::Op;

class WarcStoreFaultTest : public ::testing::Test {
 protected:
  std::unique_ptr<WarcStore> Open(const WarcStoreOptions& options) {
    auto store = WarcStore::Open(options, clock_, *random_, files_);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? std::move(*store) : nullptr;
  }
  std::unique_ptr<WarcStore> Open() { return Open(StoreOptions(directory_.path())); }

  StoredExchange Stored(WarcStore& store, const Page& page) {
    auto stored = store.Append(page.exchange());
    EXPECT_TRUE(stored.ok()) << stored.status();
    return stored.value_or(StoredExchange{});
  }

  TempDirectory directory_;
  StandingClock clock_;
  std::unique_ptr<Random> random_ = SeededRandom(7);
  FailingFileOps files_;
};

TEST_F(WarcStoreFaultTest, FullDiskKeepsNothingOfThePageAndGoesOnWhenThereIsRoom) {
  auto store = Open();
  const WarcPlace before = Stored(*store, Page("http://example.org/1")).place;
  bool full = true;
  files_.fail = [&](int, Op op) { return full && op == Op::kWrite ? absl::ResourceExhaustedError("full") : absl::OkStatus(); };
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(absl::IsResourceExhausted(store->Append(Page("http://example.org/2").exchange()).status()));
  }
  full = false;
  const WarcPlace after = Stored(*store, Page("http://example.org/3")).place;
  EXPECT_EQ(after.file, before.file);
  ASSERT_TRUE(store->Close().ok());
  const WarcContent content = ReadAllFrom(directory_ / before.file);
  EXPECT_THAT(content.problems, SizeIs(0));
  EXPECT_THAT(content.records, SizeIs(5));
}

TEST_F(WarcStoreFaultTest, FullDiskAtTheFirstPageOfAFile) {
  auto store = Open();
  int writes = 0;
  files_.fail = [&](int, Op op) { return op == Op::kWrite && ++writes <= 3 ? absl::ResourceExhaustedError("full") : absl::OkStatus(); };
  // The note beside the file fails three times, then everything goes well: one file, with a warcinfo.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(absl::IsResourceExhausted(store->Append(Page("http://e.org/").exchange()).status()));
  const WarcPlace place = Stored(*store, Page("http://example.org/")).place;
  ASSERT_TRUE(store->Close().ok());
  EXPECT_THAT(directory_.Names(), ElementsAre(place.file));
  EXPECT_THAT(ReadAllFrom(directory_ / place.file).records, SizeIs(3));
}

TEST_F(WarcStoreFaultTest, FailedSyncGivesTheFileUp) {
  auto store = Open();
  const WarcPlace kept = Stored(*store, Page("http://example.org/1")).place;
  ASSERT_TRUE(store->Sync().ok());
  Stored(*store, Page("http://example.org/2"));
  bool broken = true;
  int syncs = 0;
  files_.fail = [&](int, Op op) {
    if (op != Op::kSync) return absl::OkStatus();
    ++syncs;
    return broken ? absl::InternalError("I/O error") : absl::OkStatus();
  };
  EXPECT_FALSE(store->Sync().ok());
  broken = false;
  syncs = 0;
  EXPECT_TRUE(store->Sync().ok());
  EXPECT_EQ(syncs, 0) << "a failed fsync is never tried again";
  const WarcPlace next = Stored(*store, Page("http://example.org/2")).place;
  EXPECT_NE(next.file, kept.file);
  ASSERT_TRUE(store->Close().ok());
  EXPECT_TRUE(std::filesystem::exists(directory_ / (kept.file + ".open")));
  EXPECT_TRUE(ReadWarcPlace(directory_.path(), kept).ok());
  EXPECT_TRUE(ReadWarcPlace(directory_.path(), next).ok());
}

TEST_F(WarcStoreFaultTest, PageAppendedDuringAFailingSyncIsNotReportedDurable) {
  auto store = Open();
  Stored(*store, Page("http://example.org/1"));
  bool broken = true;
  files_.fail = [&](int, Op op) { return broken && op == Op::kSync ? absl::InternalError("I/O error") : absl::OkStatus(); };
  files_.before_sync = [&] { Stored(*store, Page("http://example.org/2")); };
  EXPECT_FALSE(store->Sync().ok());
  broken = false;
  EXPECT_FALSE(store->Sync().ok()) << "the second page was never synced";
  EXPECT_TRUE(store->Sync().ok());
}

TEST_F(WarcStoreFaultTest, PageAppendedDuringAFailingSyncAndThenANewFile) {
  auto store = Open();
  Stored(*store, Page("http://example.org/1"));
  bool broken = true;
  files_.fail = [&](int, Op op) { return broken && op == Op::kSync ? absl::InternalError("I/O error") : absl::OkStatus(); };
  files_.before_sync = [&] { Stored(*store, Page("http://example.org/2")); };
  EXPECT_FALSE(store->Sync().ok());
  broken = false;
  Stored(*store, Page("http://example.org/3"));
  EXPECT_FALSE(store->Sync().ok()) << "the second page was never synced";
  Stored(*store, Page("http://example.org/4"));
  EXPECT_TRUE(store->Sync().ok());
}

// One run of a crawl of a few pages over files that roll; remembers what Sync has vouched for.
struct CrawlRun {
  std::vector<std::pair<WarcPlace, std::string>> durable;
  int operations = 0;
};
CrawlRun CrawlAFew(const std::string& directory, FailingFileOps& files) {
  CrawlRun run;
  StandingClock clock;
  const auto random = SeededRandom(5);
  WarcStoreOptions options = StoreOptions(directory);
  options.roll_bytes = 2500;
  auto store = WarcStore::Open(options, clock, *random, files);
  std::vector<std::pair<WarcPlace, std::string>> appended;
  for (int i = 0; store.ok() && i < 8; ++i) {
    const Page page("http://example.org/" + std::to_string(i), std::string(static_cast<size_t>(i) * 50, 'x') + std::to_string(i));
    if (auto stored = (*store)->Append(page.exchange()); stored.ok()) appended.emplace_back(stored->place, page.block());
    if (i % 2 == 0) continue;
    if ((*store)->Sync().ok()) run.durable.insert(run.durable.end(), appended.begin(), appended.end());
    appended.clear();
  }
  if (store.ok() && (*store)->Close().ok()) run.durable.insert(run.durable.end(), appended.begin(), appended.end());
  run.operations = files.count();
  return run;
}

CrawlRun CrawlAFew(const std::string& directory, const std::function<absl::Status(int, Op)>& fail) {
  FailingFileOps files;
  files.fail = fail;
  return CrawlAFew(directory, files);
}

// A disk that keeps what a successful sync has covered. One that failed has lost what it was to keep (as Linux drops dirty
// pages), however well the next one goes.
class LosingFileOps : public FailingFileOps {
 public:
  absl::Status SyncData(int fd) override {
    absl::Status status = FailingFileOps::SyncData(fd);
    struct stat file {};
    if (fstat(fd, &file) != 0) return absl::InternalError("no such file");
    if (!status.ok()) lost_.insert(file.st_ino);
    if (!lost_.contains(file.st_ino)) kept_[file.st_ino] = static_cast<uint64_t>(file.st_size);
    return status;
  }
  void CutPower(const std::string& directory) {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      struct stat file {};
      if (stat(entry.path().c_str(), &file) == 0) std::filesystem::resize_file(entry.path(), std::min(kept_[file.st_ino], entry.file_size()));
    }
  }

 private:
  std::map<ino_t, uint64_t> kept_;
  std::set<ino_t> lost_;
};

void ExpectAllReadable(const std::string& directory, const CrawlRun& run) {
  for (const auto& [place, block] : run.durable) {
    const auto record = ReadWarcPlace(directory, place);
    ASSERT_TRUE(record.ok()) << record.status();
    EXPECT_EQ(record->block, block);
  }
}

// After a repair: only finished, whole files, and what was vouched for is there.
void ExpectRepairable(const TempDirectory& directory, const CrawlRun& run) {
  const auto repairs = WarcStore::Repair(directory.path());
  ASSERT_TRUE(repairs.ok()) << repairs.status();
  for (const WarcRepair& repair : *repairs) EXPECT_EQ(repair.synced_bytes_lost, 0u) << repair.file;
  ExpectAllReadable(directory.path(), run);
  for (const std::string& name : directory.Names()) {
    if (name.starts_with("pages-directory-id.")) continue;  // the draft of an id that could not be made
    EXPECT_TRUE(name.ends_with(".warc.gz")) << name;
    EXPECT_THAT(ReadAllFrom(directory / name).problems, SizeIs(0)) << name;
  }
}

TEST(WarcStoreFaults, WithoutFaultsEverythingIsDurable) {
  TempDirectory directory;
  const CrawlRun run = CrawlAFew(directory.path(), [](int, Op) { return absl::OkStatus(); });
  EXPECT_EQ(run.durable.size(), 8u);
  EXPECT_GT(run.operations, 40);
  ExpectRepairable(directory, run);
}

TEST(WarcStoreFaults, AnyOneOperationMayFail) {
  TempDirectory whole;
  const int operations = CrawlAFew(whole.path(), [](int, Op) { return absl::OkStatus(); }).operations;
  for (const bool full : {false, true}) {
    for (int k = 0; k < operations; ++k) {
      SCOPED_TRACE(::testing::Message() << "operation " << k << (full ? " finds no room" : " fails"));
      TempDirectory directory;
      const absl::Status error = full ? absl::ResourceExhaustedError("full") : absl::InternalError("I/O error");
      const CrawlRun run = CrawlAFew(directory.path(), [&](int index, Op) { return index == k ? error : absl::OkStatus(); });
      ExpectAllReadable(directory.path(), run);
      ExpectRepairable(directory, run);
    }
  }
}

TEST(WarcStoreFaults, TheDiskMayFailForGoodAtAnyOperation) {
  TempDirectory whole;
  const int operations = CrawlAFew(whole.path(), [](int, Op) { return absl::OkStatus(); }).operations;
  for (int k = 0; k < operations; ++k) {
    SCOPED_TRACE(::testing::Message() << "from operation " << k);
    TempDirectory directory;
    const CrawlRun run = CrawlAFew(directory.path(), [&](int index, Op) { return index >= k ? absl::InternalError("I/O error") : absl::OkStatus(); });
    ExpectRepairable(directory, run);
  }
}

void CutAfterFailureAt(int k, bool for_good) {
  SCOPED_TRACE(::testing::Message() << (for_good ? "from operation " : "operation ") << k);
  TempDirectory directory;
  LosingFileOps files;
  files.fail = [&](int index, Op) {
    return index == k || (for_good && index > k) ? absl::InternalError("I/O error") : absl::OkStatus();
  };
  const CrawlRun run = CrawlAFew(directory.path(), files);
  files.CutPower(directory.path());
  ASSERT_TRUE(WarcStore::Repair(directory.path()).ok());
  ExpectAllReadable(directory.path(), run);
}

TEST(WarcStoreFaults, AfterAnyErrorAndAPowerCutWhatWasSyncedIsThere) {
  TempDirectory whole;
  const int operations = CrawlAFew(whole.path(), [](int, Op) { return absl::OkStatus(); }).operations;
  for (int k = 0; k <= operations; ++k) {
    CutAfterFailureAt(k, false);
    CutAfterFailureAt(k, true);
  }
}

}  // namespace
}  // namespace weft
