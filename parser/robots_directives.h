// What a page asks of robots: X-Robots-Tag header fields and meta elements, as search engines document them (no standard).
// All that speaks to us is united, so the strictest wins. Any bytes, linear time.
#pragma once

#include <absl/time/time.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/http_message.h"

namespace weft {

struct RobotsDirectives {
  bool noindex = false;   // also by unavailable_after with a moment that has passed
  bool nofollow = false;  // the page's links are not to be followed

  RobotsDirectives& operator|=(const RobotsDirectives& other) {
    noindex = noindex || other.noindex;
    nofollow = nofollow || other.nofollow;
    return *this;
  }
  bool operator==(const RobotsDirectives&) const = default;
  std::vector<std::string> names() const;  // "noindex", "nofollow"
};

// One X-Robots-Tag value: "noindex, weft: nofollow, otherbot: none". What stands behind a name is for that robot alone, up to the
// next name or the value's end. `robots_name`, in lower case, is ours. `now` is what unavailable_after is compared with.
RobotsDirectives ReadRobotsTag(std::string_view value, std::string_view robots_name, absl::Time now);
// All values of a response.
RobotsDirectives ReadRobotsTags(const HttpHead& head, std::string_view robots_name, absl::Time now);
// The content of a meta element that speaks to us.
RobotsDirectives ReadMetaRobots(std::string_view content, absl::Time now);

}  // namespace weft
