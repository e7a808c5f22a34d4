#include "storage/rocks_kv.h"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <vector>

#include "common/status.h"
#include "storage/rocks_freezing_disk.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

// Stored in the database: a name is never changed. RocksDB wants a family called "default"; it stays empty.
constexpr std::array<std::string_view, kFamilyCount> kFamilyNames = {"urls", "queue", "hosts", "due", "meta", "seen",
                                                                   "ready"};

constexpr size_t kQueuePrefix = 10;   // shard and origin
constexpr size_t kUrlKeyBytes = 18;
constexpr size_t kHostKeyBytes = 10;

bool Hashed(Family family) { return family == Family::kUrls || family == Family::kHosts; }
// Sorted runs that lie beside one another before some are merged, and how many are merged at once at least: the more, the
// less often a key is written again, and the more places a look-up has to ask (their filters, mostly).
constexpr int kMostRuns = 16;
constexpr unsigned kLeastMerged = 12;
// More new keys than this are flushed before a scan: a flush sorts them once, not once a scan.
constexpr uint64_t kMostSortedForScan = 20'000;

absl::Status ToStatus(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  std::string message = fmt::format("{}: {}", what, status.ToString());
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit) return absl::ResourceExhaustedError(message);
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsIncomplete() || status.IsShutdownInProgress()) return absl::UnavailableError(message);
  return absl::InternalError(message);
}

bool LZ4Available() {
  std::vector<rocksdb::CompressionType> supported = rocksdb::GetSupportedCompressions();
  return std::find(supported.begin(), supported.end(), rocksdb::kLZ4Compression) != supported.end();
}

rocksdb::DBOptions DatabaseOptions(const RocksKvOptions& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = !options.read_only;
  db.create_missing_column_families = !options.read_only;
  // A torn tail of the log is what a crash leaves: keep the batches before it. What was synced is not in the tail.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.max_total_wal_size = std::max<uint64_t>(options.write_buffer_bytes * 4, 64ull << 20);
  // Written back while the crawl goes on, so that a sync finds little to do.
  db.wal_bytes_per_sync = 512 << 10;
  db.bytes_per_sync = 1 << 20;
  // One writer, no concurrent memtable: cheaper than the machinery for many.
  db.allow_concurrent_memtable_write = false;
  db.enable_write_thread_adaptive_yield = false;
  // A merge of the largest runs takes long: small ones go on beside it.
  db.max_background_jobs = 3;
  // Whoever opened the database opens it again; what RocksDB would try by itself only delays the closing.
  db.max_bgerror_resume_count = 0;
  // A user's shell often allows 1,024 descriptors, and the crawl needs them for sockets.
  db.max_open_files = 400;
  db.skip_stats_update_on_db_open = true;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.keep_log_file_num = 2;
  db.max_log_file_size = 4 << 20;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  return db;
}

rocksdb::BlockBasedTableOptions TableOptions(Family family, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  // Filters and indexes stay outside the cache: sharing a small one with data throws them out all the time.
  table.cache_index_and_filter_blocks = false;
  table.format_version = 5;
  if (family == Family::kHosts) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  if (family == Family::kUrls) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
    table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
    table.data_block_hash_table_util_ratio = 0.75;
  }
  return table;
}

rocksdb::ColumnFamilyOptions FamilyOptions(Family family, const RocksKvOptions& options,
                                           const std::shared_ptr<rocksdb::Cache>& cache, bool lz4) {
  rocksdb::ColumnFamilyOptions cf;
  const bool large = family == Family::kUrls;
  // Small enough for the processor's cache: sorting what came in no order is a matter of cache misses.
  cf.write_buffer_size = options.write_buffer_bytes;
  cf.max_write_buffer_number = 3;
  // Many small tables are merged at once, and what is large is rarely written again: keys in no order under levels cost
  // more than the crawl's own work. The price is room: while the largest tables are merged, they are there twice.
  cf.compaction_style = rocksdb::kCompactionStyleUniversal;
  cf.compaction_options_universal.min_merge_width = kLeastMerged;
  cf.level0_file_num_compaction_trigger = kMostRuns;
  // Writes go on while the largest runs are merged, which may take minutes.
  cf.level0_slowdown_writes_trigger = 24 * kMostRuns;
  cf.level0_stop_writes_trigger = 32 * kMostRuns;
  cf.target_file_size_base = 64ull << 20;
  cf.compression = lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  cf.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(family, cache)));
  if (large) {
    // Most look-ups are for keys that the memtable does not hold.
    cf.memtable_prefix_bloom_size_ratio = 0.1;
    cf.memtable_whole_key_filtering = true;
  }
  // Keys come in no order: a hash table takes them for half the cost of a skip list, but is sorted anew for every scan.
  if (Hashed(family)) {
    cf.prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(large ? kUrlKeyBytes : kHostKeyBytes));
    if (!options.read_only) cf.memtable_factory.reset(rocksdb::NewHashLinkListRepFactory(cf.write_buffer_size / 160));
  }
  // A page's new URLs mostly go to the end of one queue.
  if (family == Family::kQueue) {
    cf.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kQueuePrefix));
  }
  if (family == Family::kQueue || family == Family::kDue || family == Family::kReady) {
    // A consumed queue is a run of tombstones that every later read of it would walk through: compact it away.
    cf.table_properties_collector_factories.push_back(rocksdb::NewCompactOnDeletionCollectorFactory(4096, 2048));
  }
  return cf;
}

// What a database stands on; it outlives the database.
struct Ground {
  // RocksDB's own interface shares the file system.
  std::shared_ptr<RocksFreezingDisk> files;
  std::unique_ptr<rocksdb::Env> env;
};

Ground NewGround(const std::shared_ptr<rocksdb::FileSystem>& disk) {
  Ground ground;
  ground.files = std::make_shared<RocksFreezingDisk>(disk != nullptr ? disk : rocksdb::FileSystem::Default());
  ground.env = rocksdb::NewCompositeEnv(ground.files);
  return ground;
}

class RocksKv : public Kv {
 public:
  RocksKv(Ground ground, rocksdb::DB* db, std::vector<rocksdb::ColumnFamilyHandle*> handles, bool is_read_only)
      : ground_(std::move(ground)), db_(db), handles_(std::move(handles)), read_only_(is_read_only) {
    write_options_.sync = false;
  }
  ~RocksKv() override {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
    db_->Close().PermitUncheckedError();
  }

  absl::StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    if (Handle(family) == nullptr) return std::optional<std::string>();
    std::string value;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), Handle(family), Slice(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    if (!status.ok()) return ToStatus(status, "reading the CrawlDb");
    return std::optional<std::string>(std::move(value));
  }

  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(Family family,
                                                                 std::span<const std::string> keys) const override {
    std::vector<std::optional<std::string>> answers(keys.size());
    if (keys.empty() || Handle(family) == nullptr) return answers;
    std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    bool sorted = std::is_sorted(keys.begin(), keys.end());
    db_->MultiGet(rocksdb::ReadOptions(), Handle(family), keys.size(), slices.data(), values.data(), statuses.data(),
                  sorted);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (statuses[i].ok()) {
        answers[i].emplace(values[i].data(), values[i].size());
      } else if (!statuses[i].IsNotFound()) {
        return ToStatus(statuses[i], "reading the CrawlDb");
      }
    }
    return answers;
  }

  absl::Status Write(const KvBatch& batch) override {
    if (read_only_) return FailedPrecondition("the CrawlDb is open for reading only");
    if (failed_.load()) return FailedPrecondition("the CrawlDb had an error and must be opened again");
    write_batch_.Clear();
    for (const KvBatch::Change& change : batch) {
      rocksdb::Status status;
      const rocksdb::Slice key = Slice(change.key);
      switch (change.kind) {
        case KvBatch::Kind::kPut:
          status = write_batch_.Put(Handle(change.family), key, Slice(change.value));
          break;
        case KvBatch::Kind::kDelete:
          status = write_batch_.Delete(Handle(change.family), key);
          break;
        case KvBatch::Kind::kDeleteRange:
          status = write_batch_.DeleteRange(Handle(change.family), key, Slice(change.value));
          break;
      }
      if (!status.ok()) return Failed(status);
    }
    return Failed(db_->Write(write_options_, &write_batch_));
  }

  absl::Status Sync() override {
    if (read_only_) return absl::OkStatus();
    if (failed_.load()) return FailedPrecondition("the CrawlDb had an error and must be opened again");
    // Every write has handed its bytes to the kernel (no manual_wal_flush): what is left is one fdatasync.
    return Failed(db_->SyncWAL());
  }

  // Tables are linked where that can be done, for nothing changes them; the rest is copied.
  absl::Status Checkpoint(const std::string& directory) const override {
    rocksdb::Checkpoint* made = nullptr;
    rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &made);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    if (status.ok()) status = checkpoint->CreateCheckpoint(directory);
    // What was written meanwhile may have been swallowed.
    if (ground_.files->frozen()) status = ground_.files->status();
    return ToStatus(status, "copying the CrawlDb");
  }

  absl::Status Scan(Family family, std::string_view from, std::string_view to,
                    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const override {
    if ((!to.empty() && from >= to) || Handle(family) == nullptr) return absl::OkStatus();
    WEFT_RETURN_IF_ERROR(FlushForScan(family));
    rocksdb::ReadOptions read;
    read.total_order_seek = true;
    rocksdb::Slice bound = Slice(to);
    if (!to.empty()) read.iterate_upper_bound = &bound;
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(read, Handle(family)));
    for (it->Seek(Slice(from)); it->Valid(); it->Next()) {
      if (!visit(it->key().ToStringView(), it->value().ToStringView())) return absl::OkStatus();
    }
    return ToStatus(it->status(), "reading the CrawlDb");
  }

  bool read_only() const override { return read_only_; }

 private:
  static rocksdb::Slice Slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
  // handles_[0] is RocksDB's "default". Null: a family that this database, open for reading, does not have yet.
  rocksdb::ColumnFamilyHandle* Handle(Family family) const { return handles_[static_cast<size_t>(family) + 1]; }

  absl::Status FlushForScan(Family family) const {
    uint64_t keys = 0;
    if (read_only_ || !Hashed(family) || ground_.files->frozen()) return absl::OkStatus();
    db_->GetIntProperty(Handle(family), rocksdb::DB::Properties::kNumEntriesActiveMemTable, &keys);
    if (keys <= kMostSortedForScan) return absl::OkStatus();
    return ToStatus(db_->Flush(rocksdb::FlushOptions(), Handle(family)), "writing the CrawlDb");
  }

  // RocksDB says OK to what the frozen disk has swallowed.
  absl::Status Failed(rocksdb::Status status) {
    if (ground_.files->frozen()) status = ground_.files->status();
    if (!status.ok()) failed_.store(true);
    return ToStatus(status, "writing the CrawlDb");
  }

  Ground ground_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  bool read_only_;
  rocksdb::WriteOptions write_options_;
  rocksdb::WriteBatch write_batch_;   // kept for its buffer
  std::atomic<bool> failed_{false};   // Sync may fail on another thread
};

bool IsRocksFile(const std::string& name) {
  constexpr std::array<std::string_view, 5> kPrefixes = {"LOG", "LOCK", "MANIFEST-", "IDENTITY", "OPTIONS-"};
  for (std::string_view prefix : kPrefixes) {
    if (name.starts_with(prefix)) return true;
  }
  return name.ends_with(".dbtmp") || name.ends_with(".log") || name.ends_with(".sst");
}

// Answers whether a database is there. A directory with files of somebody else is refused, not written into; one that
// a crash left half created is taken.
absl::StatusOr<bool> DatabaseExists(const std::string& path) {
  std::error_code error;
  if (fs::exists(fs::path(path) / "CURRENT", error)) return true;
  if (!fs::exists(path, error)) return false;
  if (!fs::is_directory(path, error)) return FailedPrecondition("{} is not a CrawlDb: it is not a directory", path);
  fs::directory_iterator entries(path, error);
  if (error) return FailedPrecondition("{} cannot be read: {}", path, error.message());
  for (; entries != fs::directory_iterator(); entries.increment(error)) {
    if (error) return FailedPrecondition("{} cannot be read: {}", path, error.message());
    std::string name = entries->path().filename().string();
    if (!IsRocksFile(name)) return FailedPrecondition("{} is not a CrawlDb: it holds {}", path, name);
  }
  return false;
}

// RocksDB does not lock what it opens for reading, but a crawl that writes beside the reader would pull files away.
bool LockedByAnother(const std::string& path) {
  int fd = open((path + "/LOCK").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct flock lock = {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  bool locked = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  close(fd);
  return locked;
}

// Answers how many families the database has: an older one lacks the last ones, and may be read all the same.
absl::StatusOr<int> CheckFamilies(const RocksKvOptions& options) {
  std::vector<std::string> names;
  rocksdb::Status status = rocksdb::DB::ListColumnFamilies(DatabaseOptions(options), options.path, &names);
  if (!status.ok()) return ToStatus(status, options.path);
  for (const std::string& name : names) {
    bool ours = name == rocksdb::kDefaultColumnFamilyName ||
                std::find(kFamilyNames.begin(), kFamilyNames.end(), name) != kFamilyNames.end();
    if (!ours) return FailedPrecondition("{} is not a CrawlDb, or one of a newer Weft: it has a family {}", options.path, name);
  }
  int count = 0;
  while (count < kFamilyCount && std::find(names.begin(), names.end(), kFamilyNames[static_cast<size_t>(count)]) != names.end()) ++count;
  const bool no_gap = names.size() == static_cast<size_t>(count) + 1;
  if (options.read_only && (count < kFirstFamilyCount || !no_gap)) {
    return FailedPrecondition("{} is not a CrawlDb, or was never completed", options.path);
  }
  return options.read_only ? count : kFamilyCount;
}

absl::Status OpenError(const rocksdb::Status& status, const std::string& path) {
  bool locked = status.IsIOError() && status.ToString().find("lock") != std::string::npos;
  if (locked || status.IsBusy()) return FailedPrecondition("{} is in use by another process", path);
  return ToStatus(status, fmt::format("opening {}", path));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kv>> OpenRocksKv(const RocksKvOptions& options) {
  WEFT_ASSIGN_OR_RETURN(bool exists, DatabaseExists(options.path));
  if (options.read_only) {
    if (!exists) return FailedPrecondition("{} is not a CrawlDb", options.path);
    if (LockedByAnother(options.path)) return FailedPrecondition("{} is in use by another process", options.path);
  } else if (!exists) {
    std::error_code error;
    fs::create_directories(options.path, error);
    if (error) return FailedPrecondition("{} cannot be created: {}", options.path, error.message());
  }
  int count = kFamilyCount;   // of families to open
  if (exists) {
    WEFT_ASSIGN_OR_RETURN(count, CheckFamilies(options));
  }

  // RocksDB's own interface shares the cache between families.
  std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  bool lz4 = LZ4Available();
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions());
  for (int i = 0; i < count; ++i) {
    families.emplace_back(std::string(kFamilyNames[static_cast<size_t>(i)]),
                          FamilyOptions(static_cast<Family>(i), options, cache, lz4));
  }
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DBOptions db_options = DatabaseOptions(options);
  Ground ground = NewGround(options.disk);
  db_options.env = ground.env.get();
  rocksdb::Status status = options.read_only
                               ? rocksdb::DB::OpenForReadOnly(db_options, options.path, families, &handles, &db)
                               : rocksdb::DB::Open(db_options, options.path, families, &handles, &db);
  if (!status.ok()) return OpenError(status, options.path);
  handles.resize(kFamilyCount + 1, nullptr);
  auto kv = std::make_unique<RocksKv>(std::move(ground), db, std::move(handles), options.read_only);
  // What the opening itself wrote may have been swallowed.
  if (!options.read_only) WEFT_RETURN_IF_ERROR(kv->Sync());
  return std::unique_ptr<Kv>(std::move(kv));
}

}  // namespace weft
