// What the WARC store does to files, as a seam: the tests let the k-th operation fail.
// Errors: ResourceExhausted where there is no room (ENOSPC, EDQUOT), AlreadyExists, NotFound, else Internal.
// Thread rule: any thread; one descriptor may be written by one thread and synced by another.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

// `error` is an errno value; "cannot write FILE: No space left on device".
absl::Status ErrnoStatus(int error, std::string_view doing, std::string_view path);

class FileOps {
 public:
  virtual ~FileOps() = default;
  // Creates a file that must not exist, for writing.
  virtual absl::StatusOr<int> Create(const std::string& path) = 0;
  virtual absl::StatusOr<int> OpenForWriting(const std::string& path) = 0;
  // All of `bytes`, or an error after which some of them may have been written.
  virtual absl::Status WriteAt(int fd, std::string_view bytes, uint64_t offset) = 0;
  virtual absl::Status Truncate(int fd, uint64_t size) = 0;
  virtual absl::Status SyncData(int fd) = 0;
  virtual absl::Status Close(int fd) = 0;
  // AlreadyExists rather than replacing `to`.
  virtual absl::Status RenameToNew(const std::string& from, const std::string& to) = 0;
  // Replaces `to` where it is there.
  virtual absl::Status RenameOver(const std::string& from, const std::string& to) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) = 0;
};

// The kernel's. Lives for the whole process.
FileOps& PosixFileOps();

}  // namespace weft
