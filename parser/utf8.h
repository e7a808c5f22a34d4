// UTF-8 in pieces: prefixes of untrusted bytes (Unicode 15, table 3-7) and single code points. Whole texts: common/utf8.h.
// Pure functions, any thread, linear time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

// Length of the longest prefix that is ASCII.
size_t AsciiPrefix(std::string_view bytes);

// Length of the longest prefix that is well-formed UTF-8 (no surrogates, no overlong forms).
size_t ValidUtf8Prefix(std::string_view bytes);

// Appends a scalar value; surrogates and values beyond U+10FFFF become U+FFFD.
void AppendUtf8(uint32_t code_point, std::string* out);

// Next code point of well-formed UTF-8; advances *position.
uint32_t NextCodePoint(std::string_view utf8, size_t* position);

inline constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";

}  // namespace weft
