#include "common/key_parameters.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace weft {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";

// Lower case; sorted for the binary search.
constexpr auto kTracking = std::to_array<std::string_view>({
    "_ga",     "_gl",       "_hsenc",   "_hsmi",       "dclid",     "epik",       "fb_action_ids", "fb_action_types",
    "fb_ref",  "fb_source", "fbclid",   "gad_source",  "gbraid",    "gclid",      "gclsrc",        "igsh",
    "igshid",  "irclickid", "li_fat_id", "mc_cid",     "mc_eid",    "mkt_tok",    "msclkid",       "oly_anon_id",
    "oly_enc_id", "rb_clickid", "s_cid", "srsltid",    "ttclid",    "twclid",     "vero_conv",     "vero_id",
    "wbraid",  "wickedid",  "yclid",    "ysclid",
});
static_assert(std::is_sorted(kTracking.begin(), kTracking.end()));

constexpr auto kIndexPages = std::to_array<std::string_view>(
    {"index.html", "index.htm", "index.php", "default.asp", "default.aspx"});

std::string_view NameOf(std::string_view pair) { return pair.substr(0, pair.find('=')); }

std::string_view ValueOf(std::string_view pair) {
  const size_t equals = pair.find('=');
  return equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
}

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && Lowered(text) == lower;
}

bool IsAlnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Only letters, digits and characters of `more`, between `least` and `most` of them.
bool IsToken(std::string_view value, std::string_view more, size_t least, size_t most = std::string_view::npos) {
  if (value.size() < least || value.size() > most) return false;
  return std::all_of(value.begin(), value.end(),
                     [&](char c) { return IsAlnum(c) || more.find(c) != std::string_view::npos; });
}

bool HasOnly(std::string_view text, std::string_view allowed) {
  return Lowered(text).find_first_not_of(allowed) == std::string::npos;
}

bool IsJavaSession(std::string_view value) { return IsToken(value, "$.!_-", 10); }

bool IsColdFusion(std::string_view pair, std::string_view name) {
  const std::string_view value = ValueOf(pair);
  if (!EqualsIgnoringCase(NameOf(pair), name)) return false;
  return name == "cfid" ? !value.empty() && HasOnly(value, kDigits) : IsToken(value, "-", 8);
}

// All but CFID and CFTOKEN, which count only together.
bool IsSession(std::string_view pair) {
  constexpr std::string_view kAsp = "aspsessionid";
  constexpr size_t kLongestName = kAsp.size() + 8;
  if (NameOf(pair).size() > kLongestName) return false;
  const std::string name = Lowered(NameOf(pair));
  const std::string_view value = ValueOf(pair);
  if (name == "jsessionid") return IsJavaSession(value);
  if (name == "phpsessid") return IsToken(value, ",-", 10);
  if (name == "sid") return IsToken(value, "", 32, 32);
  if (!name.starts_with(kAsp) || name.size() != kLongestName) return false;
  return HasOnly(name, kLetters) && value.size() == 24 && HasOnly(value, kLetters);
}

bool IsTracking(std::string_view pair) {
  constexpr size_t kLongestName = 64;
  if (NameOf(pair).size() > kLongestName) return false;
  const std::string name = Lowered(NameOf(pair));
  return name.starts_with("utm_") || std::binary_search(kTracking.begin(), kTracking.end(), name);
}

// "page;jsessionid=0123456789;v=1" as "page;v=1". A dot segment must not come to light: parsing would remove it.
std::string WithoutJavaSession(std::string_view segment) {
  std::string kept;
  bool dropped = false;
  for (size_t begin = 0; begin <= segment.size();) {
    const size_t end = std::min(segment.find(';', begin), segment.size());
    const std::string_view part = segment.substr(begin, end - begin);
    if (begin > 0 && EqualsIgnoringCase(NameOf(part), "jsessionid") && IsJavaSession(ValueOf(part))) {
      dropped = true;
    } else {
      if (begin > 0) kept += ';';
      kept += part;
    }
    begin = end + 1;
  }
  return !dropped || kept == "." || kept == ".." ? std::string(segment) : kept;
}

// ASP.NET's cookieless sessions: "(S(24 characters))", also with further letters: "(A(...)S(...))".
bool IsLetteredSession(std::string_view segment) {
  if (segment.size() < 2 || !segment.starts_with('(') || !segment.ends_with(')')) return false;
  segment = segment.substr(1, segment.size() - 2);
  constexpr size_t kPart = 27;  // "S(" 24 characters ")"
  if (segment.empty() || segment.size() % kPart != 0) return false;
  for (; !segment.empty(); segment.remove_prefix(kPart)) {
    if (!IsAlnum(segment[0]) || segment[1] != '(' || segment[26] != ')') return false;
    if (!IsToken(segment.substr(2, 24), "", 24)) return false;
  }
  return true;
}

bool IsBareSession(std::string_view segment) {
  return segment.size() == 26 && segment.front() == '(' && segment.back() == ')' &&
         IsToken(segment.substr(1, 24), "", 24);
}

std::string WithoutSessions(std::string_view path) {
  std::vector<std::string> segments;
  for (size_t begin = 1; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    segments.push_back(WithoutJavaSession(path.substr(begin, end - begin)));
    begin = end + 1;
  }
  const bool aspx_page = !segments.empty() && Lowered(segments.back()).ends_with(".aspx");
  std::string kept;
  for (size_t i = 0; i < segments.size(); ++i) {
    const bool last = i + 1 == segments.size();
    if (!last && (IsLetteredSession(segments[i]) || (aspx_page && IsBareSession(segments[i])))) continue;
    kept += '/';
    kept += segments[i];
  }
  return kept;
}

}  // namespace

std::string KeyPath(std::string_view path, const KeyOptions& options) {
  std::string key = options.drop_session_parameters ? WithoutSessions(path) : std::string(path);
  if (!options.drop_index) return key;
  const std::string_view last = std::string_view(key).substr(key.rfind('/') + 1);
  const bool is_index = std::any_of(kIndexPages.begin(), kIndexPages.end(),
                                    [&](std::string_view page) { return EqualsIgnoringCase(last, page); });
  if (is_index) key.resize(key.size() - last.size());
  return key;
}

std::string KeyQuery(std::string_view query, const KeyOptions& options) {
  if (!options.sort_query && !options.drop_session_parameters && !options.drop_tracking_parameters) {
    return std::string(query);
  }
  std::vector<std::string_view> pairs = SplitPairs(query);
  std::erase_if(pairs, [](std::string_view pair) { return pair.empty(); });
  if (options.drop_session_parameters) DropSessionPairs(pairs);
  if (options.drop_tracking_parameters) std::erase_if(pairs, IsTracking);
  if (options.sort_query) SortPairs(pairs);
  return JoinPairs(pairs);
}

void DropSessionPairs(std::vector<std::string_view>& pairs) {
  std::erase_if(pairs, IsSession);
  const auto is_id = [](std::string_view pair) { return IsColdFusion(pair, "cfid"); };
  const auto is_token = [](std::string_view pair) { return IsColdFusion(pair, "cftoken"); };
  if (!std::any_of(pairs.begin(), pairs.end(), is_id) || !std::any_of(pairs.begin(), pairs.end(), is_token)) return;
  std::erase_if(pairs, [&](std::string_view pair) { return is_id(pair) || is_token(pair); });
}

std::vector<std::string_view> SplitPairs(std::string_view query) {
  std::vector<std::string_view> pairs;
  for (size_t begin = 0; begin <= query.size();) {
    const size_t end = std::min(query.find('&', begin), query.size());
    pairs.push_back(query.substr(begin, end - begin));
    begin = end + 1;
  }
  return pairs;
}

std::string JoinPairs(const std::vector<std::string_view>& pairs) {
  std::string joined;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0) joined += '&';
    joined += pairs[i];
  }
  return joined;
}

void SortPairs(std::vector<std::string_view>& pairs) {
  const auto order = [](std::string_view pair) { return std::make_tuple(NameOf(pair), ValueOf(pair), pair); };
  std::sort(pairs.begin(), pairs.end(), [&](std::string_view a, std::string_view b) { return order(a) < order(b); });
}

std::string Lowered(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

}  // namespace weft
