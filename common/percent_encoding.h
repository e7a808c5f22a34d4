// Percent-encode sets, encoding and decoding as in the URL Standard, 1.3. Pure functions over bytes, linear time.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

// The sets nest as in the standard; "special-query" is the query of http, https, ws, wss, ftp and file URLs.
enum class EncodeSet : uint8_t {
  kC0Control = 1,
  kFragment = 2,
  kQuery = 4,
  kSpecialQuery = 8,
  kPath = 16,
  kUserinfo = 32,
};

namespace internal {

constexpr uint8_t EncodeSetsOf(unsigned c) {
  constexpr auto kIn = [](std::string_view set, unsigned byte) {
    return set.find(static_cast<char>(byte)) != std::string_view::npos;
  };
  if (c <= 0x1f || c > 0x7e) return 0x3f;
  const bool query = kIn(" \"#<>", c);
  const bool path = query || kIn("?^`{}", c);
  unsigned sets = 0;
  if (kIn(" \"<>`", c)) sets |= static_cast<unsigned>(EncodeSet::kFragment);
  if (query) sets |= static_cast<unsigned>(EncodeSet::kQuery);
  if (query || c == '\'') sets |= static_cast<unsigned>(EncodeSet::kSpecialQuery);
  if (path) sets |= static_cast<unsigned>(EncodeSet::kPath);
  if (path || kIn("/:;=@[\\]|", c)) sets |= static_cast<unsigned>(EncodeSet::kUserinfo);
  return static_cast<uint8_t>(sets);
}

constexpr std::array<uint8_t, 256> MakeEncodeSets() {
  std::array<uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) table[c] = EncodeSetsOf(c);
  return table;
}

inline constexpr std::array<uint8_t, 256> kEncodeSets = MakeEncodeSets();

}  // namespace internal

inline bool InEncodeSet(char c, EncodeSet set) {
  return (internal::kEncodeSets[static_cast<unsigned char>(c)] & static_cast<unsigned>(set)) != 0;
}

// 0..15, or -1.
constexpr int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The octet that "%XX" at text[at] stands for, or -1 where there is no complete one.
constexpr int EscapedOctet(std::string_view text, size_t at) {
  if (text.size() - at < 3 || text[at] != '%') return -1;
  const int high = HexValue(text[at + 1]);
  const int low = HexValue(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// "%XX", upper case.
void AppendEscaped(char octet, std::string& out);
// `text` with every octet of `set` as %XX. An existing "%" stays as it is.
void AppendPercentEncoded(std::string_view text, EncodeSet set, std::string& out);
// Every %XX once; a "%" without two digits stays.
std::string PercentDecode(std::string_view text);

}  // namespace weft
