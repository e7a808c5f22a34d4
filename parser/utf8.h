// UTF-8 checks for untrusted bytes (Unicode 15, table 3-7; Encoding standard, "UTF-8 decoder"). Pure functions, any
// thread, linear time.
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

// Each maximal subpart of an ill-formed sequence becomes one U+FFFD.
std::string ReplaceInvalidUtf8(std::string_view bytes);

// Appends a scalar value; surrogates and values beyond U+10FFFF become U+FFFD.
void AppendUtf8(uint32_t code_point, std::string* out);

// Next code point of well-formed UTF-8; advances *position.
uint32_t NextCodePoint(std::string_view utf8, size_t* position);

inline constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";

}  // namespace weft
