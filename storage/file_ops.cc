#include "storage/file_ops.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "common/status.h"

namespace weft {
namespace {

template <typename Call>
auto RetryInterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

absl::Status FromResult(int result, std::string_view doing, std::string_view path) {
  return result == 0 ? absl::OkStatus() : ErrnoStatus(errno, doing, path);
}

class KernelFileOps : public FileOps {
 public:
  absl::StatusOr<int> Create(const std::string& path) override {
    return Open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, "create");
  }

  absl::StatusOr<int> OpenForWriting(const std::string& path) override {
    return Open(path, O_WRONLY | O_CLOEXEC, "open");
  }

  absl::Status WriteAt(int fd, std::string_view bytes, uint64_t offset) override {
    while (!bytes.empty()) {
      const ssize_t wrote =
          RetryInterrupted([&] { return pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
      if (wrote < 0) return ErrnoStatus(errno, "write", "");
      bytes.remove_prefix(static_cast<size_t>(wrote));
      offset += static_cast<uint64_t>(wrote);
    }
    return absl::OkStatus();
  }

  absl::Status Truncate(int fd, uint64_t size) override {
    return FromResult(RetryInterrupted([&] { return ftruncate(fd, static_cast<off_t>(size)); }), "cut", "");
  }

  absl::Status SyncData(int fd) override { return FromResult(fdatasync(fd), "sync", ""); }

  // Not repeated on EINTR: Linux has closed the descriptor by then.
  absl::Status Close(int fd) override {
    return close(fd) == 0 || errno == EINTR ? absl::OkStatus() : ErrnoStatus(errno, "close", "");
  }

  absl::Status RenameToNew(const std::string& from, const std::string& to) override {
    if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return absl::OkStatus();
    if (errno != EINVAL && errno != ENOSYS) return ErrnoStatus(errno, "rename", from);
    // The file system cannot refuse to replace (some network ones): a link can.
    if (link(from.c_str(), to.c_str()) != 0) return ErrnoStatus(errno, "rename", from);
    return Remove(from);
  }

  absl::Status RenameOver(const std::string& from, const std::string& to) override {
    return FromResult(rename(from.c_str(), to.c_str()), "rename", from);
  }

  absl::Status Remove(const std::string& path) override { return FromResult(unlink(path.c_str()), "remove", path); }

  absl::Status SyncDirectory(const std::string& path) override {
    const int fd = RetryInterrupted([&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) return ErrnoStatus(errno, "open", path);
    // Some network file systems answer EINVAL: they have no such operation and order names themselves.
    const bool synced = fsync(fd) == 0 || errno == EINVAL;
    absl::Status status = synced ? absl::OkStatus() : ErrnoStatus(errno, "sync", path);
    close(fd);
    return status;
  }

  bool Exists(const std::string& path) override {
    struct stat info {};
    return lstat(path.c_str(), &info) == 0;
  }

 private:
  static absl::StatusOr<int> Open(const std::string& path, int flags, std::string_view doing) {
    const int fd = RetryInterrupted([&] { return open(path.c_str(), flags, 0644); });
    if (fd < 0) return ErrnoStatus(errno, doing, path);
    return fd;
  }
};

}  // namespace

absl::Status ErrnoStatus(int error, std::string_view doing, std::string_view path) {
  absl::StatusCode code = absl::StatusCode::kInternal;
  if (error == ENOSPC || error == EDQUOT) code = absl::StatusCode::kResourceExhausted;
  if (error == EEXIST) code = absl::StatusCode::kAlreadyExists;
  if (error == ENOENT) code = absl::StatusCode::kNotFound;
  const std::string reason = std::generic_category().message(error);
  if (path.empty()) return absl::Status(code, fmt::format("cannot {}: {}", doing, reason));
  return absl::Status(code, fmt::format("cannot {} {}: {}", doing, path, reason));
}

FileOps& PosixFileOps() {
  static KernelFileOps ops;
  return ops;
}

}  // namespace weft
