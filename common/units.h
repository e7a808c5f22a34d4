// Durations and sizes as users write them: "500ms", "2s", "10m", "1h30m", "0"; "64KiB", "16MiB", "1GiB", "512".
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

// Units d, h, m, s, ms, us, ns, each at most once and in this order; the last number may have a fraction ("1.5s").
// Never negative, at most 100 years. The error says what is accepted.
absl::StatusOr<absl::Duration> ParseDuration(std::string_view text);
// The shortest text that ParseDuration reads back: "1m30s", "500ms", "0"; whole nanoseconds, the rest is cut. "inf" and
// negative durations are written for logs and cannot be read back. Call it as weft::FormatDuration: the argument also
// brings in absl::FormatDuration.
std::string FormatDuration(absl::Duration duration);

// Bytes. KiB, MiB, GiB, TiB are powers of 1024; KB, MB, GB, TB powers of 1000; a bare number is bytes, as is "B". Whole
// numbers, units in any case.
absl::StatusOr<uint64_t> ParseSize(std::string_view text);
// The exact text with the largest binary unit: "16MiB", "1000", "64KiB".
std::string FormatSize(uint64_t bytes);
// For people: "1.4 MiB".
std::string HumanSize(uint64_t bytes);
// "12,345".
std::string HumanCount(uint64_t count);
// "1 page", "2,345 pages"; `plural` where it is not `noun` and an s.
std::string HumanCount(uint64_t count, std::string_view noun, std::string_view plural = "");

}  // namespace weft
