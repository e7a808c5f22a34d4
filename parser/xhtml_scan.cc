#include "parser/xhtml_scan.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "parser/character_references.h"
#include "parser/css_urls.h"
#include "parser/element_links.h"
#include "parser/html_tokenizer.h"
#include "parser/visible_text.h"

namespace weft {
namespace {

// Deeper elements are read, but not kept account of.
constexpr size_t kMaxDepth = 4096;
// An end tag is looked for so far up: a page in which most of them fit nothing must not cost more.
constexpr size_t kMaxSearch = 64;
constexpr size_t kMaxPrefixes = 32;

// No value: a namespace that names no links.
using Space = std::optional<HtmlSpace>;

Space SpaceOf(std::string_view uri) {
  if (uri == "http://www.w3.org/1999/xhtml") return HtmlSpace::kHtml;
  if (uri == "http://www.w3.org/2000/svg") return HtmlSpace::kSvg;
  return std::nullopt;
}

// Text of an element whose content is taken as it stands: CDATA sections are literal, the rest has references.
std::string ContentOf(std::string_view raw) {
  std::string text;
  while (!raw.empty()) {
    const size_t begin = std::min(raw.find("<![CDATA["), raw.size());
    text += DecodeCharacterReferences(raw.substr(0, begin), ReferenceContext::kText);
    raw.remove_prefix(std::min(begin + 9, raw.size()));
    const size_t end = std::min(raw.find("]]>"), raw.size());
    text += raw.substr(0, end);
    raw.remove_prefix(std::min(end + 3, raw.size()));
  }
  return text;
}

class Scan {
 public:
  Scan(std::string_view utf8, bool want_text, LinkCollector* links) : tokens_(utf8), want_text_(want_text), links_(links) {
    tokens_.set_foreign(true);  // CDATA
  }

  ScannedPage Run() {
    HtmlToken token;
    while (tokens_.Next(&token)) {
      switch (token.type) {
        case HtmlToken::Type::kText: Text(token.text); break;
        case HtmlToken::Type::kStartTag: StartTag(token); break;
        case HtmlToken::Type::kEndTag: EndTag(token); break;
      }
    }
    links_->EndText();
    page_.text = text_.Take();
    return std::move(page_);
  }

 private:
  struct Open {
    std::string_view name;  // with its prefix
    Space outer_default;    // the default namespace around it
    uint32_t traits;
    bool hides;
    bool is_anchor;
    bool is_template;       // its content is not part of the document
  };

  void StartTag(const HtmlToken& tag) {
    const Space outer_default = default_space_;
    if (tag.text.find("xmlns") != tag.text.npos) Declare(tag.text);
    std::string_view local = tag.name;
    Space space = default_space_;
    if (const size_t colon = local.find(':'); colon != local.npos) {
      space = SpaceOfPrefix(local.substr(0, colon));
      local.remove_prefix(colon + 1);
    }
    const HtmlElement& element = FindHtmlElement(local);
    const bool is_html = space == HtmlSpace::kHtml;
    const uint32_t traits = is_html ? element.traits : 0;
    if (space.has_value() && templates_ == 0 && MayCollect(element.id, *links_)) {
      CollectElement(element.id, *space, TagAttributes::Read(tag.text), links_);
    }
    BreakText(traits);
    const Open open{.name = tag.name, .outer_default = outer_default, .traits = traits,
                    .hides = (traits & HtmlElement::kHidden) != 0, .is_anchor = space.has_value() && element.id == HtmlName::kA,
                    .is_template = is_html && element.id == HtmlName::kTemplate};
    if (tag.self_closing) {
      if (is_html && element.id == HtmlName::kTitle && templates_ == 0) has_title_ = true;
      return Close(open);
    }
    Enter(open);
    TakeContent(element.id, is_html, tag.name);
  }

  // Markup in them is rare, and broken where it is not meant as such.
  void TakeContent(HtmlName id, bool is_html, std::string_view name) {
    if (id != HtmlName::kScript && id != HtmlName::kStyle && id != HtmlName::kTitle) return;
    const std::string_view raw = tokens_.TakeRawText(name);
    if (!is_html || templates_ > 0) return;
    if (id == HtmlName::kStyle && (links_->Wants(LinkKind::kStyle) || links_->Wants(LinkKind::kResource))) {
      AddCssUrls(ContentOf(raw), links_);
    }
    if (id == HtmlName::kTitle && !std::exchange(has_title_, true)) page_.title = CollapseSpace(ContentOf(raw));
  }

  void EndTag(const HtmlToken& tag) {
    const size_t searched = std::min(open_.size(), kMaxSearch);
    for (size_t i = 0; i < searched; ++i) {
      if (open_[open_.size() - 1 - i].name != tag.name) continue;
      for (size_t closed = 0; closed <= i; ++closed) {
        const Open open = open_.back();
        open_.pop_back();
        if (open.hides) --hidden_;
        if (open.is_template) --templates_;
        Close(open);
      }
      return;
    }
  }

  void Enter(const Open& open) {
    if (open_.size() >= kMaxDepth) return;
    open_.push_back(open);
    if (open.hides) ++hidden_;
    if (open.is_template) ++templates_;
  }

  void Close(const Open& open) {
    default_space_ = open.outer_default;
    BreakText(open.traits);
    if (open.is_anchor) links_->EndText();
  }

  void Declare(std::string_view attributes) {
    AttributeReader reader(attributes);
    std::string_view name;
    std::string_view value;
    while (reader.Next(&name, &value)) {
      if (name == "xmlns") default_space_ = SpaceOf(value);
      if (name.starts_with("xmlns:") && prefixes_.size() < kMaxPrefixes) prefixes_.emplace_back(name.substr(6), SpaceOf(value));
    }
  }

  // The last declaration counts, wherever it stands: real pages give a prefix one meaning.
  Space SpaceOfPrefix(std::string_view prefix) const {
    for (auto declared = prefixes_.rbegin(); declared != prefixes_.rend(); ++declared) {
      if (declared->first == prefix) return declared->second;
    }
    return std::nullopt;
  }

  void BreakText(uint32_t traits) {
    if ((traits & HtmlElement::kBlock) != 0) text_.BreakLine();
    if ((traits & HtmlElement::kCell) != 0) text_.BreakWord();
  }

  void Text(std::string_view raw) {
    if ((!want_text_ && !links_->want_details()) || hidden_ > 0) return;
    const std::string decoded = DecodeCharacterReferences(raw, ReferenceContext::kText);
    if (want_text_) text_.Add(decoded);
    links_->AddText(decoded);
  }

  HtmlTokenizer tokens_;
  const bool want_text_;
  LinkCollector* links_;
  std::vector<Open> open_;
  std::vector<std::pair<std::string_view, Space>> prefixes_;
  Space default_space_ = HtmlSpace::kHtml;  // a page that forgot to say so is HTML all the same
  size_t hidden_ = 0;
  size_t templates_ = 0;
  VisibleText text_;
  ScannedPage page_;
  bool has_title_ = false;
};

}  // namespace

ScannedPage XhtmlScan(std::string_view utf8, bool want_text, LinkCollector* links) {
  return Scan(utf8, want_text, links).Run();
}

}  // namespace weft
