// A whole crawl on simulated machines: one scheduler, some fetchers and parsers, over a simulated network, disks and web,
// with faults from a script, until the crawl is finished, something broke a rule, or nothing goes on.
// Thread rule: one thread. The same options give the same run.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fetcher/fetcher_node.h"
#include "parser/parser_node.h"
#include "scheduler/scheduler_node.h"
#include "tests/support/memory_kv.h"
#include "tests/support/sim_observer.h"
#include "tests/support/sim_process.h"
#include "tests/support/sim_tool.h"

namespace weft::test {

struct SimFault {
  enum class Kind {
    kCrash,          // the process dies and is started again after `length`
    kPowerCut,       // the same, and its disk loses what was not synced
    kPause,          // it gets no events for `length`
    kPart,           // `machine` and `other` hear nothing of each other for `length`
    kKvWriteError,
    kKvSyncError,
    kDiskFull,       // of a parser, for `length`
    kPageSyncError,
    kStop,           // the scheduler is told to stop the crawl, and started again `length` after it has
    kRevoke,         // its token is revoked; after `length` it is started again with a new one
    kDrain,          // a tool asks that it leaves; it is started again `length` after it has
    kForget,         // it is gone for good, and a tool says so, the first time after `length`
    kForgetCutOff,   // it is parted from the scheduler for `length`, and a tool asks all the while that it be forgotten
    kClockJump,      // its wall clock (without a machine: all of them) is set forward by `length`, or back
  };
  static constexpr size_t kKinds = 14;
  Kind kind = Kind::kCrash;
  absl::Duration at;
  std::string machine;
  std::string other;
  absl::Duration length;
  bool for_good = false;               // revoked, drained: and never comes back
};
std::string Describe(const SimFault& fault);
// "crash", "power cut", …
std::string_view NameOf(SimFault::Kind kind);

struct SimOptions {
  uint64_t seed = 1;
  WebOptions web;
  wire::CrawlSettings settings;
  SchedulerOptions scheduler;
  int fetchers = 3;
  int parsers = 2;
  std::map<std::string, std::vector<std::string>> tags;   // of fetchers, by machine
  uint64_t refused_cap = 10'000;     // records of refused keys per host
  size_t hosts_in_memory = 65'536;
  uint64_t credit_items = 64;
  uint64_t credit_bytes = 8 << 20;
  NetworkFaults network;
  SimWorkPoolOptions pool;
  std::vector<SimFault> faults;
  bool keys = false;                 // nodes have tokens
  bool watches_frames = true;        // buses drop what comes under a key that holds no more; else it is for the nodes to see to
  bool faultless = false;            // then nothing may be fetched twice
  // > 0: pages are fetched again (settings), until the crawl is stopped then and gone on with without it.
  absl::Duration recrawl_for;
  absl::Duration time_limit = absl::Hours(24);
  absl::Duration stuck_after = absl::Hours(2);  // without a request or commit
  uint64_t event_limit = 30'000'000;
  bool trace = false;
  // A fault of the product's, put in so that a test sees that it would be seen.
  enum class Planted { kNone, kSchedulerNotToldOfRevocation, kTimeFollowsTheWallClock };
  Planted planted = Planted::kNone;
};

// Everything that varies, drawn from the seed. One seed in 25 is full size: up to 2,000 hosts and 10,000 pages.
SimOptions DrawOptions(uint64_t seed);

struct SimReport {
  uint64_t seed = 0;
  std::vector<Violations::Violation> violations;
  size_t violation_count = 0;
  std::string summary;        // one line
  std::string dump;           // the cluster's state, where it got stuck
  uint64_t digest = 0;
  uint64_t requests = 0;
  uint64_t refetches = 0;
  uint64_t revokes = 0;       // leases taken back because of a pause
  uint64_t registrations = 0;
  uint64_t visits = 0;        // recrawls
  uint64_t moves = 0;         // of URLs ahead in their queues
  std::array<uint64_t, SimFault::kKinds> faults{};  // that came about, by kind
  uint64_t restarts = 0;
  uint64_t messages = 0;
  uint64_t lost = 0;          // messages
  uint64_t repeated = 0;
  uint64_t refused = 0;       // under keys that are not allowed
  uint64_t drained = 0;       // nodes that left in order as their tools were told
  uint64_t forgotten = 0;
  bool keys = false;
  bool ok() const { return violation_count == 0; }
};

class SimCluster {
 public:
  explicit SimCluster(const SimOptions& options);
  ~SimCluster();
  SimReport Run();

 private:
  class Fetching;
  class Parsing;
  struct Machine {
    ~Machine();
    std::string name;
    std::unique_ptr<SimNodeClock> clock;
    std::unique_ptr<SimPageDisk> pages;        // of a parser
    std::map<std::string, uint32_t> crashes;   // of a parser: what survives of rule 14
    std::string current_page;
    std::unique_ptr<Fetching> fetching;
    std::unique_ptr<Parsing> parsing;
    std::unique_ptr<SimProcess> process;       // null: down
    bool restarting = false;
    PeerKey key;
    bool gone = false;                         // for good
    absl::Duration rest;                       // before it is started again, once it has ended as it was asked to
    bool rests_for_good = false;
    absl::Time heard;                          // when it began, or was last registered and heard the scheduler
    // The process's node, for questions.
    SchedulerNode* scheduler = nullptr;
    FetcherNode* fetcher = nullptr;
    ParserNode* parser = nullptr;
    SimTool* tool = nullptr;
  };

  Machine& Find(const std::string& name) const;
  std::unique_ptr<Machine> MakeMachine(const std::string& name);
  void StartMachine(Machine& machine);
  void StartMachineAfter(Machine& machine, absl::Duration after);
  void StartScheduler(Machine& machine);
  void OpenAgain(Machine& machine, const absl::Status& status);
  void StartFetcher(Machine& machine);
  void StartParser(Machine& machine);
  void StopMachine(Machine& machine);
  void DieFromWithin(Machine& machine);
  void StartAgain(Machine& machine, absl::Duration after);
  void Inject(const SimFault& fault);
  bool Fail(const SimFault& fault, Machine& machine);
  // What is done to nodes on purpose (sim_cluster_nodes.cc). False: there was nobody to do it to.
  bool Manage(const SimFault& fault, Machine& machine);
  bool Revoke(const SimFault& fault, Machine& machine);
  void Forget(const SimFault& fault, Machine& machine);
  void JumpClocks(const SimFault& fault);
  void GiveToken(Machine& machine);
  void TellKeys();
  void UseKey(Machine& machine);
  PeerKey SchedulerKey() const { return Find("scheduler").key; }
  void AskTool(wire::NodeRequest request, int tries);
  void CheckTool(Machine& machine);
  void EndRecrawls();
  void CheckScheduler(Machine& machine);
  void CheckFetcher(Machine& machine);
  void CheckStopped(Machine& machine, bool node_stopped);
  void CheckHears(Machine& machine, bool hears);
  void CheckEnd();
  void CheckLedgerAtEnd(const SchedulerNode& scheduler);
  void CheckSetAtEnd();
  void CheckPoisonAtEnd();
  void CheckDurableEnd();
  uint64_t CountRefetches() const;
  bool StillRuns();
  std::string Dump();
  SimReport Report();

  SimOptions options_;
  SimClock clock_;
  SyntheticWeb web_;
  SimNetwork network_;
  std::unique_ptr<Random> random_;
  MemoryDisk scheduler_disk_;
  std::shared_ptr<const PublicSuffixes> suffixes_;  // shared: as the scheduler's constructor wants it
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<std::unique_ptr<Machine>> tools_;
  NodeKeys keys_;
  std::array<uint64_t, SimFault::kKinds> happened_{};
  std::unique_ptr<SimObserver> observer_;
  bool stopped_ = false;
  uint64_t last_progress_ = 0;
  absl::Time last_progress_at_;
  uint64_t restarts_ = 0;
  uint64_t schedulers_ = 0;                       // lives of the scheduler
  std::map<std::string, uint64_t> deaths_;        // by the page that was read
  absl::Duration start_again_after_;
  absl::Time scheduler_began_;
  uint64_t failed_openings_ = 0;
  std::string dump_;
};

}  // namespace weft::test
