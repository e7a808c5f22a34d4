#include "common/group_rule.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "common/named_values.h"
#include "common/status.h"
#include "common/units.h"
#include "common/url.h"

namespace weft {
namespace {

constexpr uint32_t kMostConnections = 65536;

// As a URL would have it: lower case, IDNA.
absl::StatusOr<std::string> ReadHost(std::string_view text) {
  const bool below = text.starts_with("*.");
  auto url = Url::Parse(fmt::format("http://{}/", below ? text.substr(2) : text));
  const bool host_alone = url.ok() && url->href() == fmt::format("http://{}/", url->host());
  if (!host_alone || text.find('*', below ? 1 : 0) != std::string_view::npos) {
    return InvalidArgument("'{}' is not a host, such as a.example or *.b.example", text);
  }
  return fmt::format("{}{}", below ? "*." : "", url->host());
}

absl::Status ReadHosts(std::string_view list, GroupRule& rule) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view one = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.empty()) continue;
    WEFT_ASSIGN_OR_RETURN(std::string host, ReadHost(one));
    rule.hosts.push_back(std::move(host));
  }
  return absl::OkStatus();
}

absl::Status ReadConnections(std::string_view text, GroupRule& rule) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rule.connections);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && rule.connections >= 1 && rule.connections <= kMostConnections) return absl::OkStatus();
  return InvalidArgument("connections: '{}' is not a number from 1 to {}", text, kMostConnections);
}

}  // namespace

absl::StatusOr<GroupRule> ParseGroupRule(std::string_view text) {
  WEFT_ASSIGN_OR_RETURN(NamedValues values, ParseNamedValues(text));
  GroupRule rule;
  bool bounds = false;
  for (const auto& [name, value] : values) {
    if (name == "name") {
      rule.name = value;
    } else if (name == "hosts") {
      WEFT_RETURN_IF_ERROR(ReadHosts(value, rule));
    } else if (name == "connections") {
      WEFT_RETURN_IF_ERROR(ReadConnections(value, rule));
      bounds = true;
    } else if (name == "delay") {
      WEFT_ASSIGN_OR_RETURN(rule.delay, ParseDuration(value));
      bounds = true;
    } else {
      return InvalidArgument("a group has a name, hosts, connections and delay, not '{}'", name);
    }
  }
  if (rule.name.empty()) return InvalidArgument("'{}': the group's name is missing, such as name=cdn", text);
  if (rule.hosts.empty()) return InvalidArgument("group {}: hosts are missing, such as hosts=a.example,*.b.example", rule.name);
  if (!bounds) return InvalidArgument("group {}: give it connections, a delay, or both", rule.name);
  return rule;
}

GroupRules::GroupRules(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    auto rule = ParseGroupRule(text);
    if (!rule.ok()) continue;
    const size_t index = rules_.size();
    for (const std::string& host : rule->hosts) {
      if (host.starts_with("*.")) {
        below_[host.substr(2)].push_back(index);
      } else {
        exact_[host].push_back(index);
      }
    }
    rules_.push_back(*std::move(rule));
  }
}

std::vector<const GroupRule*> GroupRules::Of(std::string_view host) const {
  if (rules_.empty()) return {};
  std::set<size_t> found;
  if (auto it = exact_.find(std::string(host)); it != exact_.end()) found.insert(it->second.begin(), it->second.end());
  for (size_t dot = host.find('.'); dot != std::string_view::npos && !below_.empty(); dot = host.find('.', dot + 1)) {
    if (auto it = below_.find(std::string(host.substr(dot + 1))); it != below_.end()) found.insert(it->second.begin(), it->second.end());
  }
  std::vector<const GroupRule*> rules;
  for (size_t index : found) rules.push_back(&rules_[index]);
  return rules;
}

}  // namespace weft
