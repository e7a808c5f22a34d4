// The HTML elements that matter to links, to visible text and to where the tree builder puts things, found by name without
// regard to case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft {

enum class HtmlName : uint8_t {
  kOther,
#define WEFT_HTML_ELEMENT(symbol, name, traits) symbol,
#include "parser/html_elements.inc"
#undef WEFT_HTML_ELEMENT
  kCount,
};
inline constexpr size_t kHtmlNames = static_cast<size_t>(HtmlName::kCount);

struct HtmlElement {
  // Bits of `traits`.
  static constexpr uint32_t kVoid = 1;              // has no end tag
  static constexpr uint32_t kImplied = 2;           // its end tag is commonly left out; closes by itself
  static constexpr uint32_t kBlock = 4;             // starts and ends a line of visible text
  static constexpr uint32_t kCell = 8;              // separates words of visible text
  static constexpr uint32_t kHidden = 16;           // its content is not visible text
  static constexpr uint32_t kBreakout = 32;         // its start tag ends foreign content (13.2.6.5)
  static constexpr uint32_t kNeedsTree = 64;        // where it stands decides whether links after it count
  static constexpr uint32_t kSpecial = 128;         // 13.2.4.2, "special"
  static constexpr uint32_t kFormatting = 256;      // 13.2.4.2, "formatting"
  static constexpr uint32_t kScope = 512;           // ends every scope but those of tables and selects (13.2.4.2)
  static constexpr uint32_t kEndsFramesetOk = 1024;  // its start tag sets the frameset-ok flag to "not ok"
  static constexpr uint32_t kClosesP = 2048;        // its start tag closes an open p
  static constexpr uint32_t kRawText = 4096;        // its content is raw text: no markup
  static constexpr uint32_t kLinks = 8192;          // has attributes that name URLs or tell of the page
  static constexpr uint32_t kMathText = 16384;      // MathML text integration point

  std::string_view name;
  HtmlName id = HtmlName::kOther;
  uint32_t traits = 0;

  bool Has(uint32_t trait) const { return (traits & trait) != 0; }
};

// Never null: names that are not listed give an element without traits.
const HtmlElement& FindHtmlElement(std::string_view name);
const HtmlElement& HtmlElementOf(HtmlName name);

}  // namespace weft
