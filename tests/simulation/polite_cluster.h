// The scheduler's desk, frontier and ledger over a CrawlDb in memory, and fetchers that are nothing but their leases
// (the real LeaseRun), over virtual time. Answers take as long as the world says; every URL comes back to its queue, so
// that each host always has work. Requests go to a PoliteTrace.
// Thread rule: one thread.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "scheduler/lease_desk.h"
#include "scheduler/link_intake.h"
#include "tests/simulation/polite_trace.h"
#include "tests/simulation/polite_world.h"
#include "tests/support/memory_kv.h"
#include "tests/support/sim_clock.h"

namespace weft::test {

struct PoliteOptions {
  uint64_t seed = 1;
  int fetchers = 50;
  uint64_t leases_per_fetcher = 1'000'000;
  int urls_per_host = 3;
  wire::CrawlSettings settings;
};

class PoliteCluster {
 public:
  PoliteCluster(const PoliteOptions& options, const PoliteWorld& world);
  ~PoliteCluster();

  // Empty: all is set up.
  std::string Start();
  // Goes on for this long.
  void Run(absl::Duration time);
  PoliteTrace& trace() { return trace_; }
  const std::string& failure() const { return failure_; }
  absl::Time now() const { return world_clock_.Now(); }
  uint64_t grants() const { return grants_; }

 private:
  class Fetcher;
  class SchedulerBus;

  std::string AdmitHosts();
  void ToScheduler(const PeerId& from, Message message);
  void Dispatch(const PeerId& from, const wire::Frame& frame);
  void Grant();
  void EverySecond();
  void Check(const absl::Status& status);

  PoliteOptions options_;
  const PoliteWorld& world_;
  SimClock world_clock_;
  SimNodeClock clock_;
  PoliteTrace trace_;
  std::unique_ptr<Random> random_;
  MemoryDisk disk_;
  std::shared_ptr<const PublicSuffixes> suffixes_;
  std::unique_ptr<CrawlDb> db_;
  std::unique_ptr<Scope> scope_;
  std::unique_ptr<SchedulerBus> bus_;
  SchedulerOptions scheduler_options_;
  std::unique_ptr<NodeTable> nodes_;
  std::unique_ptr<Frontier> frontier_;
  std::unique_ptr<CrawlClock> crawl_clock_;
  std::unique_ptr<LinkIntake> intake_;
  std::unique_ptr<LeaseDesk> desk_;
  std::map<PeerId, std::unique_ptr<Fetcher>> fetchers_;
  absl::flat_hash_map<std::string, size_t> host_index_;
  absl::Time grant_at_ = absl::InfiniteFuture();
  uint64_t grants_ = 0;
  std::string failure_;
};

}  // namespace weft::test
