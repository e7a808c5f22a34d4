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
  }
  return "unknown";  // a number off the wire
}

}  // namespace weft
