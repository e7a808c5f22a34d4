// The modes of tables, selects and templates (HTML standard 13.2.6.4.9 to 13.2.6.4.18).
#include "parser/tree_state.h"

namespace weft {
namespace {

using N = HtmlName;

bool IsTableBody(HtmlName id) { return id == N::kTbody || id == N::kTfoot || id == N::kThead; }
bool IsCell(HtmlName id) { return id == N::kTd || id == N::kTh; }
// What a caption, a cell and a select in a table make way for.
bool IsTablePart(HtmlName id) {
  return id == N::kCaption || id == N::kCol || id == N::kColgroup || IsTableBody(id) || IsCell(id) || id == N::kTr;
}

}  // namespace

// "Clear the stack back to a table (body, row) context".
void TreeState::ClearBackTo(HtmlName a, HtmlName b, HtmlName c) {
  while (open_.size() > 1) {
    const OpenElement& current = open_.current();
    if (current.Is(a) || current.Is(b) || current.Is(c) || current.Is(N::kTemplate)) return;
    open_.Pop();
  }
}

TreeState::Done TreeState::StartInTable(const Tag& tag) {
  const auto context = [this] { ClearBackTo(N::kTable, N::kTable, N::kTable); };
  switch (tag.id) {
    case N::kCaption:
      context();
      open_.PushMarker();
      Insert(tag);
      mode_ = Mode::kInCaption;
      return true;
    case N::kColgroup:
      context();
      Insert(tag);
      mode_ = Mode::kInColumnGroup;
      return true;
    case N::kCol:
      context();
      InsertImplied(N::kColgroup);
      mode_ = Mode::kInColumnGroup;
      return false;
    case N::kTbody: case N::kTfoot: case N::kThead:
      context();
      Insert(tag);
      mode_ = Mode::kInTableBody;
      return true;
    case N::kTd: case N::kTh: case N::kTr:
      context();
      InsertImplied(N::kTbody);
      mode_ = Mode::kInTableBody;
      return false;
    case N::kTable:
      if (!TableScope(N::kTable)) return true;
      open_.PopUntil(N::kTable);
      ResetMode();
      return false;
    case N::kStyle: case N::kScript: case N::kTemplate: return StartInHead(tag);
    case N::kInput:
      if (!IsHiddenInput(tag)) break;
      InsertClosed();
      return true;
    case N::kForm:
      if (open_.IsOpen(N::kTemplate) || has_form_) return true;
      has_form_ = true;
      form_serial_ = 0;  // it is closed at once
      InsertClosed();
      return true;
    default: break;
  }
  return StartInBody(tag);
}

TreeState::Done TreeState::EndInTable(const Tag& tag) {
  switch (tag.id) {
    case N::kTable:
      if (!TableScope(N::kTable)) return true;
      open_.PopUntil(N::kTable);
      ResetMode();
      return true;
    case N::kBody: case N::kHtml: return true;
    default: break;
  }
  if (IsTablePart(tag.id)) return true;
  return EndInBody(tag);
}

bool TreeState::CloseCaption() {
  if (!TableScope(N::kCaption)) return false;
  open_.PopUntil(N::kCaption);
  open_.ClearToMarker();
  mode_ = Mode::kInTable;
  return true;
}

TreeState::Done TreeState::StartInCaption(const Tag& tag) {
  if (!IsTablePart(tag.id)) return StartInBody(tag);
  return !CloseCaption();
}

TreeState::Done TreeState::EndInCaption(const Tag& tag) {
  if (tag.id == N::kCaption) {
    CloseCaption();
    return true;
  }
  if (tag.id == N::kTable) return !CloseCaption();
  if (IsTablePart(tag.id) || tag.id == N::kBody || tag.id == N::kHtml) return true;
  return EndInBody(tag);
}

TreeState::Done TreeState::StartInColumnGroup(const Tag& tag) {
  if (tag.id == N::kHtml) return StartInBody(tag);
  if (tag.id == N::kTemplate) return StartInHead(tag);
  if (tag.id == N::kCol) {
    InsertClosed();
    return true;
  }
  if (!open_.current().Is(N::kColgroup)) return true;
  open_.Pop();
  mode_ = Mode::kInTable;
  return false;
}

TreeState::Done TreeState::EndInColumnGroup(const Tag& tag) {
  if (tag.id == N::kTemplate) {
    EndTemplate();
    return true;
  }
  if (tag.id == N::kCol || !open_.current().Is(N::kColgroup)) return true;
  open_.Pop();
  mode_ = Mode::kInTable;
  return tag.id == N::kColgroup;
}

bool TreeState::CloseTableBody() {
  if (!TableScope(N::kTbody) && !TableScope(N::kThead) && !TableScope(N::kTfoot)) return false;
  ClearBackTo(N::kTbody, N::kTfoot, N::kThead);
  open_.Pop();
  mode_ = Mode::kInTable;
  return true;
}

TreeState::Done TreeState::StartInTableBody(const Tag& tag) {
  if (tag.id == N::kTr || IsCell(tag.id)) {
    ClearBackTo(N::kTbody, N::kTfoot, N::kThead);
    mode_ = Mode::kInRow;
    if (tag.id == N::kTr) {
      Insert(tag);
      return true;
    }
    InsertImplied(N::kTr);
    return false;
  }
  if (IsTablePart(tag.id)) return !CloseTableBody();
  return StartInTable(tag);
}

TreeState::Done TreeState::EndInTableBody(const Tag& tag) {
  if (IsTableBody(tag.id)) {
    if (!TableScope(tag.id)) return true;
    ClearBackTo(N::kTbody, N::kTfoot, N::kThead);
    open_.Pop();
    mode_ = Mode::kInTable;
    return true;
  }
  if (tag.id == N::kTable) return !CloseTableBody();
  return EndInTable(tag);
}

bool TreeState::CloseRow() {
  if (!TableScope(N::kTr)) return false;
  ClearBackTo(N::kTr, N::kTr, N::kTr);
  open_.Pop();
  mode_ = Mode::kInTableBody;
  return true;
}

TreeState::Done TreeState::StartInRow(const Tag& tag) {
  if (IsCell(tag.id)) {
    ClearBackTo(N::kTr, N::kTr, N::kTr);
    Insert(tag);
    mode_ = Mode::kInCell;
    open_.PushMarker();
    return true;
  }
  if (IsTablePart(tag.id)) return !CloseRow();
  return StartInTable(tag);
}

TreeState::Done TreeState::EndInRow(const Tag& tag) {
  if (tag.id == N::kTr) {
    CloseRow();
    return true;
  }
  if (tag.id == N::kTable) return !CloseRow();
  if (IsTableBody(tag.id)) return !TableScope(tag.id) || !CloseRow();
  return EndInTable(tag);
}

void TreeState::CloseCell() {
  if (open_.IsOpen(N::kTd) || open_.IsOpen(N::kTh)) open_.PopUntilCell();
  open_.ClearToMarker();
  mode_ = Mode::kInRow;
}

TreeState::Done TreeState::StartInCell(const Tag& tag) {
  if (!IsTablePart(tag.id)) return StartInBody(tag);
  if (!TableScope(N::kTd) && !TableScope(N::kTh)) return true;
  CloseCell();
  return false;
}

TreeState::Done TreeState::EndInCell(const Tag& tag) {
  if (IsCell(tag.id)) {
    if (!TableScope(tag.id)) return true;
    open_.PopUntil(tag.id);
    open_.ClearToMarker();
    mode_ = Mode::kInRow;
    return true;
  }
  if (tag.id == N::kTable || tag.id == N::kTr || IsTableBody(tag.id)) {
    if (!TableScope(tag.id)) return true;
    CloseCell();
    return false;
  }
  if (IsTablePart(tag.id) || tag.id == N::kBody || tag.id == N::kHtml) return true;
  return EndInBody(tag);
}

void TreeState::LeaveSelect() {
  open_.PopUntil(N::kSelect);
  ResetMode();
}

TreeState::Done TreeState::StartInSelect(const Tag& tag) {
  switch (tag.id) {
    case N::kOption:
    case N::kOptgroup:
    case N::kHr:
      if (open_.current().Is(N::kOption)) open_.Pop();
      if (tag.id != N::kOption && open_.current().Is(N::kOptgroup)) open_.Pop();
      if (tag.id == N::kHr) {
        InsertClosed();
      } else {
        Insert(tag);
      }
      return true;
    case N::kSelect: LeaveSelect(); return true;
    case N::kInput: case N::kKeygen: case N::kTextarea: LeaveSelect(); return false;
    case N::kScript: case N::kTemplate: return StartInHead(tag);
    default: return true;
  }
}

void TreeState::EndInSelect(const Tag& tag) {
  if (tag.id == N::kTemplate) {
    EndTemplate();
  } else if (tag.id == N::kSelect) {
    LeaveSelect();
  } else if (tag.id == N::kOption) {
    if (open_.current().Is(N::kOption)) open_.Pop();
  } else if (tag.id == N::kOptgroup) {
    if (open_.current().Is(N::kOption) && open_.size() > 1 && open_.at(open_.size() - 2).Is(N::kOptgroup)) open_.Pop();
    if (open_.current().Is(N::kOptgroup)) open_.Pop();
  }
}

TreeState::Done TreeState::StartInSelectInTable(const Tag& tag) {
  const bool closes = tag.id == N::kTable || (IsTablePart(tag.id) && tag.id != N::kCol && tag.id != N::kColgroup);
  if (!closes) return StartInSelect(tag);
  LeaveSelect();
  return false;
}

TreeState::Done TreeState::EndInSelectInTable(const Tag& tag) {
  const bool closes = tag.id == N::kTable || (IsTablePart(tag.id) && tag.id != N::kCol && tag.id != N::kColgroup);
  if (!closes) {
    EndInSelect(tag);
    return true;
  }
  if (!TableScope(tag.id)) return true;
  LeaveSelect();
  return false;
}

TreeState::Done TreeState::StartInTemplate(const Tag& tag) {
  Mode next = Mode::kInBody;
  switch (tag.id) {
    case N::kBase: case N::kBasefont: case N::kBgsound: case N::kLink: case N::kMeta: case N::kNoframes: case N::kScript:
    case N::kStyle: case N::kTemplate: case N::kTitle: return StartInHead(tag);
    case N::kCaption: case N::kColgroup: case N::kTbody: case N::kTfoot: case N::kThead: next = Mode::kInTable; break;
    case N::kCol: next = Mode::kInColumnGroup; break;
    case N::kTr: next = Mode::kInTableBody; break;
    case N::kTd: case N::kTh: next = Mode::kInRow; break;
    default: break;
  }
  mode_ = next;
  if (!template_modes_.empty()) template_modes_.back() = next;
  return false;
}

}  // namespace weft
