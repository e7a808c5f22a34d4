#include "parser/linear_scan.h"

#include <utility>
#include <vector>

#include "parser/ascii.h"
#include "parser/character_references.h"
#include "parser/html_tokenizer.h"
#include "parser/visible_text.h"

namespace weft {
namespace {

// Whether the scan stands in SVG or MathML, where <style> and <title> hold markup (13.2.6.5). Nesting beyond kMaxDepth is
// treated as HTML: it costs accuracy, not time.
class ForeignContent {
 public:
  bool inside() const { return !levels_.empty() && levels_.back() == kForeign; }

  // Whether the element itself is foreign.
  bool Start(const HtmlToken& tag) {
    if (inside() && tag.element->Has(HtmlElement::kBreakout)) levels_.clear();
    const bool was_inside = inside();
    const bool enters = tag.element->id == HtmlName::kSvg || tag.element->id == HtmlName::kMath;
    if (tag.self_closing || levels_.size() >= kMaxDepth) return was_inside || enters;
    if (enters) {
      levels_.push_back(kForeign);
    } else if (was_inside && IsIntegrationPoint(tag.element->id)) {
      levels_.push_back(kHtml);
    }
    return was_inside || enters;
  }

  void End(const HtmlToken& tag) {
    const HtmlName id = tag.element->id;
    if (id == HtmlName::kSvg || id == HtmlName::kMath) {
      PopTo(kForeign);
    } else if (!inside() && IsIntegrationPoint(id)) {
      PopTo(kHtml);
    }
  }

 private:
  enum Level : uint8_t { kForeign, kHtml };
  static constexpr size_t kMaxDepth = 64;

  static bool IsIntegrationPoint(HtmlName id) {
    return id == HtmlName::kForeignObject || id == HtmlName::kDesc || id == HtmlName::kTitle;
  }

  void PopTo(Level level) {
    while (!levels_.empty() && levels_.back() != level) levels_.pop_back();
    if (!levels_.empty()) levels_.pop_back();
  }

  std::vector<Level> levels_;
};

class Scan {
 public:
  Scan(std::string_view utf8, bool want_text, LinkCollector* links)
      : tokens_(utf8), want_text_(want_text), links_(links) {}

  ScannedPage Run() {
    HtmlToken token;
    while (tokens_.Next(&token)) {
      if (token.type == HtmlToken::Type::kText) {
        AddText(token.text);
      } else if (token.type == HtmlToken::Type::kStartTag) {
        StartTag(token);
      } else {
        EndTag(token);
      }
      tokens_.set_foreign(foreign_.inside());
    }
    page_.text = text_.Take();
    return std::move(page_);
  }

 private:
  bool hidden() const { return template_depth_ + noscript_depth_ > 0; }

  void StartTag(const HtmlToken& tag) {
    tag_is_foreign_ = foreign_.Start(tag);
    if (!tag_is_foreign_) BreakText(*tag.element);
    if (template_depth_ == 0) AddLinks(tag);
    if (tag_is_foreign_) return;
    switch (tag.element->id) {
      case HtmlName::kTemplate: ++template_depth_; break;
      case HtmlName::kNoscript: ++noscript_depth_; break;
      case HtmlName::kTitle: TakeTitle(tag); break;
      case HtmlName::kScript: tokens_.TakeScript(); break;
      case HtmlName::kTextarea: AddText(tokens_.TakeRawText(tag.name)); break;
      case HtmlName::kIframe: tokens_.TakeRawText(tag.name); break;
      case HtmlName::kPlaintext: AddLiteral(tokens_.TakeRest()); break;
      case HtmlName::kRawText: TakeRawElement(tag); break;
      default: break;
    }
  }

  void EndTag(const HtmlToken& tag) {
    foreign_.End(tag);
    BreakText(*tag.element);
    if (tag.element->id == HtmlName::kTemplate && template_depth_ > 0) --template_depth_;
    if (tag.element->id == HtmlName::kNoscript && noscript_depth_ > 0) --noscript_depth_;
  }

  void BreakText(const HtmlElement& element) {
    if (element.Has(HtmlElement::kBlock)) text_.BreakLine();
    if (element.Has(HtmlElement::kCell)) text_.BreakWord();
  }

  void TakeTitle(const HtmlToken& tag) {
    const std::string_view raw = tokens_.TakeRawText(tag.name);
    if (has_title_ || template_depth_ > 0) return;
    has_title_ = true;
    page_.title = CollapseSpace(DecodeCharacterReferences(raw, ReferenceContext::kText));
  }

  // style, xmp, noembed, noframes
  void TakeRawElement(const HtmlToken& tag) {
    const std::string_view raw = tokens_.TakeRawText(tag.name);
    if (!tag.element->Has(HtmlElement::kHidden)) AddLiteral(raw);
  }

  void AddText(std::string_view raw) {
    if (!want_text_ || hidden()) return;
    if (NeedsDecoding(raw)) {
      text_.Add(DecodeCharacterReferences(raw, ReferenceContext::kText));
    } else {
      text_.Add(raw);
    }
  }
  void AddLiteral(std::string_view characters) {
    if (want_text_ && !hidden()) text_.Add(characters);
  }

  void AddLinks(const HtmlToken& tag) {
    switch (tag.element->id) {
      case HtmlName::kA:
      case HtmlName::kArea: AddAnchor(tag); break;
      case HtmlName::kFrame:
      case HtmlName::kIframe: AddFrame(tag); break;
      case HtmlName::kBase: AddBase(tag); break;
      case HtmlName::kMeta: AddMeta(tag); break;
      default: break;
    }
  }

  // The value of the tag's first attribute of that name; repeats are dropped (13.2.5.33).
  bool Attribute(const HtmlToken& tag, std::string_view lower_name, std::string_view* value) {
    AttributeReader reader(tag.text);
    std::string_view name;
    while (reader.Next(&name, value)) {
      if (!EqualsIgnoringCase(name, lower_name)) continue;
      if (NeedsDecoding(*value)) *value = links_->Keep(DecodeCharacterReferences(*value, ReferenceContext::kAttribute));
      return true;
    }
    return false;
  }

  void AddAnchor(const HtmlToken& tag) {
    std::string_view href;
    const bool svg_link = tag_is_foreign_ && tag.element->id == HtmlName::kA;
    if (!Attribute(tag, "href", &href) && !(svg_link && Attribute(tag, "xlink:href", &href))) return;
    std::string_view rel;
    links_->Add(LinkKind::kNavigation, href, Attribute(tag, "rel", &rel) && HasNofollow(rel));
  }

  void AddFrame(const HtmlToken& tag) {
    std::string_view src;
    if (!tag_is_foreign_ && Attribute(tag, "src", &src) && !src.empty()) links_->Add(LinkKind::kFrame, src, false);
  }

  void AddBase(const HtmlToken& tag) {
    std::string_view href;
    if (!tag_is_foreign_ && Attribute(tag, "href", &href)) links_->AddBase(href);
  }

  void AddMeta(const HtmlToken& tag) {
    std::string_view http_equiv;
    std::string_view content;
    if (tag_is_foreign_ || !Attribute(tag, "http-equiv", &http_equiv)) return;
    if (EqualsIgnoringCase(http_equiv, "refresh") && Attribute(tag, "content", &content)) links_->AddRefresh(content);
  }

  HtmlTokenizer tokens_;
  const bool want_text_;
  LinkCollector* links_;
  ForeignContent foreign_;
  VisibleText text_;
  ScannedPage page_;
  bool tag_is_foreign_ = false;  // the start tag in hand
  bool has_title_ = false;
  size_t template_depth_ = 0;
  size_t noscript_depth_ = 0;
};

}  // namespace

ScannedPage LinearScan(std::string_view utf8, bool want_text, LinkCollector* links) {
  return Scan(utf8, want_text, links).Run();
}

}  // namespace weft
