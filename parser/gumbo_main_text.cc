#include "parser/gumbo_main_text.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "parser/ascii.h"
#include "parser/gumbo_walk.h"
#include "parser/html_names.h"
#include "parser/visible_text.h"

namespace weft {
namespace {

struct Block {
  std::string text;
  size_t words = 0;
  size_t link_words = 0;
  int heading = 0;        // its level
  bool preformatted = false;
  bool left_out = false;  // by where it stands
  bool in_main = false;
  bool in_article = false;

  double link_density() const { return words == 0 ? 0 : static_cast<double>(link_words) / static_cast<double>(words); }
};

size_t WordsIn(std::string_view text) {
  size_t words = 0;
  bool in_word = false;
  for (const char c : text) {
    const bool space = IsHtmlSpace(c);
    if (!space && !in_word) ++words;
    in_word = !space;
  }
  return words;
}

std::string_view AttributeOf(const GumboElement& element, const char* name) {
  const GumboAttribute* const attribute = gumbo_get_attribute(&element.attributes, name);
  return attribute == nullptr ? std::string_view() : TrimHtmlSpace(attribute->value);
}

bool IsAside(const GumboElement& element, std::string_view role, bool in_content) {
  switch (element.tag) {
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_MENU: return true;
    case GUMBO_TAG_HEADER: return !in_content;
    default: break;
  }
  for (const std::string_view name : {"navigation", "banner", "contentinfo", "complementary", "search", "menu", "menubar", "toolbar"}) {
    if (role == name) return true;
  }
  return false;
}

class Blocks {
 public:
  // `root` and all below it, without recursion.
  std::vector<Block> Take(const GumboNode* root) {
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
    End();
    return std::move(blocks_);
  }
  size_t mains() const { return mains_; }
  size_t articles() const { return articles_; }

 private:
  struct Level {
    const GumboNode* node;
    unsigned next_child;
    bool hides, breaks, anchor, aside, main, article, pre;
    int heading;
  };

  void Visit(const GumboNode* node) {
    if (node->type == GUMBO_NODE_ELEMENT) return Enter(node);
    const bool text = node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_CDATA || node->type == GUMBO_NODE_WHITESPACE;
    if (!text || hidden_ > 0) return;
    const std::string_view characters = node->v.text.text;
    const size_t words = WordsIn(characters);
    text_.Add(characters);
    now_.words += words;
    if (in_anchor_ > 0) now_.link_words += words;
    if (words == 0) return;
    now_.heading = heading_;
    now_.preformatted = in_pre_ > 0;
    now_.left_out = in_aside_ > 0;
    now_.in_main = in_main_ > 0;
    now_.in_article = in_article_ > 0;
  }

  void Enter(const GumboNode* node) {
    const GumboElement& element = node->v.element;
    const bool html = element.tag_namespace == GUMBO_NAMESPACE_HTML;
    const uint32_t traits = html ? HtmlElementOf(HtmlNameOf(element)).traits : 0;
    const std::string_view role = AttributeOf(element, "role");
    Level level{node, 0, (traits & HtmlElement::kHidden) != 0, (traits & (HtmlElement::kBlock | HtmlElement::kCell)) != 0,
                html && element.tag == GUMBO_TAG_A, IsAside(element, role, in_main_ + in_article_ > 0),
                element.tag == GUMBO_TAG_MAIN || role == "main", element.tag == GUMBO_TAG_ARTICLE, element.tag == GUMBO_TAG_PRE, 0};
    if (html && element.tag >= GUMBO_TAG_H1 && element.tag <= GUMBO_TAG_H6) level.heading = static_cast<int>(element.tag - GUMBO_TAG_H1) + 1;
    // Lines of preformatted text are one block; what is not an element of a line ends one.
    if (level.breaks && in_pre_ == 0) End();
    mains_ += level.main ? 1 : 0;
    articles_ += level.article && in_article_ == 0 ? 1 : 0;
    Count(level, 1);
    if (level.heading != 0) heading_ = level.heading;
    open_.push_back(level);
  }

  void Leave(const Level& level) {
    if (level.breaks && (in_pre_ == 0 || level.pre)) End();
    Count(level, -1);
    if (level.heading != 0) heading_ = 0;
  }

  void Count(const Level& level, int by) {
    hidden_ += level.hides ? by : 0;
    in_anchor_ += level.anchor ? by : 0;
    in_aside_ += level.aside ? by : 0;
    in_main_ += level.main ? by : 0;
    in_article_ += level.article ? by : 0;
    in_pre_ += level.pre ? by : 0;
  }

  void End() {
    now_.text = text_.Take();
    if (now_.words > 0) blocks_.push_back(std::move(now_));
    now_ = {};
  }

  std::vector<Level> open_;
  std::vector<Block> blocks_;
  Block now_;
  VisibleText text_;
  int hidden_ = 0, in_anchor_ = 0, in_aside_ = 0, in_main_ = 0, in_article_ = 0, in_pre_ = 0, heading_ = 0;
  size_t mains_ = 0, articles_ = 0;
};

// The decision tree of the paper; beyond the ends are blocks without words.
bool IsContent(const Block& before, const Block& block, const Block& behind) {
  if (block.link_density() > 1.0 / 3) return false;
  if (before.link_density() <= 5.0 / 9) {
    if (block.words > 16 || behind.words > 15) return true;
    return before.words > 4;
  }
  return block.words > 40 || behind.words > 17;
}

// The line under the headline says what the page is of, and may be short: "ABORT -- abort the current transaction". Under later
// headings short lines are judged as any; an address or a date behind the headline stays with it, menus are links.
bool IsUnderHeadline(const std::vector<const Block*>& blocks, size_t headline, size_t i) {
  constexpr size_t kLeastWords = 3;
  return i == headline + 1 && blocks[i]->words >= kLeastWords && blocks[i]->link_density() <= 1.0 / 3;
}

// Which are kept; from the last to the first, as headings wait for what follows them.
std::vector<bool> Judge(const std::vector<const Block*>& blocks) {
  static const Block kNone;
  std::vector<bool> kept(blocks.size());
  const auto first = std::find_if(blocks.begin(), blocks.end(), [](const Block* block) { return block->heading != 0; });
  const auto headline = static_cast<size_t>(first - blocks.begin());
  bool any = false;                  // something behind is kept
  std::array<bool, 7> follows = {};  // by level of the heading: something that is kept stands below
  for (size_t i = blocks.size(); i-- > 0;) {
    const Block& block = *blocks[i];
    if (block.heading != 0) {
      const auto level = static_cast<size_t>(block.heading);
      kept[i] = follows[level];
      std::fill(follows.begin() + block.heading, follows.end(), false);
      continue;
    }
    const Block& before = i == 0 ? kNone : *blocks[i - 1];
    const Block& behind = i + 1 == blocks.size() ? kNone : *blocks[i + 1];
    kept[i] = block.preformatted || IsContent(before, block, behind) || (any && IsUnderHeadline(blocks, headline, i));
    if (!kept[i]) continue;
    any = true;
    follows.fill(true);
  }
  return kept;
}

}  // namespace

std::string MainText(const GumboOutput& tree) {
  Blocks reader;
  const std::vector<Block> all = reader.Take(tree.root);
  const bool main_alone = reader.mains() > 0;
  const bool article_alone = !main_alone && reader.articles() == 1;
  std::vector<const Block*> blocks;
  for (const Block& block : all) {
    const bool outside = (main_alone && !block.in_main) || (article_alone && !block.in_article);
    if (!block.left_out && !outside) blocks.push_back(&block);
  }
  const std::vector<bool> kept = Judge(blocks);
  std::string text;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (!kept[i]) continue;
    if (!text.empty()) text += '\n';
    text += blocks[i]->text;
  }
  return text;
}

}  // namespace weft
