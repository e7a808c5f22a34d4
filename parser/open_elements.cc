#include "parser/open_elements.h"

#include <algorithm>
#include <iterator>

namespace weft {
namespace {

using N = HtmlName;

bool Implied(HtmlName id) {
  return id == N::kDd || id == N::kDt || id == N::kLi || id == N::kOptgroup || id == N::kOption || id == N::kP ||
         id == N::kRb || id == N::kRp || id == N::kRt || id == N::kRtc;
}

bool ImpliedThoroughly(HtmlName id) {
  return Implied(id) || id == N::kCaption || id == N::kColgroup || id == N::kTbody || id == N::kTd || id == N::kTfoot ||
         id == N::kTh || id == N::kThead || id == N::kTr;
}

bool IsHeading(HtmlName id) { return id >= N::kH1 && id <= N::kH6; }
static_assert(static_cast<int>(N::kH6) - static_cast<int>(N::kH1) == 5);

bool IsSvgHolder(HtmlName id) { return id == N::kForeignObject || id == N::kDesc || id == N::kTitle; }

}  // namespace

bool OpenElement::IsSpecial() const {
  switch (space) {
    case HtmlSpace::kHtml: return element().Has(HtmlElement::kSpecial);
    case HtmlSpace::kSvg: return IsSvgHolder(id);
    case HtmlSpace::kMath: return element().Has(HtmlElement::kMathText) || id == N::kAnnotationXml;
  }
  return false;
}

bool OpenElement::IsHtmlIntegrationPoint() const {
  return space == HtmlSpace::kSvg ? IsSvgHolder(id) : space == HtmlSpace::kMath && holds_html;
}

OpenElements::OpenElements() {
  open_.reserve(kMaxOpen + kMaxForeign + 1);
  formatting_.reserve(kMaxFormatting);
  OpenElement html;
  html.id = N::kHtml;
  Push(html);
}

void OpenElements::Count(const OpenElement& element, int by) {
  const auto add = [by](uint16_t& count) { count = static_cast<uint16_t>(count + by); };
  if (element.is_html()) add(counts_[static_cast<size_t>(element.id)]);
  add(hashes_[element.name_hash % kHashes]);
}

void OpenElements::Push(OpenElement element) {
  element.serial = ++last_serial_;
  if (open_.size() >= (element.is_html() ? kMaxOpen : kMaxOpen + kMaxForeign)) return;
  Count(element, 1);
  open_.push_back(element);
}

void OpenElements::Pop() {
  Count(open_.back(), -1);
  open_.pop_back();
}

void OpenElements::CutTo(size_t size) {
  while (open_.size() > size) Pop();
}

void OpenElements::Erase(size_t index) {
  Count(open_[index], -1);
  open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(index));
}

size_t OpenElements::Find(HtmlName name) const {
  if (!IsOpen(name)) return size();
  size_t i = size();
  while (!open_[--i].Is(name)) {
  }
  return i;
}

bool OpenElements::EndsScope(const OpenElement& element, Scope scope) const {
  if (scope == Scope::kTable) return element.Is(N::kHtml) || element.Is(N::kTable) || element.Is(N::kTemplate);
  if (!element.is_html()) return element.IsSpecial();
  if (element.element().Has(HtmlElement::kScope)) return true;
  if (scope == Scope::kListItem) return element.id == N::kOl || element.id == N::kUl;
  return scope == Scope::kButton && element.id == N::kButton;
}

bool OpenElements::InScope(HtmlName name, Scope scope) const {
  if (!IsOpen(name)) return false;
  for (size_t i = size(); i-- > 0;) {
    if (open_[i].Is(name)) return true;
    if (EndsScope(open_[i], scope)) return false;
  }
  return false;
}

bool OpenElements::InScopeAt(size_t index) const {
  for (size_t i = size(); i-- > index + 1;) {
    if (EndsScope(open_[i], Scope::kDefault)) return false;
  }
  return true;
}

bool OpenElements::AnyHeadingInScope() const {
  for (size_t i = size(); i-- > 0;) {
    if (open_[i].is_html() && IsHeading(open_[i].id)) return true;
    if (EndsScope(open_[i], Scope::kDefault)) return false;
  }
  return false;
}

void OpenElements::PopUntil(HtmlName name) { CutTo(Find(name)); }

void OpenElements::PopUntilHeading() {
  while (!(current().is_html() && IsHeading(current().id))) Pop();
  Pop();
}

void OpenElements::PopUntilCell() { CutTo(std::max(IsOpen(N::kTd) ? Find(N::kTd) : 0, IsOpen(N::kTh) ? Find(N::kTh) : 0)); }

void OpenElements::ImplyEndTags(HtmlName except) {
  while (current().is_html() && Implied(current().id) && current().id != except) Pop();
}

void OpenElements::ImplyAllEndTags() {
  while (current().is_html() && ImpliedThoroughly(current().id)) Pop();
}

void OpenElements::CloseP() {
  if (InScope(N::kP, Scope::kButton)) PopUntil(N::kP);
}

void OpenElements::AnyOtherEndTag(HtmlName name, uint32_t name_hash) {
  if (!MayBeOpen(name_hash)) return;
  for (size_t i = size(); i-- > 0;) {
    if (open_[i].is_html() && open_[i].id == name && open_[i].name_hash == name_hash) {
      CutTo(i);
      return;
    }
    if (open_[i].IsSpecial()) return;
  }
}

void OpenElements::PushMarker() {
  if (formatting_.size() < kMaxFormatting) formatting_.emplace_back();
}

void OpenElements::ClearToMarker() {
  while (!formatting_.empty() && formatting_.back().serial != 0) formatting_.pop_back();
  if (!formatting_.empty()) formatting_.pop_back();
}

// With the Noah's Ark clause: of four alike since the last marker the first goes.
void OpenElements::PushFormatting() {
  const OpenElement& element = current();
  size_t alike = 0;
  size_t first = 0;
  for (size_t i = formatting_.size(); i-- > 0 && formatting_[i].serial != 0;) {
    if (formatting_[i].id != element.id || formatting_[i].attributes != element.attributes) continue;
    ++alike;
    first = i;
  }
  if (alike >= 3) formatting_.erase(formatting_.begin() + static_cast<std::ptrdiff_t>(first));
  if (formatting_.size() < kMaxFormatting) formatting_.push_back(element);
}

size_t OpenElements::IndexOfSerial(uint32_t serial) const {
  for (size_t i = size(); i-- > 0;) {
    if (open_[i].serial == serial) return i;
  }
  return size();
}

size_t OpenElements::FormattingIndexOf(uint32_t serial) const {
  size_t i = 0;
  while (i < formatting_.size() && formatting_[i].serial != serial) ++i;
  return i;
}

void OpenElements::Reconstruct() {
  size_t begin = formatting_.size();
  while (begin > 0 && formatting_[begin - 1].serial != 0 && IndexOfSerial(formatting_[begin - 1].serial) == size()) --begin;
  for (size_t i = begin; i < formatting_.size(); ++i) {
    if (size() >= kMaxOpen) return;
    Push(formatting_[i]);
    formatting_[i].serial = last_serial_;
  }
}

size_t OpenElements::FindFormatting(HtmlName name) const {
  for (size_t i = formatting_.size(); i-- > 0 && formatting_[i].serial != 0;) {
    if (formatting_[i].id == name) return i;
  }
  return formatting_.size();
}

void OpenElements::ForgetFormatting(HtmlName name) {
  const size_t listed = FindFormatting(name);
  if (listed == formatting_.size()) return;
  const size_t index = IndexOfSerial(formatting_[listed].serial);
  formatting_.erase(formatting_.begin() + static_cast<std::ptrdiff_t>(listed));
  if (index < size()) Erase(index);
}

size_t OpenElements::FurthestBlock(size_t from) const {
  size_t i = from;
  while (i < size() && !open_[i].IsSpecial()) ++i;
  return i;
}

// 13.2.6.4.7, "adoption agency algorithm".
bool OpenElements::AdoptionAgency(HtmlName name, uint32_t name_hash) {
  if (current().Is(name) && current().name_hash == name_hash && FormattingIndexOf(current().serial) == formatting_.size()) {
    Pop();
    return true;
  }
  for (int round = 0; round < 8; ++round) {
    const size_t listed = FindFormatting(name);
    if (listed == formatting_.size()) return round > 0;
    const size_t formatting = IndexOfSerial(formatting_[listed].serial);
    if (formatting == size()) {
      formatting_.erase(formatting_.begin() + static_cast<std::ptrdiff_t>(listed));
      return true;
    }
    if (!InScopeAt(formatting)) return true;
    const size_t block = FurthestBlock(formatting + 1);
    if (block == size()) {
      CutTo(formatting);
      formatting_.erase(formatting_.begin() + static_cast<std::ptrdiff_t>(listed));
      return true;
    }
    Adopt(listed, formatting, block);
  }
  return true;
}

// Steps 12 to 19: what stands between the formatting element and the furthest block goes or is made anew, and a new
// formatting element comes to stand within the block.
void OpenElements::Adopt(size_t listed, size_t formatting, size_t block) {
  size_t bookmark = listed;
  int steps = 0;
  for (size_t node = block; node-- > formatting + 1;) {
    ++steps;
    size_t in_list = FormattingIndexOf(open_[node].serial);
    if (steps > 3 && in_list < formatting_.size()) {
      formatting_.erase(formatting_.begin() + static_cast<std::ptrdiff_t>(in_list));
      if (in_list < bookmark) --bookmark;
      if (in_list < listed) --listed;
      in_list = formatting_.size();
    }
    if (in_list == formatting_.size()) {
      Erase(node);
      --block;
      continue;
    }
    const bool last_was_block = node + 1 == block;
    formatting_[in_list].serial = open_[node].serial = ++last_serial_;
    if (last_was_block) bookmark = in_list + 1;
  }
  OpenElement anew = formatting_[listed];
  anew.serial = ++last_serial_;
  formatting_.insert(formatting_.begin() + static_cast<std::ptrdiff_t>(bookmark), anew);
  if (bookmark <= listed) ++listed;
  formatting_.erase(formatting_.begin() + static_cast<std::ptrdiff_t>(listed));
  open_.insert(open_.begin() + static_cast<std::ptrdiff_t>(block) + 1, anew);
  Count(anew, 1);
  Erase(formatting);
}

}  // namespace weft
