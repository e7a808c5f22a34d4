#include "parser/character_references.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include "parser/ascii.h"
#include "parser/byte_search.h"
#include "parser/utf8.h"

namespace weft {
namespace {

struct NamedReference {
  std::string_view name;
  std::string_view characters;
};

constexpr NamedReference kNamedReferences[] = {
#include "parser/named_references.inc"
};
constexpr size_t kLongestName = 32;

static_assert(std::is_sorted(std::begin(kNamedReferences), std::end(kNamedReferences),
                             [](const NamedReference& a, const NamedReference& b) { return a.name < b.name; }));

// "Numeric character reference end state": what C1 controls stand for.
constexpr std::array<uint16_t, 32> kC1 = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

bool IsAlphanumeric(char c) { return IsAsciiAlpha(c) || IsAsciiDigit(c); }

int HexDigit(char c) {
  if (IsAsciiDigit(c)) return c - '0';
  const char lower = AsciiLower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The longest name that `rest` (after "&") starts with.
const NamedReference* LongestName(std::string_view rest) {
  size_t length = 0;
  while (length < rest.size() && length < kLongestName && IsAlphanumeric(rest[length])) ++length;
  if (length < rest.size() && length < kLongestName && rest[length] == ';') ++length;
  for (; length >= 2; --length) {
    const std::string_view name = rest.substr(0, length);
    const auto* found = std::lower_bound(std::begin(kNamedReferences), std::end(kNamedReferences), name,
                                         [](const NamedReference& a, std::string_view b) { return a.name < b; });
    if (found != std::end(kNamedReferences) && found->name == name) return found;
  }
  return nullptr;
}

// Each returns how much of `rest` (after "&") it consumed; 0 = no reference here.
size_t DecodeNamed(std::string_view rest, ReferenceContext context, std::string* out) {
  const NamedReference* found = LongestName(rest);
  if (found == nullptr) return 0;
  const size_t length = found->name.size();
  if (context == ReferenceContext::kAttribute && found->name.back() != ';' && length < rest.size() &&
      (rest[length] == '=' || IsAlphanumeric(rest[length]))) {
    return 0;
  }
  out->append(found->characters);
  return length;
}

size_t DecodeNumeric(std::string_view rest, std::string* out) {
  size_t i = 1;
  const bool hex = i < rest.size() && AsciiLower(rest[i]) == 'x';
  if (hex) ++i;
  const size_t first = i;
  uint32_t value = 0;
  for (; i < rest.size(); ++i) {
    const int digit = HexDigit(rest[i]);
    if (digit < 0 || (!hex && digit > 9)) break;
    value = std::min<uint32_t>(value * (hex ? 16 : 10) + static_cast<uint32_t>(digit), 0x110000);
  }
  if (i == first) return 0;
  if (i < rest.size() && rest[i] == ';') ++i;
  if (value == 0) value = 0xFFFD;
  if (value >= 0x80 && value < 0xA0) value = kC1[value - 0x80];
  AppendUtf8(value, out);
  return i;
}

}  // namespace

bool NeedsDecoding(std::string_view raw) { return FindEither(raw, '&', '\0', 0) != raw.npos; }

std::string DecodeCharacterReferences(std::string_view raw, ReferenceContext context) {
  std::string out;
  out.reserve(raw.size());
  for (size_t i = 0; i < raw.size();) {
    const size_t special = std::min(FindEither(raw, '&', '\0', i), raw.size());
    out.append(raw.substr(i, special - i));
    if (special == raw.size()) break;
    i = special + 1;
    if (raw[special] == '\0') {
      out.append(kReplacementUtf8);
      continue;
    }
    const std::string_view rest = raw.substr(i);
    size_t used = 0;
    if (!rest.empty()) used = rest[0] == '#' ? DecodeNumeric(rest, &out) : DecodeNamed(rest, context, &out);
    if (used == 0) out.push_back('&');
    i += used;
  }
  return out;
}

}  // namespace weft
