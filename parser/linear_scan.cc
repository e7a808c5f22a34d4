#include "parser/linear_scan.h"

#include <memory>
#include <utility>

#include "parser/character_references.h"
#include "parser/css_urls.h"
#include "parser/element_links.h"
#include "parser/html_tokenizer.h"
#include "parser/small_subtree.h"
#include "parser/tree_state.h"
#include "parser/visible_text.h"

namespace weft {
namespace {

// Elements of which TakeContent takes what follows, whether or not text is wanted.
bool HasOwnContent(const HtmlElement& element) {
  switch (element.id) {
    case HtmlName::kTitle: case HtmlName::kScript: case HtmlName::kTextarea: case HtmlName::kPlaintext: return true;
    default: return element.Has(HtmlElement::kRawText);
  }
}

class Scan {
 public:
  Scan(std::string_view utf8, bool want_text, LinkCollector* links, SimHash* sketch)
      : utf8_(utf8), tokens_(utf8), want_text_(want_text), want_details_(links->want_details()), links_(links), sketch_(sketch) {}

  ScannedPage Run() {
    // Most pages hold nothing that makes a tree builder drop or move what a link stands in; then no account is kept of open
    // elements. At the first element that can, the page is begun again, with one.
    if (!Read()) {
      tokens_ = HtmlTokenizer(utf8_);
      links_->Clear();
      if (sketch_ != nullptr) sketch_->Clear();
      page_ = {};
      text_ = {};
      noscript_depth_ = 0;
      has_title_ = false;
      small_ = {};
      tree_ = std::make_unique<TreeState>();
      Read();
    }
    links_->EndText();
    page_.text = text_.Take();
    return std::move(page_);
  }

 private:
  bool want_characters() const { return want_text_ || want_details_; }

  // What is wanted while no account is kept (`few`), and in a small subtree or with a TreeState, which must see all.
  void SetInterests() {
    for (size_t i = 0; i < kHtmlNames; ++i) {
      const HtmlElement& element = HtmlElementOf(static_cast<HtmlName>(i));
      const uint8_t attributes = MayCollect(element.id, *links_) ? HtmlInterest::kAttributes : uint8_t{0};
      const bool always = want_characters() || element.Has(HtmlElement::kNeedsTree) || HasOwnContent(element);
      all_.elements[i] = attributes | HtmlInterest::kStartTag;
      few_.elements[i] = always ? all_.elements[i] : attributes;
    }
    few_.end_tags = few_.text = want_characters();
    all_.text = want_characters() || tree_ != nullptr;
  }

  // False: an account of open elements is needed.
  bool Read() {
    SetInterests();
    tokens_.set_sketch(sketch_);
    tokens_.set_interest(tree_ != nullptr ? &all_ : &few_);
    HtmlToken token;
    while (tokens_.Next(&token)) {
      if (token.type == HtmlToken::Type::kText) {
        AddText(token.text);
        if (tree_ != nullptr) tree_->Text(token.text);
      } else if (tree_ == nullptr) {
        if (!TakeTagAlone(token)) return false;
      } else if (token.type == HtmlToken::Type::kStartTag) {
        PlaceTag(token);
      } else {
        tree_->EndTag(token);
        EndTag(token);
      }
      if (tree_ != nullptr) tokens_.set_foreign(tree_->in_foreign());
    }
    return true;
  }

  // Without a TreeState; false: one is needed.
  bool TakeTagAlone(const HtmlToken& token) {
    const bool is_start = token.type == HtmlToken::Type::kStartTag;
    if (!small_.open() && !(is_start && token.element->Has(HtmlElement::kNeedsTree))) {
      if (is_start) {
        TakeElement(token, HtmlSpace::kHtml);
      } else {
        EndTag(token);
      }
      return true;
    }
    if (is_start) {
      if (!small_.open() && !SmallSubtree::Begins(token.element->id)) return false;
      if (!small_.StartTag(token)) return false;
      TakeElement(token, small_.space());
    } else {
      if (!small_.EndTag(token)) return false;
      EndTag(token);
    }
    tokens_.set_interest(small_.open() ? &all_ : &few_);
    tokens_.set_foreign(small_.in_foreign());
    return true;
  }

  bool hidden() const {
    return noscript_depth_ > 0 || (tree_ != nullptr && (tree_->in_template() || tree_->drops_text()));
  }

  void PlaceTag(const HtmlToken& tag) {
    const bool in_template = tree_->in_template();
    const TreeState::Placement place = tree_->StartTag(tag);
    if (!in_body_ && !tree_->before_body()) BeginBody();
    if (!place.made) return;
    if (place.replaces_body) DropBody();
    if (!in_template) {
      TakeElement(tag, place.space);
    } else if (place.space == HtmlSpace::kHtml) {
      PassContent(tag);
    }
  }

  void TakeElement(const HtmlToken& tag, HtmlSpace space) {
    if (space == HtmlSpace::kHtml) BreakText(*tag.element);
    if (!tag.text.empty() && (all_.elements[static_cast<size_t>(tag.element->id)] & HtmlInterest::kAttributes) != 0) {
      CollectElement(tag.element->id, space, tag.attributes, links_);
    }
    if (space == HtmlSpace::kHtml) TakeContent(tag);
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
  SimHash* sketch_;
  HtmlInterest few_;
  HtmlInterest all_;
  SmallSubtree small_;
  std::unique_ptr<TreeState> tree_;  // null while no account of open elements is needed
  VisibleText text_;
  ScannedPage page_;
  bool has_title_ = false;
  bool in_body_ = false;        // with an account of open elements only
  bool title_of_head_ = false;
  size_t noscript_depth_ = 0;
};

}  // namespace

ScannedPage LinearScan(std::string_view utf8, bool want_text, LinkCollector* links, SimHash* sketch) {
  return Scan(utf8, want_text, links, sketch).Run();
}

}  // namespace weft
