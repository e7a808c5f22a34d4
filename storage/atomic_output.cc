#include "storage/atomic_output.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "common/status.h"
#include "storage/file_ops.h"

namespace weft {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;

absl::Status WriteError(int error, std::string_view path) {
  const std::string_view name = path.empty() ? std::string_view("the output") : path;
  if (error == EPIPE) return Unavailable("cannot write {}: its reader has gone", name);
  if (error == EFBIG) return ResourceExhausted("cannot write {}: the limit on the size of files is reached", name);
  return ErrnoStatus(error, "write", name);
}

}  // namespace

std::string ResolvedPath(const std::string& path) {
  char* const resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string out = resolved;
  free(resolved);
  return out;
}

std::string UnfinishedName(const std::string& target) { return fmt::format("{}.{}.unfinished", target, getpid()); }

std::string DirectoryOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

absl::Status PublishFile(const std::string& unfinished, const std::string& target) {
  const int fd = open(unfinished.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "open", unfinished);
  const bool synced = fsync(fd) == 0;
  const int error = errno;
  close(fd);
  if (!synced) return ErrnoStatus(error, "sync", unfinished);
  if (std::rename(unfinished.c_str(), target.c_str()) != 0) return ErrnoStatus(errno, "rename", unfinished);
  return PosixFileOps().SyncDirectory(DirectoryOf(target));
}

absl::StatusOr<std::unique_ptr<AtomicOutput>> AtomicOutput::ToFile(const std::string& path) {
  struct stat info {};
  const bool exists = stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) return InvalidArgument("cannot write {}: it is a directory", path);
  if (exists && !S_ISREG(info.st_mode)) {
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return ErrnoStatus(errno, "open", path);
    return std::unique_ptr<AtomicOutput>(new AtomicOutput(fd, /*owned=*/true));
  }
  const std::string target = ResolvedPath(path);
  const std::string unfinished = UnfinishedName(target);
  // A file of this name is of a process that is gone: this one's id was its.
  const int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return ErrnoStatus(errno, "create", unfinished);
  std::unique_ptr<AtomicOutput> output(new AtomicOutput(fd, /*owned=*/true));
  output->target_ = target;
  output->unfinished_ = unfinished;
  return output;
}

std::unique_ptr<AtomicOutput> AtomicOutput::ToDescriptor(int fd) {
  return std::unique_ptr<AtomicOutput>(new AtomicOutput(fd, /*owned=*/false));
}

AtomicOutput::~AtomicOutput() {
  if (owned_ && fd_ >= 0) close(fd_);
  if (!unfinished_.empty()) unlink(unfinished_.c_str());
}

absl::Status AtomicOutput::Write(std::string_view bytes) {
  if (!error_.ok()) return error_;
  buffer_ += bytes;
  size_ += bytes.size();
  return buffer_.size() >= kBufferBytes ? Flush() : absl::OkStatus();
}

absl::Status AtomicOutput::Patch(uint64_t offset, std::string_view bytes) {
  if (!Flush().ok()) return error_;
  while (error_.ok() && !bytes.empty()) {
    const ssize_t wrote = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote >= 0) {
      bytes.remove_prefix(static_cast<size_t>(wrote));
      offset += static_cast<uint64_t>(wrote);
    } else if (errno != EINTR) {
      error_ = WriteError(errno, target_);
    }
  }
  return error_;
}

absl::Status AtomicOutput::Flush() {
  std::string_view rest = buffer_;
  while (error_.ok() && !rest.empty()) {
    const ssize_t wrote = write(fd_, rest.data(), rest.size());
    if (wrote >= 0) {
      rest.remove_prefix(static_cast<size_t>(wrote));
    } else if (errno != EINTR) {
      error_ = WriteError(errno, target_);
    }
  }
  buffer_.clear();
  return error_;
}

absl::Status AtomicOutput::Publish() {
  if (close(std::exchange(fd_, -1)) != 0) return ErrnoStatus(errno, "close", unfinished_);
  WEFT_RETURN_IF_ERROR(PublishFile(unfinished_, target_));
  unfinished_.clear();
  return absl::OkStatus();
}

absl::Status AtomicOutput::Finish() {
  if (Flush().ok() && !target_.empty() && !unfinished_.empty()) error_ = Publish();
  return error_;
}

}  // namespace weft
