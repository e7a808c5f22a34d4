#include "tests/simulation/polite_trace.h"

#include <fmt/format.h>

#include <algorithm>

namespace weft::test {
namespace {

// Clocks of nodes count microseconds.
constexpr absl::Duration kSlack = absl::Microseconds(2);
// Messages travel, and the scheduler looks a few times a second.
constexpr absl::Duration kReaction = absl::Milliseconds(500);

}  // namespace

PoliteTrace::PoliteTrace(const PoliteWorld& world)
    : world_(world), hosts_(world.hosts.size()), limits_(world.limits.size()) {}

void PoliteTrace::Violation(std::string text) {
  ++violation_count_;
  if (violations_.size() < 10) violations_.push_back(std::move(text));
}

void PoliteTrace::OnRequest(size_t index, int fetcher, absl::Time now) {
  const PoliteHost& facts = world_.hosts[index];
  Host& host = hosts_[index];
  ++requests_;
  ++host.requests;
  ++by_bound_[static_cast<size_t>(facts.bound)];
  if (host.open) Violation(fmt::format("{} is asked by {} while {} asks it", facts.name, fetcher, host.fetcher));
  if (!host.leased) Violation(fmt::format("{} is asked without a lease", facts.name));
  if (now < host.last_end + facts.delay - kSlack) {
    Violation(fmt::format("{} is asked {} after its last answer, its delay is {}", facts.name,
                          absl::FormatDuration(now - host.last_end), absl::FormatDuration(facts.delay)));
  }
  if (now < host.paused_until) {
    Violation(fmt::format("{} is asked {} before the end of its pause", facts.name,
                          absl::FormatDuration(host.paused_until - now)));
  }
  if (host.pause_open) {
    const absl::Duration stated = facts.retry_after * 0.1 + absl::Seconds(1);
    latest_after_pause_ = std::max(latest_after_pause_, now - host.paused_until);
    if (now > host.paused_until + stated + kReaction + facts.delay * 64) {
      Violation(fmt::format("{} is asked {} after the end of its pause", facts.name,
                            absl::FormatDuration(now - host.paused_until)));
    }
    host.pause_open = false;
  }
  for (size_t at : facts.limits) {
    Limit& limit = limits_[at];
    const PoliteLimit& rule = world_.limits[at];
    while (!limit.ended.empty() && limit.ended.front() + rule.delay <= now + kSlack) limit.ended.pop_front();
    if (limit.open + limit.ended.size() >= rule.connections) {
      Violation(fmt::format("{} is asked while {} of {} connections of {} ask and {} rest", facts.name, limit.open,
                            rule.connections, rule.name, limit.ended.size()));
    }
    ++limit.open;
  }
  host.open = true;
  host.fetcher = fetcher;
}

void PoliteTrace::OnEnd(size_t index, absl::Time now, absl::Duration retry_after) {
  Host& host = hosts_[index];
  host.open = false;
  host.last_end = now;
  if (retry_after > absl::ZeroDuration()) {
    ++throttles_;
    host.ever_throttled = true;
    host.pause_open = true;
    host.paused_until = now + retry_after;
  }
  for (size_t at : world_.hosts[index].limits) {
    --limits_[at].open;
    if (world_.limits[at].delay > absl::ZeroDuration()) limits_[at].ended.push_back(now);
  }
}

void PoliteTrace::OnLease(size_t index, absl::Time now) {
  Host& host = hosts_[index];
  if (host.leased) Violation(fmt::format("{} is leased twice", world_.hosts[index].name));
  host.leased = true;
  for (size_t at : world_.hosts[index].limits) ++limits_[at].leases;
  (void)now;
}

void PoliteTrace::OnLeaseOver(size_t index, absl::Time) {
  Host& host = hosts_[index];
  host.leased = false;
  for (size_t at : world_.hosts[index].limits) {
    --limits_[at].leases;
    const absl::Duration delay = world_.limits[at].delay;
    if (delay > absl::ZeroDuration()) limits_[at].over.push_back(host.last_end + delay);
  }
}

bool PoliteTrace::MayBeLeased(size_t index, absl::Time now) {
  const PoliteHost& facts = world_.hosts[index];
  const Host& host = hosts_[index];
  // What has throttled may have got a longer delay since.
  if (host.leased || host.ever_throttled || now < host.last_end + facts.delay + kReaction) return false;
  for (size_t at : facts.limits) {
    Limit& limit = limits_[at];
    std::erase_if(limit.over, [&](absl::Time free) { return free + kReaction <= now; });
    if (limit.leases + limit.over.size() >= world_.limits[at].connections) return false;
  }
  return true;
}

std::string PoliteTrace::Limits(size_t index, absl::Time now) const {
  std::string text = fmt::format("last asked {} ago", absl::FormatDuration(now - hosts_[index].last_end));
  for (size_t at : world_.hosts[index].limits) {
    const PoliteLimit& rule = world_.limits[at];
    text += fmt::format(", {} ({}, {} leases of {}, {} rest)", rule.name, absl::FormatDuration(rule.delay),
                        limits_[at].leases, rule.connections, limits_[at].over.size());
  }
  return text;
}

void PoliteTrace::LookForIdle(absl::Time now) {
  for (size_t i = 0; i < hosts_.size(); ++i) {
    const bool idle = MayBeLeased(i, now);
    if (idle && hosts_[i].idle) Violation(fmt::format("{} waits although it may be leased: {}", world_.hosts[i].name, Limits(i, now)));
    hosts_[i].idle = idle;
  }
}

}  // namespace weft::test
