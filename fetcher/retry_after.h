// Retry-After (RFC 9110 10.2.3): whole seconds, or a date in one of the three forms of 5.6.7.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string_view>

#include "common/http_message.h"

namespace weft {

// Zero where it is missing, invalid or past. Dates are read against the response's own Date, so that a wrong clock on
// either side does not matter (protocol rule 24); a date without a Date counts as absent. At most kMaxRetryAfter.
absl::Duration ReadRetryAfter(const HttpHead& head);
inline constexpr absl::Duration kMaxRetryAfter = absl::Hours(24);

// IMF-fixdate, RFC 850 or asctime; nullopt if it is none of them.
std::optional<absl::Time> ParseHttpDate(std::string_view text);

}  // namespace weft
