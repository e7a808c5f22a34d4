// The stack of open elements and the list of active formatting elements (HTML standard 13.2.4.2, 13.2.4.3) by name alone:
// what a tree builder remembers of a tree to place the next tag. Bounded: elements below kMaxOpen are taken as closed
// at once, which costs accuracy on hostile pages, not time. Belongs to one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "parser/html_names.h"

namespace weft {

enum class HtmlSpace : uint8_t { kHtml, kSvg, kMath };

struct OpenElement {
  HtmlName id = HtmlName::kOther;
  HtmlSpace space = HtmlSpace::kHtml;
  bool holds_html = false;   // an annotation-xml whose encoding makes it an HTML integration point
  uint32_t name_hash = 0;    // of the lower-case name: tells elements apart that are not listed
  uint32_t attributes = 0;   // a hash of them (Noah's Ark clause)
  uint32_t serial = 0;       // set by Push: which element it is, also in the list of formatting elements

  const HtmlElement& element() const { return HtmlElementOf(id); }
  bool is_html() const { return space == HtmlSpace::kHtml; }
  bool Is(HtmlName name) const { return id == name && is_html(); }
  bool IsSpecial() const;
  bool IsHtmlIntegrationPoint() const;
  bool IsMathTextIntegrationPoint() const { return space == HtmlSpace::kMath && element().Has(HtmlElement::kMathText); }
};

class OpenElements {
 public:
  static constexpr size_t kMaxOpen = 512;
  static constexpr size_t kMaxForeign = 64;  // of SVG and MathML beyond that, so that a deep page is told where they are
  static constexpr size_t kMaxFormatting = 64;

  OpenElements();

  const OpenElement& current() const { return open_.back(); }
  const OpenElement& at(size_t index) const { return open_[index]; }
  size_t size() const { return open_.size(); }
  void Push(OpenElement element);
  void Pop();
  // Pops until `size` are left.
  void CutTo(size_t size);
  void Erase(size_t index);

  bool IsOpen(HtmlName name) const { return counts_[static_cast<size_t>(name)] > 0; }  // as HTML
  // Whether an open element, of any namespace, may have this name: false is certain.
  bool MayBeOpen(uint32_t name_hash) const { return hashes_[name_hash % kHashes] > 0; }
  // Index of the innermost HTML element of that name; size() if there is none.
  size_t Find(HtmlName name) const;

  enum class Scope : uint8_t { kDefault, kListItem, kButton, kTable };
  bool InScope(HtmlName name, Scope scope = Scope::kDefault) const;
  bool InScopeAt(size_t index) const;
  bool AnyHeadingInScope() const;

  void PopUntil(HtmlName name);          // and with it; it must be open
  void PopUntilHeading();
  void PopUntilCell();
  void ImplyEndTags(HtmlName except = HtmlName::kOther);
  void ImplyAllEndTags();                // thoroughly
  void CloseP();
  // 13.2.6.4.7, "any other end tag".
  void AnyOtherEndTag(HtmlName name, uint32_t name_hash);

  // Formatting.
  void PushFormatting();                 // the current element
  void PushMarker();
  void ClearToMarker();
  void Reconstruct();
  bool IsFormatting(HtmlName name) const { return FindFormatting(name) < formatting_.size(); }  // after the last marker
  void ForgetFormatting(HtmlName name);  // from list and stack
  // False: handle it as any other end tag.
  bool AdoptionAgency(HtmlName name, uint32_t name_hash);

 private:
  static constexpr size_t kHashes = 256;

  bool EndsScope(const OpenElement& element, Scope scope) const;
  size_t FindFormatting(HtmlName name) const;
  size_t IndexOfSerial(uint32_t serial) const;
  size_t FormattingIndexOf(uint32_t serial) const;
  size_t FurthestBlock(size_t from) const;
  void Adopt(size_t listed, size_t formatting, size_t block);
  void Count(const OpenElement& element, int by);

  std::vector<OpenElement> open_;
  std::vector<OpenElement> formatting_;  // serial 0: a marker
  std::array<uint16_t, kHtmlNames> counts_ = {};
  std::array<uint16_t, kHashes> hashes_ = {};
  uint32_t last_serial_ = 0;
};

}  // namespace weft
