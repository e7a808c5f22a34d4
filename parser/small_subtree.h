// Elements whose content follows rules of its own (svg, math, select), as pages mostly have them: an icon, a search form. Where
// what is in them is ordinary, the tags in them are placed by their names alone, and what comes after is as if they had not
// been; else a TreeState is needed. The answers are the same, the cost is not. Belongs to one thread.
#pragma once

#include <array>
#include <cstddef>

#include "parser/html_tokenizer.h"
#include "parser/open_elements.h"

namespace weft {

class SmallSubtree {
 public:
  // Whether the element is one of those whose content this class reads.
  static bool Begins(HtmlName id) { return id == HtmlName::kSvg || id == HtmlName::kMath || id == HtmlName::kSelect; }

  bool open() const { return depth_ > 0; }
  bool in_foreign() const { return open() && root_ != HtmlName::kSelect; }
  HtmlSpace space() const;

  // Each false: a tree is needed.
  // The tag of the element itself, or one within it.
  bool StartTag(const HtmlToken& tag);
  bool EndTag(const HtmlToken& tag);

 private:
  static constexpr size_t kMaxDepth = 16;

  bool MayHold(const HtmlToken& tag) const;
  bool Push(const HtmlToken& tag);

  HtmlName root_ = HtmlName::kOther;
  size_t depth_ = 0;
  struct Open {
    std::string_view name;
    HtmlName id;
  };
  std::array<Open, kMaxDepth> open_;
};

}  // namespace weft
