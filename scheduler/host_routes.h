// Hosts that a rule sends to nodes with a tag (tag=eu of --rule), and those of them that wait because no such node has room.
// Thread rule: the scheduler's loop.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/url_rules.h"
#include "scheduler/node_table.h"

namespace weft {

class HostRoutes {
 public:
  struct Waiter {
    uint16_t shard = 0;
    uint64_t host_id = 0;
  };

  // `routed`: false where everything is one process.
  HostRoutes(const wire::CrawlSettings& settings, bool routed);

  // "": any node may have it. By the host's name alone, for a lease is of a host.
  std::string_view TagOf(std::string_view host) const;
  void Wait(std::string_view tag, const Waiter& host);
  // As many of those that wait as nodes that were heard since `heard_after` have room for, the longest waiting first.
  std::vector<Waiter> TakeServed(NodeTable& nodes, absl::Time heard_after);
  bool AnyWaits(std::string_view tag) const;
  bool Waits(std::string_view tag, uint64_t host_id) const;

  void FillWaits(const NodeTable& nodes, wire::StatusReply& status) const;
  // Sentences for the user since the last call: a tag that no node has, and when one is there.
  std::vector<std::string> TakeNotices() { return std::move(notices_); }
  // To be called at each turn of the loop.
  void Watch(const NodeTable& nodes);

 private:
  struct Tag {
    std::deque<Waiter> waiting;
    bool told = false;   // that no node has it
  };

  UrlRules rules_;
  bool routed_ = false;
  std::map<std::string, Tag, std::less<>> tags_;
  std::vector<std::string> notices_;
};

}  // namespace weft
