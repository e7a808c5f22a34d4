#include "storage/recrawl_interval.h"

#include <algorithm>

namespace weft {

uint64_t NextRecrawlInterval(uint64_t before_us, Visit visit, const RecrawlTerms& terms) {
  const uint64_t most = std::max(terms.least_us, terms.most_us);
  // Bounded first: what is multiplied below cannot overflow, as no bound is longer than some years.
  const uint64_t interval = std::clamp(before_us, terms.least_us, most);
  switch (visit) {
    case Visit::kFirst: return terms.least_us;
    case Visit::kChanged: return std::max(terms.least_us, interval / 2);
    case Visit::kUnchanged: return std::min(most, interval + interval / 2);
    case Visit::kMissed: return std::min(most, interval * 2);
  }
  return interval;
}

}  // namespace weft
