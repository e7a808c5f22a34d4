// The mode "in body" (HTML standard 13.2.6.4.7).
#include "parser/tree_state.h"

namespace weft {
namespace {

using N = HtmlName;
using E = HtmlElement;
using Scope = OpenElements::Scope;

bool IsHeading(HtmlName id) { return id >= N::kH1 && id <= N::kH6; }

}  // namespace

TreeState::Done TreeState::StartInBody(const Tag& tag) {
  switch (tag.id) {
    case N::kBase: case N::kBasefont: case N::kBgsound: case N::kLink: case N::kMeta: case N::kNoframes: case N::kScript:
    case N::kStyle: case N::kTemplate: case N::kTitle: return StartInHead(tag);
    case N::kHtml: Make(); return true;
    case N::kBody:
      Make();
      frameset_ok_ = false;
      return true;
    case N::kFrameset: StartFrameset(tag); return true;
    case N::kCaption: case N::kCol: case N::kColgroup: case N::kFrame: case N::kHead: case N::kTbody: case N::kTd:
    case N::kTfoot: case N::kTh: case N::kThead: case N::kTr: return true;
    case N::kForm: StartForm(tag); return true;
    case N::kLi: case N::kDd: case N::kDt: StartListItem(tag); return true;
    case N::kSelect: StartSelect(tag); return true;
    case N::kMath:
    case N::kSvg:
      open_.Reconstruct();
      InsertForeign(tag, tag.id == N::kSvg ? HtmlSpace::kSvg : HtmlSpace::kMath);
      return true;
    default: break;
  }
  if (tag.Has(E::kFormatting)) {
    StartFormatting(tag);
  } else {
    StartBodyElement(tag);
  }
  return true;
}

void TreeState::StartFrameset(const Tag& tag) {
  if (!frameset_ok_ || open_.size() < 2 || !open_.at(1).Is(N::kBody)) return;
  open_.CutTo(1);
  Insert(tag);
  placement_.replaces_body = true;
  mode_ = Mode::kInFrameset;
}

void TreeState::StartForm(const Tag& tag) {
  const bool in_template = open_.IsOpen(N::kTemplate);
  if (has_form_ && !in_template) return;
  open_.CloseP();
  Insert(tag);
  if (in_template) return;
  has_form_ = true;
  form_serial_ = open_.current().serial;
}

void TreeState::StartListItem(const Tag& tag) {
  frameset_ok_ = false;
  const auto closes = [&tag](const OpenElement& node) {
    if (tag.id == N::kLi) return node.Is(N::kLi);
    return node.Is(N::kDd) || node.Is(N::kDt);
  };
  if (open_.IsOpen(N::kLi) || open_.IsOpen(N::kDd) || open_.IsOpen(N::kDt)) {
    for (size_t i = open_.size(); i-- > 0;) {
      const OpenElement& node = open_.at(i);
      if (closes(node)) {
        open_.CutTo(i);
        break;
      }
      if (node.IsSpecial() && !node.Is(N::kAddress) && !node.Is(N::kDiv) && !node.Is(N::kP)) break;
    }
  }
  open_.CloseP();
  Insert(tag);
}

void TreeState::StartSelect(const Tag& tag) {
  open_.Reconstruct();
  Insert(tag);
  frameset_ok_ = false;
  mode_ = InTableMode() ? Mode::kInSelectInTable : Mode::kInSelect;
}

void TreeState::StartFormatting(const Tag& tag) {
  if (tag.id == N::kA && open_.IsFormatting(N::kA)) {
    open_.AdoptionAgency(N::kA, tag.name_hash);
    open_.ForgetFormatting(N::kA);
  }
  open_.Reconstruct();
  if (tag.id == N::kNobr && open_.InScope(N::kNobr)) {
    open_.AdoptionAgency(N::kNobr, tag.name_hash);
    open_.Reconstruct();
  }
  Insert(tag);
  if (open_.size() < OpenElements::kMaxOpen) open_.PushFormatting();
}

void TreeState::StartBodyElement(const Tag& tag) {
  if (tag.Has(E::kClosesP)) {
    open_.CloseP();
    if (IsHeading(tag.id) && open_.current().is_html() && IsHeading(open_.current().id)) open_.Pop();
  } else if (tag.id == N::kButton && open_.InScope(N::kButton)) {
    open_.ImplyEndTags();
    open_.PopUntil(N::kButton);
  } else if (tag.id == N::kOption || tag.id == N::kOptgroup) {
    if (open_.current().Is(N::kOption)) open_.Pop();
  } else if ((tag.id == N::kRb || tag.id == N::kRtc || tag.id == N::kRp || tag.id == N::kRt) && open_.InScope(N::kRuby)) {
    open_.ImplyEndTags(tag.id == N::kRp || tag.id == N::kRt ? N::kRtc : N::kOther);
  }
  const bool reconstructs = !tag.Has(E::kClosesP) || tag.id == N::kXmp;
  const bool quiet = tag.id == N::kParam || tag.id == N::kSource || tag.id == N::kTrack || tag.id == N::kTextarea ||
                     tag.id == N::kIframe || tag.id == N::kNoembed || tag.id == N::kRb || tag.id == N::kRtc ||
                     tag.id == N::kRp || tag.id == N::kRt || tag.id == N::kTable;
  if (reconstructs && !quiet) open_.Reconstruct();
  if (tag.Has(E::kEndsFramesetOk) && !(tag.id == N::kInput && IsHiddenInput(tag))) frameset_ok_ = false;
  if (tag.Has(E::kVoid | E::kRawText) || tag.id == N::kTextarea) {
    InsertClosed();
    return;
  }
  Insert(tag);
  if (tag.id == N::kApplet || tag.id == N::kMarquee || tag.id == N::kObject) open_.PushMarker();
  if (tag.id == N::kTable) mode_ = Mode::kInTable;
}

TreeState::Done TreeState::EndInBody(const Tag& tag) {
  switch (tag.id) {
    case N::kTemplate: EndTemplate(); return true;
    case N::kBody:
    case N::kHtml:
      if (open_.InScope(N::kBody)) mode_ = Mode::kAfterBody;
      return true;
    case N::kForm: EndForm(); return true;
    case N::kP: EndP(); return true;
    case N::kLi:
      if (!open_.InScope(N::kLi, Scope::kListItem)) return true;
      open_.PopUntil(N::kLi);
      return true;
    case N::kDd:
    case N::kDt:
      if (open_.InScope(tag.id)) open_.PopUntil(tag.id);
      return true;
    case N::kBr:
      open_.Reconstruct();
      frameset_ok_ = false;
      return true;
    default: break;
  }
  if (IsHeading(tag.id)) {
    if (open_.AnyHeadingInScope()) open_.PopUntilHeading();
  } else if (tag.Has(E::kFormatting)) {
    if (!open_.AdoptionAgency(tag.id, tag.name_hash)) open_.AnyOtherEndTag(tag.id, tag.name_hash);
  } else if ((tag.Has(E::kClosesP) && tag.id != N::kHr && tag.id != N::kXmp && tag.id != N::kPlaintext) ||
             tag.id == N::kButton || tag.id == N::kApplet || tag.id == N::kMarquee || tag.id == N::kObject) {
    EndBlock(tag);
  } else {
    open_.AnyOtherEndTag(tag.id, tag.name_hash);
  }
  return true;
}

void TreeState::EndBlock(const Tag& tag) {
  if (!open_.InScope(tag.id)) return;
  open_.PopUntil(tag.id);
  if (tag.id == N::kApplet || tag.id == N::kMarquee || tag.id == N::kObject) open_.ClearToMarker();
}

void TreeState::EndForm() {
  if (open_.IsOpen(N::kTemplate)) {
    if (open_.InScope(N::kForm)) open_.PopUntil(N::kForm);
    return;
  }
  if (!has_form_) return;
  has_form_ = false;
  size_t form = open_.size();
  while (form > 0 && open_.at(form - 1).serial != form_serial_) --form;
  if (form == 0 || !open_.InScopeAt(form - 1)) return;
  open_.ImplyEndTags();
  if (form - 1 < open_.size()) open_.Erase(form - 1);
}

void TreeState::EndP() {
  if (!open_.InScope(N::kP, Scope::kButton)) return;  // an empty p is made and closed
  open_.PopUntil(N::kP);
}

}  // namespace weft
