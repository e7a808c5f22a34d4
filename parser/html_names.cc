#include "parser/html_names.h"

#include <array>
#include <cstddef>

#include "parser/ascii.h"

namespace weft {
namespace {

using N = HtmlName;
constexpr uint8_t V = HtmlElement::kVoid;
constexpr uint8_t I = HtmlElement::kImplied;
constexpr uint8_t B = HtmlElement::kBlock;
constexpr uint8_t C = HtmlElement::kCell;
constexpr uint8_t H = HtmlElement::kHidden;
constexpr uint8_t X = HtmlElement::kBreakout;
constexpr uint8_t T = HtmlElement::kNeedsTree;

constexpr HtmlElement kElements[] = {
    {"a", N::kA, 0}, {"address", N::kOther, B}, {"area", N::kArea, V}, {"article", N::kOther, B},
    {"aside", N::kOther, B}, {"b", N::kOther, X}, {"base", N::kBase, V}, {"basefont", N::kOther, V},
    {"bgsound", N::kOther, V}, {"big", N::kOther, X}, {"blockquote", N::kOther, B | X},
    {"body", N::kBody, I | B | X}, {"br", N::kOther, V | B | X}, {"caption", N::kOther, I | B},
    {"center", N::kOther, B | X}, {"code", N::kOther, X}, {"col", N::kOther, V}, {"colgroup", N::kOther, I},
    {"dd", N::kOther, I | B | X}, {"desc", N::kDesc, 0}, {"details", N::kOther, B}, {"dialog", N::kOther, B},
    {"dir", N::kOther, B}, {"div", N::kOther, B | X}, {"dl", N::kOther, B | X}, {"dt", N::kOther, I | B | X},
    {"em", N::kOther, X}, {"embed", N::kOther, V | X}, {"fieldset", N::kOther, B}, {"figcaption", N::kOther, B},
    {"figure", N::kOther, B}, {"footer", N::kOther, B}, {"foreignobject", N::kForeignObject, 0},
    {"form", N::kOther, B}, {"frame", N::kFrame, V | T}, {"frameset", N::kOther, B | T}, {"h1", N::kOther, B | X},
    {"h2", N::kOther, B | X}, {"h3", N::kOther, B | X}, {"h4", N::kOther, B | X}, {"h5", N::kOther, B | X},
    {"h6", N::kOther, B | X}, {"head", N::kOther, I | H | X}, {"header", N::kOther, B}, {"hgroup", N::kOther, B},
    {"hr", N::kOther, V | B | X}, {"html", N::kHtml, I | B}, {"i", N::kOther, X}, {"iframe", N::kIframe, H},
    {"image", N::kOther, V | T}, {"img", N::kOther, V | X}, {"input", N::kOther, V}, {"keygen", N::kOther, V},
    {"legend", N::kOther, B}, {"li", N::kOther, I | B | X}, {"link", N::kOther, V}, {"listing", N::kOther, B | X},
    {"main", N::kOther, B}, {"math", N::kMath, T}, {"menu", N::kOther, B | X}, {"meta", N::kMeta, V | X},
    {"nav", N::kOther, B}, {"nobr", N::kOther, X}, {"noembed", N::kRawText, H | T}, {"noframes", N::kRawText, H | T},
    {"noscript", N::kNoscript, H}, {"ol", N::kOther, B | X}, {"optgroup", N::kOther, I | B | T},
    {"option", N::kOther, I | B | T}, {"p", N::kOther, I | B | X}, {"param", N::kOther, V},
    {"plaintext", N::kPlaintext, B | T}, {"pre", N::kOther, B | X}, {"rb", N::kOther, I}, {"rp", N::kOther, I},
    {"rt", N::kOther, I}, {"rtc", N::kOther, I}, {"ruby", N::kOther, X}, {"s", N::kOther, X},
    {"script", N::kScript, H}, {"search", N::kOther, B}, {"section", N::kOther, B}, {"select", N::kOther, T}, {"small", N::kOther, X},
    {"source", N::kOther, V}, {"span", N::kOther, X}, {"strike", N::kOther, X}, {"strong", N::kOther, X},
    {"style", N::kRawText, H}, {"sub", N::kOther, X}, {"summary", N::kOther, B}, {"sup", N::kOther, X},
    {"svg", N::kSvg, T}, {"table", N::kOther, B | X}, {"tbody", N::kOther, I | B}, {"td", N::kOther, I | C},
    {"template", N::kTemplate, H | T}, {"textarea", N::kTextarea, B}, {"tfoot", N::kOther, I | B},
    {"th", N::kOther, I | C}, {"thead", N::kOther, I | B}, {"title", N::kTitle, H}, {"tr", N::kOther, I | B},
    {"track", N::kOther, V}, {"tt", N::kOther, X}, {"u", N::kOther, X}, {"ul", N::kOther, B | X},
    {"var", N::kOther, X}, {"wbr", N::kOther, V}, {"xmp", N::kRawText, B | T},
};
constexpr HtmlElement kOtherElement = {};
constexpr size_t kSlots = 512;
constexpr size_t kLongestName = 13;

size_t Slot(std::string_view name) {
  const auto at = [name](size_t i) { return static_cast<size_t>(AsciiLower(name[i])); };
  return (at(0) * 31 + at(name.size() / 2) * 7 + at(name.size() - 1) * 131 + name.size() * 57) % kSlots;
}

struct Index {
  std::array<uint8_t, kSlots> element_at = {};  // index + 1; open addressing

  Index() {
    uint8_t number = 0;
    for (const HtmlElement& element : kElements) {
      size_t slot = Slot(element.name);
      while (element_at[slot] != 0) slot = (slot + 1) % kSlots;
      element_at[slot] = ++number;
    }
  }
};

}  // namespace

const HtmlElement& FindHtmlElement(std::string_view name) {
  static const Index index;
  if (name.empty() || name.size() > kLongestName) return kOtherElement;
  for (size_t slot = Slot(name); index.element_at[slot] != 0; slot = (slot + 1) % kSlots) {
    const HtmlElement& element = kElements[index.element_at[slot] - 1];
    if (EqualsIgnoringCase(name, element.name)) return element;
  }
  return kOtherElement;
}

}  // namespace weft
