// Files for RocksDB that stop at the first write that fails: from then on the disk stays as it is, as after a crash.
//
// RocksDB 7.8, as Debian builds it, aborts the process at the second write to a file whose first has failed (an assertion
// in its WritableFileWriter): a line in its own LOG, a sync beside the write that failed. Here the writer of a log or
// manifest is never told of the failure; nothing reaches the disk after it, so that what is opened again is what a crash
// at that moment would have left. Lines of RocksDB's LOG that do not fit are dropped.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>

#include "common/mutex.h"

namespace weft {

// Safe from any thread, as RocksDB asks of a file system.
class RocksFreezingDisk : public rocksdb::FileSystemWrapper {
 public:
  explicit RocksFreezingDisk(const std::shared_ptr<rocksdb::FileSystem>& disk);

  const char* Name() const override { return "RocksFreezingDisk"; }

  // OK as long as no write failed; afterwards the first failure. Whoever wrote through RocksDB has to ask: RocksDB itself
  // answers OK for what was swallowed here.
  rocksdb::IOStatus status() const;

  // Notes a failure and answers it.
  rocksdb::IOStatus Freeze(const rocksdb::IOStatus& failure);
  bool frozen() const { return frozen_.load(std::memory_order_acquire); }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& name, const std::string& old_name,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  // RocksDB's LOG goes through NewWritableFile as well.
  rocksdb::IOStatus NewLogger(const std::string& name, const rocksdb::IOOptions& options,
                              std::shared_ptr<rocksdb::Logger>* logger, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& name, size_t size, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;

 private:
  rocksdb::IOStatus Opened(const rocksdb::IOStatus& status, const std::string& name,
                           std::unique_ptr<rocksdb::FSWritableFile>* file);

  mutable Mutex mutex_;
  rocksdb::IOStatus failure_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> frozen_{false};
};

}  // namespace weft
