#include "parser/tree_state.h"

#include <xxhash.h>

#include "parser/ascii.h"

namespace weft {
namespace {

using N = HtmlName;
using E = HtmlElement;
using Scope = OpenElements::Scope;

uint32_t HashLower(std::string_view text) {
  uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(AsciiLower(c))) * 16777619u;
  return hash;
}

uint32_t NumberHash(HtmlName id) { return static_cast<uint32_t>(id) * 16777619u; }

// What "in head" handles for the other modes too.
bool IsHeadElement(HtmlName id) {
  switch (id) {
    case N::kBase: case N::kBasefont: case N::kBgsound: case N::kLink: case N::kMeta: case N::kNoframes: case N::kScript:
    case N::kStyle: case N::kTemplate: case N::kTitle: return true;
    default: return false;
  }
}

bool HasAttribute(const HtmlToken& tag, std::string_view lower_name, std::string_view* value) {
  AttributeReader reader(tag.text);
  std::string_view name;
  while (reader.Next(&name, value)) {
    if (EqualsIgnoringCase(name, lower_name)) return true;
  }
  return false;
}

bool IsSpaceOnly(std::string_view text) {
  for (const char c : text) {
    if (!IsHtmlSpace(c) && c != '\0') return false;
  }
  return true;
}

}  // namespace

// A name that is listed is told by its number.
TreeState::Tag TreeState::TagOf(const HtmlToken& token) {
  const HtmlName id = token.element->id;
  return {&token, id, id == N::kOther ? HashLower(token.name) : NumberHash(id)};
}

bool TreeState::IsHiddenInput(const Tag& tag) {
  std::string_view type;
  return HasAttribute(*tag.token, "type", &type) && EqualsIgnoringCase(type, "hidden");
}

void TreeState::Make(HtmlSpace space) {
  placement_.made = true;
  placement_.space = space;
}

OpenElement TreeState::ElementOf(const Tag& tag, HtmlSpace space) const {
  OpenElement element;
  element.id = tag.id;
  element.space = space;
  element.name_hash = tag.name_hash;
  if (space == HtmlSpace::kHtml && tag.Has(E::kFormatting)) {
    element.attributes = static_cast<uint32_t>(XXH3_64bits(tag.token->text.data(), tag.token->text.size()));
  }
  if (space == HtmlSpace::kMath && tag.id == N::kAnnotationXml) {
    std::string_view encoding;
    element.holds_html = HasAttribute(*tag.token, "encoding", &encoding) &&
                         (EqualsIgnoringCase(encoding, "text/html") || EqualsIgnoringCase(encoding, "application/xhtml+xml"));
  }
  return element;
}

void TreeState::Insert(const Tag& tag) {
  open_.Push(ElementOf(tag, HtmlSpace::kHtml));
  Make();
}

void TreeState::InsertImplied(HtmlName name) {
  OpenElement element;
  element.id = name;
  element.name_hash = NumberHash(name);
  open_.Push(element);
}

void TreeState::InsertForeign(const Tag& tag, HtmlSpace space) {
  Make(space);
  if (!tag.token->self_closing) open_.Push(ElementOf(tag, space));
}

// 13.2.6, the dispatcher.
bool TreeState::UsesHtmlRules(const Tag& tag) const {
  const OpenElement& current = open_.current();
  if (current.is_html() || current.IsHtmlIntegrationPoint()) return true;
  if (current.IsMathTextIntegrationPoint()) return tag.id != N::kMglyph && tag.id != N::kMalignmark;
  return current.space == HtmlSpace::kMath && current.id == N::kAnnotationXml && tag.id == N::kSvg;
}

TreeState::Placement TreeState::StartTag(const HtmlToken& token) {
  placement_ = Placement();
  const Tag tag = TagOf(token);
  if (UsesHtmlRules(tag)) {
    StartHtml(tag);
  } else {
    StartForeign(tag);
  }
  return placement_;
}

void TreeState::EndTag(const HtmlToken& token) {
  const Tag tag = TagOf(token);
  if (open_.current().is_html()) {
    EndHtml(tag);
  } else {
    EndForeign(tag);
  }
}

void TreeState::Text(std::string_view text) {
  const bool space_only = IsSpaceOnly(text);
  if (!open_.current().is_html() && !open_.current().IsHtmlIntegrationPoint() &&
      !open_.current().IsMathTextIntegrationPoint()) {
    if (!space_only) frameset_ok_ = false;
    return;
  }
  if (mode_ >= Mode::kInFrameset || mode_ == Mode::kInSelect || mode_ == Mode::kInSelectInTable) return;
  if (space_only) {
    if (mode_ == Mode::kInBody || mode_ == Mode::kInCell || mode_ == Mode::kInCaption || mode_ == Mode::kAfterBody) {
      open_.Reconstruct();
    }
    return;
  }
  if (mode_ == Mode::kInColumnGroup) {
    if (!open_.current().Is(N::kColgroup)) return;
    open_.Pop();
    mode_ = Mode::kInTable;
  }
  // The modes before the body make way for it as they do for an element that they do not know.
  if (mode_ <= Mode::kAfterHead) {
    static const HtmlToken kAnyElement = [] {
      HtmlToken any;
      any.element = &HtmlElementOf(HtmlName::kOther);
      return any;
    }();
    const Tag any = TagOf(kAnyElement);
    while (mode_ <= Mode::kAfterHead && !StartIn(mode_, any)) {
    }
  }
  if (mode_ == Mode::kAfterBody) mode_ = Mode::kInBody;
  open_.Reconstruct();
  frameset_ok_ = false;
}

// 13.2.6.5
void TreeState::StartForeign(const Tag& tag) {
  std::string_view value;
  const bool font = tag.id == N::kFont && (HasAttribute(*tag.token, "color", &value) ||
                                           HasAttribute(*tag.token, "face", &value) || HasAttribute(*tag.token, "size", &value));
  if (tag.Has(E::kBreakout) || font) {
    PopBreakout();
    StartHtml(tag);
    return;
  }
  InsertForeign(tag, open_.current().space);
}

void TreeState::PopBreakout() {
  while (!open_.current().is_html() && !open_.current().IsHtmlIntegrationPoint() &&
         !open_.current().IsMathTextIntegrationPoint()) {
    open_.Pop();
  }
}

void TreeState::EndForeign(const Tag& tag) {
  if (tag.id == N::kBr || tag.id == N::kP) {
    PopBreakout();
    EndHtml(tag);
    return;
  }
  if (tag.id == N::kOther && !open_.MayBeOpen(tag.name_hash)) return;
  for (size_t i = open_.size() - 1; i > 0; --i) {
    const OpenElement& node = open_.at(i);
    if (node.is_html()) {
      EndHtml(tag);
      return;
    }
    if (node.id == tag.id && node.name_hash == tag.name_hash) {
      open_.CutTo(i);
      return;
    }
  }
}

void TreeState::StartHtml(const Tag& tag) {
  while (!StartIn(mode_, tag)) {
  }
}

TreeState::Done TreeState::StartIn(Mode mode, const Tag& tag) {
  switch (mode) {
    case Mode::kBeforeHead: return StartBeforeHead(tag);
    case Mode::kInHead: return StartInHead(tag);
    case Mode::kInHeadNoscript: return StartInHeadNoscript(tag);
    case Mode::kAfterHead: return StartAfterHead(tag);
    case Mode::kInBody: return StartInBody(tag);
    case Mode::kInTable: return StartInTable(tag);
    case Mode::kInCaption: return StartInCaption(tag);
    case Mode::kInColumnGroup: return StartInColumnGroup(tag);
    case Mode::kInTableBody: return StartInTableBody(tag);
    case Mode::kInRow: return StartInRow(tag);
    case Mode::kInCell: return StartInCell(tag);
    case Mode::kInSelect: return StartInSelect(tag);
    case Mode::kInSelectInTable: return StartInSelectInTable(tag);
    case Mode::kInTemplate: return StartInTemplate(tag);
    case Mode::kAfterBody:
      if (tag.id != N::kHtml) mode_ = Mode::kInBody;
      return tag.id == N::kHtml;
    case Mode::kInFrameset:
    case Mode::kAfterFrameset: return StartInFrameset(tag);
  }
  return true;
}

TreeState::Done TreeState::StartBeforeHead(const Tag& tag) {
  if (tag.id == N::kHtml) {
    Make();
    return true;
  }
  mode_ = Mode::kInHead;
  if (tag.id == N::kHead) {
    Insert(tag);
    return true;
  }
  InsertImplied(N::kHead);
  return false;
}

TreeState::Done TreeState::StartInHead(const Tag& tag) {
  switch (tag.id) {
    case N::kHtml: Make(); return true;
    case N::kHead: return true;
    case N::kNoscript:
      Insert(tag);
      mode_ = Mode::kInHeadNoscript;
      return true;
    case N::kTemplate:
      Insert(tag);
      open_.PushMarker();
      frameset_ok_ = false;
      mode_ = Mode::kInTemplate;
      template_modes_.push_back(Mode::kInTemplate);
      return true;
    default: break;
  }
  if (IsHeadElement(tag.id)) {
    InsertClosed();
    return true;
  }
  open_.Pop();
  mode_ = Mode::kAfterHead;
  return false;
}

TreeState::Done TreeState::StartInHeadNoscript(const Tag& tag) {
  switch (tag.id) {
    case N::kHtml: Make(); return true;
    case N::kHead:
    case N::kNoscript: return true;
    case N::kBasefont: case N::kBgsound: case N::kLink: case N::kMeta: case N::kNoframes: case N::kStyle:
      InsertClosed();
      return true;
    default:
      open_.Pop();
      mode_ = Mode::kInHead;
      return false;
  }
}

TreeState::Done TreeState::StartAfterHead(const Tag& tag) {
  if (tag.id == N::kHtml) {
    Make();
    return true;
  }
  if (tag.id == N::kHead) return true;
  if (IsHeadElement(tag.id)) return StartInHead(tag);
  if (tag.id == N::kFrameset) {
    Insert(tag);
    mode_ = Mode::kInFrameset;
    return true;
  }
  mode_ = Mode::kInBody;
  if (tag.id == N::kBody) {
    frameset_ok_ = false;
    Insert(tag);
    return true;
  }
  InsertImplied(N::kBody);
  return false;
}

void TreeState::EndHtml(const Tag& tag) {
  while (!EndIn(mode_, tag)) {
  }
}

TreeState::Done TreeState::EndIn(Mode mode, const Tag& tag) {
  switch (mode) {
    case Mode::kBeforeHead:
      if (tag.id != N::kHead && tag.id != N::kBody && tag.id != N::kHtml && tag.id != N::kBr) return true;
      InsertImplied(N::kHead);
      mode_ = Mode::kInHead;
      return false;
    case Mode::kInHead:
    case Mode::kInHeadNoscript:
    case Mode::kAfterHead: return EndInHead(tag);
    case Mode::kInBody: return EndInBody(tag);
    case Mode::kInTable: return EndInTable(tag);
    case Mode::kInCaption: return EndInCaption(tag);
    case Mode::kInColumnGroup: return EndInColumnGroup(tag);
    case Mode::kInTableBody: return EndInTableBody(tag);
    case Mode::kInRow: return EndInRow(tag);
    case Mode::kInCell: return EndInCell(tag);
    case Mode::kInSelect: EndInSelect(tag); return true;
    case Mode::kInSelectInTable: return EndInSelectInTable(tag);
    case Mode::kInTemplate:
      if (tag.id == N::kTemplate) EndTemplate();
      return true;
    case Mode::kAfterBody:
      if (tag.id != N::kHtml) mode_ = Mode::kInBody;
      return tag.id == N::kHtml;
    case Mode::kInFrameset:
    case Mode::kAfterFrameset: EndInFrameset(tag); return true;
  }
  return true;
}

// The three modes of the head.
TreeState::Done TreeState::EndInHead(const Tag& tag) {
  if (mode_ == Mode::kInHeadNoscript) {
    if (tag.id != N::kNoscript && tag.id != N::kBr) return true;
    open_.Pop();
    mode_ = Mode::kInHead;
    return tag.id == N::kNoscript;
  }
  if (tag.id == N::kTemplate) {
    EndTemplate();
    return true;
  }
  const bool known = tag.id == N::kBody || tag.id == N::kHtml || tag.id == N::kBr;
  if (mode_ == Mode::kAfterHead) {
    if (!known) return true;
    InsertImplied(N::kBody);
    mode_ = Mode::kInBody;
    return false;
  }
  if (tag.id != N::kHead && !known) return true;
  open_.Pop();
  mode_ = Mode::kAfterHead;
  return tag.id == N::kHead;
}

void TreeState::EndTemplate() {
  if (!open_.IsOpen(N::kTemplate)) return;
  open_.ImplyAllEndTags();
  open_.PopUntil(N::kTemplate);
  open_.ClearToMarker();
  if (!template_modes_.empty()) template_modes_.pop_back();
  ResetMode();
}

// 13.2.4.1, "reset the insertion mode appropriately".
void TreeState::ResetMode() {
  for (size_t i = open_.size(); i-- > 0;) {
    if (!open_.at(i).is_html()) continue;
    switch (open_.at(i).id) {
      case N::kSelect:
        mode_ = TableScope(N::kTable) ? Mode::kInSelectInTable : Mode::kInSelect;
        return;
      case N::kTd:
      case N::kTh: mode_ = Mode::kInCell; return;
      case N::kTr: mode_ = Mode::kInRow; return;
      case N::kTbody:
      case N::kThead:
      case N::kTfoot: mode_ = Mode::kInTableBody; return;
      case N::kCaption: mode_ = Mode::kInCaption; return;
      case N::kColgroup: mode_ = Mode::kInColumnGroup; return;
      case N::kTable: mode_ = Mode::kInTable; return;
      case N::kTemplate: mode_ = template_modes_.empty() ? Mode::kInBody : template_modes_.back(); return;
      case N::kHead: mode_ = Mode::kInHead; return;
      case N::kBody: mode_ = Mode::kInBody; return;
      case N::kFrameset: mode_ = Mode::kInFrameset; return;
      case N::kHtml: mode_ = Mode::kAfterHead; return;
      default: break;
    }
  }
}

TreeState::Done TreeState::StartInFrameset(const Tag& tag) {
  if (tag.id == N::kHtml || tag.id == N::kNoframes) {
    Make();
  } else if (mode_ == Mode::kInFrameset && tag.id == N::kFrameset) {
    Insert(tag);
  } else if (mode_ == Mode::kInFrameset && tag.id == N::kFrame) {
    InsertClosed();
  }
  return true;
}

void TreeState::EndInFrameset(const Tag& tag) {
  if (mode_ != Mode::kInFrameset || tag.id != N::kFrameset || !open_.current().Is(N::kFrameset)) return;
  open_.Pop();
  if (!open_.current().Is(N::kFrameset)) mode_ = Mode::kAfterFrameset;
}

}  // namespace weft
