// How long a host rests between a response and the next request, as it shows how it fares: additive increase of its rate
// while all goes well, multiplicative decrease when answers fail, get slow or ask for less (AIMD).
// Pure; any thread.
#pragma once

#include <absl/time/time.h>

#include "common/wire.pb.h"

namespace weft {

struct DelayTerms {
  absl::Duration start;   // --delay
  absl::Duration least;   // --delay-min; not given: as --delay
  absl::Duration most;    // --delay-max; never under the other two
};
DelayTerms DelayTermsOf(const wire::CrawlSettings& settings);
inline constexpr absl::Duration kDelayMaxDefault = absl::Seconds(60);

// The longest of the adaptive delay and what robots.txt asks for; the former 0: where it starts.
absl::Duration HostDelay(const DelayTerms& terms, absl::Duration adaptive, absl::Duration crawl_delay);

// What one lease saw.
struct LeaseSight {
  uint64_t answers = 0;
  uint64_t errors = 0;
  bool throttled = false;
  absl::Duration latency;   // of the median answer; zero where there was none
};

struct HostPace {
  absl::Duration delay;     // in force
  absl::Duration latency;   // of an answer when all is well; zero: not known yet
};

// The pace after a lease. `pace.delay` outside of the terms counts as the nearest inside.
HostPace NextPace(const DelayTerms& terms, const HostPace& pace, const LeaseSight& sight);

}  // namespace weft
