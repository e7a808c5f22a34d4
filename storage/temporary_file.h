// A file without a name, written once from its beginning and then read: it vanishes with the process, however that ends.
// Thread rule: one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/byte_source.h"

namespace weft {

class TemporaryFile {
 public:
  // In `directory`, on whose disk its bytes lie.
  static absl::StatusOr<TemporaryFile> Create(const std::string& directory);
  ~TemporaryFile();
  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&&) = delete;

  absl::Status Write(std::string_view bytes);
  uint64_t size() const { return size_; }
  // What was written, to be read. Nothing is written any more.
  absl::StatusOr<std::unique_ptr<ByteSource>> Finish();

 private:
  explicit TemporaryFile(int fd) : fd_(fd) {}
  absl::Status Flush();

  int fd_;
  std::string buffer_;
  uint64_t size_ = 0;
};

}  // namespace weft
