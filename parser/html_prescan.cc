#include "parser/html_prescan.h"

#include "parser/html_tokenizer.h"

namespace weft {
namespace {

// Raw text is passed over as the tree builder would outside SVG and MathML.
void PassRawText(const HtmlToken& tag, HtmlTokenizer* tokens) {
  const HtmlName id = tag.element->id;
  if (id == HtmlName::kScript) {
    tokens->TakeScript();
  } else if (id == HtmlName::kPlaintext) {
    tokens->TakeRest();
  } else if (tag.element->Has(HtmlElement::kRawText) || id == HtmlName::kTextarea || id == HtmlName::kTitle) {
    tokens->TakeRawText(tag.name);
  }
}

}  // namespace

PrescanVerdict PrescanHtml(std::string_view utf8) {
  if (utf8.size() > kMaxTreeBytes) return PrescanVerdict::kTooLarge;
  const uint64_t limit = TreeWorkLimit(utf8.size());
  HtmlTokenizer tokens(utf8);
  HtmlToken token;
  uint64_t work = 0;
  uint64_t depth = 0;
  uint32_t merged = 0;
  while (tokens.Next(&token)) {
    if (token.type == HtmlToken::Type::kText) continue;
    if (token.attribute_count > kMaxTagAttributes) return PrescanVerdict::kTooManyAttributes;
    work += depth;
    if (work > limit) return PrescanVerdict::kTooDeep;
    // Elements that HTML does not know are SVG as a rule, where "/>" closes.
    const bool closed = token.self_closing && (token.element->traits & ~HtmlElement::kLinks) == 0;
    const bool nests = !closed && !token.element->Has(HtmlElement::kVoid | HtmlElement::kImplied);
    if (token.type == HtmlToken::Type::kEndTag) {
      if (nests && depth > 0) --depth;
      continue;
    }
    const HtmlName id = token.element->id;
    if ((id == HtmlName::kHtml || id == HtmlName::kBody) && ++merged > kMaxMergedTags) {
      return PrescanVerdict::kTooManyMerges;
    }
    if (nests) ++depth;
    PassRawText(token, &tokens);
  }
  return PrescanVerdict::kTree;
}

}  // namespace weft
