#include "storage/rocks_freezing_disk.h"

#include <string_view>
#include <utility>

namespace weft {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

enum class Kind {
  kJournal,  // the log of writes, the manifest
  kLog,      // lines for people: may be lost
  kOther,    // a table; its writer is given up when it fails, so it may be told
};

Kind KindOf(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  if (name.ends_with(".log") || name.starts_with("MANIFEST-")) return Kind::kJournal;
  return name == "LOG" ? Kind::kLog : Kind::kOther;
}

class FreezingFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FreezingFile(std::unique_ptr<rocksdb::FSWritableFile> file, RocksFreezingDisk& disk, Kind kind)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk), kind_(kind) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return Guard([&] { return target()->Append(data, options, debug); });
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& check,
                  IODebugContext* debug) override {
    return Guard([&] { return target()->Append(data, options, check, debug); });
  }
  IOStatus PositionedAppend(const rocksdb::Slice& data, uint64_t offset, const IOOptions& options,
                            IODebugContext* debug) override {
    return Guard([&] { return target()->PositionedAppend(data, offset, options, debug); });
  }
  IOStatus PositionedAppend(const rocksdb::Slice& data, uint64_t offset, const IOOptions& options,
                            const rocksdb::DataVerificationInfo& check, IODebugContext* debug) override {
    return Guard([&] { return target()->PositionedAppend(data, offset, options, check, debug); });
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return Guard([&] { return target()->Truncate(size, options, debug); });
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    return Guard([&] { return target()->Flush(options, debug); });
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return Guard([&] { return target()->Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Guard([&] { return target()->Fsync(options, debug); });
  }
  IOStatus RangeSync(uint64_t offset, uint64_t bytes, const IOOptions& options, IODebugContext* debug) override {
    return Guard([&] { return target()->RangeSync(offset, bytes, options, debug); });
  }
  // A frozen file is closed all the same: it holds a descriptor.
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return Told(target()->Close(options, debug));
  }

 private:
  template <typename Change>
  IOStatus Guard(Change change) {
    return Told(disk_.frozen() ? disk_.status() : change());
  }
  IOStatus Told(const IOStatus& status) {
    if (status.ok()) return status;
    if (kind_ == Kind::kLog) return IOStatus::OK();
    disk_.Freeze(status);
    return kind_ == Kind::kJournal ? IOStatus::OK() : status;
  }

  RocksFreezingDisk& disk_;
  Kind kind_;
};

}  // namespace

RocksFreezingDisk::RocksFreezingDisk(const std::shared_ptr<rocksdb::FileSystem>& disk) : FileSystemWrapper(disk) {}

IOStatus RocksFreezingDisk::status() const {
  if (!frozen()) return IOStatus::OK();
  MutexLock lock(mutex_);
  return failure_;
}

IOStatus RocksFreezingDisk::Freeze(const IOStatus& failure) {
  MutexLock lock(mutex_);
  if (!frozen()) {
    failure_ = failure;
    frozen_.store(true, std::memory_order_release);
  }
  return failure;
}

IOStatus RocksFreezingDisk::Opened(const IOStatus& status, const std::string& name,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file) {
  if (!status.ok()) return KindOf(name) == Kind::kLog ? status : Freeze(status);
  *file = std::make_unique<FreezingFile>(std::move(*file), *this, KindOf(name));
  return status;
}

IOStatus RocksFreezingDisk::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  if (frozen()) return status();
  return Opened(target()->NewWritableFile(name, options, file, debug), name, file);
}

IOStatus RocksFreezingDisk::ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                                std::unique_ptr<rocksdb::FSWritableFile>* file,
                                                IODebugContext* debug) {
  if (frozen()) return status();
  return Opened(target()->ReopenWritableFile(name, options, file, debug), name, file);
}

IOStatus RocksFreezingDisk::ReuseWritableFile(const std::string& name, const std::string& old_name,
                                               const rocksdb::FileOptions& options,
                                               std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  if (frozen()) return status();
  return Opened(target()->ReuseWritableFile(name, old_name, options, file, debug), name, file);
}

IOStatus RocksFreezingDisk::NewLogger(const std::string& name, const IOOptions& options,
                                       std::shared_ptr<rocksdb::Logger>* logger, IODebugContext* debug) {
  return FileSystem::NewLogger(name, options, logger, debug);
}

// A failure here leaves a file too many, no more.
IOStatus RocksFreezingDisk::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) {
  if (frozen()) return IOStatus::OK();
  return target()->DeleteFile(name, options, debug);
}

IOStatus RocksFreezingDisk::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                        IODebugContext* debug) {
  if (frozen()) return status();
  return target()->RenameFile(from, to, options, debug);
}

IOStatus RocksFreezingDisk::LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                                      IODebugContext* debug) {
  if (frozen()) return status();
  return target()->LinkFile(from, to, options, debug);
}

IOStatus RocksFreezingDisk::Truncate(const std::string& name, size_t size, const IOOptions& options,
                                      IODebugContext* debug) {
  if (frozen()) return status();
  return target()->Truncate(name, size, options, debug);
}

}  // namespace weft
