// What --follow chose, as it lies in the settings: names of link kinds with commas between them, "all" or "default".
#pragma once

#include <absl/status/statusor.h>

#include <string_view>

#include "common/link_kind.h"
#include "common/wire.pb.h"

namespace weft {

inline constexpr std::string_view kFollowDefault = "navigation,frame,refresh";

// An error says which name is wrong, and what is taken.
absl::StatusOr<LinkKinds> ParseFollow(std::string_view names);

// Crawls from before there was a choice have none stored: the default.
LinkKinds FollowedKinds(const wire::CrawlSettings& settings);

}  // namespace weft
