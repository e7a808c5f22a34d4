// Runs a SchedulerNode on its thread and keeps it running: after an error of the CrawlDb (a full disk, a failed sync) the
// node is thrown away, the CrawlDb is opened again and a new node goes on from what is durable (protocol rule 4).
// Thread rule: Open and AddSeeds before Run; RequestStop, Snapshot and ended from any thread.
#pragma once

#include <absl/status/status.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/checkpoint_folder.h"
#include "cli/console.h"
#include "cli/crawl_log.h"
#include "cli/node_thread.h"
#include "cli/scheduler_keys.h"
#include "common/mutex.h"
#include "scheduler/scheduler_node.h"

namespace weft {

struct SchedulerHostOptions {
  SchedulerOptions scheduler;
  std::string db_path;
  std::string seen_path;                // its snapshots
  uint64_t memory_bytes = 1ull << 30;   // for the set of known URLs
  std::string log_path;
  std::vector<std::string> keyed_endpoints;  // to bind, with `keys`
  std::vector<std::string> endpoints;   // to bind, open to all
  std::optional<SchedulerKeys> keys;    // none: nobody has any
  std::shared_ptr<const PublicSuffixes> suffixes;
  // A pages directory whose pages the crawl is to take from its files, as after a loss (protocol rule 13); 0: none. Durable
  // with the CrawlDb: the run in which one of its parsers registers does it.
  uint64_t pages_to_take = 0;
  std::string checkpoints_path;         // "": none are made
  size_t checkpoints_kept = 2;
};

// What the rest of the process may know of the scheduler, copied a few times a second.
struct SchedulerSnapshot {
  wire::StatusReply status;
  SchedulerNode::RateBound bound;
  StopReason stop = StopReason::kNone;
};

class SchedulerHost : public SchedulerObserver {
 public:
  SchedulerHost(SchedulerHostOptions options, ZmqContext& context, Console& console);
  ~SchedulerHost() override;

  // Opens (or creates) the CrawlDb. `settle` is given what was stored ("" for a new crawl) and answers what is in force.
  using Settle = std::function<absl::StatusOr<wire::CrawlSettings>(const std::string& stored)>;
  absl::Status Open(const Settle& settle, bool retry_failed);
  SchedulerNode::SeedCounts AddSeeds(const std::vector<std::string>& urls) { return node_->AddSeeds(urls); }
  // Binds the endpoints, those with keys named first; answers them as others connect to them.
  absl::StatusOr<std::vector<std::string>> Bind();
  wire::StatusReply Status() const { return node_->Status(); }

  void Run();
  void RequestStop(StopReason reason);
  SchedulerSnapshot Snapshot() const;
  // The run is over (or failed for good: see failure()).
  bool ended() const { return ended_; }
  const std::string& failure() const { return failure_; }
  void Join() { thread_.Join(); }

  // The first URLs that ended, for explaining a crawl that found little.
  std::vector<UrlEnd> FirstEnds() const;

 private:
  void OnUrlEnd(const UrlEnd& end) override;
  void OnNotice(const std::string& text) override;
  absl::StatusOr<std::unique_ptr<CrawlDb>> OpenDb();
  void MakeNode(std::unique_ptr<CrawlDb> db);
  void Watch();
  void FlushLog();
  void TakeKeys();
  void Recover(const absl::Status& why);

  SchedulerHostOptions options_;
  Console& console_;
  NodeThread thread_;
  std::unique_ptr<CheckpointFolder> checkpoints_;
  std::unique_ptr<ThreadPool> reading_pool_;
  std::unique_ptr<ThreadPool> checkpoint_pool_;   // its end is told to the thread's loop
  wire::CrawlSettings settings_;
  std::unique_ptr<CrawlLog> log_;
  std::unique_ptr<SchedulerNode> node_;
  NodeKeys node_keys_;
  bool told_of_trouble_ = false;
  bool flush_posted_ = false;
  StopReason wanted_stop_ = StopReason::kNone;   // on the loop
  std::atomic<bool> ended_{false};
  std::string failure_;
  mutable Mutex mutex_;
  SchedulerSnapshot snapshot_ ABSL_GUARDED_BY(mutex_);
  std::vector<UrlEnd> first_ends_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weft
