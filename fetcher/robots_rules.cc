#include "fetcher/robots_rules.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "fetcher/robots_pattern.h"

namespace weft {
namespace {

constexpr std::string_view kBlanks = " \t\v\f";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return Lower(x) == Lower(y); });
}

bool IsTokenCharacter(char c) {
  return (Lower(c) >= 'a' && Lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::string_view LeadingToken(std::string_view text) {
  size_t size = 0;
  while (size < text.size() && IsTokenCharacter(text[size])) ++size;
  return text.substr(0, size);
}

std::string_view CutAtWholeLine(std::string_view body) {
  if (body.size() <= kMaxRobotsBytes) return body;
  const bool whole = body[kMaxRobotsBytes] == '\n' || body[kMaxRobotsBytes] == '\r';
  body = body.substr(0, kMaxRobotsBytes);
  if (whole) return body;
  const size_t end = body.find_last_of("\r\n");
  return end == std::string_view::npos ? std::string_view{} : body.substr(0, end + 1);
}

std::optional<absl::Duration> ParseDelay(std::string_view value) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc() || end != value.data() + value.size()) return std::nullopt;
  if (!std::isfinite(seconds) || seconds < 0) return std::nullopt;
  return std::min(absl::Seconds(seconds), kMaxCrawlDelay);
}

}  // namespace

// Reads a body line by line, keeping what stands in groups for the token and, apart, for `*` (2.2.1).
class RobotsParser {
 public:
  explicit RobotsParser(std::string_view product_token) : token_(LeadingToken(product_token)) {}

  RobotsRules Run(std::string_view body) {
    body = CutAtWholeLine(body);
    if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
    int number = 0;
    while (!body.empty()) {
      const size_t end = body.find_first_of("\r\n");
      OnLine(body.substr(0, std::min(end, kMaxRobotsLine)), ++number);
      if (end == std::string_view::npos) break;
      const bool crlf = body[end] == '\r' && end + 1 < body.size() && body[end + 1] == '\n';
      body.remove_prefix(end + (crlf ? 2 : 1));
    }
    return Finish();
  }

 private:
  // What one group's merged lines say.
  struct Section {
    bool seen = false;        // some group names this agent
    bool in_group = false;    // the group being read does
    bool in_segment = false;  // named since the last rule or Crawl-delay
    std::vector<RobotsRules::Rule> rules;
    std::optional<absl::Duration> crawl_delay;
  };

  void OnLine(std::string_view line, int number) {
    line = Trim(line.substr(0, line.find('#')));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;  // 2.2: what does not parse is skipped
    const std::string_view key = Trim(line.substr(0, colon));
    const std::string_view value = Trim(line.substr(colon + 1));
    if (EqualsIgnoringCase(key, "user-agent")) {
      OnUserAgent(value);
    } else if (EqualsIgnoringCase(key, "allow")) {
      OnRule(true, line, value, number);
    } else if (EqualsIgnoringCase(key, "disallow")) {
      OnRule(false, line, value, number);
    } else if (EqualsIgnoringCase(key, "crawl-delay")) {
      OnCrawlDelay(value);
    } else if (EqualsIgnoringCase(key, "sitemap")) {
      OnSitemap(value);
    }
  }

  void OnUserAgent(std::string_view value) {
    if (after_rule_) mine_.in_group = everyone_.in_group = false;
    if (after_rule_ || after_delay_) mine_.in_segment = everyone_.in_segment = false;
    after_rule_ = after_delay_ = false;
    const bool star = value.starts_with('*');
    const std::string_view token = LeadingToken(value);
    if (star) Name(everyone_);
    if (!token_.empty() && EqualsIgnoringCase(token, token_)) Name(mine_);
  }

  static void Name(Section& section) { section.seen = section.in_group = section.in_segment = true; }

  void OnRule(bool allow, std::string_view line, std::string_view value, int number) {
    after_rule_ = true;
    // An empty value is a rule without effect; one that is no path can match nothing (2.2.2).
    if (value.empty() || (value[0] != '/' && value[0] != '*')) return;
    if (!mine_.in_group && !everyone_.in_group) return;
    const RobotsPattern pattern = NormalizeRobotsPattern(value);
    RobotsRules::Rule rule{};
    rule.pattern_begin = Keep(pattern.text);
    rule.pattern_size = static_cast<uint32_t>(pattern.text.size());
    rule.written_begin = Keep(line);
    rule.written_size = static_cast<uint32_t>(line.size());
    rule.line = number;
    rule.octets = static_cast<uint32_t>(pattern.octets);
    rule.allow = allow;
    rule.wild = pattern.wild;
    rule.anchored = pattern.anchored;
    if (mine_.in_group) mine_.rules.push_back(rule);
    if (everyone_.in_group) everyone_.rules.push_back(rule);
  }

  // Crawl-delay is no rule of RFC 9309 and must not end a run of User-agent lines (2.2.4). In such a run it speaks for
  // the agents named above it. Where several apply the longest is the polite one.
  void OnCrawlDelay(std::string_view value) {
    after_delay_ = true;
    const std::optional<absl::Duration> delay = ParseDelay(value);
    if (!delay) return;
    for (Section* section : {&mine_, &everyone_}) {
      if (section->in_segment) section->crawl_delay = std::max(section->crawl_delay.value_or(*delay), *delay);
    }
  }

  void OnSitemap(std::string_view value) {
    if (value.empty() || result_.sitemaps_.size() >= kMaxRobotsSitemaps) return;
    if (known_sitemaps_.insert(std::string(value)).second) result_.sitemaps_.emplace_back(value);
  }

  uint32_t Keep(std::string_view text) {
    const auto begin = static_cast<uint32_t>(result_.text_.size());
    result_.text_ += text;
    return begin;
  }

  RobotsRules Finish() {
    Section& section = mine_.seen ? mine_ : everyone_;
    // The arena holds rules of both sections; only the chosen ones are kept.
    std::string all;
    all.swap(result_.text_);
    const auto carry = [&](uint32_t begin, uint32_t size) { return Keep(std::string_view(all).substr(begin, size)); };
    for (RobotsRules::Rule& rule : section.rules) {
      rule.pattern_begin = carry(rule.pattern_begin, rule.pattern_size);
      rule.written_begin = carry(rule.written_begin, rule.written_size);
    }
    result_.text_.shrink_to_fit();
    std::stable_sort(section.rules.begin(), section.rules.end(), [](const auto& a, const auto& b) {
      return a.octets != b.octets ? a.octets > b.octets : a.allow > b.allow;
    });
    section.rules.shrink_to_fit();
    result_.rules_ = std::move(section.rules);
    result_.crawl_delay_ = section.crawl_delay;
    if (section.seen) result_.group_ = mine_.seen ? RobotsRules::Group::kNamed : RobotsRules::Group::kEveryone;
    return std::move(result_);
  }

  std::string_view token_;
  Section mine_;
  Section everyone_;
  bool after_rule_ = false;
  bool after_delay_ = false;
  absl::flat_hash_set<std::string> known_sitemaps_;
  RobotsRules result_;
};

RobotsRules RobotsRules::Parse(std::string_view body, std::string_view product_token) {
  return RobotsParser(product_token).Run(body);
}

std::string RobotsRules::TokenOf(std::string_view user_agent) {
  constexpr std::string_view kCompatible = "compatible;";
  const std::string_view first = LeadingToken(Trim(user_agent));
  if (!EqualsIgnoringCase(first, "mozilla")) return std::string(first);
  for (size_t i = 0; i + kCompatible.size() <= user_agent.size(); ++i) {
    if (!EqualsIgnoringCase(user_agent.substr(i, kCompatible.size()), kCompatible)) continue;
    const std::string_view token = LeadingToken(Trim(user_agent.substr(i + kCompatible.size())));
    if (!token.empty()) return std::string(token);
  }
  return std::string(first);
}

RobotsRules::Decision RobotsRules::Decide(std::string_view path_and_query) const {
  if (rules_.empty() || path_and_query == "/robots.txt") return {};
  std::string path = NormalizeRobotsPath(path_and_query);
  if (!path.starts_with('/')) path.insert(0, "/");
  size_t octets = 0;
  for (const Rule& rule : rules_) {
    const std::string_view pattern = std::string_view(text_).substr(rule.pattern_begin, rule.pattern_size);
    bool match = false;
    if (rule.wild) {
      octets += path.size();
      if (octets > kMaxRobotsCheckOctets) return {.rule = nullptr, .gave_up = true};
      match = RobotsWildcardMatch(pattern, rule.anchored, path);
    } else {
      match = rule.anchored ? path == pattern : path.starts_with(pattern);
    }
    if (match) return {.rule = &rule, .gave_up = false};
  }
  return {};
}

RobotsRules::Verdict RobotsRules::Check(std::string_view path_and_query) const {
  const Decision decision = Decide(path_and_query);
  Verdict verdict;
  verdict.allowed = decision.allowed();
  if (decision.gave_up) verdict.rule = "(too many wildcard rules for a path of this length)";
  if (decision.rule != nullptr) {
    verdict.rule = text_.substr(decision.rule->written_begin, decision.rule->written_size);
    verdict.line = decision.rule->line;
  }
  return verdict;
}

bool RobotsRules::Allowed(std::string_view path_and_query) const { return Decide(path_and_query).allowed(); }

}  // namespace weft
