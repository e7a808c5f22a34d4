#include "scheduler/delay_control.h"

#include <algorithm>

#include "common/politeness.h"

namespace weft {
namespace {

// The first step from no delay at all, and where a way back to it ends.
constexpr absl::Duration kFirstStep = absl::Milliseconds(100);
constexpr absl::Duration kLastStep = absl::Milliseconds(10);
// Slow: this many times as long as usual, and longer by at least that. Answers of a healthy host vary by less.
constexpr double kSlowTimes = 3;
constexpr absl::Duration kSlowBy = absl::Seconds(1);
// What is usual follows slower answers by this share of the way with each lease.
constexpr double kLatencyDrift = 0.05;
// Of the rate at the starting delay, with each lease that went well.
constexpr double kRateStep = 0.125;

bool Trouble(const HostPace& pace, const LeaseSight& sight) {
  if (sight.throttled) return true;
  // A broken page now and then is not the host's state.
  if (sight.errors >= 2 && sight.errors >= sight.answers) return true;
  if (pace.latency <= absl::ZeroDuration() || sight.latency <= absl::ZeroDuration()) return false;
  return sight.latency > pace.latency * kSlowTimes && sight.latency > pace.latency + kSlowBy;
}

absl::Duration Faster(const DelayTerms& terms, absl::Duration delay) {
  if (delay <= kFirstStep) return delay / 2 < kLastStep ? terms.least : delay / 2;
  const double unit = absl::ToDoubleSeconds(std::max(terms.start, kFirstStep));
  const double rate = 1 / absl::ToDoubleSeconds(delay) + kRateStep / unit;
  return absl::Seconds(1 / rate);
}

}  // namespace

DelayTerms DelayTermsOf(const wire::CrawlSettings& settings) {
  DelayTerms terms;
  terms.start = absl::Microseconds(settings.delay_us());
  terms.least = settings.has_delay_min() ? absl::Microseconds(settings.delay_min_us()) : terms.start;
  terms.most = settings.delay_max_us() > 0 ? absl::Microseconds(settings.delay_max_us()) : kDelayMaxDefault;
  // A --delay-max below --delay would make the crawl faster than the user said it may start.
  terms.most = std::max({terms.most, terms.start, terms.least});
  return terms;
}

absl::Duration HostDelay(const DelayTerms& terms, absl::Duration adaptive, absl::Duration crawl_delay) {
  const absl::Duration own =
      adaptive > absl::ZeroDuration() ? std::clamp(adaptive, terms.least, terms.most) : terms.start;
  return std::max(own, std::min(crawl_delay, kLongestCrawlDelay));
}

HostPace NextPace(const DelayTerms& terms, const HostPace& pace, const LeaseSight& sight) {
  HostPace next = pace;
  next.delay = std::clamp(pace.delay, terms.least, terms.most);
  if (Trouble(pace, sight)) {
    next.delay = std::min(terms.most, std::max(2 * next.delay, kFirstStep));
  } else if (sight.answers > 0) {
    next.delay = std::max(terms.least, Faster(terms, next.delay));
  }
  next.delay = std::min(next.delay, terms.most);
  if (sight.latency > absl::ZeroDuration()) {
    const bool first = pace.latency <= absl::ZeroDuration();
    next.latency = first || sight.latency < pace.latency
                       ? sight.latency
                       : pace.latency + (sight.latency - pace.latency) * kLatencyDrift;
  }
  return next;
}

}  // namespace weft
