// What names a URL. Sent on the wire: numbers are never reused.
#pragma once

#include <cstdint>
#include <initializer_list>
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
  kCanonical = 7,   // link rel=canonical
  kAlternate = 8,   // link rel=alternate: another language, a feed
  kNext = 9,        // link rel=next
  kPrev = 10,       // link rel=prev
  kImage = 11,      // img, srcset, picture, input type=image, background, icons
  kScript = 12,     // script
  kStyle = 13,      // link rel=stylesheet, CSS @import
  kMedia = 14,      // audio, video, track and their source
  kEmbed = 15,      // embed, object, applet
  kForm = 16,       // form action, formaction
  kCite = 17,       // cite, longdesc and others that describe
  kResource = 18,   // other link elements (manifest, preload, ...) and CSS url()
};
inline constexpr uint8_t kLastLinkKind = 18;

// As options, exports and `weft inspect links` name it: "navigation", "frame", "refresh", ...
std::string_view LinkKindName(LinkKind kind);

// A set of kinds.
class LinkKinds {
 public:
  constexpr LinkKinds() = default;
  constexpr LinkKinds(std::initializer_list<LinkKind> kinds) {
    for (const LinkKind kind : kinds) Add(kind);
  }
  static constexpr LinkKinds All() {
    LinkKinds all;
    all.bits_ = ~0u;
    return all;
  }
  constexpr void Add(LinkKind kind) { bits_ |= 1u << static_cast<unsigned>(kind); }
  constexpr bool Has(LinkKind kind) const { return (bits_ >> static_cast<unsigned>(kind) & 1u) != 0; }
  constexpr bool Intersects(LinkKinds other) const { return (bits_ & other.bits_) != 0; }

 private:
  uint32_t bits_ = 0;
};

// What a reader of the page could go to: what is followed unless a crawl says otherwise.
inline constexpr LinkKinds kFollowedKinds = {LinkKind::kNavigation, LinkKind::kFrame, LinkKind::kRefresh};

}  // namespace weft
