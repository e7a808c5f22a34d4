// Bytes that can be read at any place: a file, or memory. Thread rule: reads may come from any thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weft {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fixed when the source is opened: a file that grows is read up to here.
  virtual uint64_t size() const = 0;
  // Up to `size` bytes from `offset`; fewer only at the end or where the disk fails, which ends the source.
  virtual size_t ReadAt(uint64_t offset, char* to, size_t size) const = 0;
};

absl::StatusOr<std::unique_ptr<ByteSource>> OpenFileSource(const std::string& path);
// Takes the descriptor of a file of that size, and closes it in the end.
std::unique_ptr<ByteSource> SourceOfDescriptor(int fd, uint64_t size);

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}
  uint64_t size() const override { return bytes_.size(); }
  size_t ReadAt(uint64_t offset, char* to, size_t size) const override {
    return offset >= bytes_.size() ? 0 : bytes_.copy(to, size, offset);
  }

 private:
  std::string bytes_;
};

}  // namespace weft
