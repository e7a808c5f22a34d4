// What --order chose, as it lies in the settings: "breadth" or "popular"; "" = breadth.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/wire.pb.h"

namespace weft {

inline constexpr std::string_view kOrderBreadth = "breadth";
inline constexpr std::string_view kOrderPopular = "popular";
// Links of one page that its parser did not send and names by their key alone: more are not told, nor counted.
inline constexpr int kMaxSuppressedLinks = 512;

inline bool OrderIsPopular(const wire::CrawlSettings& settings) { return settings.order() == kOrderPopular; }

}  // namespace weft
