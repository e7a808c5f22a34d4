// Parses WARC records out of a stream of uncompressed bytes. Untrusted input: total, linear, bounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/warc_reader.h"

namespace weft {

// A stream with look-ahead.
class WarcInput {
 public:
  virtual ~WarcInput() = default;

  // At least `count` bytes ahead, or fewer where the stream ends before.
  std::string_view Peek(size_t count);
  std::string_view buffered() const { return std::string_view(buffer_).substr(next_); }
  // Adds to buffered(); false at the end of the stream.
  bool Fill();
  void Consume(size_t count) { next_ += count; }
  // Appends `count` bytes to `out` (nullptr: throws them away); false where the stream ends before.
  bool Take(uint64_t count, std::string* out);
  void SkipLineEnds();
  bool AtEnd() { return Peek(1).empty(); }

 protected:
  // Up to `size` bytes; 0 at the end.
  virtual size_t Read(char* to, size_t size) = 0;
  void Clear();

 private:
  std::string buffer_;
  size_t next_ = 0;
};

inline constexpr size_t kLongestWarcHead = 256 * 1024;

enum class WarcFault {
  kNone,
  kNotWarc,     // no "WARC/" here; nothing was consumed
  kEndlessHead, // no empty line; nothing was consumed
  kNoLength,    // the head was consumed
  kTooLong,     // longer than max_bytes; the record was consumed
  kCut,         // the stream ends, or will end, within the record; the head was consumed
};
std::string_view WarcFaultText(WarcFault fault);

// The record at the front of `input`, which holds at most `available` bytes. Fills head, version, fields, block, terminated.
// Consumes the line ends behind the record too.
WarcFault ReadWarcRecord(WarcInput& input, uint64_t available, uint64_t max_bytes, WarcRecord& record);

}  // namespace weft
