// Any bytes as a page, read by both extractors: where neither gave the tree up, they agree on plain text. First line: the Content-Type.
#include <set>

#include "common/ascii.h"
#include "parser/ascii.h"
#include "parser/html_tokenizer.h"
#include "parser/link_extractor.h"
#include "tests/fuzz/fuzz_input.h"

namespace weft {
namespace {

std::set<std::string> LinksOf(const ExtractedPage& page) {
  std::set<std::string> links;
  for (const ExtractedLink& link : page.links) {
    WEFT_FUZZ_CHECK(link.url.is_http());
    links.insert(link.url.href() + ' ' + std::string(LinkKindName(link.kind)) + (link.nofollow ? " nofollow" : ""));
  }
  return links;
}

// Gumbo drops the value of the attribute that follows a repeated one without a value.
bool RepeatsAttributes(std::string_view html) {
  HtmlTokenizer tokens(html);
  HtmlToken tag;
  while (tokens.Next(&tag)) {
    if (tag.type == HtmlToken::Type::kText) continue;
    std::set<std::string> names;
    AttributeReader attributes(tag.text);
    std::string_view name;
    std::string_view value;
    while (attributes.Next(&name, &value)) {
      if (!names.insert(LowerAscii(name)).second) return true;
    }
  }
  return false;
}

// Numbers beyond all code points, which gumbo counts round and round.
bool HasEndlessReference(std::string_view html) {
  for (size_t at = html.find("&#"); at != html.npos; at = html.find("&#", at + 2)) {
    size_t end = at + 2;
    while (end < html.size() && (IsAsciiDigit(html[end]) || IsAsciiAlpha(html[end]))) ++end;
    if (end - at > 10) return true;
  }
  return false;
}

// Where gumbo and the standard of now differ (docs/conformance.md) the two are not compared. Gumbo reads control characters as
// U+FFFD ("<a href=\x01>"), and beyond ASCII there are more of them; a <br> of "</br>" forbids no frameset; and in SVG and
// MathML it takes all unknown names for one and elements of another namespace for HTML's.
bool IsReadAlike(std::string_view html) {
  for (const char c : html) {
    const bool space = c == '\t' || c == '\n' || c == '\f' || c == '\r';
    if (!space && (c < 0x20 || c == 0x7f)) return false;  // from 0x80 on a char is negative
  }
  const std::string lower = LowerAscii(html);
  for (const std::string_view differs : {"<svg", "<math", "</br"}) {
    if (lower.find(differs) != lower.npos) return false;
  }
  return !RepeatsAttributes(html) && !HasEndlessReference(html);
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft;
  static const Url page_url = Url::Parse("http://e.test/dir/page.html?q=1").value();
  std::string_view html = test::AsText(data, size);
  LinkExtractor::Input input;
  input.content_type = test::TakeFirstLine(&html);
  input.html = html;
  input.url = &page_url;
  const ExtractedPage tree = NewGumboExtractor()->Extract(input);
  const ExtractedPage page = NewLinearExtractor()->Extract(input);
  WEFT_FUZZ_CHECK(tree.charset == page.charset);
  const std::set<std::string> tree_links = LinksOf(tree);
  const std::set<std::string> page_links = LinksOf(page);
  if (!tree.linear_scan && !page.linear_scan && !tree.links_cut && IsReadAlike(html)) {
    WEFT_FUZZ_CHECK(tree_links == page_links);
    // A title in a table is moved before one that came first.
    if (LowerAscii(html).find("<table") == std::string::npos) WEFT_FUZZ_CHECK(tree.title == page.title);
  }
  return 0;
}
