#include "common/recrawl_time.h"

#include <absl/time/civil_time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "common/status.h"

namespace weft {
namespace {

constexpr std::array<std::string_view, 7> kWeekdays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t at = 0; (at = text.find_first_not_of(' ', at)) != std::string_view::npos;) {
    const size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::optional<int> Number(std::string_view text, int least, int most) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool digits = !text.empty() && text.size() <= 2 && text.front() >= '0' && text.front() <= '9';
  if (!digits || error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    return std::nullopt;
  }
  return number;
}

// "03:00": minutes since midnight.
std::optional<int> MinuteOfDay(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const std::optional<int> hour = Number(text.substr(0, 2), 0, 23);
  const std::optional<int> minute = Number(text.substr(3), 0, 59);
  if (!hour || !minute) return std::nullopt;
  return *hour * 60 + *minute;
}

absl::CivilDay DayInMonth(absl::CivilMonth month, int day) {
  const absl::CivilDay last = absl::CivilDay(month + 1) - 1;
  return std::min(absl::CivilDay(month) + (day - 1), last);
}

absl::Time At(absl::CivilDay day, int minute) {
  return absl::FromCivil(absl::CivilMinute(day) + minute, absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<RecrawlTime> RecrawlTime::Parse(std::string_view text) {
  const std::vector<std::string_view> words = Words(text);
  RecrawlTime time;
  const std::optional<int> minute = words.empty() ? std::nullopt : MinuteOfDay(words.back());
  bool known = minute.has_value();
  if (known && words.size() == 2 && words[0] == "daily") {
    time.every = Every::kDay;
  } else if (known && words.size() == 3 && words[0] == "weekly") {
    const auto* day = std::find(kWeekdays.begin(), kWeekdays.end(), words[1]);
    known = day != kWeekdays.end();
    time.every = Every::kWeek;
    time.day = static_cast<int>(day - kWeekdays.begin());
  } else if (known && words.size() == 3 && words[0] == "monthly") {
    const std::optional<int> day = Number(words[1], 1, 31);
    known = day.has_value();
    time.every = Every::kMonth;
    time.day = day.value_or(0);
  } else {
    known = false;
  }
  if (!known) {
    return InvalidArgument("'{}' is no time: expected \"daily 03:00\", \"weekly mon 03:00\" or \"monthly 1 03:00\" "
                           "(UTC)", text);
  }
  time.minute = *minute;
  return time;
}

absl::Time RecrawlTime::After(absl::Time time) const {
  const absl::CivilDay today = absl::ToCivilDay(time, absl::UTCTimeZone());
  switch (every) {
    case Every::kDay: {
      const absl::Time at = At(today, minute);
      return at > time ? at : At(today + 1, minute);
    }
    case Every::kWeek: {
      const int weekday = static_cast<int>(absl::GetWeekday(today));  // Monday is 0
      const absl::CivilDay that_day = today + (day - weekday + 7) % 7;
      const absl::Time at = At(that_day, minute);
      return at > time ? at : At(that_day + 7, minute);
    }
    case Every::kMonth: {
      const absl::CivilMonth month(today);
      const absl::Time at = At(DayInMonth(month, day), minute);
      return at > time ? at : At(DayInMonth(month + 1, day), minute);
    }
  }
  return absl::InfiniteFuture();
}

}  // namespace weft
