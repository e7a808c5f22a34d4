#include "scheduler/lease_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "common/status.h"
#include "scheduler/host_budget.h"
#include "scheduler/politeness_report.h"
#include "scheduler/recrawl_desk.h"

namespace weft {
namespace {

constexpr size_t kLongestVia = 2048;

// Of each the URL of the page that named it first; empty for seeds, and where it is too long to be carried along. URLs of a
// queue that stand side by side were named by one page, more often than not: its record is read once.
absl::StatusOr<std::vector<std::string>> ReferrersOf(std::span<const QueuedUrl> urls, const CrawlDb& db) {
  std::vector<std::pair<Fingerprint, uint16_t>> places;
  for (const QueuedUrl& url : urls) {
    const bool read = url.record.referrer.empty() || (!places.empty() && places.back().first == url.record.referrer);
    if (!read) places.emplace_back(url.record.referrer, url.record.referrer_shard);
  }
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::string> found, db.UrlsOf(places));
  std::vector<std::string> referrers;
  size_t at = 0;
  for (const QueuedUrl& url : urls) {
    std::string& referrer = referrers.emplace_back();
    if (url.record.referrer.empty()) continue;
    if (places[at].first != url.record.referrer) ++at;
    if (found[at].size() <= kLongestVia) referrer = found[at];
  }
  return referrers;
}

uint64_t UrlsOut(const FrontierHost& host) {
  uint64_t count = 0;
  for (const FrontierOrigin& origin : host.origins) count += origin.out.size();
  return count;
}

}  // namespace

LeaseDesk::LeaseDesk(const SchedulerOptions& options, const wire::CrawlSettings& settings, CrawlDb& db,
                     Frontier& frontier, NodeTable& nodes, const Scope& scope, const CrawlClock& crawl_clock,
                     const Clock& clock, Random& random, const PublicSuffixes& suffixes)
    : options_(options), settings_(settings), db_(db), frontier_(frontier), nodes_(nodes), scope_(scope),
      crawl_clock_(crawl_clock), clock_(clock), random_(random), ledger_(settings, suffixes),
      routes_(settings, !options.nodes_die_with_us) {}

void LeaseDesk::set_settings(const wire::CrawlSettings& settings) {
  settings_ = settings;
  ledger_.set_settings(settings);
}

absl::Status LeaseDesk::Open(CrawlTime leases_over) {
  opened_at_ = crawl_clock_.Now();
  leases_over_ = leases_over;
  return RestoreGroups(db_, leases_over, ledger_);
}

absl::Duration LeaseDesk::DelayOf(const HostState& state) const {
  const absl::Duration own = HostDelay(DelayTermsOf(settings_), absl::Microseconds(static_cast<int64_t>(state.delay_us)),
                                       absl::Microseconds(static_cast<int64_t>(state.crawl_delay_us)));
  return std::max(own, ledger_.DelayOf(state.host));
}

size_t LeaseDesk::BatchSize(const HostState* state, bool top_up, uint64_t wanted, uint32_t connections,
                            uint64_t out) const {
  if (state != nullptr && state->failures >= kUnansweredInARow) return top_up ? 0 : 1;
  absl::Duration delay = state == nullptr ? absl::Microseconds(settings_.delay_us()) : DelayOf(*state);
  uint64_t most = top_up ? 512 : uint64_t{64} * connections;
  if (delay > absl::ZeroDuration()) {
    most = std::min<uint64_t>(most, 1 + static_cast<uint64_t>(options_.batch / delay) * connections);
  }
  return HostBudgetBatch(settings_, state, out, static_cast<size_t>(top_up ? std::min(most, wanted) : most));
}

wire::LeaseGrant LeaseDesk::MakeGrant(uint64_t counter, const Lease& lease) const {
  wire::LeaseGrant grant;
  grant.mutable_epoch()->set_incarnation(db_.incarnation());
  grant.mutable_epoch()->set_counter(counter);
  grant.set_origin(lease.origin);
  return grant;
}

absl::Status LeaseDesk::AddUrls(uint64_t counter, Lease& lease, FrontierHost& host, FrontierOrigin& origin,
                                size_t limit, wire::LeaseGrant& grant) {
  WEFT_ASSIGN_OR_RETURN(std::vector<QueuedUrl> urls, frontier_.Take(host, origin, limit));
  WEFT_ASSIGN_OR_RETURN(std::vector<std::string> referrers, ReferrersOf(urls, db_));
  for (size_t i = 0; i < urls.size(); ++i) {
    const QueuedUrl& url = urls[i];
    wire::UrlTicket* ticket = grant.add_urls();
    ticket->set_key(url.key.ToBytes());
    ticket->set_shard(host.shard);
    ticket->set_generation(url.record.generation);
    ticket->set_attempt(url.record.attempt);
    ticket->set_url(url.record.url);
    ticket->set_depth(url.record.depth);
    ticket->set_redirect_hops(url.record.redirect_hops);
    ticket->set_seed(url.record.seed);
    ticket->set_own_key_redirects(url.record.own_key_redirects);
    ticket->set_sitemap_level(url.record.sitemap_level);
    FillConditions(url.record, *ticket);
    ticket->set_via(referrers[i]);
    if (!lost_.empty() && lost_.erase(url.key) > 0) ticket->set_suspect(true);
    OutUrl out;
    out.host_id = host.id;
    out.shard = host.shard;
    out.origin = origin.origin;
    out.position = url.position;
    out.lease = counter;
    out.node = lease.node;
    out.generation = url.record.generation;
    out.attempt = url.record.attempt;
    out.depth = url.record.depth;
    out.referrer = url.record.referrer;
    out.referrer_shard = url.record.referrer_shard;
    out.referrer_url = std::move(referrers[i]);
    out.redirect_hops = url.record.redirect_hops;
    frontier_.MarkOut(url.key, std::move(out));
    lease.keys.push_back(url.key);
  }
  return absl::OkStatus();
}

// What a group had no room for goes back to where ready hosts are.
void LeaseDesk::RefileFreed() {
  for (const LedgerWaiter& waiter : ledger_.TakeFreed(crawl_clock_.Now())) {
    if (FrontierHost* host = frontier_.Find(waiter.host_id); host != nullptr) frontier_.MarkFree(*host);
  }
}

// Nobody knows when a host was asked last in the life before: it may have been until the end of the last lease.
bool LeaseDesk::RestsAfterCrash(FrontierHost& host, const HostState* state) {
  if (leases_over_ == 0 || state == nullptr || state->last_request > opened_at_) return false;
  const CrawlTime until = leases_over_ + CrawlMicros(DelayOf(*state));
  if (until <= crawl_clock_.Now()) return false;
  host.not_before = std::max(host.not_before, until);
  frontier_.Refile(host);
  return true;
}

// What is out may use up what the host's budget has left; it is asked for more once that is known.
bool LeaseDesk::WaitsForItsBudget(FrontierHost& host, const HostState* state) {
  constexpr absl::Duration kMoment = absl::Milliseconds(200);
  if (HostBudgetBatch(settings_, state, UrlsOut(host), 1) > 0) return false;
  host.not_before = std::max(host.not_before, crawl_clock_.Now() + CrawlMicros(kMoment));
  frontier_.Refile(host);
  return true;
}

std::optional<PolitenessLedger::Hold> LeaseDesk::TakePlaces(FrontierHost& host, const HostState* state,
                                                            std::string& address) {
  if (RestsAfterCrash(host, state)) return std::nullopt;
  const CrawlTime now = crawl_clock_.Now();
  if (settings_.ip_connections() > 0) address = book_.Fresh(host.id, now);
  auto hold = ledger_.Take({host.id, host.shard, host.host}, address, settings_.host_connections(), host.ready_key, now);
  // Out of the way of others until the ledger names it.
  if (!hold) frontier_.MarkBusy(host);
  return hold;
}

// What the fetcher must know of the host, beside the URLs.
absl::Status LeaseDesk::FillHostTerms(const FrontierHost& host, const HostState* state, wire::LeaseGrant& grant) {
  const CrawlTime now = crawl_clock_.Now();
  grant.set_host(host.host);
  grant.set_delay_us(absl::ToInt64Microseconds(state == nullptr ? absl::ZeroDuration() : DelayOf(*state)));
  grant.set_last_request_age_us(
      state == nullptr || state->last_request == 0 ? -1 : static_cast<int64_t>(now - std::min(now, state->last_request)));
  grant.set_send_headers(scope_.IsAnchorHost(host.host));
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> robots, db_.GetRobots(grant.origin()));
  if (robots && grant.mutable_robots()->ParseFromString(*robots)) {
    // Stored with its expiry on the crawl clock in place of what is left.
    int64_t left = grant.robots().fresh_us() - static_cast<int64_t>(now);
    if (left > 0) {
      grant.mutable_robots()->set_fresh_us(left);
    } else {
      grant.clear_robots();
    }
  }
  return absl::OkStatus();
}

NodeEntry* LeaseDesk::NodeFor(FrontierHost& host, absl::Time heard_after) {
  const std::string_view tag = routes_.TagOf(host.host);
  NodeEntry* node = nodes_.FetcherWithCredit(heard_after, tag);
  if (node != nullptr || tag.empty()) return node;
  routes_.Wait(tag, {host.shard, host.id});
  frontier_.Park(host, crawl_clock_.Now());
  return nullptr;
}

absl::Status LeaseDesk::Grant(uint64_t budget) {
  RefileFreed();
  const absl::Time heard_after = clock_.SteadyNow() - 3 * options_.heartbeat;
  for (const HostRoutes::Waiter& host : routes_.TakeServed(nodes_, heard_after)) frontier_.Unpark(host.shard, host.host_id);
  constexpr int kMostPassedOver = 4096;   // that wait for a tag; others are looked at in the next turn
  for (int passed_over = 0; budget > 0 && passed_over < kMostPassedOver;) {
    FrontierHost* host = frontier_.NextReady(crawl_clock_.Now());
    if (host == nullptr || nodes_.FetcherWithCredit(heard_after) == nullptr) return absl::OkStatus();
    NodeEntry* node = NodeFor(*host, heard_after);
    if (node == nullptr) {
      ++passed_over;
      continue;
    }
    WEFT_ASSIGN_OR_RETURN(FrontierOrigin * origin, frontier_.PickOrigin(*host, crawl_clock_.Now()));
    if (origin == nullptr) continue;
    const HostState* state = db_.FindHost(host->shard, host->id);
    if (WaitsForItsBudget(*host, state)) continue;
    std::string address;
    auto hold = TakePlaces(*host, state, address);
    if (!hold) continue;

    uint64_t counter = next_counter_++;
    Lease lease;
    lease.node = node->link.peer();
    lease.host_id = host->id;
    lease.origin = origin->origin;
    lease.hold = *std::move(hold);
    lease.started = lease.progressed = clock_.SteadyNow();
    lease.deadline = lease.started + options_.lease + options_.lease_grace;
    wire::LeaseGrant grant = MakeGrant(counter, lease);
    grant.set_runs_us(absl::ToInt64Microseconds(options_.lease));
    grant.set_echo_sent_steady_us(node->heartbeat_sent_us);
    grant.set_connections(lease.hold.connections);
    grant.set_address(address);
    size_t limit = std::min<uint64_t>(budget, BatchSize(state, false, 0, lease.hold.connections, UrlsOut(*host)));
    WEFT_RETURN_IF_ERROR(AddUrls(counter, lease, *host, *origin, limit, grant));
    if (grant.urls().empty()) {
      ledger_.Return(lease.hold, std::nullopt, crawl_clock_.Now());
      continue;
    }
    budget -= static_cast<uint64_t>(grant.urls_size());
    WEFT_RETURN_IF_ERROR(FillHostTerms(*host, state, grant));
    frontier_.MarkBusy(*host);
    ++node->leases_granted;
    ++node->leases_held;
    none_over_before_ = std::min(none_over_before_, lease.deadline);
    leases_.emplace(counter, std::move(lease));
    wire::Frame frame;
    *frame.mutable_lease_grant() = std::move(grant);
    node->link.Send({std::move(frame), nullptr});
  }
  return absl::OkStatus();
}

void LeaseDesk::OnWanted(const PeerId& from, const wire::LeaseWanted& wanted, uint64_t budget) {
  auto it = leases_.find(wanted.epoch().counter());
  if (it == leases_.end() || it->second.node != from || wanted.epoch().incarnation() != db_.incarnation()) return;
  Lease& lease = it->second;
  NodeEntry* node = nodes_.Find(from);
  FrontierHost* host = frontier_.Find(lease.host_id);
  if (node == nullptr || host == nullptr) return;
  // Hosts take turns: while others wait for a fetcher, nobody holds a lease for ever.
  bool others_wait = frontier_.NextReady(crawl_clock_.Now()) != nullptr || ledger_.OthersWait(lease.hold) ||
                     routes_.AnyWaits(routes_.TagOf(host->host));
  if (others_wait && clock_.SteadyNow() - lease.started > options_.turn) budget = 0;
  if (host->not_before > crawl_clock_.Now()) budget = 0;  // it has asked for a pause meanwhile
  wire::LeaseGrant grant = MakeGrant(it->first, lease);
  grant.set_top_up(true);
  std::erase_if(lease.keys, [&](const Fingerprint& key) {
    const OutUrl* out = frontier_.FindOut(key);
    return out == nullptr || out->lease != it->first;
  });
  size_t limit = std::min<uint64_t>(budget, BatchSize(db_.FindHost(host->shard, host->id), true, wanted.urls(),
                                                      std::max<uint32_t>(1, lease.hold.connections), UrlsOut(*host)));
  if (limit > 0) {
    // A failed read shows in the CrawlDb's health; the lease then just runs dry.
    AddUrls(it->first, lease, *host, frontier_.OriginOf(*host, lease.origin), limit, grant).IgnoreError();
  }
  wire::Frame frame;
  *frame.mutable_lease_grant() = std::move(grant);
  node->link.Send({std::move(frame), nullptr});
}

void LeaseDesk::OnHeartbeat(const PeerId& from, NodeEntry& node, const wire::Heartbeat& beat,
                            wire::HeartbeatReply& reply) {
  absl::Time now = clock_.SteadyNow();
  node.lease_limit = std::max(node.lease_limit, beat.lease_limit());
  node.heartbeat_sent_us = beat.sent_steady_us();
  node.heartbeat_received = now;
  node.draining = node.draining || beat.draining();
  const uint64_t echo = beat.nonce_echo();
  const bool hears_us = node.nonce == 0 || (echo != 0 && (echo == node.nonce || echo == node.nonce_before));
  node.nonce_before = node.nonce;
  node.nonce = random_.NextId();
  reply.set_nonce(node.nonce);
  reply.set_nonce_accepted(hears_us);
  reply.set_echo_sent_steady_us(beat.sent_steady_us());
  if (!hears_us) return;
  for (const wire::LeaseBeat& held : beat.leases()) {
    auto it = leases_.find(held.epoch().counter());
    if (it == leases_.end() || it->second.node != from || held.epoch().incarnation() != db_.incarnation()) continue;
    Lease& lease = it->second;
    if (held.asked() > lease.asked) {
      lease.asked = held.asked();
      lease.progressed = now;
    }
    absl::Duration patience = std::max(options_.no_progress, 2 * absl::Microseconds(settings_.timeout_us()));
    if (now - lease.progressed > patience) continue;  // rule 17: it ends, whatever the heartbeats say
    lease.deadline = std::max(lease.deadline, now + options_.lease + options_.lease_grace);
    wire::LeaseRenewal* renewal = reply.add_renewals();
    *renewal->mutable_epoch() = held.epoch();
    renewal->set_runs_us(absl::ToInt64Microseconds(options_.lease));
  }
}

std::string LeaseDesk::HostOfLease(uint64_t counter) const {
  auto it = leases_.find(counter);
  return it == leases_.end() ? "" : std::string(HostOfOrigin(it->second.origin));
}

void LeaseDesk::Describe(const std::string& host, wire::PolitenessReply& reply) const {
  const CrawlTime now = crawl_clock_.Now();
  const uint64_t id = db_.HostId(host);
  FillPoliteness(db_, settings_, ledger_, settings_.ip_connections() > 0 ? book_.Fresh(id, now) : "", now, host, reply);
  for (const auto& [counter, lease] : leases_) {
    if (lease.host_id != id) continue;
    const NodeEntry* node = nodes_.Find(lease.node);
    reply.set_holder(node == nullptr ? "a fetcher that is gone" : node->info.name());
  }
  if (const std::string_view tag = routes_.TagOf(host); reply.in_the_way().empty() && routes_.Waits(tag, id)) {
    reply.set_in_the_way(fmt::format("a node with the tag '{}' and room for it", tag));
  }
}

void LeaseDesk::ExtendDeadlines(absl::Duration gap) {
  for (auto& [counter, lease] : leases_) {
    lease.deadline += gap;
    lease.progressed += gap;
  }
  for (auto& [since, key] : unleased_) {
    const OutUrl* out = frontier_.FindOut(key);
    const bool waits = out != nullptr && out->lease == 0 && out->unleased == since;
    since += gap;
    if (!waits) continue;
    OutUrl asked = *out;
    asked.unleased = since;
    frontier_.MarkOut(key, std::move(asked));
  }
}

}  // namespace weft
