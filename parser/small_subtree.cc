#include "parser/small_subtree.h"

#include "common/ascii.h"

namespace weft {
namespace {

using N = HtmlName;
using E = HtmlElement;

}  // namespace

HtmlSpace SmallSubtree::space() const {
  if (root_ == N::kSelect) return HtmlSpace::kHtml;
  return root_ == N::kSvg ? HtmlSpace::kSvg : HtmlSpace::kMath;
}

// 13.2.6.5 and 13.2.6.4.16, as far as names alone tell.
bool SmallSubtree::MayHold(const HtmlToken& tag) const {
  const HtmlName id = tag.element->id;
  if (root_ == N::kSelect) return id == N::kOption || id == N::kOptgroup;
  const HtmlName parent = open_[depth_ - 1].id;
  const bool holds_html = root_ == N::kMath ? HtmlElementOf(parent).Has(E::kMathText) || parent == N::kAnnotationXml
                                            : parent == N::kTitle || parent == N::kDesc || parent == N::kForeignObject;
  if (holds_html) return false;
  if (tag.element->Has(E::kBreakout) || id == N::kFont) return false;
  return id == root_ || !tag.element->Has(E::kNeedsTree);
}

bool SmallSubtree::Push(const HtmlToken& tag) {
  if (depth_ == kMaxDepth) return false;
  open_[depth_++] = {tag.name, tag.element->id};
  return true;
}

bool SmallSubtree::StartTag(const HtmlToken& tag) {
  if (!open()) {
    root_ = tag.element->id;
    if (root_ != N::kSelect && tag.self_closing) return true;
    return Push(tag);
  }
  if (!MayHold(tag)) return false;
  if (root_ == N::kSelect) return true;
  return tag.self_closing || Push(tag);
}

bool SmallSubtree::EndTag(const HtmlToken& tag) {
  const HtmlName id = tag.element->id;
  if (root_ == N::kSelect) {
    if (id == N::kSelect) depth_ = 0;
    return id == N::kSelect || id == N::kOption || id == N::kOptgroup;
  }
  if (id == N::kBr || id == N::kP) return false;
  for (size_t i = depth_; i-- > 0;) {
    if (!EqualIgnoringCase(open_[i].name, tag.name)) continue;
    depth_ = i;
    return true;
  }
  return false;
}

}  // namespace weft
