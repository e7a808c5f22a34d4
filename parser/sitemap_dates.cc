#include "parser/sitemap_dates.h"

#include <absl/time/civil_time.h>

#include <cstddef>
#include <iterator>

#include "parser/ascii.h"

namespace weft {
namespace {

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};

// Takes pieces off the front of a text; a piece that is not there leaves it as it is.
class DateScanner {
 public:
  explicit DateScanner(std::string_view text) : text_(text) {}

  bool AtEnd() const { return text_.empty(); }
  bool NextIsDigit() const { return !text_.empty() && IsAsciiDigit(text_.front()); }

  bool Take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool TakeSpaces() {
    const size_t before = text_.size();
    while (!text_.empty() && IsHtmlSpace(text_.front())) text_.remove_prefix(1);
    return text_.size() != before;
  }
  // Digits, at least `least` and at most `most` of them. Their number is left in `digits`.
  std::optional<int> Number(size_t least, size_t most, size_t* digits = nullptr) {
    size_t count = 0;
    int value = 0;
    while (count < most && count < text_.size() && IsAsciiDigit(text_[count])) value = value * 10 + (text_[count++] - '0');
    if (count < least) return std::nullopt;
    text_.remove_prefix(count);
    if (digits != nullptr) *digits = count;
    return value;
  }
  std::string_view Letters() {
    size_t count = 0;
    while (count < text_.size() && IsAsciiAlpha(text_[count])) ++count;
    std::string_view letters = text_.substr(0, count);
    text_.remove_prefix(count);
    return letters;
  }
  void SkipDigits() {
    while (NextIsDigit()) text_.remove_prefix(1);
  }

 private:
  std::string_view text_;
};

struct DateParts {
  int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0;
  int zone_minutes = 0;
};

std::optional<absl::Time> MomentOf(const DateParts& p) {
  if (p.hour > 24 || p.minute > 59 || p.second > 60) return std::nullopt;
  const absl::CivilDay day(p.year, p.month, p.day);
  // Civil times roll over: what does not come back as it was written is no date.
  if (day.year() != p.year || day.month() != p.month || day.day() != p.day) return std::nullopt;
  const absl::CivilSecond civil = absl::CivilSecond(day) + p.hour * 3600 + p.minute * 60 + p.second;
  return absl::FromCivil(civil, absl::UTCTimeZone()) - absl::Minutes(p.zone_minutes);
}

// hh:mm[:ss[.s]]
bool TakeClock(DateScanner& in, DateParts& parts) {
  const auto hour = in.Number(1, 2);
  if (!hour || !in.Take(':')) return false;
  const auto minute = in.Number(2, 2);
  if (!minute) return false;
  parts.hour = *hour;
  parts.minute = *minute;
  if (!in.Take(':')) return true;
  const auto second = in.Number(2, 2);
  if (!second) return false;
  parts.second = *second;
  if (in.Take('.')) in.SkipDigits();
  return true;
}

// +hh:mm or +hhmm
bool TakeOffset(DateScanner& in, DateParts& parts) {
  int sign = 1;
  if (in.Take('-')) {
    sign = -1;
  } else if (!in.Take('+')) {
    return false;
  }
  const auto hours = in.Number(2, 2);
  if (!hours || *hours > 23) return false;
  in.Take(':');
  const auto minutes = in.Number(2, 2);
  if (!minutes || *minutes > 59) return false;
  parts.zone_minutes = sign * (*hours * 60 + *minutes);
  return true;
}

std::optional<absl::Time> ParseW3c(std::string_view text) {
  DateScanner in(text);
  DateParts parts;
  const auto year = in.Number(4, 4);
  if (!year) return std::nullopt;
  parts.year = *year;
  for (int* part : {&parts.month, &parts.day}) {
    if (in.AtEnd()) return MomentOf(parts);
    const auto number = in.Take('-') ? in.Number(1, 2) : std::nullopt;
    if (!number) return std::nullopt;
    *part = *number;
  }
  if (in.AtEnd()) return MomentOf(parts);
  if (!in.Take('T') && !in.Take('t') && !in.TakeSpaces()) return std::nullopt;
  if (!TakeClock(in, parts)) return std::nullopt;
  in.TakeSpaces();
  if (!in.Take('Z') && !in.Take('z') && !TakeOffset(in, parts)) return std::nullopt;
  return in.AtEnd() ? MomentOf(parts) : std::nullopt;
}

// The zones that RFC 822 names; a military letter says too little (RFC 2822 4.3) but for Z.
std::optional<int> NamedZone(std::string_view name) {
  struct Zone { std::string_view name; int hours; };
  constexpr Zone kZones[] = {{"gmt", 0}, {"ut", 0}, {"utc", 0}, {"z", 0}, {"est", -5}, {"edt", -4},
                             {"cst", -6}, {"cdt", -5}, {"mst", -7}, {"mdt", -6}, {"pst", -8}, {"pdt", -7}};
  for (const Zone& zone : kZones) {
    if (EqualsIgnoringCase(name, zone.name)) return zone.hours * 60;
  }
  return std::nullopt;
}

std::optional<int> MonthOf(std::string_view name) {
  for (size_t i = 0; i < std::size(kMonths); ++i) {
    if (StartsWithIgnoringCase(name, kMonths[i])) return static_cast<int>(i) + 1;
  }
  return std::nullopt;
}

bool TakeZone(DateScanner& in, DateParts& parts) {
  if (TakeOffset(in, parts)) return true;
  const auto zone = NamedZone(in.Letters());
  if (zone) parts.zone_minutes = *zone;
  return zone.has_value();
}

std::optional<absl::Time> ParseRfc822(std::string_view text) {
  DateScanner in(text);
  if (!in.NextIsDigit()) {
    in.Letters();
    in.Take(',');
    in.TakeSpaces();
  }
  DateParts parts;
  const auto day = in.Number(1, 2);
  if (!day || !(in.TakeSpaces() || in.Take('-'))) return std::nullopt;
  const auto month = MonthOf(in.Letters());
  if (!month || !(in.TakeSpaces() || in.Take('-'))) return std::nullopt;
  size_t digits = 0;
  const auto year = in.Number(2, 4, &digits);
  if (!year || digits == 3 || !in.TakeSpaces()) return std::nullopt;
  parts.day = *day;
  parts.month = *month;
  parts.year = digits == 4 ? *year : *year + (*year < 50 ? 2000 : 1900);  // RFC 2822 4.3
  if (!TakeClock(in, parts)) return std::nullopt;
  in.TakeSpaces();
  if (!TakeZone(in, parts)) return std::nullopt;
  return MomentOf(parts);
}

}  // namespace

std::optional<absl::Time> ParseSitemapDate(std::string_view text) {
  text = TrimHtmlSpace(text);
  if (text.size() > 64) return std::nullopt;
  if (auto moment = ParseW3c(text)) return moment;
  return ParseRfc822(text);
}

}  // namespace weft
