#include "fetcher/retry_after.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace weft {

std::optional<absl::Time> ParseHttpDate(std::string_view text) {
  static constexpr const char* kForms[] = {
      "%a, %d %b %Y %H:%M:%S GMT",   // IMF-fixdate
      "%A, %d-%b-%y %H:%M:%S GMT",   // RFC 850
      "%a %b %e %H:%M:%S %Y",        // asctime
  };
  std::string input(text);
  for (const char* form : kForms) {
    absl::Time time;
    std::string error;
    // ParseTime also knows "infinite-future" and "infinite-past".
    if (absl::ParseTime(form, input, &time, &error) && time > absl::InfinitePast() && time < absl::InfiniteFuture()) {
      return time;
    }
  }
  return std::nullopt;
}

absl::Duration ReadRetryAfter(const HttpHead& head) {
  std::string_view text = head.Get("Retry-After");
  if (text.empty()) return absl::ZeroDuration();
  uint64_t seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (end == text.data() + text.size() && error == std::errc()) {
    return std::min(absl::Seconds(static_cast<int64_t>(std::min<uint64_t>(seconds, 1u << 30))), kMaxRetryAfter);
  }
  if (error == std::errc::result_out_of_range) return kMaxRetryAfter;
  std::optional<absl::Time> until = ParseHttpDate(text);
  std::optional<absl::Time> now = ParseHttpDate(head.Get("Date"));
  if (!until || !now) return absl::ZeroDuration();
  return std::clamp(*until - *now, absl::ZeroDuration(), kMaxRetryAfter);
}

}  // namespace weft
