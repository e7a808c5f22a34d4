#include "cli/key_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/status.h"
#include "storage/atomic_output.h"
#include "storage/file_ops.h"

namespace weft {
namespace {

constexpr size_t kLongestFile = 16 << 20;
constexpr std::string_view kPairHead = "weft-key-1\n";

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status WriteAll(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t wrote = write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return ErrnoStatus(errno, "write", path);
    text.remove_prefix(static_cast<size_t>(wrote));
  }
  return fsync(fd) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "sync", path);
}

absl::StatusOr<KeyPair> ReadPair(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::string text, ReadPrivateFile(path));
  std::string_view rest = text;
  if (!rest.starts_with(kPairHead)) return DataLoss("{}: it holds no key pair", path);
  rest.remove_prefix(kPairHead.size());
  KeyPair pair;
  pair.secret_key = std::string(rest.substr(0, rest.find('\n')));
  auto public_key = PublicKeyOf(pair.secret_key);
  if (!public_key.ok()) return DataLoss("{}: it holds no key pair", path);
  pair.public_key = *std::move(public_key);
  return pair;
}

}  // namespace

absl::Status WritePrivateFile(const std::string& path, std::string_view text) {
  const std::string unfinished = UnfinishedName(path);
  unlink(unfinished.c_str());
  absl::Status written;
  {
    Descriptor file(open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0) return ErrnoStatus(errno, "create", unfinished);
    written = WriteAll(file.get(), text, unfinished);
  }
  if (written.ok()) written = PublishFile(unfinished, path);
  if (!written.ok()) unlink(unfinished.c_str());
  return written;
}

absl::StatusOr<std::string> ReadPrivateFile(const std::string& path) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return NotFound("{}: there is no such file", path);
  if (file.get() < 0) return ErrnoStatus(errno, "read", path);
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return ErrnoStatus(errno, "read", path);
  if (S_ISREG(info.st_mode) && (info.st_mode & 077) != 0) {
    return FailedPrecondition("{}: others may read or change it (mode {:04o}), and it holds a secret; close it with: chmod 600 {}",
                              path, info.st_mode & 07777, path);
  }
  std::string text;
  std::array<char, 4096> piece{};
  while (true) {
    const ssize_t got = read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read", path);
    if (got == 0) return text;
    text.append(piece.data(), static_cast<size_t>(got));
    if (text.size() > kLongestFile) return InvalidArgument("{}: it is too long to be a key or a token", path);
  }
}

std::string KeysPath(const std::string& data_directory) { return data_directory + "/keys"; }

absl::Status MakeKeysDirectory(const std::string& keys_directory) {
  if (mkdir(keys_directory.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return ErrnoStatus(errno, "create", keys_directory);
}

absl::StatusOr<KeyPair> OpenSchedulerPair(const std::string& keys_directory) {
  WEFT_RETURN_IF_ERROR(MakeKeysDirectory(keys_directory));
  // One maker at a time: the scheduler and weft token new may be started together.
  Descriptor lock(open(keys_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.get() < 0 || flock(lock.get(), LOCK_EX) != 0) return ErrnoStatus(errno, "lock", keys_directory);
  const std::string path = keys_directory + "/scheduler.key";
  auto pair = ReadPair(path);
  if (pair.ok() || !absl::IsNotFound(pair.status())) return pair;
  WEFT_ASSIGN_OR_RETURN(KeyPair made, MakeKeyPair());
  WEFT_RETURN_IF_ERROR(WritePrivateFile(path, fmt::format("{}{}\n", kPairHead, made.secret_key)));
  return made;
}

}  // namespace weft
