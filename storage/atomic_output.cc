#include "storage/atomic_output.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

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

namespace {

constexpr std::string_view kUnfinished = ".unfinished";

// The process that `name` is of, if it is an unfinished file of the file `of` (or what SQLite lays beside one); else 0.
pid_t WriterOf(std::string_view name, std::string_view of) {
  const size_t end = name.find(kUnfinished);
  if (!name.starts_with(of) || end == std::string_view::npos || end <= of.size() + 1 || name[of.size()] != '.') return 0;
  const std::string_view behind = name.substr(end + kUnfinished.size());
  if (!behind.empty() && behind != "-journal" && behind != "-wal" && behind != "-shm") return 0;
  const std::string_view digits = name.substr(of.size() + 1, end - of.size() - 1);
  pid_t pid = 0;
  const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
  return error == std::errc() && last == digits.data() + digits.size() && pid > 0 ? pid : 0;
}

bool Lives(pid_t pid) { return kill(pid, 0) == 0 || errno != ESRCH; }

bool IsLocked(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return true;
  const bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0;
  close(fd);
  return locked;
}

}  // namespace

void RemoveLeftovers(const std::string& path) {
  const std::string target = ResolvedPath(path);
  const std::string directory = DirectoryOf(target);
  const std::string name = target.substr(target.rfind('/') + 1);
  std::error_code error;
  std::vector<std::string> found;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string there = it->path().filename().string();
    const pid_t writer = WriterOf(there, name);
    if (writer > 0 && !Lives(writer)) found.push_back(it->path().string());
  }
  for (const std::string& left : found) {
    if (!IsLocked(left)) unlink(left.c_str());
  }
}

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
  if (fd < 0) {
    const int error = errno;
    const std::string directory = DirectoryOf(target);
    if (error == ENOENT) return NotFound("cannot write {}: there is no directory {}", path, directory);
    return ErrnoStatus(error, "create a file for the output in", directory);
  }
  flock(fd, LOCK_EX | LOCK_NB);  // for RemoveLeftovers; where it cannot be had the process' id tells
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
