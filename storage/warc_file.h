// One WARC file while it is written: NAME.open, and NAME.synced beside it, which holds how many bytes are durable.
// Thread rule: one thread appends; SyncTo, Finish and destruction may happen on another, one at a time.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/file_ops.h"

namespace weft {

class WarcFile {
 public:
  // AlreadyExists: the name is taken.
  static absl::StatusOr<std::unique_ptr<WarcFile>> Create(FileOps& files, const std::string& directory,
                                                          const std::string& name);
  // Closes the descriptors; what is not finished stays `.open`, for WarcStore::Repair.
  ~WarcFile();
  WarcFile(const WarcFile&) = delete;
  WarcFile& operator=(const WarcFile&) = delete;

  const std::string& name() const { return name_; }
  uint64_t size() const { return size_.load(std::memory_order_acquire); }
  uint64_t synced() const { return synced_; }
  // The end of the file could not be cut back to a whole record.
  bool torn() const { return torn_; }

  // All or nothing: after an error the file is cut back to size().
  absl::Status Append(std::string_view bytes);
  // Makes the first `size` bytes durable, then remembers that in NAME.synced. That note is itself made durable only about
  // once a second (`now` is the steady clock): after a power failure it may say less than the truth, never more.
  absl::Status SyncTo(uint64_t size, absl::Time now);
  // Syncs the rest and gives the file its final name; an empty file is removed, a torn one stays `.open`.
  absl::Status Finish(absl::Time now);

 private:
  WarcFile(FileOps& files, std::string path, std::string name, int fd)
      : files_(files), path_(std::move(path)), name_(std::move(name)), fd_(fd) {}
  absl::Status CreateNote();
  absl::Status CloseDescriptors();

  FileOps& files_;
  std::string path_;  // the final one
  std::string name_;
  int fd_;
  int note_fd_ = -1;
  std::atomic<uint64_t> size_{0};
  std::atomic<bool> torn_{false};
  uint64_t synced_ = 0;
  absl::Time note_synced_ = absl::InfinitePast();
};

// What NAME.synced says; nullopt: no such file, or not readable.
std::optional<uint64_t> ReadSyncedNote(const std::string& path);

}  // namespace weft
