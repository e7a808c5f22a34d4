// Politeness as the hosts see it, over the whole cluster and across crashes (rules 16, 18 to 20, 24): never two fetchers
// at one host name at once, never more requests at once than host_connections, on each connection the delay from the end
// of a response to the next request, and nothing before a Retry-After has passed.
// Thread rule: one thread.
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/time/time.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/sim_clock.h"
#include "tests/support/sim_transport.h"
#include "tests/support/sim_violations.h"

namespace weft::test {

class PolitenessCheck {
 public:
  // `deadline_of`: the last moment at which a fetcher may start a request to a host, as far as it knows.
  using DeadlineOf = absl::AnyInvocable<absl::Time(Life fetcher, const std::string& host) const>;
  // When its last lease of the host reached a fetcher: what others tell later may not reach it in time.
  void set_granted_at(DeadlineOf granted_at) { granted_at_ = std::move(granted_at); }
  // Within this time what the scheduler tells a fetcher has reached it, or its lease has run out.
  void set_word_travels(absl::Duration word_travels) { word_travels_ = word_travels; }
  PolitenessCheck(const SimClock& clock, Violations& violations, absl::Duration delay, uint32_t host_connections,
                  DeadlineOf deadline_of)
      : clock_(clock),
        violations_(violations),
        delay_(delay),
        connections_(host_connections),
        deadline_of_(std::move(deadline_of)) {}

  // The host's robots.txt wants this between pages.
  void SetCrawlDelay(const std::string& host, absl::Duration delay) { crawl_delays_[host] = delay; }
  void OnRequest(const SeenRequest& request);
  void OnOver(const SeenRequest& request);
  // The fetcher has read an answer that asks for a pause.
  void OnThrottled(const SeenRequest& request, absl::Duration retry_after);
  // The scheduler has been told of the pause by that fetcher; it is durable there; the scheduler has crashed.
  void OnThrottleTold(Life fetcher, const std::string& host);
  void OnThrottlesDurable();
  // The scheduler has read a fetcher's announcement of the pause.
  void OnPauseAnnounced(Life fetcher, const std::string& host);
  void OnSchedulerGone();
  // It takes with it what it has told nobody who still knows it.
  void OnFetcherGone(Life fetcher);

  // The end of the pauses that have been announced before this moment; the infinite past if there is none.
  absl::Time PausedUntil(const std::string& host) const;

  // Requests that were still open at a fetcher which stood still beyond its lease's deadline, while the next one asked:
  // nobody can close those.
  uint64_t overlaps_while_paused() const { return overlaps_while_paused_; }
  // Requests before the end of a pause that the fetcher who was asked for it had no way to tell of yet.
  uint64_t untold_throttles() const { return untold_throttles_; }
  void set_always_told(bool always_told) { always_told_ = always_told; }
  uint64_t forgotten_throttles() const { return forgotten_throttles_; }

 private:
  struct Open {
    SeenRequest request;
    absl::Time started;
    absl::Time ended = absl::InfiniteFuture();
    bool excused = false;
  };
  struct Throttle {
    std::string host;
    Life fetcher = kWorld;
    absl::Time known;  // to the fetcher, since
    absl::Time until;
    bool told = false;
    absl::Time told_at = absl::InfiniteFuture();
    bool durable = false;
    absl::Time announced_at = absl::InfiniteFuture();
  };
  bool PausedBeyondLease(const SeenRequest& request) const;
  void CheckThrottles(const SeenRequest& request);

  const SimClock& clock_;
  Violations& violations_;
  absl::Duration delay_;
  uint32_t connections_;
  DeadlineOf deadline_of_;
  DeadlineOf granted_at_ = [](Life, const std::string&) { return absl::InfiniteFuture(); };
  absl::Duration word_travels_ = absl::InfiniteDuration();
  std::map<std::string, absl::Duration> crawl_delays_;
  std::map<std::string, std::vector<Open>> hosts_;  // open, or ended not long ago
  std::vector<Throttle> throttles_;
  uint64_t overlaps_while_paused_ = 0;
  uint64_t forgotten_throttles_ = 0;
  uint64_t untold_throttles_ = 0;
  bool always_told_ = true;  // nothing hinders a fetcher from telling at once
};

}  // namespace weft::test
