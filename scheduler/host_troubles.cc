// What follows from a host that fails, asks for a pause, or has no robots.txt: waits that double, up to a cap, and an end.
#include <algorithm>
#include <utility>

#include "common/status.h"
#include "common/units.h"
#include "scheduler/lease_desk.h"

namespace weft {
namespace {

// An origin that is given up is left alone for as long as its URLs take to be ended.
constexpr absl::Duration kEndingPause = absl::Seconds(10);
constexpr int kMostWaitsTold = 10;

}  // namespace

void LeaseDesk::OriginWaits(FrontierHost& host, OriginState& origin, absl::Duration wait) {
  origin.not_before = std::max(origin.not_before, crawl_clock_.Now() + CrawlMicros(wait));
  // Filed anew when its lease is over.
  FrontierOrigin& filed = frontier_.OriginOf(host, origin.origin);
  filed.not_before = std::max(filed.not_before, origin.not_before);
}

void LeaseDesk::EndOrigin(FrontierHost& host, OriginState& origin, Outcome outcome, const std::string& detail) {
  OriginEnding ending;
  ending.host_id = host.id;
  ending.shard = host.shard;
  ending.origin = origin.origin;
  ending.outcome = outcome;
  ending.detail = detail;
  endings_.push_back(std::move(ending));
  // Else it is leased again at once, and what is out cannot be ended.
  OriginWaits(host, origin, kEndingPause);
  notices_.push_back(fmt::format("{}: given up: {}{}{}", origin.origin, std::string(OutcomeName(outcome)),
                                 detail.empty() ? "" : ": ", detail));
}

void LeaseDesk::Trouble(FrontierHost& host, const std::string& origin_name, HostState& state,
                        const wire::LeaseRelease& release) {
  if (release.why() == wire::LeaseRelease::HOST_FAILED) {
    HostFailed(host, state, origin_name, static_cast<Outcome>(release.outcome()), release.detail());
  } else if (release.why() == wire::LeaseRelease::THROTTLED) {
    Throttled(host, state, release);
  } else if (release.why() == wire::LeaseRelease::ROBOTS_UNREACHABLE) {
    for (OriginState& origin : state.origins) {
      if (origin.origin == origin_name) RobotsUnreachable(host, origin, release);
    }
  }
  Unanswered(host, state, origin_name, release);
}

// Hosts to which connections succeed and that never answer: each URL has its own tries, but all of them together show that
// it is the host. It is parked with waits that double, asked by single requests between them, and given up at the cap.
void LeaseDesk::Unanswered(FrontierHost& host, HostState& state, const std::string& origin_name,
                           const wire::LeaseRelease& release) {
  if (release.any_response()) state.failures = 0;
  if (release.unanswered() == 0) return;
  constexpr uint64_t kMost = 1000;
  state.failures += static_cast<uint32_t>(std::min(release.unanswered(), kMost));
  if (state.failures < kUnansweredInARow) return;
  const RetryPolicy policy = RetryPolicyFor(Outcome::kHostUnreachable);
  const int parked = static_cast<int>(state.failures - kUnansweredInARow) + 1;
  if (parked < policy.tries) {
    const absl::Duration wait = random_.Jittered(RetryWait(Outcome::kHostUnreachable, parked), kRetryAfterJitter);
    state.not_before = std::max(state.not_before, crawl_clock_.Now() + CrawlMicros(wait));
    if (parked == 1) {
      notices_.push_back(fmt::format("{} answers nothing: parked, next request in {}", host.host,
                                     weft::FormatDuration(absl::Trunc(wait, absl::Milliseconds(100)))));
    }
    return;
  }
  state.failures = kUnansweredInARow + static_cast<uint32_t>(std::max(0, policy.tries - 2));
  for (OriginState& origin : state.origins) {
    if (origin.origin == origin_name) EndOrigin(host, origin, Outcome::kHostUnreachable, "no answer in time");
  }
}

void LeaseDesk::HostFailed(FrontierHost& host, HostState& state, std::string_view origin_name, Outcome outcome,
                           const std::string& detail) {
  // The number came from a peer: the ledger holds ends that have a name.
  const bool named = IsFailure(outcome) || IsRefusal(outcome);
  if (!named) outcome = Outcome::kHostUnreachable;
  if (outcome == Outcome::kConnect) book_.Failed(host.id);
  RetryPolicy policy = RetryPolicyFor(outcome);
  if (!named) policy.tries = 1;
  // A name that does not resolve, or to a forbidden address, does so whatever the scheme and port.
  bool whole_host = outcome == Outcome::kDns || outcome == Outcome::kAddress;
  for (OriginState& origin : state.origins) {
    if (!whole_host && origin.origin != origin_name) continue;
    ++origin.failures;
    if (origin.failures >= static_cast<uint32_t>(policy.tries)) {
      origin.failures = static_cast<uint32_t>(std::max(0, policy.tries - 1));
      EndOrigin(host, origin, outcome, detail);
    } else {
      absl::Duration wait = random_.Jittered(RetryWait(outcome, static_cast<int>(origin.failures)), 0.1);
      OriginWaits(host, origin, wait);
      if (origin.failures == 1 && waits_told_ < kMostWaitsTold) TellWait(origin.origin, outcome, detail, wait, policy.tries);
    }
  }
}

// Why nothing seems to happen; of a large crawl's many failing hosts the first ones are enough.
void LeaseDesk::TellWait(std::string_view origin, Outcome outcome, const std::string& detail, absl::Duration wait,
                         int tries) {
  bool last = ++waits_told_ == kMostWaitsTold;
  notices_.push_back(fmt::format("{}: {}: {}; try 2 of {} in {}{}", origin, std::string(OutcomeName(outcome)), detail,
                                 tries, weft::FormatDuration(absl::Trunc(wait, absl::Milliseconds(100))),
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
  // 429 speaks of who asks, and hosts of one group share their gate; 503 speaks of the host alone.
  if (release.throttle_status() == 429) PauseGroups(host, state.not_before);
  if (state.throttles < kThrottleCap) return;
  state.throttles = kThrottleCap - 1;
  for (OriginState& origin : state.origins) EndOrigin(host, origin, Outcome::kHostThrottled, release.detail());
}

void LeaseDesk::PauseGroups(const FrontierHost& host, CrawlTime until) {
  if (ledger_.rules().Of(host.host).empty()) return;
  ledger_.Pause(host.host, until, crawl_clock_.Now());
  for (const auto& [counter, lease] : leases_) {
    if (lease.host_id != host.id && !lease.permit && ledger_.IsPaused(lease.hold, crawl_clock_.Now())) Revoke(counter, lease);
  }
}

void LeaseDesk::RobotsUnreachable(FrontierHost& host, OriginState& origin, const wire::LeaseRelease& release) {
  const Outcome outcome = static_cast<Outcome>(release.outcome());
  RetryPolicy policy = RetryPolicyFor(Outcome::kRobotsUnreachable);
  if (outcome != Outcome::kNone) ++origin.robots_tries;
  if (outcome == Outcome::kNone || origin.robots_tries < static_cast<uint32_t>(policy.tries)) {
    absl::Duration wait = RetryWait(Outcome::kRobotsUnreachable, std::max(1, static_cast<int>(origin.robots_tries)));
    wait = random_.Jittered(std::max(wait, absl::Microseconds(release.retry_after_us())), kRetryAfterJitter);
    if (origin.robots_tries == 1 && outcome != Outcome::kNone && waits_told_ < kMostWaitsTold) {
      TellWait(origin.origin, outcome, release.detail(), wait, policy.tries);
    }
    return OriginWaits(host, origin, wait);
  }
  // The host itself failed, or only its robots.txt: two different ends (rule 8).
  origin.robots_tries = static_cast<uint32_t>(policy.tries) - 1;
  EndOrigin(host, origin, IsFailure(outcome) ? outcome : Outcome::kRobotsUnreachable, release.detail());
}

void LeaseDesk::OriginAnswered(uint64_t host_id, std::string_view origin_name) {
  const FrontierHost* host = frontier_.Find(host_id);
  const HostState* known = host == nullptr ? db_.FindHost(HostOfOrigin(origin_name)) : db_.FindHost(host->shard, host_id);
  if (known == nullptr) return;
  bool calm = known->throttles == 0 && known->failures == 0;
  for (const OriginState& origin : known->origins) {
    if (origin.origin == origin_name) calm = calm && origin.failures == 0 && origin.robots_tries == 0;
  }
  if (calm) return;
  HostState state = *known;
  state.throttles = state.failures = 0;
  for (OriginState& origin : state.origins) {
    if (origin.origin == origin_name) origin.failures = origin.robots_tries = 0;
  }
  // A failed write shows in the CrawlDb's health.
  db_.PutPoliteness(state, crawl_clock_.Now()).IgnoreError();
}

}  // namespace weft
