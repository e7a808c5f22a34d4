#include "parser/gumbo_walk.h"

#include <array>
#include <cstddef>
#include <vector>

#include "parser/css_urls.h"
#include "parser/element_links.h"
#include "parser/html_names.h"
#include "parser/visible_text.h"

namespace weft {
namespace {

// Elements that the builder makes again of a start tag that made one before (13.2.4.3): the document names nothing twice.
constexpr unsigned kMadeAnew = GUMBO_INSERTION_ADOPTION_AGENCY_CLONED | GUMBO_INSERTION_RECONSTRUCTED_FORMATTING_ELEMENT;

// By gumbo's tag numbers, so that the walk compares no names.
const std::array<HtmlName, GUMBO_TAG_LAST + 1>& Names() {
  static const std::array<HtmlName, GUMBO_TAG_LAST + 1> kNames = [] {
    std::array<HtmlName, GUMBO_TAG_LAST + 1> names = {};
    for (size_t tag = 0; tag < GUMBO_TAG_UNKNOWN; ++tag) {
      names[tag] = FindHtmlElement(gumbo_normalized_tagname(static_cast<GumboTag>(tag))).id;
    }
    return names;
  }();
  return kNames;
}

class Walk {
 public:
  Walk(bool want_text, LinkCollector* links) : want_text_(want_text), links_(links) {}

  WalkedPage Run(const GumboNode* root) {
    Enter(root);
    while (!open_.empty()) {
      Level& level = open_.back();
      const GumboVector& children = level.node->v.element.children;
      if (level.next_child < children.length) {
        Visit(static_cast<const GumboNode*>(children.data[level.next_child++]));
      } else {
        Leave(level);
        open_.pop_back();
      }
    }
    page_.text = text_.Take();
    return std::move(page_);
  }

 private:
  struct Level {
    const GumboNode* node;
    unsigned next_child;
    uint32_t traits;
    bool hides;  // its content is not visible text
    bool anchor;
  };

  void Visit(const GumboNode* node) {
    switch (node->type) {
      case GUMBO_NODE_ELEMENT: Enter(node); break;
      case GUMBO_NODE_TEXT:
      case GUMBO_NODE_CDATA:
      case GUMBO_NODE_WHITESPACE:
        if (hidden_ != 0) break;
        if (want_text_) text_.Add(node->v.text.text);
        links_->AddText(node->v.text.text);
        break;
      default: break;  // a template's content is not part of the document
    }
  }

  void Enter(const GumboNode* node) {
    const GumboElement& element = node->v.element;
    const bool html = element.tag_namespace == GUMBO_NAMESPACE_HTML;
    const HtmlName name = HtmlNameOf(element);
    Collect(node, name);
    if (html && element.tag == GUMBO_TAG_TITLE) TakeTitle(element);
    if (html && element.tag == GUMBO_TAG_STYLE) TakeStyle(element);
    const uint32_t traits = html ? HtmlElementOf(name).traits : 0;
    BreakText(traits);
    const bool hides = (traits & HtmlElement::kHidden) != 0;
    if (hides) ++hidden_;
    open_.push_back({node, 0, traits, hides, name == HtmlName::kA});
  }

  void Leave(const Level& level) {
    BreakText(level.traits);
    if (level.hides) --hidden_;
    if (level.anchor) links_->EndText();
  }

  static HtmlSpace SpaceOf(const GumboElement& element) {
    switch (element.tag_namespace) {
      case GUMBO_NAMESPACE_SVG: return HtmlSpace::kSvg;
      case GUMBO_NAMESPACE_MATHML: return HtmlSpace::kMath;
      default: return HtmlSpace::kHtml;
    }
  }

  void BreakText(uint32_t traits) {
    if ((traits & HtmlElement::kBlock) != 0) text_.BreakLine();
    if ((traits & HtmlElement::kCell) != 0) text_.BreakWord();
  }

  static TagAttributes AttributesOf(const GumboElement& element) {
    TagAttributes attributes;
    for (unsigned i = 0; i < element.attributes.length; ++i) {
      const auto* attribute = static_cast<const GumboAttribute*>(element.attributes.data[i]);
      if (attribute->attr_namespace == GUMBO_ATTR_NAMESPACE_NONE) {
        attributes.Set(FindHtmlAttribute(attribute->name), attribute->value);
      } else if (attribute->attr_namespace == GUMBO_ATTR_NAMESPACE_XLINK && std::string_view(attribute->name) == "href") {
        attributes.Set(HtmlAttribute::kXlinkHref, attribute->value);
      }
    }
    return attributes;
  }

  void Collect(const GumboNode* node, HtmlName name) {
    if (!MayCollect(name, *links_) || (node->parse_flags & kMadeAnew) != 0) return;
    const GumboElement& element = node->v.element;
    CollectElement(name, SpaceOf(element), AttributesOf(element), links_);
  }

  void TakeStyle(const GumboElement& element) {
    if (!links_->Wants(LinkKind::kStyle) && !links_->Wants(LinkKind::kResource)) return;
    for (unsigned i = 0; i < element.children.length; ++i) {
      const auto* child = static_cast<const GumboNode*>(element.children.data[i]);
      if (child->type == GUMBO_NODE_TEXT || child->type == GUMBO_NODE_WHITESPACE) AddCssUrls(child->v.text.text, links_);
    }
  }

  void TakeTitle(const GumboElement& element) {
    if (has_title_) return;
    has_title_ = true;
    VisibleText title;
    for (unsigned i = 0; i < element.children.length; ++i) {
      const auto* child = static_cast<const GumboNode*>(element.children.data[i]);
      if (child->type == GUMBO_NODE_TEXT || child->type == GUMBO_NODE_WHITESPACE) title.Add(child->v.text.text);
    }
    page_.title = title.Take();
  }

  const bool want_text_;
  LinkCollector* links_;
  std::vector<Level> open_;
  size_t hidden_ = 0;
  VisibleText text_;
  WalkedPage page_;
  bool has_title_ = false;
};

}  // namespace

HtmlName HtmlNameOf(const GumboElement& element) {
  if (element.tag != GUMBO_TAG_UNKNOWN) return Names()[element.tag];
  GumboStringPiece piece = element.original_tag;
  gumbo_tag_from_original_text(&piece);
  return FindHtmlElement({piece.data, piece.length}).id;
}

WalkedPage WalkTree(const GumboOutput& tree, bool want_text, LinkCollector* links) {
  return Walk(want_text, links).Run(tree.root);
}

}  // namespace weft
