// Dates as sitemaps and feeds write them. Any bytes, linear time.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string_view>

namespace weft {

// W3C date and time format (YYYY, YYYY-MM, YYYY-MM-DD, with or without "Thh:mm[:ss[.s]]" and a zone), or RFC 822 section 5
// with a year of two or four digits and an optional weekday. A time without a zone names no moment: nullopt, like
// everything that is no date.
std::optional<absl::Time> ParseSitemapDate(std::string_view text);

}  // namespace weft
