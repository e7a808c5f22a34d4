#include "cli/crawl_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/signals.h"
#include "common/clock.h"
#include "common/status.h"

namespace weft {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kLockName = "weft.lock";
constexpr std::string_view kSchedulerMark = "weft.scheduler";
constexpr std::string_view kKeysName = "keys";
constexpr std::string_view kPagesMark = "pages-directory-id";  // as storage/pages_directory.cc names it
constexpr absl::Duration kReadersPatience = absl::Seconds(10);
constexpr absl::Duration kLookAgain = absl::Milliseconds(20);

int ReadPid(int fd) {
  char text[32] = {};
  ssize_t got = pread(fd, text, sizeof text - 1, 0);
  return got > 0 ? std::atoi(text) : 0;
}

enum class Held { kByUs, kByReaders, kByAnother };

// weft status and weft export share the lock for as long as they read a crawl that nobody runs.
Held TryLock(int fd) {
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return Held::kByUs;
  if (flock(fd, LOCK_SH | LOCK_NB) != 0) return Held::kByAnother;
  flock(fd, LOCK_UN);
  return Held::kByReaders;
}

// A look at the crawl does not keep it from beginning: readers are waited for.
Held LockForWriting(int fd) {
  const absl::Time deadline = SystemClock().SteadyNow() + kReadersPatience;
  Held held = TryLock(fd);
  while (held == Held::kByReaders && SystemClock().SteadyNow() < deadline && WaitForSignal(kLookAgain) == 0) {
    held = TryLock(fd);
  }
  return held;
}

bool Holds(const std::string& path, std::string_view name) {
  std::error_code error;
  return fs::exists(fmt::format("{}/{}", path, name), error);
}

// Ours: empty, or begun by a crawl before.
bool IsCrawlOrEmpty(const std::string& path, std::string& stranger) {
  std::error_code error;
  bool ours = fs::exists(path + "/crawl.db", error) || fs::exists(path + "/" + std::string(kLockName), error);
  if (ours) return true;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    if (entry.path().filename() == kKeysName) continue;  // weft token new may come before the first start
    stranger = entry.path().filename().string();
    return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CrawlDirectory>> CrawlDirectory::OpenForCrawl(const std::string& path) {
  if (Holds(path, kSchedulerMark)) {
    return FailedPrecondition("--out {}: it is a scheduler's directory, whose pages lie with its workers; go on with: weft "
                              "scheduler --data {}", path, path);
  }
  WEFT_ASSIGN_OR_RETURN(auto directory, OpenToWrite(path, "--out"));
  std::error_code error;
  fs::create_directories(directory->warc_path(), error);
  if (error) return FailedPrecondition("{}: {}", directory->warc_path(), error.message());
  return directory;
}

absl::StatusOr<std::unique_ptr<CrawlDirectory>> CrawlDirectory::OpenForScheduler(const std::string& path) {
  std::error_code error;
  if (!Holds(path, kSchedulerMark) && fs::exists(path + "/warc", error)) {
    return FailedPrecondition("--data {}: it is the directory of weft crawl, which holds its pages too; go on with: weft crawl "
                              "--out {}", path, path);
  }
  WEFT_ASSIGN_OR_RETURN(auto directory, OpenToWrite(path, "--data"));
  const std::string mark = fmt::format("{}/{}", path, kSchedulerMark);
  const int fd = open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return FailedPrecondition("{}: {}", mark, std::strerror(errno));
  close(fd);
  return directory;
}

absl::StatusOr<std::unique_ptr<CrawlDirectory>> CrawlDirectory::OpenToWrite(const std::string& path,
                                                                           const std::string& flag) {
  if (Holds(path, kPagesMark)) {
    return FailedPrecondition("{} {}: it is a worker's --pages directory; choose another one, and read its pages with: weft "
                              "export DIR --pages {}, DIR being the scheduler's --data", flag, path, path);
  }
  std::error_code error;
  fs::create_directories(path, error);
  if (error || !fs::is_directory(path)) {
    return FailedPrecondition("{} {}: cannot be made a directory: {}; choose another place", flag, path,
                              error ? error.message() : "a file is there");
  }
  std::string stranger;
  if (!IsCrawlOrEmpty(path, stranger)) {
    return FailedPrecondition("{} {}: holds something else ('{}'), not a crawl; choose an empty directory", flag, path,
                              stranger);
  }
  std::unique_ptr<CrawlDirectory> directory(new CrawlDirectory());
  directory->path_ = path;
  WEFT_RETURN_IF_ERROR(directory->Lock(flag));
  return directory;
}

absl::StatusOr<std::unique_ptr<CrawlDirectory>> CrawlDirectory::OpenForPages(const std::string& path) {
  if (Exists(path)) {
    return FailedPrecondition("--pages {}: it is a crawl's or a scheduler's directory; choose another one for the worker",
                              path);
  }
  std::error_code error;
  fs::create_directories(path, error);
  if (error || !fs::is_directory(path)) {
    return FailedPrecondition("--pages {}: cannot be made a directory: {}; choose another place", path,
                              error ? error.message() : "a file is there");
  }
  std::unique_ptr<CrawlDirectory> directory(new CrawlDirectory());
  directory->path_ = path;
  WEFT_RETURN_IF_ERROR(directory->Lock("--pages"));
  return directory;
}

absl::Status CrawlDirectory::Lock(const std::string& flag) {
  directory_fd_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::string lock = path_ + "/" + std::string(kLockName);
  lock_fd_ = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_fd_ < 0 || directory_fd_ < 0) {
    return FailedPrecondition("{} {}: cannot be written: {}; make it writable, or choose another place", flag, path_,
                              std::strerror(errno));
  }
  const Held held = LockForWriting(lock_fd_);
  if (held == Held::kByReaders) {
    return FailedPrecondition("{}: weft export or weft status is reading there; wait for its end, and try again", path_);
  }
  if (held == Held::kByAnother) {
    return FailedPrecondition("{}: a process is at work there already (pid {}); stop it first, or choose another {}",
                              path_, ReadPid(lock_fd_), flag);
  }
  std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(lock_fd_, 0) != 0 || pwrite(lock_fd_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return FailedPrecondition("{} {}: cannot be written: {}; make it writable, or choose another place", flag, path_,
                              std::strerror(errno));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<CrawlDirectory>> CrawlDirectory::OpenToRead(const std::string& path) {
  std::error_code error;
  if (!Exists(path) && Holds(path, kPagesMark)) {
    return NotFound("{}: it is a worker's --pages directory; name the scheduler's --data directory, and this one with "
                    "--pages", path);
  }
  if (!fs::exists(path + "/crawl.db", error)) {
    return NotFound("{}: no crawl is there (crawl.db is missing); name the directory given to weft crawl as --out, or to weft "
                    "scheduler as --data", path);
  }
  std::unique_ptr<CrawlDirectory> directory(new CrawlDirectory());
  directory->path_ = path;
  directory->directory_fd_ = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::string lock = path + "/" + std::string(kLockName);
  directory->lock_fd_ = open(lock.c_str(), O_RDONLY | O_CLOEXEC);
  // Shared: several readers may look at a crawl that nobody runs; a crawl wants it alone.
  if (directory->lock_fd_ >= 0 && flock(directory->lock_fd_, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    directory->running_pid_ = ReadPid(directory->lock_fd_);
    close(directory->lock_fd_);
    directory->lock_fd_ = -1;
    if (directory->running_pid_ == 0) directory->running_pid_ = -1;
  }
  return directory;
}

bool CrawlDirectory::Exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path + "/crawl.db", error);
}

CrawlDirectory::~CrawlDirectory() {
  if (lock_fd_ >= 0) close(lock_fd_);
  if (directory_fd_ >= 0) close(directory_fd_);
}

std::string CrawlDirectory::control_endpoint() const {
  // Unix sockets' names are limited to 107 bytes; through the open descriptor every directory is near.
  return fmt::format("ipc:///proc/self/fd/{}/weft.sock", directory_fd_);
}

}  // namespace weft
