#include "storage/byte_coding.h"

namespace weft {
namespace {

void PutBigEndian(std::string& out, uint64_t value, int size) {
  for (int i = size - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace

void PutFixed16(std::string& out, uint16_t value) { PutBigEndian(out, value, 2); }
void PutFixed32(std::string& out, uint32_t value) { PutBigEndian(out, value, 4); }
void PutFixed64(std::string& out, uint64_t value) { PutBigEndian(out, value, 8); }

void PutVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void PutBytes(std::string& out, std::string_view bytes) {
  PutVarint(out, bytes.size());
  out.append(bytes);
}

std::string_view ByteReader::Raw(size_t size) {
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    return {};
  }
  std::string_view piece = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return piece;
}

uint64_t ByteReader::BigEndian(size_t size) {
  uint64_t value = 0;
  for (char c : Raw(size)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

uint8_t ByteReader::Fixed8() { return static_cast<uint8_t>(BigEndian(1)); }
uint16_t ByteReader::Fixed16() { return static_cast<uint16_t>(BigEndian(2)); }
uint32_t ByteReader::Fixed32() { return static_cast<uint32_t>(BigEndian(4)); }
uint64_t ByteReader::Fixed64() { return BigEndian(8); }

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
