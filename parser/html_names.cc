#include "parser/html_names.h"

#include <array>

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

size_t Slot(std::string_view name) {
  const auto at = [name](size_t i) { return static_cast<size_t>(AsciiLower(name[i])); };
  return (at(0) * 31 + at(name.size() / 2) * 7 + at(name.size() - 1) * 131 + name.size() * 57) % kSlots;
}

struct Index {
  std::array<uint8_t, kSlots> element_at = {};  // a HtmlName; open addressing

  Index() {
    for (size_t i = 1; i < kHtmlNames; ++i) {
      size_t slot = Slot(kElements[i].name);
      while (element_at[slot] != 0) slot = (slot + 1) % kSlots;
      element_at[slot] = static_cast<uint8_t>(i);
    }
  }
};
const Index kIndex;

}  // namespace

const HtmlElement& FindHtmlElement(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return kElements[0];
  for (size_t slot = Slot(name); kIndex.element_at[slot] != 0; slot = (slot + 1) % kSlots) {
    const HtmlElement& element = kElements[kIndex.element_at[slot]];
    if (EqualsIgnoringCase(name, element.name)) return element;
  }
  return kElements[0];
}

const HtmlElement& HtmlElementOf(HtmlName name) { return kElements[static_cast<size_t>(name)]; }

}  // namespace weft
