#include "scheduler/url_pattern.h"

#include <absl/container/inlined_vector.h>
#include <absl/hash/hash.h>

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

namespace weft {
namespace {

constexpr size_t kMaxSegmentText = 80;
constexpr size_t kMaxNames = 24;
constexpr size_t kMaxNameText = 40;
constexpr size_t kMaxSessions = 4;
constexpr size_t kCountedSegments = 256;
constexpr size_t kShortestHexWord = 24;  // letters from a to f alone, that nobody would write

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool IsHex(char c) { return IsDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

bool AllDigits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit); }

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

// A run of letters and digits that nobody would write: an id, a digest, a session.
bool IsIdRun(std::string_view run) {
  if (run.size() < 8) return false;
  size_t digits = 0;
  size_t changes = 0;
  bool hex = true;
  for (size_t i = 0; i < run.size(); ++i) {
    digits += IsDigit(run[i]) ? 1 : 0;
    hex = hex && IsHex(run[i]);
    if (i > 0 && IsDigit(run[i]) != IsDigit(run[i - 1])) ++changes;
  }
  const size_t letters = run.size() - digits;
  if (digits == 0 || letters == 0) return digits == 0 && hex && run.size() >= kShortestHexWord;
  return (hex && run.size() >= 12) || changes >= 3 || (changes >= 2 && digits >= 2 && run.size() >= 10);
}

std::optional<uint32_t> Number(std::string_view text) {
  if (!AllDigits(text) || text.size() > 8) return std::nullopt;
  uint32_t number = 0;
  for (char c : text) number = number * 10 + static_cast<uint32_t>(c - '0');
  return number;
}

uint32_t MonthOf(std::string_view year_text, std::string_view month_text) {
  const auto year = Number(year_text);
  const auto month = Number(month_text);
  if (year_text.size() != 4 || !year || !month || month_text.size() > 2) return 0;
  return *year >= 1000 && *year < 3000 && *month >= 1 && *month <= 12 ? *year * 12 + *month - 1 : 0;
}

// "2031-05", "2031-05-17", "20310517", also with other signs between.
uint32_t DateIn(std::string_view text) {
  for (size_t at = 0; at + 6 <= text.size(); ++at) {
    if (!IsDigit(text[at]) || (at > 0 && IsDigit(text[at - 1]))) continue;
    size_t digits = 0;
    while (at + digits < text.size() && IsDigit(text[at + digits])) ++digits;
    if (digits == 8) {
      const auto day = Number(text.substr(at + 6, 2));
      if (day && *day >= 1 && *day <= 31) return MonthOf(text.substr(at, 4), text.substr(at + 4, 2));
    }
    const bool parted = digits == 4 && at + 7 <= text.size() && (text[at + 4] == '-' || text[at + 4] == '_' || text[at + 4] == '.');
    if (parted && IsDigit(text[at + 5])) return MonthOf(text.substr(at, 4), text.substr(at + 5, IsDigit(text[at + 6]) ? 2 : 1));
    at += digits;
  }
  return 0;
}

// Ids and numbers replaced.
std::string Normal(std::string_view text, bool* replaced, bool* has_id) {
  std::string out;
  for (size_t i = 0; i < text.size() && out.size() < kMaxSegmentText;) {
    size_t end = i;
    while (end < text.size() && (IsDigit(text[end]) || IsLetter(text[end]))) ++end;
    const std::string_view run = text.substr(i, end - i);
    if (run.empty()) {
      out += text[i++];
      continue;
    }
    i = end;
    if (IsIdRun(run)) {
      out += "{id}";
      *replaced = *has_id = true;
      continue;
    }
    for (size_t k = 0; k < run.size();) {
      const size_t begin = k;
      while (k < run.size() && !IsDigit(run[k])) ++k;
      out += run.substr(begin, k - begin);
      if (k == run.size()) break;
      while (k < run.size() && IsDigit(run[k])) ++k;
      out += "{n}";
      *replaced = true;
    }
  }
  return out;
}

bool IsSessionName(std::string_view name) {
  constexpr std::array<std::string_view, 15> kNames = {
      "sid", "sessid", "session", "sessionid", "session_id", "session-id", "phpsessid", "jsessionid", "cfid", "cftoken", "zenid",
      "oscsid", "s_id", "sess", "sessionkey"};
  const std::string lower = Lower(name);
  return std::find(kNames.begin(), kNames.end(), lower) != kNames.end() || lower.starts_with("aspsession");
}

void AddSession(std::string slot, bool known, UrlPattern& pattern) {
  if (pattern.sessions.size() >= kMaxSessions) return;
  pattern.has_slots = true;
  if (known && !pattern.known_session) {
    pattern.sessions.insert(pattern.sessions.begin(), std::move(slot));
  } else {
    pattern.sessions.push_back(std::move(slot));
  }
  pattern.known_session = pattern.known_session || known;
}

// "page;jsessionid=1A2B" without its parameters.
std::string_view TakeMatrixParameters(std::string_view segment, UrlPattern& pattern) {
  const size_t semicolon = segment.find(';');
  if (semicolon == segment.npos) return segment;
  const std::string_view name = segment.substr(semicolon + 1, segment.find('=', semicolon) - semicolon - 1);
  if (!IsSessionName(name)) return segment;
  AddSession(";" + Lower(name), true, pattern);
  return segment.substr(0, semicolon);
}

// How often each segment stands in a path. Few are the rule, so they are compared one by one.
class SegmentCounts {
 public:
  size_t Add(std::string_view segment) {
    const size_t hash = absl::HashOf(segment);
    for (auto& [known, count] : counts_) {
      if (known == hash) return ++count;
    }
    counts_.emplace_back(hash, 1);
    return 1;
  }

 private:
  absl::InlinedVector<std::pair<size_t, size_t>, 16> counts_;
};

// Nothing in it is replaced: Normal gives it back.
bool StaysAsItIs(std::string_view segment) {
  return segment.size() < kShortestHexWord && !segment.starts_with("(S(") && std::none_of(segment.begin(), segment.end(), IsDigit);
}

void ReadPath(std::string_view path, UrlPattern& pattern) {
  SegmentCounts counts;
  std::array<std::string_view, 2> before;  // the last two segments
  std::string normal;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin + 1), path.size());
    const std::string_view whole = path.substr(begin + 1, end - begin - 1);
    const std::string_view raw = TakeMatrixParameters(whole, pattern);
    begin = end;
    ++pattern.segments;
    bool replaced = false;
    bool has_id = false;
    std::string_view segment = raw;
    if (!StaysAsItIs(raw)) {
      normal = raw.starts_with("(S(") ? "{id}" : Normal(raw, &replaced, &has_id);
      segment = normal;
      if (has_id || raw.starts_with("(S(")) AddSession(fmt::format("/{}", pattern.segments), raw.starts_with("(S("), pattern);
      pattern.has_slots = pattern.has_slots || replaced;
      if (pattern.month == 0) pattern.month = DateIn(raw);
      if (pattern.month == 0) pattern.month = MonthOf(before[1], raw);
    }
    before = {before[1], raw};
    if (pattern.segments <= kMaxPatternSegments) {
      pattern.path += '/';
      pattern.path += segment;
    } else if (pattern.segments == kMaxPatternSegments + 1) {
      pattern.path += "/**";
    }
    if (segment.empty() || pattern.segments > kCountedSegments) continue;
    // Numbers stand in many paths more than once.
    const size_t weighed = counts.Add(segment) / (replaced ? 2 : 1);
    if (weighed > pattern.repeats) {
      pattern.repeats = weighed;
      pattern.repeated = segment;
    }
  }
  const size_t slash = pattern.path.rfind('/');
  pattern.directory = slash == std::string::npos ? "/" : pattern.path.substr(0, slash + 1);
}

void ReadQuery(std::string_view query, UrlPattern& pattern) {
  pattern.has_slots = true;
  std::vector<std::string> names;
  std::string_view year, month;
  for (size_t begin = 0; begin <= query.size();) {
    const size_t end = std::min({query.find('&', begin), query.find(';', begin), query.size()});
    const std::string_view pair = query.substr(begin, end - begin);
    begin = end + 1;
    if (pair.empty()) continue;
    ++pattern.parameters;
    if (names.size() >= 4 * kMaxNames) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    const std::string name = Lower(pair.substr(0, std::min(equals, kMaxNameText)));
    if (name == "year" || name == "y" || name == "yr") year = value;
    if (name == "month" || name == "m" || name == "mon") month = value;
    if (pattern.month == 0) pattern.month = DateIn(value);
    bool replaced = false;
    bool has_id = false;
    if (value.size() >= 8) Normal(value, &replaced, &has_id);
    if (IsSessionName(name) || has_id) AddSession("?" + name, IsSessionName(name), pattern);
    // A name without value may be anything.
    names.push_back(equals == pair.size() ? Normal(name, &replaced, &has_id) : name);
  }
  if (pattern.month == 0) pattern.month = MonthOf(year, month);
  std::sort(names.begin(), names.end());
  for (size_t i = 0, distinct = 0; i < names.size();) {
    size_t next = i;
    while (next < names.size() && names[next] == names[i]) ++next;
    pattern.parameter_repeats = std::max(pattern.parameter_repeats, next - i);
    if (++distinct <= kMaxNames) pattern.query += (pattern.query.empty() ? "" : "&") + names[i];
    i = next;
  }
  if (pattern.query.empty()) pattern.query = "?";
}

}  // namespace

UrlPattern PatternOf(std::string_view href) {
  UrlPattern pattern;
  href = href.substr(0, href.find('#'));
  const size_t scheme = href.find("://");
  std::string_view rest = scheme == href.npos ? href : href.substr(scheme + 3);
  const auto ends_authority = [](char c) { return c == '/' || c == '?'; };
  const auto authority_end = static_cast<size_t>(std::find_if(rest.begin(), rest.end(), ends_authority) - rest.begin());
  std::string_view authority = rest.substr(0, authority_end);
  if (const size_t at = authority.rfind('@'); at != authority.npos) authority.remove_prefix(at + 1);
  const size_t colon = authority.rfind(':');
  if (colon != authority.npos && authority.find(']', colon) == authority.npos) authority = authority.substr(0, colon);
  pattern.host = std::string(authority);
  rest.remove_prefix(authority_end);
  const size_t question = rest.find('?');
  ReadPath(rest.substr(0, question), pattern);
  if (question != rest.npos && question + 1 < rest.size()) ReadQuery(rest.substr(question + 1), pattern);
  return pattern;
}

}  // namespace weft
