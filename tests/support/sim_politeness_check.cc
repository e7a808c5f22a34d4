#include "tests/support/sim_politeness_check.h"

#include <algorithm>

namespace weft::test {
namespace {

// Nodes measure waits on clocks that drift.
constexpr double kDrift = 0.0005;
constexpr absl::Duration kSlack = absl::Milliseconds(1);
// A node that stood still closes what it must within its first turns.
constexpr absl::Duration kWakeUp = absl::Milliseconds(50);

}  // namespace

bool PolitenessCheck::PausedBeyondLease(const SeenRequest& request) const {
  absl::Time deadline = deadline_of_(request.life, request.host);
  return clock_.Now() > deadline && clock_.PausedFrom(request.life) <= deadline &&
         clock_.Now() <= clock_.PausedUntil(request.life) + kWakeUp;
}

void PolitenessCheck::OnRequest(const SeenRequest& request) {
  absl::Time now = clock_.Now();
  absl::Duration gap = delay_;
  if (auto it = crawl_delays_.find(request.host); it != crawl_delays_.end() && !request.robots) {
    gap = std::max(gap, it->second);
  }
  absl::Duration wanted = gap - gap * kDrift - kSlack;
  std::vector<Open>& open = hosts_[request.host];
  std::erase_if(open, [&](const Open& o) { return o.ended != absl::InfiniteFuture() && now - o.ended > absl::Minutes(5); });
  uint32_t busy = 0;
  const Open* blocking = nullptr;
  for (Open& other : open) {
    if (other.excused) continue;
    bool running = other.ended == absl::InfiniteFuture();
    if (running && other.request.life != request.life) {
      if (PausedBeyondLease(other.request)) {
        other.excused = true;
        ++overlaps_while_paused_;
        continue;
      }
      violations_.Add("one-fetcher", "{} asks {}{} while {} is asking {}{}", request.fetcher, request.origin,
                      request.path, other.request.fetcher, other.request.origin, other.request.path);
    }
    if (!running && now - other.ended >= wanted) continue;
    ++busy;
    blocking = &other;
  }
  if (busy >= connections_) {
    bool running = blocking->ended == absl::InfiniteFuture();
    violations_.Add(running ? "host-connections" : "delay", "{} asks {}{} {} after {} {} {}{} ({} busy, gap {})",
                    request.fetcher, request.origin, request.path,
                    absl::FormatDuration(now - (running ? blocking->started : blocking->ended)),
                    blocking->request.fetcher, running ? "began" : "ended", blocking->request.origin,
                    blocking->request.path, busy, absl::FormatDuration(gap));
  }
  CheckThrottles(request);
  open.push_back({request, now});
}

void PolitenessCheck::CheckThrottles(const SeenRequest& request) {
  absl::Time now = clock_.Now();
  std::erase_if(throttles_, [now](const Throttle& t) { return t.until <= now; });
  for (const Throttle& throttle : throttles_) {
    if (throttle.host != request.host) continue;
    // Under way already when the answer came: one of several connections.
    if (throttle.fetcher == request.life && request.asked < throttle.known) continue;
    absl::Duration early = throttle.until - now;
    // Had the host already when the scheduler heard of it: until the revocation reaches it, or its lease runs out.
    bool had_it = granted_at_(request.life, request.host) < throttle.told_at;
    bool late = !throttle.told || (had_it && now < throttle.told_at + word_travels_);
    if (!always_told_ && late && throttle.fetcher != request.life) {
      ++untold_throttles_;
      continue;
    }
    if (early > kSlack + absl::Seconds(30) * kDrift) {
      violations_.Add("retry-after", "{} asks {}{} {} before the pause that {} was asked for is over", request.fetcher,
                      request.origin, request.path, absl::FormatDuration(early),
                      throttle.fetcher == request.life ? "it" : "another fetcher");
    }
  }
}

void PolitenessCheck::OnOver(const SeenRequest& request) {
  for (Open& open : hosts_[request.host]) {
    if (open.request.id != request.id) continue;
    open.ended = clock_.Now();
    if (PausedBeyondLease(request)) open.excused = true;
  }
}

void PolitenessCheck::OnThrottled(const SeenRequest& request, absl::Duration retry_after) {
  if (retry_after <= absl::ZeroDuration()) return;
  throttles_.push_back({request.host, request.life, clock_.Now(), clock_.Now() + retry_after});
}

void PolitenessCheck::OnThrottleTold(Life fetcher, const std::string& host) {
  for (Throttle& throttle : throttles_) {
    if (throttle.fetcher != fetcher || throttle.host != host || throttle.told) continue;
    throttle.told = true;
    throttle.told_at = clock_.Now();
  }
}

void PolitenessCheck::OnPauseAnnounced(Life fetcher, const std::string& host) {
  for (Throttle& throttle : throttles_) {
    if (throttle.fetcher == fetcher && throttle.host == host) {
      throttle.announced_at = std::min(throttle.announced_at, clock_.Now());
    }
  }
}

absl::Time PolitenessCheck::PausedUntil(const std::string& host) const {
  absl::Time until = absl::InfinitePast();
  for (const Throttle& throttle : throttles_) {
    if (throttle.host == host && throttle.announced_at < clock_.Now()) until = std::max(until, throttle.until);
  }
  return until;
}

void PolitenessCheck::OnThrottlesDurable() {
  for (Throttle& throttle : throttles_) throttle.durable = throttle.durable || throttle.told;
}

void PolitenessCheck::OnSchedulerGone() {
  // The fetcher may tell the next one.
  for (Throttle& throttle : throttles_) {
    throttle.told = throttle.durable;
    throttle.announced_at = absl::InfiniteFuture();
  }
}

void PolitenessCheck::OnFetcherGone(Life fetcher) {
  forgotten_throttles_ += std::erase_if(throttles_, [fetcher](const Throttle& t) { return t.fetcher == fetcher && !t.told; });
}

}  // namespace weft::test
