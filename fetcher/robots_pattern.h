// Path patterns of robots.txt (RFC 9309 2.2.2, 2.2.3): both sides are brought to one spelling, then compared octet by
// octet. Pure functions over untrusted bytes; linear, whatever the wildcards.
#pragma once

#include <string>
#include <string_view>

namespace weft {

// The one spelling: %XX of unreserved octets is decoded, hex digits are upper case, octets that a URL cannot hold are
// escaped; reserved octets stay as they are, so `%2F` is not `/`. `*` and `$` become %2A and %24.
std::string NormalizeRobotsPath(std::string_view path);

struct RobotsPattern {
  std::string text;       // normalised; `*` only where it is special; runs of it collapsed
  size_t octets = 0;      // weight by 2.2.2: `*` and `$` count
  bool wild = false;
  bool anchored = false;  // a closing `$`, which `text` no longer holds
};
RobotsPattern NormalizeRobotsPattern(std::string_view pattern);

// `pattern` as in RobotsPattern::text, `path` as NormalizeRobotsPath gives it. Each literal between two `*` is looked
// for once, leftmost, and never again: O(path + pattern).
bool RobotsWildcardMatch(std::string_view pattern, bool anchored, std::string_view path);

}  // namespace weft
