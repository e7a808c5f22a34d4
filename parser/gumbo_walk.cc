#include "parser/gumbo_walk.h"

#include <array>
#include <cstddef>
#include <vector>

#include "parser/ascii.h"
#include "parser/html_names.h"
#include "parser/visible_text.h"

namespace weft {
namespace {

// Traits by gumbo's tag numbers, so that the walk compares no names.
const std::array<uint8_t, GUMBO_TAG_LAST + 1>& TagTraits() {
  static const std::array<uint8_t, GUMBO_TAG_LAST + 1> kTraits = [] {
    std::array<uint8_t, GUMBO_TAG_LAST + 1> traits = {};
    for (size_t tag = 0; tag < GUMBO_TAG_UNKNOWN; ++tag) {
      traits[tag] = FindHtmlElement(gumbo_normalized_tagname(static_cast<GumboTag>(tag))).traits;
    }
    return traits;
  }();
  return kTraits;
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
    bool hides;  // its content is not visible text
  };

  void Visit(const GumboNode* node) {
    switch (node->type) {
      case GUMBO_NODE_ELEMENT: Enter(node); break;
      case GUMBO_NODE_TEXT:
      case GUMBO_NODE_CDATA:
      case GUMBO_NODE_WHITESPACE:
        if (want_text_ && hidden_ == 0) text_.Add(node->v.text.text);
        break;
      default: break;  // a template's content is not part of the document
    }
  }

  void Enter(const GumboNode* node) {
    const GumboElement& element = node->v.element;
    const bool html = element.tag_namespace == GUMBO_NAMESPACE_HTML;
    switch (element.tag) {
      case GUMBO_TAG_A:
      case GUMBO_TAG_AREA: AddAnchor(element); break;
      case GUMBO_TAG_FRAME:
      case GUMBO_TAG_IFRAME:
        if (html) AddFrame(element);
        break;
      case GUMBO_TAG_BASE:
        if (html) AddBase(element);
        break;
      case GUMBO_TAG_META:
        if (html) AddMeta(element);
        break;
      case GUMBO_TAG_TITLE:
        if (html) TakeTitle(element);
        break;
      default: break;
    }
    const uint8_t traits = Traits(element);
    BreakText(traits);
    const bool hides = (traits & HtmlElement::kHidden) != 0;
    if (hides) ++hidden_;
    open_.push_back({node, 0, hides});
  }

  void Leave(const Level& level) {
    BreakText(Traits(level.node->v.element));
    if (level.hides) --hidden_;
  }

  static uint8_t Traits(const GumboElement& element) {
    return element.tag_namespace == GUMBO_NAMESPACE_HTML ? TagTraits()[element.tag] : uint8_t{0};
  }

  void BreakText(uint8_t traits) {
    if ((traits & HtmlElement::kBlock) != 0) text_.BreakLine();
    if ((traits & HtmlElement::kCell) != 0) text_.BreakWord();
  }

  static const char* Attribute(const GumboElement& element, const char* name, GumboAttributeNamespaceEnum space) {
    for (unsigned i = 0; i < element.attributes.length; ++i) {
      const auto* attribute = static_cast<const GumboAttribute*>(element.attributes.data[i]);
      if (attribute->attr_namespace == space && std::string_view(attribute->name) == name) return attribute->value;
    }
    return nullptr;
  }
  static const char* Attribute(const GumboElement& element, const char* name) {
    return Attribute(element, name, GUMBO_ATTR_NAMESPACE_NONE);
  }

  void AddAnchor(const GumboElement& element) {
    const char* href = Attribute(element, "href");
    const bool svg_link = element.tag_namespace == GUMBO_NAMESPACE_SVG && element.tag == GUMBO_TAG_A;
    if (href == nullptr && svg_link) href = Attribute(element, "href", GUMBO_ATTR_NAMESPACE_XLINK);
    if (href == nullptr) return;
    const char* rel = Attribute(element, "rel");
    links_->Add(LinkKind::kNavigation, href, rel != nullptr && HasNofollow(rel));
  }

  void AddFrame(const GumboElement& element) {
    const char* src = Attribute(element, "src");
    if (src != nullptr && *src != '\0') links_->Add(LinkKind::kFrame, src, false);
  }

  void AddBase(const GumboElement& element) {
    if (const char* href = Attribute(element, "href"); href != nullptr) links_->AddBase(href);
  }

  void AddMeta(const GumboElement& element) {
    const char* http_equiv = Attribute(element, "http-equiv");
    const char* content = Attribute(element, "content");
    if (http_equiv == nullptr || content == nullptr) return;
    if (EqualsIgnoringCase(http_equiv, "refresh")) links_->AddRefresh(content);
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

WalkedPage WalkTree(const GumboOutput& tree, bool want_text, LinkCollector* links) {
  return Walk(want_text, links).Run(tree.root);
}

}  // namespace weft
