// Links of an HTML page, behind one interface.
// Untrusted input: any bytes, bounded time and memory. Thread rule: an extractor belongs to one thread.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/link_kind.h"
#include "common/url.h"
#include "parser/page_facts.h"

namespace weft {

struct ExtractedLink {
  Url url;
  LinkKind kind = LinkKind::kNone;
  bool nofollow = false;               // rel holds nofollow
  std::string rel;                     // as written, when details are asked for
  std::string text;                    // of an anchor, white space collapsed, when details are asked for
  absl::Time lastmod = absl::UnixEpoch();  // a sitemap's hint; the epoch: none
  std::optional<double> priority = std::nullopt;  // a sitemap's, 0.0 to 1.0
};

// All text is UTF-8 with white space collapsed.
struct ExtractedPage {
  std::string title;
  std::vector<ExtractedLink> links;    // http and https, of the kinds asked for, in document order, repeats kept
  std::string text;                    // visible text, when asked
  std::string description;             // meta name=description
  std::string language;                // the lang attribute of html
  std::string canonical;               // link rel=canonical, resolved; empty if there is none
  std::string base;                    // what references were resolved against
  std::vector<std::string> meta_robots;  // contents of meta name=robots, and of the one for our robots name
  bool linear_scan = false;            // a tree was asked for and would have cost too much: read linearly
  bool links_cut = false;              // more links than a page may have (link_collector.h): the rest is left out
  uint64_t sim_hash = 0;               // of the text (sim_hash.h), when asked; 0: too little text. Both extractors' are the same
  std::string charset;                 // WHATWG name of the encoding that was used, "windows-1252"
};

class LinkExtractor {
 public:
  virtual ~LinkExtractor() = default;
  struct Input {
    std::string_view html;             // decoded content, in the page's encoding
    const Url* url = nullptr;          // the request URL
    std::string_view content_type;     // header value, may be empty
    bool want_text = false;
    bool main_text = false;            // of the text the main content alone (gumbo_main_text.h), where a tree is built
    bool want_details = false;         // rel and text of links
    bool want_sim_hash = false;
    PageFacts* facts = nullptr;        // filled when given, of a tree; left alone where that would cost too much
    LinkKinds kinds = kFollowedKinds;
    std::string_view robots_name = "weft";  // in lower case: whose meta elements count beside those for all robots
  };
  virtual ExtractedPage Extract(const Input& input) = 0;
};

// Builds the tree of every page (but hostile ones): the reference.
std::unique_ptr<LinkExtractor> NewGumboExtractor();
// Reads the page in one pass, without a tree: the same answers at a small part of the cost, in linear time and bounded memory
// on any bytes. tests/parser/extractor_agreement_test.cc compares the two.
std::unique_ptr<LinkExtractor> NewLinearExtractor();
// As --extractor names them: "gumbo"; everything else is "linear".
std::unique_ptr<LinkExtractor> NewExtractor(std::string_view name);

}  // namespace weft
