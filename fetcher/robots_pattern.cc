#include "fetcher/robots_pattern.h"

#include <string.h>

#include <cstdint>

namespace weft {
namespace {

bool IsAlphanumeric(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 3986 2.3.
bool IsUnreserved(unsigned char c) {
  return IsAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// RFC 3986 2.2, but for `*` and `$`, which are special here.
bool IsPlainReserved(unsigned char c) {
  return c != '\0' && strchr(":/?#[]@!&'()+,;=", c) != nullptr;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void AppendEscaped(unsigned char c, std::string& out) {
  constexpr char kHex[] = "0123456789ABCDEF";
  out += '%';
  out += kHex[c >> 4];
  out += kHex[c & 15];
}

// Appends what stands at `i` in its one spelling and answers how many octets of the input that took.
size_t AppendNormalized(std::string_view in, size_t i, std::string& out) {
  const auto c = static_cast<unsigned char>(in[i]);
  if (c == '%' && i + 2 < in.size()) {
    const int high = HexValue(in[i + 1]);
    const int low = HexValue(in[i + 2]);
    if (high >= 0 && low >= 0) {
      const auto octet = static_cast<unsigned char>(high * 16 + low);
      if (IsUnreserved(octet)) {
        out += static_cast<char>(octet);
      } else {
        AppendEscaped(octet, out);
      }
      return 3;
    }
  }
  if (IsUnreserved(c) || IsPlainReserved(c)) {
    out += static_cast<char>(c);
  } else {
    AppendEscaped(c, out);
  }
  return 1;
}

}  // namespace

std::string NormalizeRobotsPath(std::string_view path) {
  std::string out;
  out.reserve(path.size() + 8);
  for (size_t i = 0; i < path.size();) i += AppendNormalized(path, i, out);
  return out;
}

RobotsPattern NormalizeRobotsPattern(std::string_view pattern) {
  RobotsPattern result;
  if (!pattern.empty() && pattern.back() == '$') {
    result.anchored = true;
    result.octets = 1;
    pattern.remove_suffix(1);
  }
  result.text.reserve(pattern.size());
  for (size_t i = 0; i < pattern.size();) {
    if (pattern[i] == '*') {
      result.wild = true;
      ++result.octets;
      if (result.text.empty() || result.text.back() != '*') result.text += '*';
      ++i;
      continue;
    }
    const size_t before = result.text.size();
    i += AppendNormalized(pattern, i, result.text);
    result.octets += result.text.size() - before;
  }
  return result;
}

bool RobotsWildcardMatch(std::string_view pattern, bool anchored, std::string_view path) {
  const size_t first_star = pattern.find('*');
  if (first_star == std::string_view::npos) {
    return anchored ? path == pattern : path.starts_with(pattern);
  }
  if (!path.starts_with(pattern.substr(0, first_star))) return false;
  path.remove_prefix(first_star);
  pattern.remove_prefix(first_star + 1);
  for (;;) {
    const size_t star = pattern.find('*');
    const std::string_view literal = pattern.substr(0, star);
    if (star == std::string_view::npos && anchored) return path.ends_with(literal);
    if (literal.empty() && star == std::string_view::npos) return true;
    // memmem is linear (two-way) in glibc; string_view::find is quadratic on "aaaa...".
    const void* found = memmem(path.data(), path.size(), literal.data(), literal.size());
    if (found == nullptr) return false;
    path.remove_prefix(static_cast<size_t>(static_cast<const char*>(found) - path.data()) + literal.size());
    if (star == std::string_view::npos) return true;
    pattern.remove_prefix(star + 1);
  }
}

}  // namespace weft
