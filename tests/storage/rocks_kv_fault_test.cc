// The real store on a disk whose writes fail: whatever fails, the process lives, the failure is told, and what is
// opened again holds what was synced.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/file_system.h>
#include <rocksdb/slice_transform.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "common/random.h"
#include "storage/rocks_kv.h"

namespace weft {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr int64_t kNever = 1'000'000'000;

// Fails the `fail_at`-th write, sync or creation, and the `broken_for` - 1 after it.
class FailingDisk : public rocksdb::FileSystemWrapper {
 public:
  FailingDisk(int64_t fail_at, int64_t broken_for)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), fail_at_(fail_at), broken_for_(broken_for) {}

  const char* Name() const override { return "FailingDisk"; }
  bool failed() const { return steps_.load() >= fail_at_; }

  bool Step() {
    int64_t step = ++steps_;
    return step >= fail_at_ && step < fail_at_ + broken_for_;
  }
  static IOStatus Full() { return IOStatus::NoSpace("No space left on device"); }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override;

 private:
  std::atomic<int64_t> steps_{0};
  int64_t fail_at_;
  int64_t broken_for_;
};

class FailingFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FailingFile(std::unique_ptr<rocksdb::FSWritableFile> file, FailingDisk& disk)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, IODebugContext* debug) override {
    if (!disk_.Step()) return target()->Append(data, options, debug);
    // A full disk takes what still fits.
    target()->Append(rocksdb::Slice(data.data(), data.size() / 2), options, debug).PermitUncheckedError();
    return FailingDisk::Full();
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return Step(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Step(options, debug);
  }

 private:
  // The machine lives on: nothing needs to reach the platters.
  IOStatus Step(const IOOptions&, IODebugContext*) { return disk_.Step() ? FailingDisk::Full() : IOStatus::OK(); }

  FailingDisk& disk_;
};

IOStatus FailingDisk::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  if (Step()) return Full();
  IOStatus status = target()->NewWritableFile(name, options, file, debug);
  if (status.ok()) *file = std::make_unique<FailingFile>(std::move(*file), *this);
  return status;
}

struct Written {
  int begun = 0;   // batches handed to the store
  int synced = 0;  // of these, covered by a sync that was said to have succeeded
  absl::Status failure;
};

// A directory that a store is opened in, one after the other.
class Place {
 public:
  Place() {
    std::string name = (std::filesystem::temp_directory_path() / "weft_kv_fault_XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) directory_ = name;
  }
  ~Place() { std::filesystem::remove_all(directory_); }
  const std::string& path() const { return directory_; }

  absl::StatusOr<std::unique_ptr<Kv>> Open(int64_t fail_at, int64_t broken_for) const {
    RocksKvOptions options;
    options.path = directory_ + "/crawl.db";
    options.block_cache_bytes = 1 << 20;
    // Tables are written, and logs and manifests switched, every few batches.
    options.write_buffer_bytes = 256 << 10;
    options.disk = std::make_shared<FailingDisk>(fail_at, broken_for);
    return OpenRocksKv(options);
  }

  // What a crawl does while its disk stays full: it tries again, now and then.
  void OpenWhileItFails(Random& random) const {
    for (int tries = 0; tries < 4; ++tries) {
      auto kv = Open(static_cast<int64_t>(random.Below(60)), kNever);
      if (!kv.ok()) continue;
      KvBatch batch;
      batch.Put(Family::kMeta, "key", std::string(200'000, 'm'));
      while ((*kv)->Write(batch).ok() && (*kv)->Sync().ok()) {
      }
    }
  }

  // A run of whole batches from the first on, with all that was synced.
  void CheckWhatIsLeft(const Written& written) const {
    auto kv = Open(kNever, 0);
    ASSERT_TRUE(kv.ok()) << kv.status();
    int found = 0;
    for (int i = 0; i < written.begun; ++i) {
      std::string key = fmt::format("{:06}", i);
      auto large = (*kv)->Get(Family::kUrls, key);
      auto small = (*kv)->Get(Family::kQueue, key);
      ASSERT_TRUE(large.ok() && small.ok()) << large.status() << small.status();
      ASSERT_EQ(large->has_value(), small->has_value()) << "half of batch " << i;
      if (!large->has_value()) continue;
      ASSERT_EQ(found, i) << "a batch before this one is lost";
      ++found;
    }
    EXPECT_GE(found, written.synced);
  }

 private:
  std::string directory_;
};

// Batch i puts i into two families, one value large.
Written WriteUntilFailure(Kv& kv, Random& random, int batches) {
  Written written;
  for (int i = 0; i < batches; ++i) {
    KvBatch batch;
    std::string key = fmt::format("{:06}", i);
    batch.Put(Family::kUrls, key, std::string(1000 + random.Below(30'000), static_cast<char>('a' + i % 26)));
    batch.Put(Family::kQueue, key, "queued");
    written.begun = i + 1;
    written.failure = kv.Write(batch);
    if (!written.failure.ok()) return written;
    if (random.Below(4) != 0) continue;
    written.failure = kv.Sync();
    if (!written.failure.ok()) return written;
    written.synced = i + 1;
  }
  return written;
}

void FailSomewhere(int run) {
  std::unique_ptr<Random> random = SeededRandom(static_cast<uint64_t>(run));
  int64_t fail_at = 1 + static_cast<int64_t>(random->Below(run < 40 ? 30 : 400));
  int64_t broken_for = run % 2 == 0 ? 1 : kNever;
  SCOPED_TRACE(fmt::format("run {}: write {} fails, and {} after it", run, fail_at, broken_for - 1));
  Place place;
  Written written;
  if (auto kv = place.Open(fail_at, broken_for); kv.ok()) written = WriteUntilFailure(**kv, *random, 200);
  place.OpenWhileItFails(*random);
  place.CheckWhatIsLeft(written);
}

TEST(RocksKvFault, WhateverWriteFailsWhatWasSyncedIsThereAgain) {
  // RocksDB rests for a second after a table that it could not write: the runs rest side by side.
  constexpr int kThreads = 40;
  // What RocksDB makes once a process is made before the threads begin.
  EXPECT_TRUE(Place().Open(kNever, 0).ok());
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([thread] {
      for (int run = thread; run < 80; run += kThreads) FailSomewhere(run);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(RocksKvFault, ASyncBesideTheWriteThatFails) {
  for (int run = 0; run < 60; ++run) {
    std::unique_ptr<Random> random = SeededRandom(static_cast<uint64_t>(run));
    int64_t fail_at = 1 + static_cast<int64_t>(random->Below(400));
    SCOPED_TRACE(fmt::format("run {}: write {} fails", run, fail_at));
    Place place;
    auto kv = place.Open(fail_at, kNever);
    if (!kv.ok()) continue;
    std::atomic<bool> done{false};
    std::thread syncing([&] {
      while (!done.load()) (*kv)->Sync().IgnoreError();
    });
    Written written = WriteUntilFailure(**kv, *random, 200);
    done.store(true);
    syncing.join();
    kv->reset();
    place.CheckWhatIsLeft(written);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(RocksKvFault, AFullDiskIsToldAsOne) {
  Place place;
  auto kv = place.Open(100, kNever);
  ASSERT_TRUE(kv.ok()) << kv.status();
  std::unique_ptr<Random> random = SeededRandom(1);
  Written written = WriteUntilFailure(**kv, *random, 200);
  EXPECT_EQ(written.failure.code(), absl::StatusCode::kResourceExhausted) << written.failure;
}

TEST(RocksKvFault, AfterAFailureNothingIsTaken) {
  Place place;
  auto kv = place.Open(100, 1);
  ASSERT_TRUE(kv.ok()) << kv.status();
  std::unique_ptr<Random> random = SeededRandom(1);
  ASSERT_FALSE(WriteUntilFailure(**kv, *random, 200).failure.ok());
  KvBatch batch;
  batch.Put(Family::kMeta, "key", "value");
  // The disk works again, but what the store believes and what is on the disk may differ.
  EXPECT_EQ((*kv)->Write(batch).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ((*kv)->Sync().code(), absl::StatusCode::kFailedPrecondition);
}

// A crawl that was begun before there were the families "seen" and "ready", and one from between them.
void OpensWithout(size_t newest) {
  Place place;
  RocksKvOptions options;
  options.path = place.path() + "/crawl.db";
  KvBatch batch;
  batch.Put(Family::kMeta, "key", "value");
  ASSERT_TRUE((*OpenRocksKv(options))->Write(batch).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const char* name : {"default", "urls", "queue", "hosts", "due", "meta", "seen", "ready"}) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  families[1].options.prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(18));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions(), options.path, families, &handles, &db).ok());
  for (size_t i = 0; i < newest; ++i) ASSERT_TRUE(db->DropColumnFamily(handles[handles.size() - 1 - i]).ok());
  for (rocksdb::ColumnFamilyHandle* handle : handles) ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
  delete db;
  options.read_only = true;
  for (bool read_only : {true, false}) {
    options.read_only = read_only;
    auto kv = OpenRocksKv(options);
    ASSERT_TRUE(kv.ok()) << kv.status();
    EXPECT_EQ(*(*kv)->Get(Family::kMeta, "key"), "value");
    for (Family family : {Family::kSeen, Family::kReady}) {
      EXPECT_EQ(*(*kv)->Get(family, "key"), std::nullopt);
      EXPECT_EQ((*kv)->MultiGet(family, std::vector<std::string>{"a", "b"})->size(), 2u);
      EXPECT_TRUE((*kv)->Scan(family, "", "", [](std::string_view, std::string_view) { return true; }).ok());
    }
  }
}

TEST(RocksKvOlder, StoreWithoutTheNewestFamilyIsReadAndGivenItWhenItIsWritten) { OpensWithout(1); }
TEST(RocksKvOlder, StoreWithoutTheTwoNewestFamiliesIsReadAndGivenThemWhenItIsWritten) { OpensWithout(2); }

// Tables in levels, as older stores kept them.
TEST(RocksKvOlder, StoreWithItsTablesInLevelsIsReadAndWrittenOn) {
  Place place;
  RocksKvOptions options;
  options.path = place.path() + "/crawl.db";
  ASSERT_TRUE(OpenRocksKv(options).ok());
  rocksdb::ColumnFamilyOptions levels;
  levels.compaction_style = rocksdb::kCompactionStyleLevel;
  levels.level_compaction_dynamic_level_bytes = true;
  levels.write_buffer_size = 64 << 10;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const char* name : {"default", "urls", "queue", "hosts", "due", "meta", "seen", "ready"}) families.emplace_back(name, levels);
  families[1].options.prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(18));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions(), options.path, families, &handles, &db).ok());
  const auto key = [](int i) { return fmt::format("{:018}", i * 7919 % 20'000); };
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), handles[1], key(i), "old" + key(i)).ok());
    if (i != 10'000) continue;
    ASSERT_TRUE(db->CompactRange(rocksdb::CompactRangeOptions(), handles[1], nullptr, nullptr).ok());
  }
  for (rocksdb::ColumnFamilyHandle* handle : handles) ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
  delete db;
  for (const char* round : {"first", "second"}) {
    auto kv = OpenRocksKv(options);
    ASSERT_TRUE(kv.ok()) << kv.status();
    int seen = 0;
    ASSERT_TRUE((*kv)->Scan(Family::kUrls, "", "", [&](std::string_view, std::string_view) { return ++seen > 0; }).ok());
    EXPECT_EQ(seen, 20'000);
    EXPECT_EQ(*(*kv)->Get(Family::kUrls, key(19'999)), "old" + key(19'999));
    KvBatch batch;
    for (int i = 0; i < 10'000; ++i) batch.Put(Family::kUrls, key(i), round + key(i));
    ASSERT_TRUE((*kv)->Write(batch).ok());
    ASSERT_TRUE((*kv)->Sync().ok());
    for (int i : {0, 5'000, 9'999}) EXPECT_EQ(*(*kv)->Get(Family::kUrls, key(i)), round + key(i));
  }
}

}  // namespace
}  // namespace weft
