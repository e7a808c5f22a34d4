// Any bytes as a page, read by both extractors: where neither gave the tree up, they agree on plain text. First line: the Content-Type.
#include <set>

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

// The tree builder reads control characters as U+FFFD ("<a href=\x01>"), the linear scan as the standard has them: where
// they stand in a URL the two differ. Beyond ASCII there are more of them.
bool IsPlainText(std::string_view html) {
  for (const char c : html) {
    const bool space = c == '\t' || c == '\n' || c == '\f' || c == '\r';
    if (!space && (c < 0x20 || c == 0x7f)) return false;  // from 0x80 on a char is negative
  }
  return true;
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
  if (!tree.linear_scan && !page.linear_scan && !tree.links_cut && IsPlainText(html)) {
    WEFT_FUZZ_CHECK(tree_links == page_links);
    WEFT_FUZZ_CHECK(tree.title == page.title);
  }
  return 0;
}
