// Where an export's bytes go: a file that appears whole or not at all, or a descriptor; on their way they may be compressed.
// Errors: ResourceExhausted when the disk is full (or the file-size limit is reached), Unavailable when a reader of the pipe
// has gone (the process ignores SIGPIPE and SIGXFSZ), else Internal. After an error nothing more is written.
// Thread rule: an object belongs to one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weft {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual absl::Status Write(std::string_view bytes) = 0;
  // All that was written is where it belongs.
  virtual absl::Status Finish() = 0;
};

class OutputFile : public ByteSink {
 public:
  // To a descriptor, which is not closed: standard output.
  static std::unique_ptr<OutputFile> ToDescriptor(int fd);
  // To a file that appears whole or not at all: written under another name beside it, durable and renamed by Finish(). What
  // is no regular file (/dev/null, a named pipe) is written directly.
  static absl::StatusOr<std::unique_ptr<OutputFile>> ToFile(const std::string& path);
  // Without Finish() the unfinished file is removed.
  ~OutputFile() override;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  absl::Status Write(std::string_view bytes) override;
  absl::Status Finish() override;
  // Bytes handed to Write so far.
  uint64_t position() const { return position_; }

 private:
  OutputFile(int fd, bool owned) : fd_(fd), owned_(owned) {}
  absl::Status Flush();
  absl::Status WriteAll(std::string_view bytes);
  absl::Status Publish();

  int fd_;
  bool owned_;
  std::string target_;      // empty: nothing is renamed
  std::string unfinished_;  // its name until then
  std::string buffer_;
  uint64_t position_ = 0;
  absl::Status error_;
};

// Where a symbolic link leads, so that the link stays and its target is replaced; else the path itself.
std::string ResolvedPath(const std::string& path);
// The name beside `target` under which this process writes until it is whole.
std::string UnfinishedName(const std::string& target);
// Makes a whole file durable and gives it its name.
absl::Status PublishFile(const std::string& unfinished, const std::string& target);

enum class Compression : uint8_t { kNone, kGzip, kZstd };

// By the end of a file's name: ".gz", ".zst".
Compression CompressionOf(std::string_view path);
// gzip as members of a few MiB, one behind the other; zstd as one frame with a checksum.
std::unique_ptr<ByteSink> Compressed(Compression compression, std::unique_ptr<ByteSink> to);

}  // namespace weft
