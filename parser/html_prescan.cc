#include "parser/html_prescan.h"

#include "parser/html_tokenizer.h"

namespace weft {
namespace {

// Raw text is passed over as the tree builder would outside SVG and MathML.
void PassRawText(const HtmlToken& tag, HtmlTokenizer* tokens) {
  switch (tag.element->id) {
    case HtmlName::kScript: tokens->TakeScript(); break;
    case HtmlName::kPlaintext: tokens->TakeRest(); break;
    case HtmlName::kIframe:
    case HtmlName::kRawText:
    case HtmlName::kTextarea:
    case HtmlName::kTitle: tokens->TakeRawText(tag.name); break;
    default: break;
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
  bool plain = true;
  while (tokens.Next(&token)) {
    if (token.type == HtmlToken::Type::kText) continue;
    if (token.attribute_count > kMaxTagAttributes) return PrescanVerdict::kTooManyAttributes;
    work += depth;
    if (work > limit) return PrescanVerdict::kTooDeep;
    // Elements that HTML does not know are SVG as a rule, where "/>" closes.
    const bool closed = token.self_closing && token.element->name.empty();
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
    plain = plain && !token.element->Has(HtmlElement::kNeedsTree);
    PassRawText(token, &tokens);
  }
  return plain ? PrescanVerdict::kPlain : PrescanVerdict::kTree;
}

}  // namespace weft
