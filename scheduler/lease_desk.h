// Hands hosts out as leases and takes them back: the one place where politeness across the cluster is decided. A lease is
// the right to *ask* one origin, for a short time, under an epoch; no two origins of one host name are out at once.
// Times on the wire are durations. Thread rule: the scheduler's loop.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/politeness.h"
#include "common/random.h"
#include "common/registrable_domain.h"
#include "scheduler/address_permits.h"
#include "scheduler/crawl_clock.h"
#include "scheduler/delay_control.h"
#include "scheduler/frontier.h"
#include "scheduler/host_routes.h"
#include "scheduler/node_table.h"
#include "scheduler/politeness_ledger.h"
#include "scheduler/rate_record.h"
#include "scheduler/scheduler_node.h"
#include "scheduler/scope.h"

namespace weft {

// All pending URLs of an origin that nobody has out are to end this way.
struct OriginEnding {
  uint64_t host_id = 0;
  uint16_t shard = 0;
  std::string origin;
  Outcome outcome = Outcome::kNone;
  std::string detail;
  uint64_t cursor = 0;
  // Set: which of them, and how; kNone: not this one.
  std::function<Outcome(const UrlRecord&)> judge = nullptr;
};

class LeaseDesk {
 public:
  LeaseDesk(const SchedulerOptions& options, const wire::CrawlSettings& settings, CrawlDb& db, Frontier& frontier,
            NodeTable& nodes, const Scope& scope, const CrawlClock& crawl_clock, const Clock& clock, Random& random,
            const PublicSuffixes& suffixes);

  // Takes up what groups of hosts must not forget. `leases_over`: the life before crashed, and until then its leases may
  // be in use; each host then rests for its own delay from there on. 0: it ended in order.
  absl::Status Open(CrawlTime leases_over);

  // Hands out ready hosts while a fetcher has credit and `budget` URLs may be out. `stopping`: nothing is handed out.
  absl::Status Grant(uint64_t budget);
  void OnWanted(const PeerId& from, const wire::LeaseWanted& wanted, uint64_t budget);
  absl::Status OnRelease(const PeerId& from, const wire::LeaseRelease& release);
  // Renews what the node holds and answers with the new terms.
  void OnHeartbeat(const PeerId& from, NodeEntry& node, const wire::Heartbeat& beat, wire::HeartbeatReply& reply);
  // `allowed`: after a restart, not before every lease of the life before is over.
  void OnPermitWanted(const PeerId& from, const wire::HostPermitWanted& wanted, bool allowed = true);
  void OnAddressWanted(const PeerId& from, const wire::AddressPermitWanted& wanted);
  absl::Status OnPause(const wire::HostPause& pause);
  void OnPermitDone(const PeerId& from, const wire::HostPermitDone& done);
  // Takes back leases whose deadline has passed, or that make no progress.
  absl::Status Expire();
  // When the last of a node's leases is over; InfinitePast: it has none.
  absl::Time AsksUntil(const PeerId& peer) const;
  // A node is gone for good, and asks nothing: its leases return at once, as if they had expired; how many.
  absl::StatusOr<uint64_t> EndLeasesOf(const PeerId& peer);
  // A node is gone for good: what it had asked and not handed in is asked again.
  void NodeGone(const PeerId& peer);
  // A fetcher that was known to an earlier life of this scheduler holds these: they are not handed out again.
  absl::Status AdoptHeld(const PeerId& peer, const wire::Register& info);
  // A response came from the origin: its failures in a row are over.
  void OriginAnswered(uint64_t host_id, std::string_view origin);
  // This process stood still for `gap`: nobody else is to blame for that (rule 30).
  void ExtendDeadlines(absl::Duration gap);

  std::vector<OriginEnding> TakeEndings() { return std::move(endings_); }
  size_t leases() const { return leases_.size(); }
  // Empty: there is no such lease.
  std::string HostOfLease(uint64_t counter) const;
  // In force: the longest of its own, robots.txt's and its groups'.
  absl::Duration DelayOf(const HostState& state) const;
  // When time alone lets somebody go on who waits with a group; nullopt: nobody does.
  std::optional<CrawlTime> NextFreed() const { return ledger_.NextFreed(); }
  HostRoutes& routes() { return routes_; }
  const HostRoutes& routes() const { return routes_; }
  void set_settings(const wire::CrawlSettings& settings);
  void Describe(const std::string& host, wire::PolitenessReply& reply) const;
  // Sentences for the user since the last call.
  std::vector<std::string> TakeNotices() { return std::move(notices_); }

 private:
  struct Lease {
    PeerId node;
    uint64_t host_id = 0;
    std::string origin;
    absl::Time deadline;
    absl::Time started;
    absl::Time progressed;
    uint64_t asked = 0;
    PolitenessLedger::Hold hold;     // its places in the groups of its host
    std::vector<Fingerprint> keys;   // what was handed out under it; those still out carry its counter
    bool permit = false;
    uint64_t permit_id = 0;          // as its fetcher named it
  };

  wire::LeaseGrant MakeGrant(uint64_t counter, const Lease& lease) const;
  absl::Status AddUrls(uint64_t counter, Lease& lease, FrontierHost& host, FrontierOrigin& origin, size_t limit,
                       wire::LeaseGrant& grant);
  size_t BatchSize(const HostState* state, bool top_up, uint64_t wanted, uint32_t connections,
                   uint64_t out) const;
  // The places that a lease of the host would need; nothing: the host waits, here or in the frontier.
  std::optional<PolitenessLedger::Hold> TakePlaces(FrontierHost& host, const HostState* state, std::string& address);
  absl::Status FillHostTerms(const FrontierHost& host, const HostState* state, wire::LeaseGrant& grant);
  void RefileFreed();
  // A node that may have the host and has room; null where none has: the host then waits, if it is for a tag.
  NodeEntry* NodeFor(FrontierHost& host, absl::Time heard_after);
  bool WaitsForItsBudget(FrontierHost& host, const HostState* state);
  bool RestsAfterCrash(FrontierHost& host, const HostState* state);
  absl::Status ExpireLease(uint64_t counter);
  absl::Status StoreGroups();
  absl::flat_hash_map<uint64_t, Lease>::iterator FindPermit(const PeerId& from, uint64_t permit_id);
  void LearnFrom(const wire::LeaseRelease& release, HostState& state);
  void Trouble(FrontierHost& host, const std::string& origin, HostState& state, const wire::LeaseRelease& release);
  void HostFailed(FrontierHost& host, HostState& state, std::string_view origin, Outcome outcome,
                  const std::string& detail);
  void Unanswered(FrontierHost& host, HostState& state, const std::string& origin, const wire::LeaseRelease& release);
  void Throttled(FrontierHost& host, HostState& state, const wire::LeaseRelease& release);
  void RobotsUnreachable(FrontierHost& host, OriginState& origin, const wire::LeaseRelease& release);
  void EndOrigin(FrontierHost& host, OriginState& origin, Outcome outcome, const std::string& detail);
  void OriginWaits(FrontierHost& host, OriginState& origin, absl::Duration wait);
  void PauseGroups(const FrontierHost& host, CrawlTime until);
  void Revoke(uint64_t counter, const Lease& lease);
  void TellWait(std::string_view origin, Outcome outcome, const std::string& detail, absl::Duration wait, int tries);
  // `last_request`: nothing where none was made under it.
  void FinishLease(uint64_t counter, bool asked_stay_out, std::optional<CrawlTime> last_request);
  std::optional<CrawlTime> AskedAt(int64_t age_us) const;
  void ReturnLost(const Fingerprint& key);
  void StayOut(const Fingerprint& key, OutUrl out);
  void ReturnForgotten(absl::Time now);
  void ReturnUnused(const PeerId& from, uint64_t counter, const std::string& bytes);
  void NoteRequest(FrontierHost& host, absl::Duration age);
  absl::Status StoreRobots(const std::string& origin, const wire::RobotsState& robots);

  const SchedulerOptions& options_;
  wire::CrawlSettings settings_;
  CrawlDb& db_;
  Frontier& frontier_;
  NodeTable& nodes_;
  const Scope& scope_;
  const CrawlClock& crawl_clock_;
  const Clock& clock_;
  Random& random_;
  PolitenessLedger ledger_;
  AddressBook book_;
  RateRecord rates_;
  HostRoutes routes_;
  CrawlTime opened_at_ = 0;
  CrawlTime leases_over_ = 0;   // of the life before, if it crashed
  uint64_t next_counter_ = 1;
  absl::flat_hash_map<uint64_t, Lease> leases_;
  absl::Time none_over_before_ = absl::InfiniteFuture();     // at the latest the soonest deadline: deadlines only move on
  std::deque<std::pair<absl::Time, Fingerprint>> unleased_;  // out without a lease, longest first
  absl::flat_hash_set<Fingerprint> lost_;                    // waiting again, as a node went with them
  std::vector<OriginEnding> endings_;
  std::vector<std::string> notices_;
  int waits_told_ = 0;
};

// Throttled answers in a row, without any other in between, after which a host's URLs end as host-throttled.
inline constexpr uint32_t kThrottleCap = 20;
// Never later than Retry-After says plus this share of it (and a second).
inline constexpr double kRetryAfterJitter = 0.1;

}  // namespace weft
