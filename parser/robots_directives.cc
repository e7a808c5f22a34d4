#include "parser/robots_directives.h"

#include <algorithm>
#include <optional>

#include "common/ascii.h"
#include "parser/ascii.h"
#include "parser/sitemap_dates.h"

namespace weft {
namespace {

constexpr std::string_view kUnavailableAfter = "unavailable_after";
constexpr size_t kMaxDate = 64;

// Directives with a value: their names stand before a colon and are no robots' names.
bool TakesValue(std::string_view name) {
  return EqualsIgnoringCase(name, kUnavailableAfter) || StartsWithIgnoringCase(name, "max-");
}

// RFC 822 and 850, ISO 8601; where there is no zone or no time, UTC and the day's begin.
std::optional<absl::Time> ReadDate(std::string_view text) {
  if (text.empty() || text.size() > kMaxDate) return std::nullopt;
  for (const std::string_view missing : {"", "Z", " GMT", " 00:00:00 GMT"}) {
    if (auto moment = ParseSitemapDate(std::string(text).append(missing))) return moment;
  }
  return std::nullopt;
}

class Reader {
 public:
  // `robots_name` empty and `names` false: a meta element, which has chosen its robot by its own name.
  Reader(std::string_view text, bool names, std::string_view robots_name, absl::Time now)
      : rest_(text), names_(names), robots_name_(robots_name), now_(now) {}

  RobotsDirectives Read() {
    while (!rest_.empty()) {
      const size_t end = std::min(rest_.find_first_of(":,"), rest_.size());
      const std::string_view name = TrimAsciiSpace(rest_.substr(0, end));
      const bool colon = end < rest_.size() && rest_[end] == ':';
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      if (!colon) {
        Words(name);
      } else if (TakesValue(name)) {
        Value(name);
      } else if (names_ && !name.empty()) {
        ours_ = name == "*" || (!robots_name_.empty() && EqualsIgnoringCase(name, robots_name_));
      } else {
        TakeItem();  // nothing that is known
      }
    }
    return found_;
  }

 private:
  std::string_view TakeItem() {
    const size_t end = std::min(rest_.find(','), rest_.size());
    const std::string_view item = TrimAsciiSpace(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return item;
  }

  // Some write blanks for commas.
  void Words(std::string_view words) {
    while (ours_ && !words.empty()) {
      const size_t end = static_cast<size_t>(std::find_if(words.begin(), words.end(), IsAsciiSpace) - words.begin());
      const std::string_view word = words.substr(0, end);
      const bool none = EqualsIgnoringCase(word, "none");
      if (none || EqualsIgnoringCase(word, "noindex")) found_.noindex = true;
      if (none || EqualsIgnoringCase(word, "nofollow")) found_.nofollow = true;
      words = TrimAsciiSpace(words.substr(end));
    }
  }

  void Value(std::string_view name) {
    const char* const begin = rest_.data();
    std::string_view value = TakeItem();
    if (!EqualsIgnoringCase(name, kUnavailableAfter)) return;
    // "Friday, 25-Jun-10 15:00:00 UTC", "25 Jun 2010, 15:00:00 GMT": the comma behind a weekday and the one before a time
    // end nothing.
    if (IsWeekday(value)) TakeItem();
    const std::string_view next = TrimAsciiSpace(rest_.substr(0, kMaxDate));
    if (!next.empty() && IsAsciiDigit(next.front())) TakeItem();
    const auto length = static_cast<size_t>(rest_.data() - begin);
    value = TrimAsciiSpace({begin, length});
    if (value.ends_with(',')) value = TrimAsciiSpace(value.substr(0, value.size() - 1));
    auto moment = ReadDate(value);
    if (!moment) moment = ReadDate(WithoutCommas(value));
    if (ours_ && moment && *moment <= now_) found_.noindex = true;
  }

  static std::string WithoutCommas(std::string_view text) {
    std::string out(text);
    std::erase(out, ',');
    return out;
  }

  static bool IsWeekday(std::string_view text) {
    for (const std::string_view day : {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}) {
      if (StartsWithIgnoringCase(text, day)) return std::all_of(text.begin(), text.end(), IsAsciiAlpha);
    }
    return false;
  }

  std::string_view rest_;
  const bool names_;
  const std::string_view robots_name_;
  const absl::Time now_;
  bool ours_ = true;
  RobotsDirectives found_;
};

}  // namespace

std::vector<std::string> RobotsDirectives::names() const {
  std::vector<std::string> names;
  if (noindex) names.emplace_back("noindex");
  if (nofollow) names.emplace_back("nofollow");
  return names;
}

RobotsDirectives ReadRobotsTag(std::string_view value, std::string_view robots_name, absl::Time now) {
  return Reader(value, /*names=*/true, robots_name, now).Read();
}

RobotsDirectives ReadRobotsTags(const HttpHead& head, std::string_view robots_name, absl::Time now) {
  RobotsDirectives found;
  for (const auto& [name, value] : head.fields()) {
    if (EqualIgnoringCase(name, "X-Robots-Tag")) found |= ReadRobotsTag(value, robots_name, now);
  }
  return found;
}

RobotsDirectives ReadMetaRobots(std::string_view content, absl::Time now) {
  return Reader(content, /*names=*/false, "", now).Read();
}

}  // namespace weft
