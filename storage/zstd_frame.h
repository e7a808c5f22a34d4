// zstd frames (RFC 8878) of a .warc.zst file: one a record, with an optional dictionary for all of them in a skippable
// frame at the front, itself compressed or not ("Zstandard in WARC", IIPC). Thread rule: objects belong to one thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/byte_source.h"
#include "storage/member_reader.h"

namespace weft {

inline constexpr std::string_view kZstdMagic = "\x28\xB5\x2F\xFD";
inline constexpr std::string_view kZstdDictionaryMagic = "\x5D\x2A\x4D\x18";
// A dictionary is seldom larger than 1 MiB.
inline constexpr size_t kLargestZstdDictionary = 16u << 20;

// The dictionary at the front of `source`; empty where there is none. DataLoss: there is one, and it cannot be read.
absl::StatusOr<std::string> ReadZstdDictionary(const ByteSource& source);

// Compresses frames into a caller's buffer, piece by piece. Reusable. Every frame tells its size and ends with a checksum: what
// a crash has left is told from what is whole by it.
class ZstdFrameWriter {
 public:
  ZstdFrameWriter();
  ~ZstdFrameWriter();
  ZstdFrameWriter(const ZstdFrameWriter&) = delete;
  ZstdFrameWriter& operator=(const ZstdFrameWriter&) = delete;
  // Appends one frame to `out`, of pieces with `size` bytes in all; it is whole after Finish().
  void Begin(std::string* out, uint64_t size);
  void Add(std::string_view piece);
  void Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Reads frames of a source, one at a time; a skippable frame is one without content. Memory is zstd's window, which may
// be 128 MiB at the most (a frame that asks for more is damaged), and one buffer.
class ZstdFrameReader : public MemberReader {
 public:
  ZstdFrameReader(const ByteSource& source, std::string_view dictionary);
  ~ZstdFrameReader() override;
  ZstdFrameReader(const ZstdFrameReader&) = delete;
  ZstdFrameReader& operator=(const ZstdFrameReader&) = delete;

  void Start(uint64_t offset) override;
  size_t Read(char* to, size_t size) override;
  uint64_t position() const override { return input_offset_ + used_; }

 private:
  struct Context;
  const ByteSource& source_;
  std::unique_ptr<Context> context_;
  std::string input_;
  size_t used_ = 0;            // of input_
  uint64_t input_offset_ = 0;  // in the source, of input_'s first byte
};

}  // namespace weft
