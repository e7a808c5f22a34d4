#include "common/utf8.h"

namespace weft {
namespace {

struct Sequence {
  size_t length;  // of the well-formed sequence, or of the ill-formed part to replace
  bool valid;
};

// Encoding Standard 8.1.1: the bounds of the second byte exclude overlong forms, surrogates and what is past U+10FFFF.
Sequence SequenceAt(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) return {1, true};
  if (lead < 0xc2 || lead > 0xf4) return {1, false};
  const size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  unsigned lower = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  unsigned upper = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  for (size_t i = 1; i < length; ++i) {
    if (at + i >= text.size() || byte(at + i) < lower || byte(at + i) > upper) return {i, false};
    lower = 0x80;
    upper = 0xbf;
  }
  return {length, true};
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Sequence sequence = SequenceAt(text, at);
    if (!sequence.valid) return false;
    at += sequence.length;
  }
  return true;
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  for (size_t at = 0; at < text.size();) {
    const Sequence sequence = SequenceAt(text, at);
    if (sequence.valid) {
      out.append(text, at, sequence.length);
    } else {
      out += "\xef\xbf\xbd";
    }
    at += sequence.length;
  }
  return out;
}

}  // namespace weft
