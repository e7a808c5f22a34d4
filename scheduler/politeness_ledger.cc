#include "scheduler/politeness_ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "scheduler/crawl_clock.h"
#include "storage/byte_coding.h"

namespace weft {
namespace {

constexpr std::string_view kDomain = "domain/";
constexpr std::string_view kNamed = "group/";
constexpr std::string_view kAddress = "address/";

constexpr CrawlTime kNameAgain = 100'000;

std::string Key(std::string_view kind, std::string_view name) { return fmt::format("{}{}", kind, name); }

int64_t Left(CrawlTime until, CrawlTime now) { return until > now ? static_cast<int64_t>(until - now) : 0; }

}  // namespace

PolitenessLedger::PolitenessLedger(const wire::CrawlSettings& settings, const PublicSuffixes& suffixes)
    : suffixes_(suffixes) {
  set_settings(settings);
}

void PolitenessLedger::set_settings(const wire::CrawlSettings& settings) {
  settings_ = settings;
  rules_ = GroupRules({settings.group().begin(), settings.group().end()});
}

uint32_t PolitenessLedger::DomainLimit() const {
  if (settings_.domain_connections() > 0) return settings_.domain_connections();
  return std::max(kDomainConnectionsDefault, settings_.host_connections());
}

std::vector<PolitenessLedger::Need> PolitenessLedger::NeedsOf(std::string_view host, std::string_view address) const {
  std::vector<Need> needs;
  needs.push_back({Key(kDomain, suffixes_.RegistrableDomain(host)), DomainLimit(), 0});
  for (const GroupRule* rule : rules_.Of(host)) {
    needs.push_back({Key(kNamed, rule->name), rule->connections, CrawlMicros(rule->delay)});
  }
  if (!address.empty() && settings_.ip_connections() > 0) {
    needs.push_back({Key(kAddress, address), settings_.ip_connections(), 0});
  }
  return needs;
}

PolitenessLedger::Group& PolitenessLedger::GroupOf(const Need& need) {
  Group& group = groups_[need.key];
  group.limit = need.limit;
  group.delay = need.delay;
  return group;
}

uint32_t PolitenessLedger::Free(const Group& group, CrawlTime now) {
  if (group.not_before > now) return 0;
  const auto resting = static_cast<uint32_t>(std::distance(group.resting.upper_bound(now), group.resting.end()));
  return group.limit - std::min(group.limit, group.used + resting);
}

// Names those for whom there is room now, sees to it that the next ones are named in time, and forgets an idle group.
void PolitenessLedger::Settle(const std::string& key, CrawlTime now) {
  auto it = groups_.find(key);
  if (it == groups_.end()) return;
  Group& group = it->second;
  group.resting.erase(group.resting.begin(), group.resting.upper_bound(now));
  for (uint32_t free = Free(group, now); free > 0 && !group.waiting.empty(); --free) {
    auto waiter = waiters_.find(group.waiting.begin()->second);
    if (waiter != waiters_.end()) {
      freed_.push_back(std::move(waiter->second));
      waiters_.erase(waiter);
    }
    group.waiting.erase(group.waiting.begin());
  }
  CrawlTime timer = 0;
  if (!group.waiting.empty()) {
    timer = group.not_before > now ? group.not_before : 0;
    if (timer == 0 && !group.resting.empty()) timer = *group.resting.begin();
    // Who was named may not come: its own wait grew meanwhile, or nothing is left of it. Then others are named.
    if (Free(group, now) > 0) timer = now + kNameAgain;
  }
  if (timer != group.timer) {
    if (group.timer != 0) timers_.erase({group.timer, key});
    if (timer != 0) timers_.insert({timer, key});
    group.timer = timer;
  }
  if (group.used == 0 && group.resting.empty() && group.waiting.empty() && group.not_before <= now) groups_.erase(it);
}

std::optional<PolitenessLedger::Hold> PolitenessLedger::TakeAll(const std::vector<Need>& needs, uint32_t wanted,
                                                                CrawlTime now, std::string& full) {
  Hold hold;
  hold.connections = std::max<uint32_t>(1, wanted);
  for (const Need& need : needs) {
    const uint32_t free = Free(GroupOf(need), now);
    if (free == 0) {
      full = need.key;
      return std::nullopt;
    }
    hold.connections = std::min(hold.connections, free);
  }
  for (const Need& need : needs) {
    groups_[need.key].used += hold.connections;
    hold.groups.push_back(need.key);
  }
  return hold;
}

std::optional<PolitenessLedger::Hold> PolitenessLedger::Take(const LedgerWaiter& host, std::string_view address,
                                                             uint32_t wanted, CrawlTime ready, CrawlTime now) {
  std::string full;
  const std::vector<Need> needs = NeedsOf(host.host, address);
  std::optional<Hold> hold = TakeAll(needs, wanted, now, full);
  if (hold) return hold;
  groups_[full].waiting.insert({ready, host.host_id});
  waiters_[host.host_id] = host;
  // What another group had room for, and this host cannot use, is for others who wait there.
  for (const Need& need : needs) Settle(need.key, now);
  return std::nullopt;
}

std::optional<PolitenessLedger::Hold> PolitenessLedger::TryTake(std::string_view host, uint32_t wanted, CrawlTime now) {
  std::string full;
  return TakeAll(NeedsOf(host, ""), wanted, now, full);
}

void PolitenessLedger::Return(const Hold& hold, std::optional<CrawlTime> last_request, CrawlTime now) {
  for (const std::string& key : hold.groups) {
    auto it = groups_.find(key);
    if (it == groups_.end()) continue;
    Group& group = it->second;
    group.used -= std::min(group.used, hold.connections);
    if (last_request && group.delay > 0 && *last_request + group.delay > now) {
      for (uint32_t i = 0; i < hold.connections; ++i) group.resting.insert(*last_request + group.delay);
      Changed(key);
    }
    Settle(key, now);
  }
}

bool PolitenessLedger::TakeAddress(std::string_view address, Hold& hold, CrawlTime now) {
  const Need need{Key(kAddress, address), settings_.ip_connections(), 0};
  if (need.limit == 0 || std::find(hold.groups.begin(), hold.groups.end(), need.key) != hold.groups.end()) return true;
  Group& group = GroupOf(need);
  const uint32_t share = std::min(Free(group, now), hold.connections);
  if (share == 0) return false;
  group.used += share;
  const uint32_t unneeded = hold.connections - share;
  for (const std::string& key : hold.groups) {
    Group& other = groups_[key];
    other.used -= std::min(other.used, unneeded);
    if (unneeded > 0) Settle(key, now);
  }
  hold.groups.push_back(need.key);
  hold.connections = share;
  return true;
}

void PolitenessLedger::Pause(std::string_view host, CrawlTime until, CrawlTime now) {
  for (const GroupRule* rule : rules_.Of(host)) {
    const Need need{Key(kNamed, rule->name), rule->connections, CrawlMicros(rule->delay)};
    Group& group = GroupOf(need);
    group.not_before = std::max(group.not_before, until);
    Changed(need.key);
    Settle(need.key, now);
  }
}

std::vector<LedgerWaiter> PolitenessLedger::TakeFreed(CrawlTime now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const std::string key = timers_.begin()->second;
    timers_.erase(timers_.begin());
    if (auto it = groups_.find(key); it != groups_.end()) it->second.timer = 0;
    Settle(key, now);
  }
  return std::exchange(freed_, {});
}

std::optional<CrawlTime> PolitenessLedger::NextFreed() const {
  if (!freed_.empty()) return 0;
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

bool PolitenessLedger::OthersWait(const Hold& hold) const {
  return std::any_of(hold.groups.begin(), hold.groups.end(), [&](const std::string& key) {
    auto it = groups_.find(key);
    return it != groups_.end() && !it->second.waiting.empty();
  });
}

bool PolitenessLedger::IsPaused(const Hold& hold, CrawlTime now) const {
  return std::any_of(hold.groups.begin(), hold.groups.end(), [&](const std::string& key) {
    auto it = groups_.find(key);
    return it != groups_.end() && it->second.not_before > now;
  });
}

absl::Duration PolitenessLedger::DelayOf(std::string_view host) const {
  absl::Duration longest;
  for (const GroupRule* rule : rules_.Of(host)) longest = std::max(longest, rule->delay);
  return longest;
}

// ---- what is stored ----

void PolitenessLedger::Changed(const std::string& key) {
  if (key.starts_with(kNamed)) changed_.insert(key);
}

std::vector<std::pair<std::string, std::string>> PolitenessLedger::TakeChanged() {
  std::vector<std::pair<std::string, std::string>> states;
  for (const std::string& key : std::exchange(changed_, {})) {
    auto it = groups_.find(key);
    const Group idle;
    const Group& group = it == groups_.end() ? idle : it->second;
    std::string state;
    PutVarint(state, group.not_before);
    PutVarint(state, group.resting.size());
    for (CrawlTime until : group.resting) PutVarint(state, until);
    states.emplace_back(key.substr(kNamed.size()), std::move(state));
  }
  return states;
}

void PolitenessLedger::Restore(const std::string& name, std::string_view state, CrawlTime no_request_before) {
  for (const GroupRule& rule : rules_.rules()) {
    if (rule.name != name) continue;
    Group& group = GroupOf({Key(kNamed, name), rule.connections, CrawlMicros(rule.delay)});
    ByteReader in(state);
    group.not_before = in.Varint();
    for (uint64_t left = in.Varint(); left > 0 && in.ok(); --left) group.resting.insert(in.Varint());
    if (!in.ok()) group.resting.clear();
    if (no_request_before == 0 || group.delay == 0) continue;
    group.resting.clear();
    for (uint32_t i = 0; i < group.limit; ++i) group.resting.insert(no_request_before + group.delay);
  }
}

void PolitenessLedger::Describe(std::string_view host, std::string_view address, CrawlTime now,
                                wire::PolitenessReply& reply) const {
  for (const Need& need : NeedsOf(host, address)) {
    wire::PolitenessGroup* told = reply.add_groups();
    const size_t slash = need.key.find('/');
    told->set_kind(need.key.substr(0, slash));
    told->set_name(need.key.substr(slash + 1));
    told->set_connections(need.limit);
    told->set_delay_us(static_cast<int64_t>(need.delay));
    auto it = groups_.find(need.key);
    if (it == groups_.end()) continue;
    const Group& group = it->second;
    told->set_in_use(group.used);
    auto rests = group.resting.upper_bound(now);
    told->set_resting(static_cast<uint32_t>(std::distance(rests, group.resting.end())));
    told->set_waiting(group.waiting.size());
    if (Free(group, now) > 0) continue;
    const CrawlTime until = group.not_before > now ? group.not_before : rests == group.resting.end() ? now : *rests;
    told->set_wait_us(Left(until, now));
    if (reply.in_the_way().empty()) reply.set_in_the_way(fmt::format("{} {}", told->kind(), told->name()));
  }
}

}  // namespace weft
