#include "storage/byte_coding.h"

namespace weft {

std::string_view ByteReader::Raw(size_t size) {
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    return {};
  }
  std::string_view piece = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return piece;
}

template <typename T>
T ByteReader::BigEndian() {
  const std::string_view bytes = Raw(sizeof(T));
  return bytes.empty() ? T{0} : LoadBigEndian<T>(bytes.data());
}

uint8_t ByteReader::Fixed8() { return BigEndian<uint8_t>(); }
uint16_t ByteReader::Fixed16() { return BigEndian<uint16_t>(); }
uint32_t ByteReader::Fixed32() { return BigEndian<uint32_t>(); }
uint64_t ByteReader::Fixed64() { return BigEndian<uint64_t>(); }

uint64_t ByteReader::Varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    uint8_t byte = Fixed8();
    if (shift == 63 && byte > 1) ok_ = false;  // does not fit in 64 bits
    if (!ok_) return 0;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  ok_ = false;
  return 0;
}

uint32_t ByteReader::Varint32() {
  uint64_t value = Varint();
  if (value > UINT32_MAX) ok_ = false;
  return ok_ ? static_cast<uint32_t>(value) : 0;
}

std::string_view ByteReader::Bytes() {
  uint64_t size = Varint();
  return Raw(size);
}

}  // namespace weft
