// What a walk over a page found, before URLs are resolved: a <base> counts for the links before it too. Belongs to one page.
// Cost and output are bounded by the limits below however the page is made.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "parser/link_extractor.h"

namespace weft {

// Links of one page beyond this are not taken.
inline constexpr size_t kMaxPageLinks = 100'000;
// Bytes that resolving may read (each link's reference and its base): a base of 8 KB before a million empty references
// would else come out as 8 GB.
inline constexpr size_t kMaxResolveBytes = 32 << 20;

class LinkCollector {
 public:
  // `href` of a <base>; the first one counts (4.2.3).
  void AddBase(std::string_view href);
  void Add(LinkKind kind, std::string_view reference, bool nofollow);
  // The content of a <meta http-equiv=refresh>; the first valid one counts (4.2.5.3).
  void AddRefresh(std::string_view content);
  // Keeps a string alive as long as the collector; the views given to the functions above must live that long.
  std::string_view Keep(std::string text);

  // Fills links and links_cut. `encoding` is that of the page: queries are encoded in it.
  void Resolve(const Url& document_url, std::string_view encoding, ExtractedPage* page) const;

 private:
  struct Reference {
    std::string_view text;
    LinkKind kind;
    bool nofollow;
  };

  std::vector<Reference> references_;
  std::deque<std::string> kept_;
  std::string_view base_;
  bool has_base_ = false;
  bool has_refresh_ = false;
  bool cut_ = false;
};

// Whether a rel attribute holds the token "nofollow".
bool HasNofollow(std::string_view rel);

}  // namespace weft
