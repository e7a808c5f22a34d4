// Decode, pre-scan, tree or linear scan, resolve.
#include <utility>

#include "parser/bounded_gumbo.h"
#include "parser/charset.h"
#include "parser/gumbo_walk.h"
#include "parser/html_prescan.h"
#include "parser/linear_scan.h"
#include "parser/link_extractor.h"

namespace weft {
namespace {

class GumboExtractor final : public LinkExtractor {
 public:
  // `always_tree`: also for plain pages, where a linear scan finds the same.
  explicit GumboExtractor(bool always_tree) : always_tree_(always_tree) {}

  ExtractedPage Extract(const Input& input) override {
    const Charset charset = SniffCharset(input.html, input.content_type);
    std::string converted;
    const std::string_view utf8 = Utf8View(input.html, charset.name, &converted);

    ExtractedPage page;
    page.charset = charset.name;
    LinkCollector links;
    const PrescanVerdict verdict = PrescanHtml(utf8);
    const bool plain = verdict == PrescanVerdict::kPlain;
    const bool skip_tree = plain && !always_tree_ && !input.want_text;
    const GumboOutput* tree =
        (plain || verdict == PrescanVerdict::kTree) && !skip_tree ? gumbo_.Parse(utf8) : nullptr;
    if (tree != nullptr) {
      WalkedPage walked = WalkTree(*tree, input.want_text, &links);
      page.title = std::move(walked.title);
      page.text = std::move(walked.text);
    } else {
      ScannedPage scanned = LinearScan(utf8, input.want_text, &links);
      page.title = std::move(scanned.title);
      page.text = std::move(scanned.text);
      page.linear_scan = !skip_tree;
    }
    links.Resolve(*input.url, charset.name, &page);
    gumbo_.Reset();
    return page;
  }

 private:
  bool always_tree_;
  BoundedGumbo gumbo_;
};

}  // namespace

std::unique_ptr<LinkExtractor> NewGumboExtractor() { return std::make_unique<GumboExtractor>(true); }
std::unique_ptr<LinkExtractor> NewPageExtractor() { return std::make_unique<GumboExtractor>(false); }

}  // namespace weft
