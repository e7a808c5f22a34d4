#include "parser/gumbo_facts.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parser/ascii.h"
#include "parser/visible_text.h"

namespace weft {
namespace {

std::string_view AttributeOf(const GumboElement& element, const char* name) {
  const GumboAttribute* const attribute = gumbo_get_attribute(&element.attributes, name);
  return attribute == nullptr ? std::string_view() : std::string_view(attribute->value);
}

int HeadingLevel(const GumboElement& element) {
  if (element.tag_namespace != GUMBO_NAMESPACE_HTML) return 0;
  return element.tag >= GUMBO_TAG_H1 && element.tag <= GUMBO_TAG_H6 ? static_cast<int>(element.tag - GUMBO_TAG_H1) + 1 : 0;
}

class FactWalk {
 public:
  PageFacts Run(const GumboNode* root) {
    Enter(root);
    while (!open_.empty()) {
      Level& level = open_.back();
      const GumboVector& children = level.node->v.element.children;
      if (level.next_child < children.length) {
        Visit(static_cast<const GumboNode*>(children.data[level.next_child++]));
      } else {
        Leave(*level.node);
        open_.pop_back();
      }
    }
    return collector_.Take();
  }

 private:
  struct Level {
    const GumboNode* node;
    unsigned next_child;
  };

  void Visit(const GumboNode* node) {
    if (node->type == GUMBO_NODE_ELEMENT) {
      Enter(node);
    } else if (heading_ != 0 && (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE)) {
      text_.Add(node->v.text.text);
    }
  }

  void Enter(const GumboNode* node) {
    const GumboElement& element = node->v.element;
    // A heading in a heading belongs to the outer one.
    if (heading_ == 0 && HeadingLevel(element) != 0) {
      heading_ = HeadingLevel(element);
      heading_depth_ = open_.size();
    }
    switch (element.tag) {
      case GUMBO_TAG_META: Meta(element); break;
      case GUMBO_TAG_SCRIPT: Script(element); return;  // its text belongs to no heading
      case GUMBO_TAG_STYLE: return;
      case GUMBO_TAG_TIME: Time(element); break;
      case GUMBO_TAG_ARTICLE: ++articles_; break;
      default: break;
    }
    open_.push_back({node, 0});
  }

  void Leave(const GumboNode& node) {
    if (node.v.element.tag == GUMBO_TAG_ARTICLE) --articles_;
    if (heading_ == 0 || open_.size() - 1 != heading_depth_) return;
    collector_.AddHeading(std::exchange(heading_, 0), text_.Take());
  }

  void Meta(const GumboElement& element) {
    const std::string_view content = AttributeOf(element, "content");
    for (const char* key : {"property", "name", "itemprop", "http-equiv"}) {
      const std::string_view name = AttributeOf(element, key);
      if (name.empty()) continue;
      collector_.AddMeta(name, content);
      return;
    }
  }

  void Script(const GumboElement& element) {
    const std::string_view type = TrimHtmlSpace(AttributeOf(element, "type"));
    if (!StartsWithIgnoringCase(type, "application/ld+json")) return;
    for (unsigned i = 0; i < element.children.length; ++i) {
      const auto* child = static_cast<const GumboNode*>(element.children.data[i]);
      if (child->type == GUMBO_NODE_TEXT) collector_.AddJsonLd(child->v.text.text);
    }
  }

  void Time(const GumboElement& element) {
    const std::string_view datetime = AttributeOf(element, "datetime");
    if (datetime.empty()) return;
    std::string role(AttributeOf(element, "itemprop"));
    role += ' ';
    role += AttributeOf(element, "class").substr(0, 256);
    if (gumbo_get_attribute(&element.attributes, "pubdate") != nullptr) role += " pubdate";
    collector_.AddTime(datetime, role, articles_ > 0);
  }

  std::vector<Level> open_;
  PageFactCollector collector_;
  VisibleText text_;
  int heading_ = 0;            // the level of the one that is open
  size_t heading_depth_ = 0;
  size_t articles_ = 0;
};

}  // namespace

PageFacts WalkFacts(const GumboOutput& tree) { return FactWalk().Run(tree.root); }

}  // namespace weft
