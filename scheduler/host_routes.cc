#include "scheduler/host_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/units.h"

namespace weft {
namespace {

bool IsThere(const NodeTable& nodes, std::string_view tag) {
  return std::any_of(nodes.nodes().begin(), nodes.nodes().end(), [&](const auto& one) {
    const NodeEntry& node = one.second;
    return node.works() && node.info.fetches() && !node.said_goodbye && !node.draining && node.HasTag(tag);
  });
}

std::string NobodyText(std::string_view tag, size_t hosts) {
  return fmt::format("{} for a node with the tag '{}', and none is connected: weft worker --tags {}",
                     HumanCount(hosts, "host waits", "hosts wait"), tag, tag);
}

}  // namespace

HostRoutes::HostRoutes(const wire::CrawlSettings& settings, bool routed) {
  auto rules = UrlRules::Of(settings);   // a bad one is told by who reads priorities
  if (!rules.ok()) return;
  rules_ = *std::move(rules);
  routed_ = routed && rules_.has_tags();
}

std::string_view HostRoutes::TagOf(std::string_view host) const { return routed_ ? rules_.Tag(host) : std::string_view(); }

void HostRoutes::Wait(std::string_view tag, const Waiter& host) {
  auto it = tags_.find(tag);
  if (it == tags_.end()) it = tags_.try_emplace(std::string(tag)).first;
  it->second.waiting.push_back(host);
}

std::vector<HostRoutes::Waiter> HostRoutes::TakeServed(NodeTable& nodes, absl::Time heard_after) {
  std::vector<Waiter> served;
  for (auto& [name, tag] : tags_) {
    if (tag.waiting.empty()) continue;
    for (uint64_t room = nodes.CreditFor(name, heard_after); room > 0 && !tag.waiting.empty(); --room) {
      served.push_back(tag.waiting.front());
      tag.waiting.pop_front();
    }
  }
  return served;
}

bool HostRoutes::AnyWaits(std::string_view tag) const {
  const auto it = tags_.find(tag);
  return it != tags_.end() && !it->second.waiting.empty();
}

bool HostRoutes::Waits(std::string_view tag, uint64_t host_id) const {
  const auto it = tags_.find(tag);
  return it != tags_.end() && std::any_of(it->second.waiting.begin(), it->second.waiting.end(),
                                          [host_id](const Waiter& waiter) { return waiter.host_id == host_id; });
}

void HostRoutes::Watch(const NodeTable& nodes) {
  for (auto& [name, tag] : tags_) {
    if (tag.waiting.empty() && !tag.told) continue;
    const bool there = IsThere(nodes, name);
    if (!there && !tag.told) {
      notices_.push_back(NobodyText(name, tag.waiting.size()));
    } else if (there && tag.told) {
      notices_.push_back(fmt::format("a node with the tag '{}' is connected: what waited for one goes on", name));
    }
    tag.told = !there;
  }
}

void HostRoutes::FillWaits(const NodeTable& nodes, wire::StatusReply& status) const {
  for (const auto& [name, tag] : tags_) {
    if (tag.waiting.empty()) continue;
    wire::TagWait* wait = status.add_tag_waits();
    wait->set_tag(name);
    wait->set_hosts(tag.waiting.size());
    wait->set_node_there(IsThere(nodes, name));
    if (!wait->node_there()) status.add_warnings(NobodyText(name, tag.waiting.size()));
  }
}

}  // namespace weft
