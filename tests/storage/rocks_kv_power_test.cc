// The real store on a disk that keeps what a successful sync has covered, and nothing else: an I/O error at each step that a run
// has, one after the other, and then a power cut. What was acknowledged is there again, a failed sync acknowledges nothing, and
// what is there is a run of whole batches.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rocksdb/file_system.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/rocks_kv.h"

namespace weft {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr int64_t kNever = 1'000'000'000;
constexpr int kBatches = 16;
constexpr int kBatchesASync = 3;

// Fails the `fail_at`-th write, sync or creation, and the `broken_for` - 1 after it. A sync that fails has lost what it was to
// keep (as Linux drops dirty pages), however well the next one goes.
class LosingDisk : public rocksdb::FileSystemWrapper {
 public:
  LosingDisk(int64_t fail_at, int64_t broken_for)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), fail_at_(fail_at), broken_for_(broken_for) {}

  const char* Name() const override { return "LosingDisk"; }
  int64_t steps() const { return steps_.load(); }
  bool Step() {
    const int64_t step = ++steps_;
    return dead_.load() || (step >= fail_at_ && step < fail_at_ + broken_for_);
  }
  static IOStatus Error() { return IOStatus::IOError("Input/output error"); }

  // From now on nothing reaches it.
  void Stop() { dead_ = true; }
  // After everything that had it open has gone.
  void CutPower() {
    std::lock_guard lock(mutex_);
    for (const auto& [name, file] : files_) {
      std::error_code gone;
      if (std::filesystem::exists(name, gone)) std::filesystem::resize_file(name, file.kept, gone);
    }
  }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override;
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options, IODebugContext* debug) override {
    if (dead_.load()) return Error();
    IOStatus status = target()->RenameFile(from, to, options, debug);
    std::lock_guard lock(mutex_);
    if (auto it = files_.find(from); status.ok() && it != files_.end()) {
      files_[to] = it->second;
      files_.erase(from);
    }
    return status;
  }
  IOStatus DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) override {
    if (dead_.load()) return Error();   // what is deleted after the cut is there again
    std::lock_guard lock(mutex_);
    files_.erase(name);
    return target()->DeleteFile(name, options, debug);
  }
  void Written(const std::string& name, uint64_t bytes) {
    std::lock_guard lock(mutex_);
    files_[name].size += bytes;
  }
  IOStatus Sync(const std::string& name) {
    const bool fails = Step();
    std::lock_guard lock(mutex_);
    File& file = files_[name];
    if (fails) file.lost = true;
    if (!file.lost) file.kept = file.size;
    return fails ? Error() : IOStatus::OK();
  }

 private:
  struct File {
    uint64_t size = 0;
    uint64_t kept = 0;
    bool lost = false;
  };
  std::atomic<int64_t> steps_{0};
  std::atomic<bool> dead_{false};
  int64_t fail_at_;
  int64_t broken_for_;
  std::mutex mutex_;
  std::map<std::string, File> files_;
};

class LosingFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  LosingFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string name, LosingDisk& disk)
      : FSWritableFileOwnerWrapper(std::move(file)), name_(std::move(name)), disk_(disk) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, IODebugContext* debug) override {
    if (disk_.Step()) return LosingDisk::Error();
    IOStatus status = target()->Append(data, options, debug);
    if (status.ok()) disk_.Written(name_, data.size());
    return status;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return disk_.Sync(name_); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return disk_.Sync(name_); }

 private:
  std::string name_;
  LosingDisk& disk_;
};

IOStatus LosingDisk::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                     std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  if (Step()) return Error();
  IOStatus status = target()->NewWritableFile(name, options, file, debug);
  if (!status.ok()) return status;
  {
    std::lock_guard lock(mutex_);
    files_[name] = {};
  }
  *file = std::make_unique<LosingFile>(std::move(*file), name, *this);
  return status;
}

struct PoweredRun {
  int begun = 0;         // batches handed to the store
  int acknowledged = 0;  // of these, covered by a sync that was said to have succeeded
  int64_t steps = 0;
};

// A directory that a store is opened in, one after the other.
class PoweredPlace {
 public:
  PoweredPlace() {
    std::string name = (std::filesystem::temp_directory_path() / "weft_kv_power_XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) directory_ = name;
  }
  ~PoweredPlace() { std::filesystem::remove_all(directory_); }

  // A run until the first failure, or to its end; then the power is cut.
  PoweredRun CrawlAndCut(int64_t fail_at, int64_t broken_for) {
    PoweredRun run;
    auto disk = std::make_shared<LosingDisk>(fail_at, broken_for);
    {
      auto kv = Open(disk);
      if (kv.ok()) Fill(**kv, run);
      run.steps = disk->steps();
      disk->Stop();
    }
    disk->CutPower();
    return run;
  }

  void CheckWhatIsLeft(const PoweredRun& run) {
    auto kv = Open(std::make_shared<LosingDisk>(kNever, 0));
    ASSERT_TRUE(kv.ok()) << kv.status();
    int found = 0;
    for (int i = 0; i < run.begun; ++i) {
      auto large = (*kv)->Get(Family::kUrls, KeyOf(i));
      auto small = (*kv)->Get(Family::kQueue, KeyOf(i));
      ASSERT_TRUE(large.ok() && small.ok()) << large.status() << small.status();
      ASSERT_EQ(large->has_value(), small->has_value()) << "half of batch " << i;
      if (!large->has_value()) continue;
      ASSERT_EQ(found, i) << "a batch before this one is lost";
      ++found;
    }
    EXPECT_GE(found, run.acknowledged) << "what was acknowledged is gone";
    // It is written on.
    KvBatch batch;
    batch.Put(Family::kMeta, "after", "x");
    EXPECT_TRUE((*kv)->Write(batch).ok() && (*kv)->Sync().ok());
  }

 private:
  static std::string KeyOf(int i) { return fmt::format("{:06}", i); }
  static void Fill(Kv& kv, PoweredRun& run) {
    for (int i = 0; i < kBatches; ++i) {
      KvBatch batch;
      // Some tables are written on the way, and logs and manifests switched.
      batch.Put(Family::kUrls, KeyOf(i), std::string(40'000, static_cast<char>('a' + i)));
      batch.Put(Family::kQueue, KeyOf(i), "queued");
      run.begun = i + 1;
      if (!kv.Write(batch).ok()) return;
      if ((i + 1) % kBatchesASync != 0) continue;
      if (!kv.Sync().ok()) return;
      run.acknowledged = i + 1;
    }
  }
  absl::StatusOr<std::unique_ptr<Kv>> Open(std::shared_ptr<LosingDisk> disk) const {
    RocksKvOptions options;
    options.path = directory_ + "/crawl.db";
    options.block_cache_bytes = 1 << 20;
    options.write_buffer_bytes = 256 << 10;
    options.disk = std::move(disk);
    return OpenRocksKv(options);
  }

  std::string directory_;
};

TEST(RocksKvPower, WithoutErrorsACutCostsWhatWasNotAcknowledgedAlone) {
  PoweredPlace place;
  const PoweredRun run = place.CrawlAndCut(kNever, 0);
  EXPECT_EQ(run.begun, kBatches);
  EXPECT_EQ(run.acknowledged, kBatches / kBatchesASync * kBatchesASync);
  EXPECT_GT(run.steps, 40);
  place.CheckWhatIsLeft(run);
}

// RocksDB rests for a second after a table that it could not write: the runs rest side by side.
void AtEveryStep(int64_t broken_for) {
  const int64_t steps = PoweredPlace().CrawlAndCut(kNever, 0).steps;
  std::atomic<int64_t> next{1};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 24; ++thread) {
    threads.emplace_back([&] {
      for (int64_t k = next++; k <= steps; k = next++) {
        SCOPED_TRACE(fmt::format("step {} of {} fails, and {} after it", k, steps, broken_for - 1));
        PoweredPlace place;
        place.CheckWhatIsLeft(place.CrawlAndCut(k, broken_for));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(RocksKvPower, AnyOneStepMayFailBeforeTheCut) { AtEveryStep(1); }

TEST(RocksKvPower, TheDiskMayFailForGoodFromAnyStepOn) { AtEveryStep(kNever); }

}  // namespace
}  // namespace weft
