#include "storage/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/status.h"
#include "storage/file_ops.h"

namespace weft {
namespace {

class FileSource : public ByteSource {
 public:
  FileSource(int fd, uint64_t size) : fd_(fd), size_(size) {}
  ~FileSource() override { close(fd_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  uint64_t size() const override { return size_; }

  size_t ReadAt(uint64_t offset, char* to, size_t size) const override {
    size_t have = 0;
    while (have < size && offset + have < size_) {
      const ssize_t got = pread(fd_, to + have, size - have, static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      have += static_cast<size_t>(got);
    }
    return have;
  }

 private:
  int fd_;
  uint64_t size_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenFileSource(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  struct stat info {};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    return InvalidArgument("cannot read {}: not a regular file", path);
  }
  posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  return SourceOfDescriptor(fd, static_cast<uint64_t>(info.st_size));
}

std::unique_ptr<ByteSource> SourceOfDescriptor(int fd, uint64_t size) { return std::make_unique<FileSource>(fd, size); }

}  // namespace weft
