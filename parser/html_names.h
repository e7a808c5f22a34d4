// The HTML elements that matter to links, visible text and the cost of a tree, found by name without regard to case.
#pragma once

#include <cstdint>
#include <string_view>

namespace weft {

enum class HtmlName : uint8_t {
  kOther, kA, kArea, kBase, kBody, kFrame, kHtml, kIframe, kMath, kMeta, kNoscript, kPlaintext, kScript, kSvg,
  kTemplate, kTextarea, kTitle, kForeignObject, kDesc, kRawText,
};

struct HtmlElement {
  // Bits of `traits`.
  static constexpr uint8_t kVoid = 1;       // has no end tag
  static constexpr uint8_t kImplied = 2;    // its end tag is commonly left out; closes by itself
  static constexpr uint8_t kBlock = 4;      // starts and ends a line of visible text
  static constexpr uint8_t kCell = 8;       // separates words of visible text
  static constexpr uint8_t kHidden = 16;    // its content is not visible text
  static constexpr uint8_t kNeedsTree = 64;  // the tree builder may drop or move links because of it
  static constexpr uint8_t kBreakout = 32;  // its start tag ends foreign content (13.2.6.5)

  std::string_view name;
  HtmlName id = HtmlName::kOther;
  uint8_t traits = 0;

  bool Has(uint8_t trait) const { return (traits & trait) != 0; }
};

// Never null: names that are not listed give an element without traits.
const HtmlElement& FindHtmlElement(std::string_view name);

}  // namespace weft
