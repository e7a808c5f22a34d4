// Decode, pre-scan, tree or linear scan, resolve.
#include <utility>

#include "common/http_message.h"
#include "parser/bounded_gumbo.h"
#include "parser/charset.h"
#include "parser/gumbo_facts.h"
#include "parser/gumbo_main_text.h"
#include "parser/gumbo_walk.h"
#include "parser/html_prescan.h"
#include "parser/html_sniff.h"
#include "parser/linear_scan.h"
#include "parser/link_extractor.h"
#include "parser/sim_hash.h"
#include "parser/xhtml_scan.h"

namespace weft {
namespace {

// The tree of a page: null where it would cost too much.
class TreeSource {
 public:
  const GumboOutput* Parse(std::string_view utf8) {
    return PrescanHtml(utf8) == PrescanVerdict::kTree ? gumbo_.Parse(utf8) : nullptr;
  }
  void Reset() { gumbo_.Reset(); }

 private:
  BoundedGumbo gumbo_;
};

// As the linear scan sees it, whatever the links are read by: one page has one sketch.
void SketchText(std::string_view utf8, SimHash* sketch) {
  LinkCollector none(LinkKinds(), false, "");
  LinearScan(utf8, false, &none, sketch);
}

template <bool kTree>
class Extractor final : public LinkExtractor {
 public:
  ExtractedPage Extract(const Input& input) override {
    const bool xhtml = IsXhtml(MimeEssence(input.content_type), input.html);
    const Charset charset = xhtml ? SniffXmlCharset(input.html, input.content_type) : SniffCharset(input.html, input.content_type);
    std::string converted;
    const std::string_view utf8 = Utf8View(input.html, charset.name, &converted);

    ExtractedPage page;
    page.charset = charset.name;
    LinkCollector links(input.kinds, input.want_details, input.robots_name);
    SimHash sketch(utf8);
    SimHash* const wanted_sketch = input.want_sim_hash ? &sketch : nullptr;
    const GumboOutput* tree = kTree && !xhtml ? source_.Parse(utf8) : nullptr;
    if (tree != nullptr) {
      WalkedPage walked = WalkTree(*tree, input.want_text && !input.main_text, &links);
      page.title = std::move(walked.title);
      page.text = input.want_text && input.main_text ? MainText(*tree) : std::move(walked.text);
    } else {
      ScannedPage scanned = xhtml ? XhtmlScan(utf8, input.want_text, &links)
                                  : LinearScan(utf8, input.want_text, &links, wanted_sketch);
      page.title = std::move(scanned.title);
      page.text = std::move(scanned.text);
      page.linear_scan = kTree && !xhtml;
    }
    if (input.want_sim_hash) {
      if (tree != nullptr || xhtml) SketchText(utf8, &sketch);
      page.sim_hash = sketch.Value();
    }
    if (input.facts != nullptr) {
      const GumboOutput* const of_facts = tree != nullptr ? tree : source_.Parse(utf8);
      if (of_facts != nullptr) *input.facts = WalkFacts(*of_facts);
    }
    links.Resolve(*input.url, charset.name, &page);
    if (kTree || input.facts != nullptr) source_.Reset();
    return page;
  }

 private:
  TreeSource source_;
};

}  // namespace

std::unique_ptr<LinkExtractor> NewGumboExtractor() { return std::make_unique<Extractor<true>>(); }
std::unique_ptr<LinkExtractor> NewLinearExtractor() { return std::make_unique<Extractor<false>>(); }
std::unique_ptr<LinkExtractor> NewExtractor(std::string_view name) {
  return name == "gumbo" ? NewGumboExtractor() : NewLinearExtractor();
}

}  // namespace weft
