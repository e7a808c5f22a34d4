#include "tests/support/sim_extractor.h"

namespace weft::test {
namespace {

// Reads href="..." of the pages that SyntheticWeb makes.
class HrefScanner : public LinkExtractor {
 public:
  ExtractedPage Extract(const Input& input) override {
    ExtractedPage page;
    page.charset = "UTF-8";
    std::string_view html = input.html;
    for (size_t at = html.find("href="); at != std::string_view::npos; at = html.find("href=", at + 5)) {
      char quote = html[at + 5];
      size_t end = html.find(quote, at + 6);
      if (end == std::string_view::npos) break;
      std::string href(html.substr(at + 6, end - at - 6));
      for (size_t amp = href.find("&amp;"); amp != std::string::npos; amp = href.find("&amp;")) href.erase(amp + 1, 4);
      auto url = Url::Parse(href, *input.url);
      if (url.ok() && url->is_http()) page.links.push_back({*url, LinkKind::kNavigation, false});
    }
    return page;
  }
};

}  // namespace

std::unique_ptr<LinkExtractor> NewSimExtractor() { return std::make_unique<HrefScanner>(); }

}  // namespace weft::test
