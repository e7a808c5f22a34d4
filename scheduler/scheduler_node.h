// The scheduler as an event handler: registers nodes, leases hosts to fetchers, takes results and links in, commits them
// to the CrawlDb and acknowledges what is durable. It is the CrawlDb's only user while it lives.
//
// After a write or sync error health() is not OK and the node does nothing more: its owner throws it away, opens the
// CrawlDb again and makes a new one with a new session, as after a crash (protocol rule 4); other nodes register again.
// Thread rule: one loop.
#pragma once

#include <absl/status/status.h>

#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/node.h"
#include "common/random.h"
#include "common/registrable_domain.h"
#include "common/work_pool.h"
#include "scheduler/frontier.h"
#include "scheduler/node_keys.h"
#include "storage/crawl_db.h"

namespace weft {

class CheckpointPlace;

struct SchedulerOptions {
  absl::Duration heartbeat = absl::Seconds(1);
  absl::Duration dead_after = absl::Seconds(8);    // silence of a node
  absl::Duration lease = absl::Seconds(10);        // renewed by every heartbeat
  absl::Duration lease_grace = absl::Seconds(2);   // added on this side: drift and transit
  absl::Duration batch = absl::Seconds(4);         // worth of URLs in a grant at the host's delay
  absl::Duration no_progress = absl::Minutes(3);   // a lease without a new request ends after this
  absl::Duration turn = absl::Seconds(30);         // a lease is not topped up beyond this while other hosts wait
  absl::Duration drain = absl::Seconds(20);        // how long nodes may take to hand in when the crawl stops
  bool nodes_die_with_us = false;                  // embedded: no lease of an earlier life can be out (rule 18)
  FrontierMemory frontier;
  // Where checkpoints go, and the pool that makes them; null: none are made.
  CheckpointPlace* checkpoints = nullptr;
  WorkPool* checkpoint_pool = nullptr;
  absl::Duration checkpoint_every = absl::InfiniteDuration();
  WorkPool* reading_pool = nullptr;                // for exports; null: their records are read on the loop
  bool stop_when_finished = true;                  // false: a cluster's scheduler waits for more seeds
};

// How one URL ended, for crawl.log and progress. Called after the commit is durable.
struct UrlEnd {
  std::string url;
  std::string referrer;        // empty for seeds
  uint32_t depth = 0;
  bool seed = false;
  bool redirect = false;       // reached by a redirect
  int status = 0;              // HTTP status, 0 without a response
  Outcome outcome = Outcome::kNone;
  std::string mime;
  uint64_t payload_bytes = 0;
  std::string payload_digest;  // raw SHA-1
  absl::Time fetched_at;
  absl::Duration took;
  std::string note;
};

class SchedulerObserver {
 public:
  virtual ~SchedulerObserver() = default;
  virtual void OnUrlEnd(const UrlEnd& end) = 0;
  // A sentence for the user: "https://a.example/ redirects to b.example: added to the scope".
  virtual void OnNotice(const std::string& text) = 0;
};

enum class CrawlState { kRunning, kStopped, kFinished, kInterrupted };
std::string_view CrawlStateName(CrawlState state);

// Why a run ends.
enum class StopReason { kNone, kFinished, kMaxPages, kMaxTime, kInterrupted };

class SchedulerNode : public Node {
 public:
  // `settings` are what is in force (already merged with what was stored); they are stored again here.
  SchedulerNode(const SchedulerOptions& options, const wire::CrawlSettings& settings, std::unique_ptr<CrawlDb> db,
                std::shared_ptr<const PublicSuffixes> suffixes, const Clock& clock, Random& random, Bus& bus,
                WorkPool& sync_pool, SchedulerObserver& observer);
  ~SchedulerNode() override;

  void Start() override;
  void OnMessage(const PeerId& from, Message message) override;
  void OnTick() override;
  absl::Time NextWake() const override;

  // Adds seeds (absolute http or https URLs) before or while the crawl runs. They are durable with the next sync.
  struct SeedCounts {
    uint64_t added = 0;
    uint64_t known = 0;
    std::vector<std::pair<std::string, std::string>> bad;  // URL, reason
  };
  SeedCounts AddSeeds(const std::vector<std::string>& urls);
  // Who may speak to this crawl from now on (protocol rule 33); who may no more is dropped and told so, its leases come back.
  // Frames from where no key is asked for are taken whatever this says.
  void SetKeys(NodeKeys keys);
  // Ends the run: nodes hand in what they have, then stopped() is true. Idempotent.
  void Stop(StopReason reason);

  // The run is over: everything that was handed in is committed and durable.
  bool stopped() const;
  StopReason stop_reason() const;
  absl::Status health() const;

  // A snapshot for progress lines and `weft status`.
  wire::StatusReply Status() const;
  // When politeness alone bounds the rate: hosts with work now, and the delay in force of the slowest bound.
  struct RateBound {
    uint64_t hosts = 0;
    absl::Duration delay;
  };
  RateBound PoliteBound() const;
  const CrawlDb& db() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
