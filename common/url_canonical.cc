// The way through the parser for a URL that is already as it serialises, which nearly all are that one node sends to another:
// every byte is looked at once, and the text becomes the href as it is. Whatever is not plainly so takes the long way.
#include <array>
#include <cstdint>

#include "common/percent_encoding.h"
#include "common/url_parser.h"

namespace weft {
namespace {

enum Plain : uint8_t { kInHost = 1, kInPath = 2, kInQuery = 4 };

// Bytes that mean themselves there and nothing else.
constexpr std::array<uint8_t, 256> MakePlainBytes() {
  std::array<uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    const unsigned encoded = internal::kEncodeSets[c];
    const bool ends_path = c == '/' || c == '\\' || c == '?' || c == '#';
    const bool in_name = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    if (in_name) table[c] |= kInHost;
    if ((encoded & static_cast<unsigned>(EncodeSet::kPath)) == 0 && !ends_path) table[c] |= kInPath;
    if ((encoded & static_cast<unsigned>(EncodeSet::kSpecialQuery)) == 0 && c != '#') table[c] |= kInQuery;
  }
  return table;
}

constexpr std::array<uint8_t, 256> kPlainBytes = MakePlainBytes();

// The first byte from `at` on that is not of this kind.
size_t EndOf(Plain kind, std::string_view text, size_t at) {
  while (at < text.size() && (kPlainBytes[static_cast<unsigned char>(text[at])] & kind) != 0) ++at;
  return at;
}

}  // namespace

bool UrlParser::TakeCanonical(std::string_view text) {
  const size_t scheme_end = text.starts_with("https://") ? 5 : text.starts_with("http://") ? 4 : 0;
  if (scheme_end == 0) return false;
  const size_t host_begin = scheme_end + 3;
  size_t label = host_begin;
  size_t at = EndOf(kInHost, text, label);
  for (; at < text.size() && text[at] == '.'; at = EndOf(kInHost, text, label)) label = at + 1;
  // A last label that begins with a digit may make an IPv4 address (3.5, "ends in a number").
  const bool is_name = label < at && text[label] >= 'a';
  if (!is_name || at == text.size() || text[at] != '/') return false;
  const size_t host_end = at;
  while (at < text.size() && text[at] == '/') {
    const size_t segment = at + 1;
    const bool may_be_dots = segment < text.size() && (text[segment] == '.' || text[segment] == '%');
    if (may_be_dots) return false;
    at = EndOf(kInPath, text, segment);
  }
  const size_t path_end = at;
  if (at < text.size() && text[at] == '?') at = EndOf(kInQuery, text, at + 1);
  if (at < text.size()) return false;
  url_.href_ = text;
  url_.scheme_end_ = static_cast<uint32_t>(scheme_end);
  url_.userinfo_begin_ = url_.host_begin_ = static_cast<uint32_t>(host_begin);
  url_.host_end_ = url_.path_begin_ = static_cast<uint32_t>(host_end);
  if (path_end < text.size()) url_.query_begin_ = static_cast<uint32_t>(path_end);
  return true;
}

}  // namespace weft
