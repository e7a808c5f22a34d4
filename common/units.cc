#include "common/units.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "common/status.h"

namespace weft {
namespace {

struct DurationUnit {
  std::string_view name;
  int64_t nanoseconds;
};

constexpr DurationUnit kDurationUnits[] = {
    {"d", 86'400'000'000'000}, {"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000},
    {"ms", 1'000'000},         {"us", 1'000},            {"ns", 1},
};

struct SizeUnit {
  std::string_view name;  // lower case
  uint64_t bytes;
};

constexpr SizeUnit kSizeUnits[] = {
    {"", 1},
    {"b", 1},
    {"kib", 1ull << 10},
    {"mib", 1ull << 20},
    {"gib", 1ull << 30},
    {"tib", 1ull << 40},
    {"kb", 1'000},
    {"mb", 1'000'000},
    {"gb", 1'000'000'000},
    {"tb", 1'000'000'000'000},
};

constexpr SizeUnit kBinaryUnits[] = {
    {"TiB", 1ull << 40}, {"GiB", 1ull << 30}, {"MiB", 1ull << 20}, {"KiB", 1ull << 10}};

constexpr int64_t kMaxNanoseconds = 100 * 365 * kDurationUnits[0].nanoseconds;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes leading digits off `text`; nothing where there are none or the number is too large.
std::optional<uint64_t> TakeNumber(std::string_view& text) {
  uint64_t value = 0;
  size_t length = 0;
  for (; length < text.size() && IsDigit(text[length]); ++length) {
    const auto digit = static_cast<uint64_t>(text[length] - '0');
    if (value > (std::numeric_limits<uint64_t>::max() - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  if (length == 0) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

// Takes ".5" off `text`: billionths, at most nine digits. Nothing where a "." has no or too many digits behind it.
std::optional<int64_t> TakeFraction(std::string_view& text) {
  if (!text.starts_with('.')) return 0;
  text.remove_prefix(1);
  int64_t value = 0;
  int64_t weight = 100'000'000;
  size_t length = 0;
  for (; length < text.size() && IsDigit(text[length]); ++length) {
    value += weight * (text[length] - '0');
    weight /= 10;
  }
  if (length == 0 || length > 9) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

// Takes one "90s" off `text`. `first_unit` moves on, so that units come in falling order. A fraction ends the text.
std::optional<int64_t> TakeDurationPart(std::string_view& text, size_t& first_unit) {
  const std::optional<uint64_t> number = TakeNumber(text);
  if (!number) return std::nullopt;
  const bool has_fraction = text.starts_with('.');
  const std::optional<int64_t> fraction = TakeFraction(text);
  if (!fraction) return std::nullopt;
  const size_t name_length = std::min(text.find_first_of("0123456789."), text.size());
  const std::string_view name = text.substr(0, name_length);
  text.remove_prefix(name_length);
  if (has_fraction && !text.empty()) return std::nullopt;
  while (first_unit < std::size(kDurationUnits) && kDurationUnits[first_unit].name != name) ++first_unit;
  if (first_unit == std::size(kDurationUnits)) return std::nullopt;
  const int64_t unit = kDurationUnits[first_unit++].nanoseconds;
  if (*number > static_cast<uint64_t>(kMaxNanoseconds / unit)) return kMaxNanoseconds + 1;
  // Below a second the product fits; from a second on the unit is divided first, exactly.
  const int64_t part = unit < 1'000'000'000 ? *fraction * unit / 1'000'000'000 : *fraction * (unit / 1'000'000'000);
  return static_cast<int64_t>(*number) * unit + part;
}

// "1.5" and the like: `count` in `unit`, without trailing zeros.
std::string Decimal(int64_t count, int64_t unit) {
  std::string text = fmt::format("{}", count / unit);
  if (count % unit == 0) return text;
  std::string digits = fmt::format("{}", unit + count % unit).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  return fmt::format("{}.{}", text, digits);
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(std::string_view text) {
  const auto malformed = [shown = text.substr(0, 60)] {
    return InvalidArgument("'{}': expected a duration such as 500ms, 2s, 10m or 0", shown);
  };
  if (text == "0") return absl::ZeroDuration();
  if (text.empty()) return malformed();
  const std::string_view whole = text;
  int64_t total = 0;
  for (size_t first_unit = 0; !text.empty();) {
    const std::optional<int64_t> part = TakeDurationPart(text, first_unit);
    if (!part) return malformed();
    total += std::min(*part, kMaxNanoseconds + 1 - std::min(total, kMaxNanoseconds));
  }
  if (total > kMaxNanoseconds) return InvalidArgument("'{}': longer than 100 years", whole.substr(0, 60));
  return absl::Nanoseconds(total);
}

std::string FormatDuration(absl::Duration duration) {
  if (duration < absl::ZeroDuration()) return "-" + weft::FormatDuration(-duration);
  if (duration == absl::InfiniteDuration()) return "inf";
  std::string text;
  const int64_t days = absl::IDivDuration(duration, absl::Hours(24), &duration);
  int64_t rest = absl::ToInt64Nanoseconds(duration);
  if (days > 0) text += fmt::format("{}d", days);
  for (size_t i = 1; i <= 2; ++i) {
    const int64_t count = rest / kDurationUnits[i].nanoseconds;
    rest %= kDurationUnits[i].nanoseconds;
    if (count > 0) text += fmt::format("{}{}", count, kDurationUnits[i].name);
  }
  if (rest == 0) return text.empty() ? "0" : text;
  size_t unit = 3;
  while (rest < kDurationUnits[unit].nanoseconds) ++unit;
  return fmt::format("{}{}{}", text, Decimal(rest, kDurationUnits[unit].nanoseconds), kDurationUnits[unit].name);
}

absl::StatusOr<uint64_t> ParseSize(std::string_view text) {
  const std::string_view shown = text.substr(0, 60);
  const std::optional<uint64_t> number = TakeNumber(text);
  std::string name(text.substr(0, 8));
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  const auto* unit = std::find_if(std::begin(kSizeUnits), std::end(kSizeUnits),
                                  [&](const SizeUnit& candidate) { return candidate.name == name; });
  if (!number || unit == std::end(kSizeUnits)) {
    return InvalidArgument("'{}': expected a size such as 512, 64KiB, 16MiB or 1GB", shown);
  }
  if (*number > std::numeric_limits<uint64_t>::max() / unit->bytes) {
    return InvalidArgument("'{}': more than 2^64 bytes", shown);
  }
  return *number * unit->bytes;
}

std::string FormatSize(uint64_t bytes) {
  for (const SizeUnit& unit : kBinaryUnits) {
    if (bytes != 0 && bytes % unit.bytes == 0) return fmt::format("{}{}", bytes / unit.bytes, unit.name);
  }
  return fmt::format("{}", bytes);
}

std::string HumanSize(uint64_t bytes) {
  // The next larger unit where rounding would show "1024.0".
  for (const SizeUnit& unit : kBinaryUnits) {
    const double count = static_cast<double>(bytes) / static_cast<double>(unit.bytes);
    if (count >= 0.99995) return fmt::format("{:.1f} {}", count, unit.name);
  }
  return fmt::format("{} B", bytes);
}

std::string HumanCount(uint64_t count) {
  std::string digits = fmt::format("{}", count);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string HumanCount(uint64_t count, std::string_view noun, std::string_view plural) {
  if (count == 1) return fmt::format("1 {}", noun);
  return plural.empty() ? fmt::format("{} {}s", HumanCount(count), noun) : fmt::format("{} {}", HumanCount(count), plural);
}

}  // namespace weft
