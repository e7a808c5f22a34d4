#include "storage/temporary_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/status.h"
#include "storage/file_ops.h"

namespace weft {
namespace {
constexpr size_t kBufferBytes = 256 * 1024;
}  // namespace

absl::StatusOr<TemporaryFile> TemporaryFile::Create(const std::string& directory) {
  std::string path = directory + "/weft-XXXXXX.unfinished";
  const int fd = mkostemps(path.data(), 11, O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "create a file in", directory);
  unlink(path.c_str());
  return TemporaryFile(fd);
}

TemporaryFile::~TemporaryFile() {
  if (fd_ >= 0) close(fd_);
}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)), size_(other.size_) {}

absl::Status TemporaryFile::Write(std::string_view bytes) {
  buffer_ += bytes;
  size_ += bytes.size();
  return buffer_.size() >= kBufferBytes ? Flush() : absl::OkStatus();
}

absl::Status TemporaryFile::Flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t wrote = write(fd_, rest.data(), rest.size());
    if (wrote >= 0) {
      rest.remove_prefix(static_cast<size_t>(wrote));
    } else if (errno != EINTR) {
      return ErrnoStatus(errno, "write", "a temporary file");
    }
  }
  buffer_.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ByteSource>> TemporaryFile::Finish() {
  WEFT_RETURN_IF_ERROR(Flush());
  return SourceOfDescriptor(std::exchange(fd_, -1), size_);
}

}  // namespace weft
