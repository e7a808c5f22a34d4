// How leases end: given back, expired, or their node gone; and what stays out without one.
#include <algorithm>
#include <utility>

#include "common/status.h"
#include "scheduler/lease_desk.h"
#include "scheduler/politeness_report.h"

namespace weft {
namespace {

// How long an asked URL may take to be handed in after its lease.
constexpr absl::Duration kHandInPatience = absl::Minutes(5);
// Remembered as lost until they are handed out again; what has ended otherwise is never, so in the end all are forgotten at once.
constexpr size_t kMostLost = 100'000;

}  // namespace

absl::Status LeaseDesk::StoreRobots(const std::string& origin, const wire::RobotsState& robots) {
  if (robots.kind() != wire::RobotsState::RULES && robots.kind() != wire::RobotsState::ALLOW_ALL) {
    return absl::OkStatus();
  }
  wire::RobotsState stored = robots;
  stored.set_fresh_us(robots.fresh_us() + static_cast<int64_t>(crawl_clock_.Now()));
  return db_.PutRobots(origin, stored.SerializeAsString());
}

// When a fetcher ended its last request, by the age that it tells; nothing where it made none.
std::optional<CrawlTime> LeaseDesk::AskedAt(int64_t age_us) const {
  if (age_us < 0) return std::nullopt;
  const CrawlTime now = crawl_clock_.Now();
  return now - std::min(now, static_cast<CrawlTime>(age_us));
}

void LeaseDesk::FinishLease(uint64_t counter, bool asked_stay_out, std::optional<CrawlTime> last_request) {
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
      ReturnLost(key);
    }
  }
  NodeEntry* node = nodes_.Find(lease.node);
  if (node != nullptr && !lease.permit && node->leases_held > 0) --node->leases_held;
  FrontierHost* host = frontier_.Find(lease.host_id);
  if (host != nullptr) frontier_.MarkFree(*host);
  ledger_.Return(lease.hold, last_request, crawl_clock_.Now());
}

absl::Status LeaseDesk::StoreGroups() {
  for (const auto& [name, state] : ledger_.TakeChanged()) WEFT_RETURN_IF_ERROR(PutGroup(db_, name, state));
  return absl::OkStatus();
}

// It may be what its node died of (rule 14).
void LeaseDesk::ReturnLost(const Fingerprint& key) {
  if (lost_.size() >= kMostLost) lost_.clear();
  lost_.insert(key);
  frontier_.Return(key);
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

  const CrawlTime now = crawl_clock_.Now();
  const std::optional<CrawlTime> asked = AskedAt(release.last_request_age_us());
  const HostState* known = host == nullptr ? nullptr : db_.FindHost(host->shard, host->id);
  if (known != nullptr) {
    HostState state = *known;
    state.last_request = std::max(state.last_request, asked.value_or(0));
    LearnFrom(release, state);
    if (asked) state.not_before = std::max(state.not_before, state.last_request + CrawlMicros(DelayOf(state)));
    Trouble(*host, origin_name, state, release);
    host->not_before = std::max(host->not_before, state.not_before);
    frontier_.FillHeads(state);
    WEFT_RETURN_IF_ERROR(db_.PutPoliteness(state, now));
  }
  FinishLease(release.epoch().counter(), /*asked_stay_out=*/true, asked);
  return StoreGroups();
}

// What the host showed of itself under the lease.
void LeaseDesk::LearnFrom(const wire::LeaseRelease& release, HostState& state) {
  if (release.crawl_delay_us() > 0) state.crawl_delay_us = static_cast<uint64_t>(release.crawl_delay_us());
  std::vector<CrawlTime> begun;
  for (int64_t age : release.begun_age_us()) begun.push_back(AskedAt(age).value_or(crawl_clock_.Now()));
  state.busiest_second = std::max({state.busiest_second, release.busiest_second(),
                                   rates_.Add(state.id, std::move(begun), crawl_clock_.Now())});
  const auto gap = static_cast<uint64_t>(std::max<int64_t>(0, release.shortest_gap_us()));
  if (gap > 0) state.shortest_gap_us = state.shortest_gap_us == 0 ? gap : std::min(state.shortest_gap_us, gap);

  const DelayTerms terms = DelayTermsOf(settings_);
  HostPace pace;
  pace.delay = state.delay_us == 0 ? terms.start : absl::Microseconds(static_cast<int64_t>(state.delay_us));
  pace.latency = absl::Microseconds(static_cast<int64_t>(state.latency_us));
  LeaseSight sight;
  sight.answers = release.answers();
  sight.errors = release.errors();
  sight.throttled = release.why() == wire::LeaseRelease::THROTTLED;
  sight.latency = absl::Microseconds(std::max<int64_t>(0, release.latency_us()));
  pace = NextPace(terms, pace, sight);
  // Where it starts is not stored: a --delay that is changed holds for every host that has shown nothing.
  state.delay_us = pace.delay == terms.start ? 0 : std::max<uint64_t>(1, CrawlMicros(pace.delay));
  state.latency_us = CrawlMicros(pace.latency);
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
  if (now < none_over_before_) return StoreGroups();
  none_over_before_ = absl::InfiniteFuture();
  std::vector<uint64_t> over;
  for (const auto& [counter, lease] : leases_) {
    if (lease.deadline <= now) over.push_back(counter);
    else none_over_before_ = std::min(none_over_before_, lease.deadline);
  }
  std::sort(over.begin(), over.end());
  for (uint64_t counter : over) WEFT_RETURN_IF_ERROR(ExpireLease(counter));
  return StoreGroups();
}

absl::Status LeaseDesk::ExpireLease(uint64_t counter) {
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
  FinishLease(counter, /*asked_stay_out=*/false, crawl_clock_.Now());
  return absl::OkStatus();
}

absl::Time LeaseDesk::AsksUntil(const PeerId& peer) const {
  absl::Time until = absl::InfinitePast();
  for (const auto& [counter, lease] : leases_) {
    if (lease.node == peer) until = std::max(until, lease.deadline);
  }
  return until;
}

absl::StatusOr<uint64_t> LeaseDesk::EndLeasesOf(const PeerId& peer) {
  std::vector<uint64_t> held;
  for (const auto& [counter, lease] : leases_) {
    if (lease.node == peer) held.push_back(counter);
  }
  std::sort(held.begin(), held.end());
  for (uint64_t counter : held) WEFT_RETURN_IF_ERROR(ExpireLease(counter));
  WEFT_RETURN_IF_ERROR(StoreGroups());
  return held.size();
}

void LeaseDesk::NodeGone(const PeerId& peer) {
  std::vector<Fingerprint> back;
  for (const auto& [key, out] : frontier_.out()) {
    if (out.node == peer && out.lease == 0) back.push_back(key);
  }
  for (const Fingerprint& key : back) ReturnLost(key);
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
    out.shard = static_cast<uint16_t>(ticket.shard());
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

}  // namespace weft
