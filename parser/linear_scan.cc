#include "parser/linear_scan.h"

#include <memory>
#include <utility>

#include "parser/character_references.h"
#include "parser/css_urls.h"
#include "parser/element_links.h"
#include "parser/html_tokenizer.h"
#include "parser/tree_state.h"
#include "parser/visible_text.h"

namespace weft {
namespace {

class Scan {
 public:
  Scan(std::string_view utf8, bool want_text, LinkCollector* links)
      : utf8_(utf8), tokens_(utf8), want_text_(want_text), want_details_(links->want_details()), links_(links) {}

  ScannedPage Run() {
    // Most pages hold nothing that makes a tree builder drop or move what a link stands in; then no account is kept of open
    // elements. At the first element that can, the page is begun again, with one.
    tokens_.set_names_end_tags(want_text_ || want_details_);
    if (!Read()) {
      tokens_ = HtmlTokenizer(utf8_);
      links_->Clear();
      page_ = {};
      text_ = {};
      noscript_depth_ = 0;
      has_title_ = false;
      tree_ = std::make_unique<TreeState>();
      Read();
    }
    links_->EndText();
    page_.text = text_.Take();
    return std::move(page_);
  }

 private:
  // False: an account of open elements is needed.
  bool Read() {
    HtmlToken token;
    while (tokens_.Next(&token)) {
      if (token.type == HtmlToken::Type::kText) {
        AddText(token.text);
        if (tree_ != nullptr) tree_->Text(token.text);
      } else if (token.type == HtmlToken::Type::kStartTag) {
        if (tree_ == nullptr && token.element->Has(HtmlElement::kNeedsTree)) return false;
        StartTag(token);
      } else {
        EndTag(token);
      }
      if (tree_ != nullptr) tokens_.set_foreign(tree_->in_foreign());
    }
    return true;
  }

  bool hidden() const {
    return noscript_depth_ > 0 || (tree_ != nullptr && (tree_->in_template() || tree_->drops_text()));
  }

  void StartTag(const HtmlToken& tag) {
    TreeState::Placement place{.made = true};
    if (tree_ != nullptr) {
      const bool in_template = tree_->in_template();
      place = tree_->StartTag(tag);
      if (!in_body_ && !tree_->before_body()) BeginBody();
      if (!place.made) return;
      if (place.replaces_body) DropBody();
      if (in_template && place.space == HtmlSpace::kHtml) {
        PassContent(tag);
        return;
      }
      if (in_template) return;
    }
    const HtmlElement& element = *tag.element;
    if (place.space == HtmlSpace::kHtml) BreakText(element);
    if (MayCollect(element.id, *links_)) CollectElement(element.id, place.space, TagAttributes::Read(tag.text), links_);
    if (place.space == HtmlSpace::kHtml) TakeContent(tag);
  }

  // A frameset takes the place of a body, and of all that was in it.
  void BeginBody() {
    in_body_ = true;
    links_->MarkBody();
    title_of_head_ = has_title_;
  }
  void DropBody() {
    links_->DropBody();
    text_ = {};
    has_title_ = title_of_head_;
    if (!has_title_) page_.title.clear();
  }

  void TakeContent(const HtmlToken& tag) {
    switch (tag.element->id) {
      case HtmlName::kNoscript: ++noscript_depth_; break;
      case HtmlName::kTitle: TakeTitle(tag); break;
      case HtmlName::kStyle: TakeStyle(tag); break;
      case HtmlName::kTextarea: AddText(tokens_.TakeRawText(tag.name)); break;
      case HtmlName::kXmp: AddLiteral(tokens_.TakeRawText(tag.name)); break;
      case HtmlName::kPlaintext: AddLiteral(tokens_.TakeRest()); break;
      default: PassContent(tag); break;
    }
  }

  // Raw text of which nothing is wanted.
  void PassContent(const HtmlToken& tag) {
    const HtmlName id = tag.element->id;
    if (id == HtmlName::kScript) {
      tokens_.TakeScript();
    } else if (id == HtmlName::kPlaintext) {
      tokens_.TakeRest();
    } else if (tag.element->Has(HtmlElement::kRawText) || id == HtmlName::kTextarea || id == HtmlName::kTitle) {
      tokens_.TakeRawText(tag.name);
    }
  }

  void EndTag(const HtmlToken& tag) {
    const HtmlName id = tag.element->id;
    if (id == HtmlName::kA) links_->EndText();
    if (tree_ != nullptr) tree_->EndTag(tag);
    BreakText(*tag.element);
    if (id == HtmlName::kNoscript && noscript_depth_ > 0) --noscript_depth_;
  }

  void BreakText(const HtmlElement& element) {
    if (element.Has(HtmlElement::kBlock)) text_.BreakLine();
    if (element.Has(HtmlElement::kCell)) text_.BreakWord();
  }

  void TakeTitle(const HtmlToken& tag) {
    const std::string_view raw = tokens_.TakeRawText(tag.name);
    if (has_title_) return;
    has_title_ = true;
    page_.title = CollapseSpace(DecodeCharacterReferences(raw, ReferenceContext::kText));
  }

  void TakeStyle(const HtmlToken& tag) {
    const std::string_view css = tokens_.TakeRawText(tag.name);
    if (links_->Wants(LinkKind::kStyle) || links_->Wants(LinkKind::kResource)) AddCssUrls(css, links_);
  }

  void AddText(std::string_view raw) {
    if ((!want_text_ && !want_details_) || hidden()) return;
    if (NeedsDecoding(raw)) {
      AddCharacters(DecodeCharacterReferences(raw, ReferenceContext::kText));
    } else {
      AddCharacters(raw);
    }
  }
  void AddLiteral(std::string_view characters) {
    if (!hidden()) AddCharacters(characters);
  }
  void AddCharacters(std::string_view characters) {
    if (want_text_) text_.Add(characters);
    if (want_details_) links_->AddText(characters);
  }

  std::string_view utf8_;
  HtmlTokenizer tokens_;
  const bool want_text_;
  const bool want_details_;
  LinkCollector* links_;
  std::unique_ptr<TreeState> tree_;  // null while no account of open elements is needed
  VisibleText text_;
  ScannedPage page_;
  bool has_title_ = false;
  bool in_body_ = false;        // with an account of open elements only
  bool title_of_head_ = false;
  size_t noscript_depth_ = 0;
};

}  // namespace

ScannedPage LinearScan(std::string_view utf8, bool want_text, LinkCollector* links) {
  return Scan(utf8, want_text, links).Run();
}

}  // namespace weft
