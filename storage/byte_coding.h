// Bytes of the CrawlDb's keys and values: big-endian numbers in keys, so that byte order is number order; varints and
// length-prefixed strings in values. The reader takes any bytes: it never reads past the end, and what is missing makes
// it fail for good. Pure functions and values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/big_endian.h"

namespace weft {

template <typename T>
void PutBigEndian(std::string& out, T value) {
  char bytes[sizeof value];
  StoreBigEndian(value, bytes);
  out.append(bytes, sizeof bytes);
}
inline void PutFixed16(std::string& out, uint16_t value) { PutBigEndian(out, value); }
inline void PutFixed32(std::string& out, uint32_t value) { PutBigEndian(out, value); }
inline void PutFixed64(std::string& out, uint64_t value) { PutBigEndian(out, value); }
inline void PutVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}
inline void PutBytes(std::string& out, std::string_view bytes) {
  PutVarint(out, bytes.size());
  out.append(bytes);
}

// After the first piece that is not there every read answers zero or empty, and ok() stays false.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  uint8_t Fixed8();
  uint16_t Fixed16();
  uint32_t Fixed32();
  uint64_t Fixed64();
  uint64_t Varint();
  // Fails also where the number does not fit.
  uint32_t Varint32();
  // The length-prefixed string; the view lives as long as the bytes that are read.
  std::string_view Bytes();
  std::string_view Raw(size_t size);

  bool ok() const { return ok_; }
  // Everything was read and nothing was missing.
  bool AtEnd() const { return ok_ && rest_.empty(); }

 private:
  template <typename T>
  T BigEndian();

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace weft
