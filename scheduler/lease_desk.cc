#include "scheduler/lease_desk.h"

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "common/units.h"
#include "scheduler/host_budget.h"

namespace weft {
namespace {

// An origin that is given up is left alone for as long as its URLs take to be ended.
constexpr absl::Duration kEndingPause = absl::Seconds(10);
constexpr int kMostWaitsTold = 10;
// How long an asked URL may take to be handed in after its lease.
constexpr absl::Duration kHandInPatience = absl::Minutes(5);

}  // namespace

LeaseDesk::LeaseDesk(const SchedulerOptions& options, const wire::CrawlSettings& settings, CrawlDb& db,
                     Frontier& frontier, NodeTable& nodes, const Scope& scope, const CrawlClock& crawl_clock,
                     const Clock& clock, Random& random)
    : options_(options), settings_(settings), db_(db), frontier_(frontier), nodes_(nodes), scope_(scope),
      crawl_clock_(crawl_clock), clock_(clock), random_(random) {}

absl::Duration LeaseDesk::DelayOf(const HostState& state) const {
  absl::Duration delay = absl::Microseconds(settings_.delay_us());
  absl::Duration crawl_delay = absl::Microseconds(static_cast<int64_t>(state.crawl_delay_us));
  return std::max(delay, std::min(crawl_delay, kLongestCrawlDelay));
}

size_t LeaseDesk::BatchSize(const HostState* state, bool top_up, uint64_t wanted, uint64_t out) const {
  absl::Duration delay = state == nullptr ? absl::Microseconds(settings_.delay_us()) : DelayOf(*state);
  uint64_t connections = std::max<uint64_t>(1, settings_.host_connections());
  uint64_t most = top_up ? 512 : 64 * connections;
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
  for (QueuedUrl& url : urls) {
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
    OutUrl out;
    out.host_id = host.id;
    out.origin = origin.origin;
    out.position = url.position;
    out.lease = counter;
    out.node = lease.node;
    out.generation = url.record.generation;
    out.attempt = url.record.attempt;
    out.depth = url.record.depth;
    out.referrer = url.record.referrer;
    out.referrer_shard = url.record.referrer_shard;
    out.redirect_hops = url.record.redirect_hops;
    frontier_.MarkOut(url.key, std::move(out));
    lease.keys.push_back(url.key);
  }
  return absl::OkStatus();
}

absl::Status LeaseDesk::Grant(uint64_t budget) {
  while (budget > 0) {
    FrontierHost* host = frontier_.NextReady(crawl_clock_.Now());
    if (host == nullptr) return absl::OkStatus();
    NodeEntry* node = nodes_.FetcherWithCredit(clock_.SteadyNow() - 3 * options_.heartbeat);
    if (node == nullptr) return absl::OkStatus();
    WEFT_ASSIGN_OR_RETURN(FrontierOrigin * origin, frontier_.PickOrigin(*host, crawl_clock_.Now()));
    if (origin == nullptr) continue;

    uint64_t counter = next_counter_++;
    Lease lease;
    lease.node = node->link.peer();
    lease.host_id = host->id;
    lease.origin = origin->origin;
    lease.started = lease.progressed = clock_.SteadyNow();
    lease.deadline = lease.started + options_.lease + options_.lease_grace;
    wire::LeaseGrant grant = MakeGrant(counter, lease);
    grant.set_runs_us(absl::ToInt64Microseconds(options_.lease));
    grant.set_echo_sent_steady_us(node->heartbeat_sent_us);
    const HostState* state = db_.FindHost(host->shard, host->id);
    size_t limit = std::min<uint64_t>(budget, BatchSize(state, false, 0));
    WEFT_RETURN_IF_ERROR(AddUrls(counter, lease, *host, *origin, limit, grant));
    if (grant.urls().empty()) continue;
    budget -= static_cast<uint64_t>(grant.urls_size());

    grant.set_host(host->host);
    grant.set_connections(std::max<uint32_t>(1, settings_.host_connections()));
    grant.set_delay_us(absl::ToInt64Microseconds(state == nullptr ? absl::ZeroDuration() : DelayOf(*state)));
    CrawlTime now = crawl_clock_.Now();
    grant.set_last_request_age_us(
        state == nullptr || state->last_request == 0 ? -1 : static_cast<int64_t>(now - std::min(now, state->last_request)));
    grant.set_send_headers(scope_.IsAnchorHost(host->host));
    WEFT_ASSIGN_OR_RETURN(std::optional<std::string> robots, db_.GetRobots(origin->origin));
    if (robots && grant.mutable_robots()->ParseFromString(*robots)) {
      // Stored with its expiry on the crawl clock in place of what is left.
      int64_t left = grant.robots().fresh_us() - static_cast<int64_t>(now);
      if (left > 0) {
        grant.mutable_robots()->set_fresh_us(left);
      } else {
        grant.clear_robots();
      }
    }
    frontier_.MarkBusy(*host);
    ++node->leases_granted;
    ++node->leases_held;
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
  bool others_wait = frontier_.NextReady(crawl_clock_.Now()) != nullptr;
  if (others_wait && clock_.SteadyNow() - lease.started > options_.turn) budget = 0;
  if (host->not_before > crawl_clock_.Now()) budget = 0;  // it has asked for a pause meanwhile
  wire::LeaseGrant grant = MakeGrant(it->first, lease);
  grant.set_top_up(true);
  std::erase_if(lease.keys, [&](const Fingerprint& key) {
    const OutUrl* out = frontier_.FindOut(key);
    return out == nullptr || out->lease != it->first;
  });
  size_t limit = std::min<uint64_t>(budget, BatchSize(db_.FindHost(host->shard, host->id), true, wanted.urls(),
                                                              lease.keys.size()));
  if (limit > 0) {
    // A failed read shows in the CrawlDb's health; the lease then just runs dry.
    AddUrls(it->first, lease, *host, frontier_.OriginOf(*host, lease.origin), limit, grant).IgnoreError();
  }
  wire::Frame frame;
  *frame.mutable_lease_grant() = std::move(grant);
  node->link.Send({std::move(frame), nullptr});
}

absl::Status LeaseDesk::StoreRobots(const std::string& origin, const wire::RobotsState& robots) {
  if (robots.kind() != wire::RobotsState::RULES && robots.kind() != wire::RobotsState::ALLOW_ALL) {
    return absl::OkStatus();
  }
  wire::RobotsState stored = robots;
  stored.set_fresh_us(robots.fresh_us() + static_cast<int64_t>(crawl_clock_.Now()));
  return db_.PutRobots(origin, stored.SerializeAsString());
}

void LeaseDesk::FinishLease(uint64_t counter, bool asked_stay_out) {
  auto it = leases_.find(counter);
  if (it == leases_.end()) return;
  Lease lease = std::move(it->second);
  leases_.erase(it);
  for (const Fingerprint& key : lease.keys) {
    const OutUrl* out = frontier_.FindOut(key);
    if (out == nullptr || out->lease != counter) continue;
    if (asked_stay_out) {
      OutUrl asked = *out;
      asked.lease = 0;
      StayOut(key, std::move(asked));
    } else {
      frontier_.Return(key);
    }
  }
  NodeEntry* node = nodes_.Find(lease.node);
  if (node != nullptr && !lease.permit && node->leases_held > 0) --node->leases_held;
  FrontierHost* host = frontier_.Find(lease.host_id);
  if (host != nullptr) frontier_.MarkFree(*host);
}

// A top-up may reach a fetcher after it gave the lease back; what it held comes back by itself then.
void LeaseDesk::ReturnUnused(const PeerId& from, uint64_t counter, const std::string& bytes) {
  Fingerprint key = Fingerprint::FromBytes(bytes);
  const OutUrl* out = frontier_.FindOut(key);
  if (out != nullptr && out->node == from && (out->lease == counter || out->lease == 0)) frontier_.Return(key);
}

absl::Status LeaseDesk::OnRelease(const PeerId& from, const wire::LeaseRelease& release) {
  if (release.epoch().incarnation() != db_.incarnation()) return absl::OkStatus();
  for (const std::string& bytes : release.unused()) ReturnUnused(from, release.epoch().counter(), bytes);
  auto it = leases_.find(release.epoch().counter());
  if (it == leases_.end() || it->second.node != from) return absl::OkStatus();  // over already: it expired
  std::string origin_name = it->second.origin;
  FrontierHost* host = frontier_.Find(it->second.host_id);
  if (release.has_robots()) WEFT_RETURN_IF_ERROR(StoreRobots(origin_name, release.robots()));

  const HostState* known = host == nullptr ? nullptr : db_.FindHost(host->shard, host->id);
  if (known != nullptr) {
    HostState state = *known;
    CrawlTime now = crawl_clock_.Now();
    if (release.crawl_delay_us() > 0) state.crawl_delay_us = static_cast<uint64_t>(release.crawl_delay_us());
    if (release.last_request_age_us() >= 0) {
      CrawlTime age = static_cast<CrawlTime>(release.last_request_age_us());
      state.last_request = std::max<CrawlTime>(state.last_request, now - std::min(now, age));
      state.not_before = std::max(state.not_before, state.last_request + CrawlMicros(DelayOf(state)));
    }
    Outcome outcome = static_cast<Outcome>(release.outcome());
    switch (release.why()) {
      case wire::LeaseRelease::HOST_FAILED:
        HostFailed(*host, origin_name, outcome, release.detail());
        break;
      case wire::LeaseRelease::THROTTLED:
        Throttled(*host, state, release);
        break;
      case wire::LeaseRelease::ROBOTS_UNREACHABLE:
        RobotsUnreachable(*host, release, outcome);
        break;
      default:
        break;
    }
    host->not_before = std::max(host->not_before, state.not_before);
    WEFT_RETURN_IF_ERROR(db_.PutPoliteness(state, crawl_clock_.Now()));
  }
  FinishLease(release.epoch().counter(), /*asked_stay_out=*/true);
  return absl::OkStatus();
}

void LeaseDesk::EndOrigin(FrontierHost& host, FrontierOrigin& origin, Outcome outcome, const std::string& detail) {
  OriginEnding ending;
  ending.host_id = host.id;
  ending.origin = origin.origin;
  ending.outcome = outcome;
  ending.detail = detail;
  endings_.push_back(std::move(ending));
  // Else it is leased again at once, and what is out cannot be ended.
  origin.not_before = std::max(origin.not_before, crawl_clock_.Now() + CrawlMicros(kEndingPause));
  notices_.push_back(fmt::format("{}: given up: {}{}{}", origin.origin, std::string(OutcomeName(outcome)),
                                 detail.empty() ? "" : ": ", detail));
}

void LeaseDesk::HostFailed(FrontierHost& host, std::string_view origin_name, Outcome outcome,
                           const std::string& detail) {
  // The number came from a peer: the ledger holds ends that have a name.
  if (!IsFailure(outcome) && !IsRefusal(outcome)) outcome = Outcome::kHostUnreachable;
  RetryPolicy policy = RetryPolicyFor(outcome);
  // A name that does not resolve, or to a forbidden address, does so whatever the scheme and port.
  bool whole_host = outcome == Outcome::kDns || outcome == Outcome::kAddress;
  for (FrontierOrigin& origin : host.origins) {
    if (!whole_host && origin.origin != origin_name) continue;
    ++origin.failures;
    if (origin.failures >= static_cast<uint32_t>(policy.tries)) {
      origin.failures = static_cast<uint32_t>(std::max(0, policy.tries - 1));
      EndOrigin(host, origin, outcome, detail);
    } else {
      absl::Duration wait = random_.Jittered(RetryWait(outcome, static_cast<int>(origin.failures)), 0.1);
      origin.not_before = crawl_clock_.Now() + CrawlMicros(wait);
      if (origin.failures == 1 && waits_told_ < kMostWaitsTold) TellWait(origin.origin, outcome, detail, wait);
    }
  }
}

// Why nothing seems to happen; of a large crawl's many failing hosts the first ones are enough.
void LeaseDesk::TellWait(std::string_view origin, Outcome outcome, const std::string& detail, absl::Duration wait) {
  bool last = ++waits_told_ == kMostWaitsTold;
  notices_.push_back(fmt::format("{}: {}: {}; try 2 of {} in {}{}", origin, std::string(OutcomeName(outcome)), detail,
                                 RetryPolicyFor(outcome).tries,
                                 weft::FormatDuration(absl::Trunc(wait, absl::Milliseconds(100))),
                                 last ? " (of further hosts crawl.log tells)" : ""));
}

void LeaseDesk::Throttled(FrontierHost& host, HostState& state, const wire::LeaseRelease& release) {
  ++state.throttles;
  absl::Duration wait = absl::Microseconds(release.retry_after_us());
  if (wait <= absl::ZeroDuration()) {
    wait = random_.Jittered(RetryWait(Outcome::kThrottled, static_cast<int>(state.throttles)), kRetryAfterJitter);
  } else {
    wait += absl::Seconds(1) * random_.Unit() + wait * (kRetryAfterJitter * random_.Unit());
  }
  state.not_before = std::max(state.not_before, crawl_clock_.Now() + CrawlMicros(wait));
  if (state.throttles == 1) {
    notices_.push_back(fmt::format("{} asks for a pause ({}): next request in {}", host.host,
                                   release.detail(), weft::FormatDuration(absl::Trunc(wait, absl::Milliseconds(100)))));
  }
  if (state.throttles < kThrottleCap) return;
  state.throttles = kThrottleCap - 1;
  for (FrontierOrigin& origin : host.origins) EndOrigin(host, origin, Outcome::kHostThrottled, release.detail());
}

void LeaseDesk::RobotsUnreachable(FrontierHost& host, const wire::LeaseRelease& release, Outcome outcome) {
  auto it = leases_.find(release.epoch().counter());
  FrontierOrigin& origin = frontier_.OriginOf(host, it->second.origin);
  RetryPolicy policy = RetryPolicyFor(Outcome::kRobotsUnreachable);
  if (outcome != Outcome::kNone) ++origin.robots_tries;
  if (outcome == Outcome::kNone || origin.robots_tries < static_cast<uint32_t>(policy.tries)) {
    absl::Duration wait = RetryWait(Outcome::kRobotsUnreachable, std::max(1, static_cast<int>(origin.robots_tries)));
    wait = std::max(wait, absl::Microseconds(release.retry_after_us()));
    origin.not_before = crawl_clock_.Now() + CrawlMicros(random_.Jittered(wait, kRetryAfterJitter));
    return;
  }
  // The host itself failed, or only its robots.txt: two different ends (rule 8).
  origin.robots_tries = static_cast<uint32_t>(policy.tries) - 1;
  EndOrigin(host, origin, IsFailure(outcome) ? outcome : Outcome::kRobotsUnreachable, release.detail());
}

void LeaseDesk::OriginAnswered(uint64_t host_id, std::string_view origin_name) {
  FrontierHost* host = frontier_.Find(host_id);
  if (host == nullptr) return;
  FrontierOrigin& origin = frontier_.OriginOf(*host, origin_name);
  origin.failures = 0;
  origin.robots_tries = 0;
  const HostState* state = db_.FindHost(host->shard, host_id);
  if (state != nullptr && state->throttles > 0) {
    HostState calm = *state;
    calm.throttles = 0;
    // A failed write shows in the CrawlDb's health.
    db_.PutPoliteness(calm, crawl_clock_.Now()).IgnoreError();
  }
}

void LeaseDesk::OnHeartbeat(const PeerId& from, NodeEntry& node, const wire::Heartbeat& beat,
                            wire::HeartbeatReply& reply) {
  absl::Time now = clock_.SteadyNow();
  node.lease_limit = std::max(node.lease_limit, beat.lease_limit());
  node.heartbeat_sent_us = beat.sent_steady_us();
  node.heartbeat_received = now;
  node.draining = node.draining || beat.draining();
  bool hears_us = node.nonce == 0 || beat.nonce_echo() == node.nonce || beat.nonce_echo() == node.nonce_before;
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

void LeaseDesk::StayOut(const Fingerprint& key, OutUrl out) {
  out.unleased = clock_.SteadyNow();
  unleased_.emplace_back(out.unleased, key);
  frontier_.MarkOut(key, std::move(out));
}

// What was asked and is not handed in for very long is not coming: a node may still have named it as held after its end
// had reached a scheduler that could make nothing of it. Should it come all the same, the first result wins (rule 1).
void LeaseDesk::ReturnForgotten(absl::Time now) {
  while (!unleased_.empty() && now - unleased_.front().first > kHandInPatience) {
    auto [since, key] = unleased_.front();
    unleased_.pop_front();
    const OutUrl* out = frontier_.FindOut(key);
    if (out != nullptr && out->lease == 0 && out->unleased == since) frontier_.Return(key);
  }
}

absl::Status LeaseDesk::Expire() {
  absl::Time now = clock_.SteadyNow();
  ReturnForgotten(now);
  std::vector<uint64_t> over;
  for (const auto& [counter, lease] : leases_) {
    if (lease.deadline <= now) over.push_back(counter);
  }
  std::sort(over.begin(), over.end());
  for (uint64_t counter : over) {
    FrontierHost* host = frontier_.Find(leases_.at(counter).host_id);
    const HostState* known = host == nullptr ? nullptr : db_.FindHost(host->shard, host->id);
    if (known != nullptr) {
      // When the last request was is not known: it may have been at the deadline (rule 19).
      HostState state = *known;
      state.last_request = crawl_clock_.Now();
      state.not_before = std::max(state.not_before, state.last_request + CrawlMicros(DelayOf(state)));
      host->not_before = std::max(host->not_before, state.not_before);
      WEFT_RETURN_IF_ERROR(db_.PutPoliteness(state, crawl_clock_.Now()));
    } else if (host != nullptr) {
      host->not_before = crawl_clock_.Now() + CrawlMicros(absl::Microseconds(settings_.delay_us()));
    }
    FinishLease(counter, /*asked_stay_out=*/false);
  }
  return absl::OkStatus();
}

void LeaseDesk::NodeGone(const PeerId& peer) {
  std::vector<Fingerprint> back;
  for (const auto& [key, out] : frontier_.out()) {
    if (out.node == peer && out.lease == 0) back.push_back(key);
  }
  for (const Fingerprint& key : back) frontier_.Return(key);
}

absl::Status LeaseDesk::AdoptHeld(const PeerId& peer, const wire::Register& info) {
  for (const wire::UrlTicket& ticket : info.holding()) {
    Fingerprint key = Fingerprint::FromBytes(ticket.key());
    WEFT_ASSIGN_OR_RETURN(std::optional<UrlRecord> record, db_.Find(key, static_cast<uint16_t>(ticket.shard())));
    if (!record || record->state != UrlState::kPending || record->generation != ticket.generation() ||
        record->attempt != ticket.attempt()) {
      continue;
    }
    if (const OutUrl* known = frontier_.FindOut(key); known != nullptr) {
      // Under a lease of the session before, which the node has given up: it must not come back with that.
      if (known->node == peer && known->lease != 0) {
        OutUrl asked = *known;
        asked.lease = 0;
        StayOut(key, std::move(asked));
      }
      continue;
    }
    auto url = Url::Parse(record->url);
    if (!url.ok() || record->due_us != 0) continue;
    OutUrl out;
    out.host_id = db_.HostId(url->host());
    out.origin = url->origin();
    out.position = record->queue_position;
    out.node = peer;
    out.generation = record->generation;
    out.attempt = record->attempt;
    out.depth = record->depth;
    out.referrer = record->referrer;
    out.referrer_shard = record->referrer_shard;
    out.redirect_hops = record->redirect_hops;
    StayOut(key, std::move(out));
  }
  return absl::OkStatus();
}

void LeaseDesk::ExtendDeadlines(absl::Duration gap) {
  for (auto& [counter, lease] : leases_) {
    lease.deadline += gap;
    lease.progressed += gap;
  }
}

}  // namespace weft
