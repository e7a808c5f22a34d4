// The politeness ledger: limits that hold for several hosts at once. Hosts of one registrable domain, of a group that the
// user names, or at one address share a number of connections; each connection of a named group also keeps that group's
// delay. A lease takes places in all groups of its host and brings them back; a host whose group is full waits with that
// group, in the order in which hosts became ready, and is named again when there is room.
//
// Cost: O(groups of the host + log hosts waiting) per call. Memory: groups with a lease out, resting or waited for.
// Times are on the crawl clock. Thread rule: the scheduler's loop.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/node_hash_map.h>
#include <absl/time/time.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/group_rule.h"
#include "common/registrable_domain.h"
#include "common/wire.pb.h"
#include "storage/crawl_db.h"

namespace weft {

// A host that a group keeps waiting.
struct LedgerWaiter {
  uint64_t host_id = 0;
  uint16_t shard = 0;
  std::string host;
};

class PolitenessLedger {
 public:
  // What one lease has taken.
  struct Hold {
    std::vector<std::string> groups;
    uint32_t connections = 0;
  };

  PolitenessLedger(const wire::CrawlSettings& settings, const PublicSuffixes& suffixes);
  void set_settings(const wire::CrawlSettings& settings);

  // Takes one to `wanted` connections in every group of the host, and at `address` if there is one. Nothing where one of
  // them is full: the host then waits there, by `ready`, until TakeFreed names it.
  std::optional<Hold> Take(const LedgerWaiter& host, std::string_view address, uint32_t wanted, CrawlTime ready,
                           CrawlTime now);
  // The same without waiting.
  std::optional<Hold> TryTake(std::string_view host, uint32_t wanted, CrawlTime now);
  // The places rest for their group's delay after `last_request`; nothing: no request was made under the lease.
  void Return(const Hold& hold, std::optional<CrawlTime> last_request, CrawlTime now);
  // Adds the address to what a lease holds; its connections may become fewer by that. False: there is no room.
  bool TakeAddress(std::string_view address, Hold& hold, CrawlTime now);
  // No request to the named groups of the host before that.
  void Pause(std::string_view host, CrawlTime until, CrawlTime now);

  // Hosts that need not wait any more.
  std::vector<LedgerWaiter> TakeFreed(CrawlTime now);
  // When time alone makes room for somebody who waits.
  std::optional<CrawlTime> NextFreed() const;
  // Somebody waits for a place of this hold.
  bool OthersWait(const Hold& hold) const;
  // A group of this hold may not be asked at all now.
  bool IsPaused(const Hold& hold, CrawlTime now) const;
  // The longest delay of the host's groups.
  absl::Duration DelayOf(std::string_view host) const;

  // What named groups must not forget, by the group's name, since the last call; and the way back. After a crash nobody
  // knows who was asked last: `no_request_before` is when all leases of the life before are over, 0 after a clean end.
  std::vector<std::pair<std::string, std::string>> TakeChanged();
  void Restore(const std::string& name, std::string_view state, CrawlTime no_request_before);
  const GroupRules& rules() const { return rules_; }

  // Everything that bounds the host beside its own delay, and which of it is in the way.
  void Describe(std::string_view host, std::string_view address, CrawlTime now, wire::PolitenessReply& reply) const;

 private:
  struct Group {
    uint32_t limit = 1;
    CrawlTime delay = 0;
    uint32_t used = 0;
    std::multiset<CrawlTime> resting;   // when places that keep the delay are free again
    CrawlTime not_before = 0;
    std::set<std::pair<CrawlTime, uint64_t>> waiting;   // ready since, host
    CrawlTime timer = 0;                // its entry in timers_; 0: none
  };
  struct Need {
    std::string key;
    uint32_t limit;
    CrawlTime delay;
  };

  std::vector<Need> NeedsOf(std::string_view host, std::string_view address) const;
  uint32_t DomainLimit() const;
  Group& GroupOf(const Need& need);
  static uint32_t Free(const Group& group, CrawlTime now);
  std::optional<Hold> TakeAll(const std::vector<Need>& needs, uint32_t wanted, CrawlTime now, std::string& full);
  void Settle(const std::string& key, CrawlTime now);
  void Changed(const std::string& key);

  wire::CrawlSettings settings_;
  const PublicSuffixes& suffixes_;
  GroupRules rules_;
  absl::node_hash_map<std::string, Group> groups_;
  absl::flat_hash_map<uint64_t, LedgerWaiter> waiters_;
  std::set<std::pair<CrawlTime, std::string>> timers_;
  std::vector<LedgerWaiter> freed_;
  std::set<std::string> changed_;
};

inline constexpr uint32_t kDomainConnectionsDefault = 10;

}  // namespace weft
