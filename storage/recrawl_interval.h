// How long until a page is fetched again: shorter where it had changed, longer where it had not, within bounds.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>

namespace weft {

// What holds for one URL at one time, by the crawl's settings and its rules.
struct RecrawlTerms {
  uint64_t least_us = 0;                // bounds of the interval
  uint64_t most_us = 0;
  std::optional<uint64_t> at_us;        // fixed times: from now to the next one; beats the interval

  bool operator==(const RecrawlTerms&) const = default;
};

enum class Visit : uint8_t {
  kFirst,      // its first page
  kChanged,    // another page than the one before
  kUnchanged,  // the same
  kMissed,     // no page: it failed, was refused, or answered with a server's error
};

// The interval after a visit; `before_us`: the one before it, 0 = none yet. First: the shortest; changed: x 1/2; unchanged:
// x 1.5; missed: x 2. Always within the bounds.
uint64_t NextRecrawlInterval(uint64_t before_us, Visit visit, const RecrawlTerms& terms);

// From now to the next visit.
inline uint64_t RecrawlWait(uint64_t interval_us, const RecrawlTerms& terms) { return terms.at_us.value_or(interval_us); }

}  // namespace weft
