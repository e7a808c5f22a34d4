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
#include <utility>

#include "storage/atomic_output.h"

namespace weft {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual absl::Status Write(std::string_view bytes) = 0;
  // All that was written is where it belongs.
  virtual absl::Status Finish() = 0;
};

// An AtomicOutput as a sink.
class OutputFile : public ByteSink {
 public:
  static std::unique_ptr<OutputFile> ToDescriptor(int fd);
  static absl::StatusOr<std::unique_ptr<OutputFile>> ToFile(const std::string& path);

  absl::Status Write(std::string_view bytes) override { return output_->Write(bytes); }
  absl::Status Finish() override { return output_->Finish(); }
  // Bytes handed to Write so far.
  uint64_t position() const { return output_->size(); }

 private:
  explicit OutputFile(std::unique_ptr<AtomicOutput> output) : output_(std::move(output)) {}

  std::unique_ptr<AtomicOutput> output_;
};

enum class Compression : uint8_t { kNone, kGzip, kZstd };

// By the end of a file's name: ".gz", ".zst".
Compression CompressionOf(std::string_view path);
// gzip as members of a few MiB, one behind the other; zstd as one frame with a checksum.
std::unique_ptr<ByteSink> Compressed(Compression compression, std::unique_ptr<ByteSink> to);

}  // namespace weft
