#include "common/link_kind.h"

namespace weft {

std::string_view LinkKindName(LinkKind kind) {
  switch (kind) {
    case LinkKind::kNone: return "none";
    case LinkKind::kNavigation: return "navigation";
    case LinkKind::kFrame: return "frame";
    case LinkKind::kRefresh: return "refresh";
    case LinkKind::kRedirect: return "redirect";
    case LinkKind::kSeed: return "seed";
    case LinkKind::kSitemap: return "sitemap";
    case LinkKind::kCanonical: return "canonical";
    case LinkKind::kAlternate: return "alternate";
    case LinkKind::kNext: return "next";
    case LinkKind::kPrev: return "prev";
    case LinkKind::kImage: return "image";
    case LinkKind::kScript: return "script";
    case LinkKind::kStyle: return "style";
    case LinkKind::kMedia: return "media";
    case LinkKind::kEmbed: return "embed";
    case LinkKind::kForm: return "form";
    case LinkKind::kCite: return "cite";
    case LinkKind::kResource: return "resource";
  }
  return "unknown";  // a number off the wire
}

}  // namespace weft
