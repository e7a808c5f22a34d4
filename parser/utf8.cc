#include "parser/utf8.h"

#include <algorithm>
#include <cstring>

namespace weft {
namespace {

// Length of the well-formed sequence at `p`, or 0.
size_t Sequence(const unsigned char* p, const unsigned char* end) {
  const unsigned char lead = *p;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  size_t need = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    need = 1;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    need = 2;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    need = 3;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return lead < 0x80 ? 1 : 0;
  }
  for (size_t i = 1; i <= need; ++i) {
    if (p + i >= end || p[i] < low || p[i] > high) return 0;
    low = 0x80;
    high = 0xBF;
  }
  return need + 1;
}

const unsigned char* Bytes(std::string_view view) { return reinterpret_cast<const unsigned char*>(view.data()); }

const unsigned char* SkipAscii(const unsigned char* p, const unsigned char* end) {
  constexpr uint64_t kHighBits = 0x8080808080808080ULL;
  while (end - p >= 32) {
    uint64_t words[4];
    std::memcpy(words, p, sizeof words);
    if (((words[0] | words[1] | words[2] | words[3]) & kHighBits) != 0) break;
    p += 32;
  }
  while (p < end && *p < 0x80) ++p;
  return p;
}

}  // namespace

size_t AsciiPrefix(std::string_view bytes) {
  const unsigned char* begin = Bytes(bytes);
  return static_cast<size_t>(SkipAscii(begin, begin + bytes.size()) - begin);
}

size_t ValidUtf8Prefix(std::string_view bytes) {
  const unsigned char* begin = Bytes(bytes);
  const unsigned char* end = begin + bytes.size();
  const unsigned char* p = begin;
  while (p < end) {
    if (*p < 0x80) {
      p = SkipAscii(p, end);
      continue;
    }
    const size_t length = Sequence(p, end);
    if (length == 0) break;
    p += length;
  }
  return static_cast<size_t>(p - begin);
}

void AppendUtf8(uint32_t code_point, std::string* out) {
  const auto push = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    push(code_point);
  } else if (code_point < 0x800) {
    push(0xC0 | (code_point >> 6));
    push(0x80 | (code_point & 0x3F));
  } else if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
    out->append(kReplacementUtf8);
  } else if (code_point < 0x10000) {
    push(0xE0 | (code_point >> 12));
    push(0x80 | ((code_point >> 6) & 0x3F));
    push(0x80 | (code_point & 0x3F));
  } else {
    push(0xF0 | (code_point >> 18));
    push(0x80 | ((code_point >> 12) & 0x3F));
    push(0x80 | ((code_point >> 6) & 0x3F));
    push(0x80 | (code_point & 0x3F));
  }
}

uint32_t NextCodePoint(std::string_view utf8, size_t* position) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(utf8[i])); };
  const size_t i = *position;
  const uint32_t lead = byte(i);
  if (lead < 0x80 || i + 1 >= utf8.size()) {
    *position = i + 1;
    return lead;
  }
  const size_t length = std::min<size_t>(lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2, utf8.size() - i);
  uint32_t code_point = lead & (0x7FU >> length);
  for (size_t k = 1; k < length; ++k) code_point = (code_point << 6) | (byte(i + k) & 0x3F);
  *position = i + length;
  return code_point;
}

}  // namespace weft
