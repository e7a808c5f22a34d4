#include "common/url_rules.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <charconv>

#include "common/named_values.h"
#include "common/node_tags.h"
#include "common/proxy_url.h"
#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

// From so many rules on one pass for all is cheaper than a pass for each.
constexpr size_t kRulesForSet = 4;
constexpr absl::Duration kShortestInterval = absl::Seconds(1);
constexpr absl::Duration kLongestInterval = absl::Hours(24 * 3650);

struct Rule {
  std::string match;
  std::unique_ptr<re2::RE2> regex;
  std::optional<int> priority;
  std::string tag;
  std::optional<std::string> proxy;   // "": none
  bool recrawl_set = false;      // `recrawl`, either bound
  RecrawlRule recrawl;
};

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

re2::RE2::Options QuietOptions() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  return options;
}

absl::StatusOr<int> ReadPriority(std::string_view text) {
  int priority = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), priority);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && priority >= kLeastPriority && priority <= kMostPriority) return priority;
  return InvalidArgument("priority '{}': expected a whole number from {} to {}", text, kLeastPriority, kMostPriority);
}

absl::StatusOr<absl::Duration> ReadInterval(std::string_view name, std::string_view text) {
  auto interval = ParseDuration(text);
  if (!interval.ok()) return InvalidArgument("{} {}", name, ErrorText(interval.status()));
  if (*interval >= kShortestInterval && *interval <= kLongestInterval) return interval;
  return InvalidArgument("{} '{}': expected a time from 1s to 3650d", name, text);
}

// "off", "6h" or "1h..7d".
absl::Status ReadRecrawl(std::string_view text, RecrawlRule& rule) {
  if (text == "off") {
    rule.never = true;
    return absl::OkStatus();
  }
  const size_t dots = text.find("..");
  const std::string_view most = dots == std::string_view::npos ? text : text.substr(dots + 2);
  WEFT_ASSIGN_OR_RETURN(rule.least, ReadInterval("recrawl", text.substr(0, dots)));
  WEFT_ASSIGN_OR_RETURN(rule.most, ReadInterval("recrawl", most));
  return absl::OkStatus();
}

absl::Status ProxyOfRule(const std::string& value) {
  const absl::Status checked = CheckProxy(value);
  return checked.ok() ? checked : InvalidArgument("proxy {}; proxy=none is none", ErrorText(checked));
}

absl::Status ReadValue(std::string_view name, const std::string& value, Rule& rule) {
  RecrawlRule& recrawl = rule.recrawl;
  if (name == "match") {
    rule.match = value;
    return absl::OkStatus();
  }
  if (name == "priority") {
    WEFT_ASSIGN_OR_RETURN(rule.priority, ReadPriority(value));
    return absl::OkStatus();
  }
  if (name == "tag") {
    if (!IsTag(value)) {
      return InvalidArgument("tag '{}': expected up to {} lower-case letters, digits, '.', '_' and '-'", value, kLongestTag);
    }
    rule.tag = value;
    return absl::OkStatus();
  }
  if (name == "proxy") {
    if (value != "none") WEFT_RETURN_IF_ERROR(ProxyOfRule(value));
    rule.proxy = value == "none" ? "" : value;
    return absl::OkStatus();
  }
  if (name == "recrawl") {
    rule.recrawl_set = true;
    return ReadRecrawl(value, recrawl);
  }
  if (name == "recrawl-min") {
    WEFT_ASSIGN_OR_RETURN(recrawl.least, ReadInterval(name, value));
    return absl::OkStatus();
  }
  if (name == "recrawl-max") {
    WEFT_ASSIGN_OR_RETURN(recrawl.most, ReadInterval(name, value));
    return absl::OkStatus();
  }
  if (name == "recrawl-at") {
    auto at = RecrawlTime::Parse(value);
    if (!at.ok()) return InvalidArgument("recrawl-at {}", ErrorText(at.status()));
    recrawl.at = *at;
    return absl::OkStatus();
  }
  return InvalidArgument("'{}' is no part of a rule: expected match, priority, recrawl, recrawl-min, recrawl-max, "
                         "recrawl-at, tag or proxy", name);
}

// Whether something of a path stands behind the slash that ends the host. A guess, for who expects a tag or a proxy to be a URL's.
bool NamesPath(std::string_view match) {
  bool in_class = false;
  bool behind_host = false;
  for (size_t i = 0; i < match.size(); ++i) {
    const char c = match[i];
    if (match.substr(i).starts_with("://")) {
      i += 2;
      continue;
    }
    // The same, of whatever scheme.
    if (match.substr(i).starts_with("//") && (i == 0 || match[i - 1] == '(' || match[i - 1] == '|')) {
      ++i;
      continue;
    }
    if (c == '\\' && i + 1 < match.size() && match[i + 1] != '/') {
      ++i;
      if (behind_host) return true;
      continue;
    }
    if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      if (behind_host) return true;
    } else if (c == '/') {
      if (behind_host) return true;
      behind_host = true;
    } else if (c == '|' || c == ')') {
      behind_host = false;
    } else if (behind_host && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.')) {
      return true;
    }
  }
  return false;
}

absl::Status CheckTogether(const NamedValues& values, const Rule& rule) {
  const auto given = [&](std::string_view name) {
    return std::any_of(values.begin(), values.end(), [&](const auto& value) { return value.first == name; });
  };
  if (rule.match.empty()) return InvalidArgument("match is missing: say which URLs it is for, as in match=/news/");
  if (values.size() == 1) {
    return InvalidArgument("it says nothing but match: add priority=…, recrawl=…, recrawl-at=…, tag=… or proxy=…");
  }
  if ((!rule.tag.empty() || rule.proxy) && NamesPath(rule.match)) {
    return InvalidArgument("a {} is for whole hosts, as a host is asked by one node at a time: match may name no path; it is "
                           "looked for in 'https://HOST/', as in match=\\.example\\.org/",
                           rule.tag.empty() ? "proxy" : "tag");
  }
  if (given("recrawl") && (given("recrawl-min") || given("recrawl-max"))) {
    return InvalidArgument("recrawl and recrawl-min or recrawl-max say the same thing twice: give one of them");
  }
  if (rule.recrawl.never && rule.recrawl.at) {
    return InvalidArgument("recrawl=off and recrawl-at contradict each other: give one of them");
  }
  if (rule.recrawl.least && rule.recrawl.most && *rule.recrawl.least > *rule.recrawl.most) {
    return InvalidArgument("the shortest interval ({}) is longer than the longest ({})",
                           weft::FormatDuration(*rule.recrawl.least), weft::FormatDuration(*rule.recrawl.most));
  }
  return absl::OkStatus();
}

// What ParseNamedValues says begins with the text itself.
absl::Status Unreadable(std::string_view text, std::string_view shown, const absl::Status& why) {
  std::string problem = ErrorText(why);
  if (const size_t at = problem.find(text); at != std::string::npos) problem.replace(at, text.size(), shown);
  return InvalidArgument("{}", problem);
}

absl::StatusOr<Rule> ReadRule(std::string_view text) {
  Rule rule;
  const auto parsed = ParseNamedValues(text);
  const std::string shown = MaskUrlRule(text);
  if (!parsed.ok()) return Unreadable(text, shown, parsed.status());
  const NamedValues& values = *parsed;
  for (const auto& [name, value] : values) {
    const absl::Status read = ReadValue(name, value, rule);
    if (!read.ok()) return InvalidArgument("'{}': {}", shown, ErrorText(read));
  }
  const absl::Status together = CheckTogether(values, rule);
  if (!together.ok()) return InvalidArgument("'{}': {}", shown, ErrorText(together));
  rule.regex = std::make_unique<re2::RE2>(Piece(rule.match), QuietOptions());
  if (!rule.regex->ok()) {
    return InvalidArgument("'{}': match '{}' is not a regular expression that RE2 reads: {}", shown, rule.match,
                           rule.regex->error());
  }
  return rule;
}

// A property that two rules set, one of them with one end alone: the other end gives way.
void KeepOrder(RecrawlRule& rule) {
  if (rule.least && rule.most && *rule.least > *rule.most) rule.most = rule.least;
}

}  // namespace

struct UrlRules::Impl {
  std::vector<Rule> rules;
  std::unique_ptr<re2::RE2::Set> set;   // null: each is asked by itself

  // Null: none of those that `names` is true for.
  template <typename Names>
  const Rule* FirstOfHost(std::string_view host, Names names) const {
    const std::string secure = fmt::format("https://{}/", host);
    const std::string plain = fmt::format("http://{}/", host);
    for (const Rule& rule : rules) {
      if (!names(rule)) continue;
      if (re2::RE2::PartialMatch(Piece(secure), *rule.regex) || re2::RE2::PartialMatch(Piece(plain), *rule.regex)) return &rule;
    }
    return nullptr;
  }

  // Indexes of the rules that match, ascending.
  std::vector<int> Matching(std::string_view url) const {
    std::vector<int> found;
    if (set != nullptr) {
      re2::RE2::Set::ErrorInfo error{};
      set->Match(Piece(url), &found, &error);
      if (error.kind == re2::RE2::Set::kNoError) {
        std::sort(found.begin(), found.end());
        return found;
      }
      found.clear();   // out of memory for all at once
    }
    for (size_t i = 0; i < rules.size(); ++i) {
      if (re2::RE2::PartialMatch(Piece(url), *rules[i].regex)) found.push_back(static_cast<int>(i));
    }
    return found;
  }
};

UrlRules::UrlRules() : impl_(std::make_unique<Impl>()) {}
UrlRules::~UrlRules() = default;
UrlRules::UrlRules(UrlRules&&) noexcept = default;
UrlRules& UrlRules::operator=(UrlRules&&) noexcept = default;

absl::StatusOr<UrlRules> UrlRules::Parse(const std::vector<std::string>& texts) {
  if (texts.size() > kMaxUrlRules) return InvalidArgument("{} rules: at most {} are taken", texts.size(), kMaxUrlRules);
  UrlRules rules;
  for (const std::string& text : texts) {
    WEFT_ASSIGN_OR_RETURN(Rule rule, ReadRule(text));
    rules.impl_->rules.push_back(std::move(rule));
  }
  if (texts.size() < kRulesForSet) return rules;
  auto set = std::make_unique<re2::RE2::Set>(QuietOptions(), re2::RE2::UNANCHORED);
  for (const Rule& rule : rules.impl_->rules) set->Add(Piece(rule.match), nullptr);
  if (set->Compile()) rules.impl_->set = std::move(set);
  return rules;
}

absl::StatusOr<UrlRules> UrlRules::Of(const wire::CrawlSettings& settings) {
  return Parse({settings.rule().begin(), settings.rule().end()});
}

bool UrlRules::empty() const { return impl_->rules.empty(); }

bool UrlRules::has_priorities() const {
  return std::any_of(impl_->rules.begin(), impl_->rules.end(), [](const Rule& rule) { return rule.priority.has_value(); });
}

bool UrlRules::has_times() const {
  return std::any_of(impl_->rules.begin(), impl_->rules.end(), [](const Rule& rule) { return rule.recrawl.at.has_value(); });
}

bool UrlRules::has_tags() const {
  return std::any_of(impl_->rules.begin(), impl_->rules.end(), [](const Rule& rule) { return !rule.tag.empty(); });
}

bool UrlRules::has_proxies() const {
  return std::any_of(impl_->rules.begin(), impl_->rules.end(), [](const Rule& rule) { return rule.proxy.has_value(); });
}

std::string_view UrlRules::Tag(std::string_view host) const {
  const Rule* rule = impl_->FirstOfHost(host, [](const Rule& one) { return !one.tag.empty(); });
  return rule == nullptr ? std::string_view() : rule->tag;
}

std::optional<std::string_view> UrlRules::Proxy(std::string_view host) const {
  const Rule* rule = impl_->FirstOfHost(host, [](const Rule& one) { return one.proxy.has_value(); });
  return rule == nullptr ? std::nullopt : std::optional<std::string_view>(*rule->proxy);
}

int UrlRules::Priority(std::string_view url) const {
  if (empty()) return 0;
  for (int i : impl_->Matching(url)) {
    const Rule& rule = impl_->rules[static_cast<size_t>(i)];
    if (rule.priority) return *rule.priority;
  }
  return 0;
}

RecrawlRule UrlRules::Recrawl(std::string_view url) const {
  RecrawlRule answer;
  if (empty()) return answer;
  bool settled = false;   // recrawl=… names both ends at once
  for (int i : impl_->Matching(url)) {
    const RecrawlRule& rule = impl_->rules[static_cast<size_t>(i)].recrawl;
    // "off" speaks of the interval; where an earlier rule has named one, or times, it comes too late.
    if (rule.never && !settled && !answer.least && !answer.most && !answer.at) answer.never = true;
    if (answer.never) break;
    if (!settled && !answer.least) answer.least = rule.least;
    if (!settled && !answer.most) answer.most = rule.most;
    if (!answer.at) answer.at = rule.at;
    settled = settled || impl_->rules[static_cast<size_t>(i)].recrawl_set;
  }
  KeepOrder(answer);
  return answer;
}

std::string MaskUrlRule(std::string_view text) {
  constexpr std::string_view kProxy = "proxy=";
  if (text.find(kProxy) == std::string_view::npos) return std::string(text);
  auto values = ParseNamedValues(text);
  if (values.ok()) {
    for (auto& [name, value] : *values) {
      if (name == "proxy") value = MaskProxy(value);
    }
    return FormatNamedValues(*values);
  }
  // Where the password ends is anybody's guess.
  return fmt::format("{}proxy=…", text.substr(0, text.find(kProxy)));
}

absl::Status CheckUrlRule(std::string_view text) { return ReadRule(text).status(); }

}  // namespace weft
