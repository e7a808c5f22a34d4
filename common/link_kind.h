// What names a URL. Sent on the wire: numbers are never reused.
#pragma once

#include <cstdint>
#include <string_view>

namespace weft {

enum class LinkKind : uint8_t {
  kNone = 0,
  kNavigation = 1,  // a, area
  kFrame = 2,       // frame, iframe
  kRefresh = 3,     // meta http-equiv=refresh
  kRedirect = 4,    // Location of a 3xx
  kSeed = 5,
  kSitemap = 6,     // in robots.txt, a sitemap index or --sitemaps: is read as a sitemap
};

std::string_view LinkKindName(LinkKind kind);

}  // namespace weft
