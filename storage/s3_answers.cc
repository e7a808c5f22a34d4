#include "storage/s3_answers.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace weft {
namespace {

constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
    {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};

// "&#34;" at the front of `text`: its octet and length; characters beyond ASCII are no part of what is read here.
std::pair<int, size_t> CharacterReference(std::string_view text) {
  constexpr size_t kLongest = 7;
  const size_t end = text.substr(0, kLongest).find(';');
  if (!text.starts_with("&#") || end == std::string_view::npos) return {-1, 0};
  const bool hex = text.size() > 2 && (text[2] == 'x' || text[2] == 'X');
  int value = 0;
  for (const char c : text.substr(hex ? 3 : 2, end - (hex ? 3 : 2))) {
    const size_t digit = std::string_view("0123456789abcdef").find(static_cast<char>(c | 0x20));
    if (digit == std::string_view::npos || (!hex && digit > 9)) return {-1, 0};
    value = value * (hex ? 16 : 10) + static_cast<int>(digit);
  }
  return value < 128 ? std::make_pair(value, end + 1) : std::make_pair(-1, size_t{0});
}

std::string Unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t used = 0;
    for (const auto& [entity, octet] : kEntities) {
      if (!text.starts_with(entity)) continue;
      out += octet;
      used = entity.size();
    }
    if (const auto [octet, length] = CharacterReference(text); used == 0 && octet >= 0) {
      out += static_cast<char>(octet);
      used = length;
    }
    if (used == 0) {
      out += text.front();
      used = 1;
    }
    text.remove_prefix(used);
  }
  return out;
}

}  // namespace

std::vector<std::string_view> S3Elements(std::string_view xml, std::string_view name) {
  const std::string begin = fmt::format("<{}>", name);
  const std::string end = fmt::format("</{}>", name);
  std::vector<std::string_view> found;
  for (size_t at = xml.find(begin); at != std::string_view::npos; at = xml.find(begin, at)) {
    at += begin.size();
    const size_t close = xml.find(end, at);
    if (close == std::string_view::npos) break;
    found.push_back(xml.substr(at, close - at));
    at = close + end.size();
  }
  return found;
}

std::string S3Element(std::string_view xml, std::string_view name) {
  const std::vector<std::string_view> found = S3Elements(xml, name);
  return found.empty() ? "" : Unescape(found.front());
}

std::string S3Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    bool escaped = false;
    for (const auto& [entity, octet] : kEntities) {
      if (c != octet) continue;
      out += entity;
      escaped = true;
    }
    if (!escaped) out += c;
  }
  return out;
}

}  // namespace weft
