// Fixed times at which pages are fetched again, in UTC: "daily 03:00", "weekly mon 03:00", "monthly 1 03:00".
// Thread rule: a value.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string_view>

namespace weft {

struct RecrawlTime {
  enum class Every : uint8_t { kDay, kWeek, kMonth };
  Every every = Every::kDay;
  int day = 0;      // kWeek: 0 = Monday ... 6; kMonth: 1 ... 31, where a month has fewer days its last one
  int minute = 0;   // of the day

  // InvalidArgument, for people, for any other text.
  static absl::StatusOr<RecrawlTime> Parse(std::string_view text);
  // The first such time later than `time`.
  absl::Time After(absl::Time time) const;

  bool operator==(const RecrawlTime&) const = default;
};

}  // namespace weft
