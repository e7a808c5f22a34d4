// The crawl clock: time during which a scheduler had this CrawlDb open, as microseconds since its creation. It goes on
// where it was stored last, so waits that are persisted on it never end early and never run away (rule 24).
// Thread rule: the scheduler's loop.
#pragma once

#include "common/clock.h"
#include "storage/crawl_db.h"

namespace weft {

class CrawlClock {
 public:
  CrawlClock(const Clock& clock, CrawlTime stored) : clock_(clock), base_(stored), opened_(clock.SteadyNow()) {}
  CrawlTime Now() const {
    return base_ + static_cast<CrawlTime>(absl::ToInt64Microseconds(clock_.SteadyNow() - opened_));
  }
  // The steady time at which the crawl clock shows `time`.
  absl::Time SteadyAt(CrawlTime time) const {
    return opened_ + absl::Microseconds(static_cast<int64_t>(time) - static_cast<int64_t>(base_));
  }

 private:
  const Clock& clock_;
  CrawlTime base_;
  absl::Time opened_;
};

inline CrawlTime CrawlMicros(absl::Duration duration) {
  return duration <= absl::ZeroDuration() ? 0 : static_cast<CrawlTime>(absl::ToInt64Microseconds(duration));
}

}  // namespace weft
