// Bounds of politeness that more than one node keeps.
#pragma once

#include <absl/time/time.h>

namespace weft {

// The longest Crawl-delay that is honoured; longer ones count as this.
inline constexpr absl::Duration kLongestCrawlDelay = absl::Minutes(2);

// Requests in a row without any answer after which a lease ends, and its host is parked and asked by single requests.
inline constexpr uint32_t kUnansweredInARow = 3;

// Sitemaps that one robots.txt may name; further ones are not asked for.
inline constexpr int kMaxSitemapsOfRobots = 200;

}  // namespace weft
