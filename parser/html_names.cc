#include "parser/html_names.h"

#include <array>
#include <cstring>

#include "parser/ascii.h"

namespace weft {
namespace {

using E = HtmlElement;

constexpr HtmlElement kElements[] = {
    {},
#define WEFT_HTML_ELEMENT(symbol, name, traits) {name, HtmlName::symbol, traits},
#include "parser/html_elements.inc"
#undef WEFT_HTML_ELEMENT
};
static_assert(std::size(kElements) == kHtmlNames);
constexpr size_t kSlots = 1024;
constexpr size_t kLongestName = 14;

// The first eight bytes, with the bit set that makes capital letters small: told apart from every name that is listed, but
// for control characters taken for digits or "-".
uint64_t Start(std::string_view name) {
  const auto load = [&name](size_t at, auto number) {
    std::memcpy(&number, name.data() + at, sizeof number);
    return uint64_t{number};
  };
  const size_t size = name.size();
  uint64_t start = 0;
  if (size >= 8) {
    start = load(0, uint64_t{});
  } else if (size >= 4) {
    start = load(0, uint32_t{}) | load(size - 4, uint32_t{}) << (8 * (size - 4));
  } else {
    start = load(0, uint8_t{}) | load(size / 2, uint8_t{}) << (8 * (size / 2)) | load(size - 1, uint8_t{}) << (8 * (size - 1));
  }
  return start | 0x2020202020202020;
}

size_t Slot(uint64_t start, size_t length) { return ((start ^ length) * 0x9E3779B97F4A7C15) >> 54; }
static_assert(kSlots == size_t{1} << (64 - 54));

struct Index {
  std::array<uint8_t, kSlots> element_at = {};  // a HtmlName; open addressing
  std::array<uint64_t, kHtmlNames> start_of = {};

  Index() {
    for (size_t i = 1; i < kHtmlNames; ++i) {
      start_of[i] = Start(kElements[i].name);
      size_t slot = Slot(start_of[i], kElements[i].name.size());
      while (element_at[slot] != 0) slot = (slot + 1) % kSlots;
      element_at[slot] = static_cast<uint8_t>(i);
    }
  }
};
const Index kIndex;

// All bytes, once the first eight are alike.
bool IsSame(std::string_view name, std::string_view listed) {
  if (name.size() != listed.size()) return false;
  const bool certain = name.size() <= 8 && listed.back() > '9';  // of those, headings alone hold a digit
  return certain || EqualsIgnoringCase(name, listed);
}

}  // namespace

const HtmlElement& FindHtmlElement(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return kElements[0];
  const uint64_t start = Start(name);
  for (size_t slot = Slot(start, name.size()); kIndex.element_at[slot] != 0; slot = (slot + 1) % kSlots) {
    const size_t i = kIndex.element_at[slot];
    if (kIndex.start_of[i] == start && IsSame(name, kElements[i].name)) return kElements[i];
  }
  return kElements[0];
}

const HtmlElement& HtmlElementOf(HtmlName name) { return kElements[static_cast<size_t>(name)]; }

}  // namespace weft
