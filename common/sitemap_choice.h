// What --sitemaps chose, as it lies in the settings: "auto", "off", or URLs; "auto" may stand among URLs.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire.pb.h"

namespace weft {

inline constexpr std::string_view kSitemapsAuto = "auto";
inline constexpr std::string_view kSitemapsOff = "off";
// An index names sitemaps, and those may be indexes (the protocol forbids it, sites do it): so many files below each other.
inline constexpr uint32_t kMaxSitemapLevels = 5;

inline bool SitemapsChosen(const wire::CrawlSettings& settings, std::string_view what) {
  return std::find(settings.sitemaps().begin(), settings.sitemaps().end(), what) != settings.sitemaps().end();
}

// Crawls from before there was a choice have none stored: auto.
inline bool SitemapsFromRobots(const wire::CrawlSettings& settings) {
  return settings.sitemaps().empty() || SitemapsChosen(settings, kSitemapsAuto);
}

inline bool SitemapsAreRead(const wire::CrawlSettings& settings) { return !SitemapsChosen(settings, kSitemapsOff); }

inline std::vector<std::string> GivenSitemaps(const wire::CrawlSettings& settings) {
  std::vector<std::string> urls;
  for (const std::string& value : settings.sitemaps()) {
    if (value != kSitemapsAuto && value != kSitemapsOff) urls.push_back(value);
  }
  return urls;
}

}  // namespace weft
