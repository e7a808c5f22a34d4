#include "common/follow_choice.h"

#include <array>
#include <string>

#include "common/ascii.h"
#include "common/status.h"

namespace weft {
namespace {

using K = LinkKind;

// What a page can name; a redirect is no link of a page, and is always followed.
constexpr std::array kFollowable = {K::kNavigation, K::kFrame,  K::kRefresh, K::kCanonical, K::kAlternate,
                                    K::kNext,       K::kPrev,   K::kImage,   K::kScript,    K::kStyle,
                                    K::kMedia,      K::kEmbed,  K::kForm,    K::kCite,      K::kResource};

std::string AllNames() {
  std::string names;
  for (const LinkKind kind : kFollowable) names += fmt::format("{}, ", LinkKindName(kind));
  return names + "all or default";
}

absl::Status AddNamed(std::string_view name, LinkKinds* kinds) {
  if (name == "sitemap" || name == "sitemaps") {
    return InvalidArgument("'{}' is no kind of link: --sitemaps says which sitemaps are read", name);
  }
  if (name == "redirect") return InvalidArgument("'redirect' is no kind of link: redirects are always followed");
  bool known = false;
  for (const LinkKind kind : kFollowable) {
    if (name != "all" && name != LinkKindName(kind) && !(name == "default" && kFollowedKinds.Has(kind))) continue;
    kinds->Add(kind);
    known = true;
  }
  if (known) return absl::OkStatus();
  return InvalidArgument("'{}' is no kind of link; expected, with commas between them: {}", name, AllNames());
}

}  // namespace

absl::StatusOr<LinkKinds> ParseFollow(std::string_view names) {
  LinkKinds kinds;
  while (true) {
    const size_t comma = names.find(',');
    WEFT_RETURN_IF_ERROR(AddNamed(TrimAsciiSpace(names.substr(0, comma)), &kinds));
    if (comma == std::string_view::npos) return kinds;
    names.remove_prefix(comma + 1);
  }
}

LinkKinds FollowedKinds(const wire::CrawlSettings& settings) {
  const absl::StatusOr<LinkKinds> kinds = ParseFollow(settings.follow());
  return kinds.ok() ? *kinds : kFollowedKinds;
}

}  // namespace weft
