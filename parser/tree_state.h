// Where the tree builder puts each tag (HTML standard 13.2.6, "tree construction"), without the tree: insertion modes, open
// elements and formatting elements, by name alone. Tells which start tags make no element (those in a select, say), which
// make one of SVG or MathML, and what stands within a template. Scripting is off. Memory is constant and each tag costs a
// bounded time; see OpenElements for the bounds. Belongs to one thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "parser/html_tokenizer.h"
#include "parser/open_elements.h"

namespace weft {

class TreeState {
 public:
  struct Placement {
    bool made = false;                      // an element comes of the start tag
    HtmlSpace space = HtmlSpace::kHtml;     // its namespace
    bool replaces_body = false;             // a frameset: the body and all that is in it goes
  };

  Placement StartTag(const HtmlToken& tag);
  void EndTag(const HtmlToken& tag);
  void Text(std::string_view text);

  // Whether <![CDATA[ begins text.
  bool in_foreign() const { return !open_.current().is_html(); }
  // Whether what is made now is a template's content, which is not part of the document.
  bool in_template() const { return open_.IsOpen(HtmlName::kTemplate); }
  bool before_body() const { return mode_ <= Mode::kAfterHead; }
  // Whether text is dropped (in a frameset).
  bool drops_text() const { return mode_ >= Mode::kInFrameset; }

 private:
  enum class Mode : uint8_t {
    kBeforeHead, kInHead, kInHeadNoscript, kAfterHead, kInBody, kInTable, kInCaption, kInColumnGroup, kInTableBody, kInRow,
    kInCell, kInSelect, kInSelectInTable, kInTemplate, kAfterBody, kInFrameset, kAfterFrameset,
  };
  // The tag in hand.
  struct Tag {
    const HtmlToken* token;
    HtmlName id;
    uint32_t name_hash;
    bool Has(uint32_t trait) const { return token->element->Has(trait); }
  };
  // False: to be processed again in the mode that is set now.
  using Done = bool;

  static Tag TagOf(const HtmlToken& token);
  static bool IsHiddenInput(const Tag& tag);
  bool UsesHtmlRules(const Tag& tag) const;

  void StartHtml(const Tag& tag);
  Done StartIn(Mode mode, const Tag& tag);
  Done StartBeforeHead(const Tag& tag);
  Done StartInHead(const Tag& tag);
  Done StartInHeadNoscript(const Tag& tag);
  Done StartAfterHead(const Tag& tag);
  Done StartInBody(const Tag& tag);
  Done StartInTable(const Tag& tag);
  Done StartInCaption(const Tag& tag);
  Done StartInColumnGroup(const Tag& tag);
  Done StartInTableBody(const Tag& tag);
  Done StartInRow(const Tag& tag);
  Done StartInCell(const Tag& tag);
  Done StartInSelect(const Tag& tag);
  Done StartInSelectInTable(const Tag& tag);
  Done StartInTemplate(const Tag& tag);
  Done StartInFrameset(const Tag& tag);
  void StartForeign(const Tag& tag);
  void StartBodyElement(const Tag& tag);
  void StartFormatting(const Tag& tag);
  void StartListItem(const Tag& tag);
  void StartForm(const Tag& tag);
  void StartFrameset(const Tag& tag);
  void StartSelect(const Tag& tag);

  void EndHtml(const Tag& tag);
  Done EndIn(Mode mode, const Tag& tag);
  Done EndInHead(const Tag& tag);
  Done EndInBody(const Tag& tag);
  void EndBlock(const Tag& tag);
  void EndForm();
  void EndP();
  Done EndInTable(const Tag& tag);
  Done EndInCaption(const Tag& tag);
  Done EndInColumnGroup(const Tag& tag);
  Done EndInTableBody(const Tag& tag);
  Done EndInRow(const Tag& tag);
  Done EndInCell(const Tag& tag);
  void EndInSelect(const Tag& tag);
  Done EndInSelectInTable(const Tag& tag);
  void EndInFrameset(const Tag& tag);
  void EndTemplate();
  void EndForeign(const Tag& tag);

  OpenElement ElementOf(const Tag& tag, HtmlSpace space) const;
  void Make(HtmlSpace space = HtmlSpace::kHtml);
  void Insert(const Tag& tag);               // an element that stays open
  void InsertClosed() { Make(); }            // one that is closed at once
  void InsertForeign(const Tag& tag, HtmlSpace space);
  void InsertImplied(HtmlName name);
  void PopBreakout();
  void ClearBackTo(HtmlName a, HtmlName b, HtmlName c);
  bool CloseTableBody();
  bool CloseRow();
  void CloseCell();
  bool CloseCaption();
  void LeaveSelect();
  void ResetMode();
  bool InTableMode() const { return mode_ >= Mode::kInTable && mode_ <= Mode::kInCell && mode_ != Mode::kInColumnGroup; }
  bool TableScope(HtmlName name) const { return open_.InScope(name, OpenElements::Scope::kTable); }

  OpenElements open_;
  std::vector<Mode> template_modes_;
  Mode mode_ = Mode::kBeforeHead;
  Placement placement_;
  bool frameset_ok_ = true;
  bool has_form_ = false;                    // the form element pointer is set
  uint32_t form_serial_ = 0;
};

}  // namespace weft
