// Links of an HTML page, behind one interface.
// Untrusted input: any bytes, bounded time and memory. Thread rule: an extractor belongs to one thread.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/link_kind.h"
#include "common/url.h"

namespace weft {

struct ExtractedLink {
  Url url;
  LinkKind kind = LinkKind::kNone;
  bool nofollow = false;
  absl::Time lastmod = absl::UnixEpoch();  // a sitemap's hint; the epoch: none
};

struct ExtractedPage {
  std::string title;                   // white space collapsed, UTF-8
  std::vector<ExtractedLink> links;    // http and https, in document order, repeats kept
  std::string text;                    // visible text, when asked
  bool linear_scan = false;            // too hostile for a tree: links by a linear scan
  bool links_cut = false;              // more links than a page may have (link_collector.h): the rest is left out
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
  };
  virtual ExtractedPage Extract(const Input& input) = 0;
};

// Builds the tree of every page (but hostile ones): the reference.
std::unique_ptr<LinkExtractor> NewGumboExtractor();
// Builds the tree only where it can matter to links: a page without any element that makes the tree builder drop or move
// them, and whose text is not wanted, is scanned linearly. The same answers; tests/parser/extractor_agreement compares.
std::unique_ptr<LinkExtractor> NewPageExtractor();

}  // namespace weft
