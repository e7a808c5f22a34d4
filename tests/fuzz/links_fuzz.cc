// Any bytes as a page, read by both extractors: where neither gave the tree up, they agree. First line: the Content-Type.
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
  const ExtractedPage page = NewPageExtractor()->Extract(input);
  WEFT_FUZZ_CHECK(tree.charset == page.charset);
  const std::set<std::string> tree_links = LinksOf(tree);
  const std::set<std::string> page_links = LinksOf(page);
  if (!tree.linear_scan && !page.linear_scan && !tree.links_cut) {
    WEFT_FUZZ_CHECK(tree_links == page_links);
    WEFT_FUZZ_CHECK(tree.title == page.title);
  }
  return 0;
}
