// What the names of WARC files may begin with (--warc-prefix). Thread rule: free functions.
#pragma once

#include <algorithm>
#include <string_view>

namespace weft {

inline constexpr std::string_view kWarcPrefix = "weft";  // where nobody chose another
inline constexpr size_t kLongestWarcPrefix = 64;

inline bool BelongsInFileName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

// Letters, digits, '.', '_' and '-', at most 64; the first is a letter or a digit.
inline bool IsWarcPrefix(std::string_view text) {
  if (text.empty() || text.size() > kLongestWarcPrefix) return false;
  const bool begins = text[0] != '.' && text[0] != '-' && text[0] != '_';
  return begins && std::all_of(text.begin(), text.end(), BelongsInFileName);
}

}  // namespace weft
