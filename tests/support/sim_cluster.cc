#include "tests/support/sim_cluster.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/crawl_key.h"
#include "tests/support/sim_kv.h"

namespace weft::test {
namespace {

// Whatever happens, a node that lives and whose token holds is registered again within this time.
constexpr absl::Duration kRegistersWithin = absl::Minutes(5);
// How long a process that ended by itself stays down.
constexpr absl::Duration kSupervisor = absl::Seconds(5);
constexpr const char* kControl = "sim://scheduler/control";

std::string PagesEndpoint(const std::string& machine) { return fmt::format("sim://{}/pages", machine); }

// The real extractor, but it takes its parser with it where a page is marked as poison.
class MortalExtractor : public LinkExtractor {
 public:
  explicit MortalExtractor(absl::AnyInvocable<void()> die) : die_(std::move(die)), real_(NewGumboExtractor()) {}
  ExtractedPage Extract(const Input& input) override {
    if (input.html.find(kPoisonMark) != std::string_view::npos) die_();
    return real_->Extract(input);
  }

 private:
  absl::AnyInvocable<void()> die_;
  std::unique_ptr<LinkExtractor> real_;
};

}  // namespace

class SimCluster::Fetching : public FetcherParts {
 public:
  Fetching(SimCluster& cluster, Machine& machine) : cluster_(cluster), machine_(machine) {}

  absl::StatusOr<std::unique_ptr<Transport>> MakeTransport(const wire::CrawlSettings& settings) override {
    SimTransportOptions options;
    options.timeout = absl::Microseconds(settings.timeout_us());
    return std::make_unique<SimTransport>(cluster_.clock_, *machine_.clock, machine_.process->life(), machine_.name,
                                          cluster_.web_, cluster_.observer_.get(), cluster_.random_->Next(), options,
                                          Enter());
  }
  absl::StatusOr<std::unique_ptr<Resolver>> MakeResolver(const wire::CrawlSettings&) override {
    return std::make_unique<SimResolver>(cluster_.clock_, machine_.process->life(), cluster_.web_,
                                         cluster_.random_->Next(), Enter());
  }

 private:
  EnterNode Enter() {
    return [process = machine_.process.get()](absl::AnyInvocable<void()> event) { process->Enter(std::move(event)); };
  }

  SimCluster& cluster_;
  Machine& machine_;
};

class SimCluster::Parsing : public ParserParts {
 public:
  Parsing(SimCluster& cluster, Machine& machine) : cluster_(cluster), machine_(machine) {}

  absl::StatusOr<std::unique_ptr<PageStore>> MakeStore(const wire::CrawlIdentity&, const wire::CrawlSettings&) override {
    return std::make_unique<SimPageStore>(*machine_.pages);
  }
  std::unique_ptr<LinkExtractor> MakeExtractor(const wire::CrawlSettings&) override {
    return std::make_unique<MortalExtractor>([this] { cluster_.DieFromWithin(machine_); });
  }
  absl::StatusOr<std::unique_ptr<StoredPages>> OpenStoredPages(absl::Time) override {
    return absl::FailedPreconditionError("no simulated CrawlDb loses what was synced");
  }
  uint32_t CrashesOn(const std::string& key) override {
    auto it = machine_.crashes.find(key);
    return it == machine_.crashes.end() ? 0 : it->second;
  }
  std::map<std::string, uint32_t> Blamed() override { return machine_.crashes; }
  void NameCurrentPage(const std::string& key) override {
    if (!machine_.process->dead()) machine_.current_page = key;
  }

 private:
  SimCluster& cluster_;
  Machine& machine_;
};

SimCluster::Machine::~Machine() = default;

SimCluster::SimCluster(const SimOptions& options)
    : options_(options),
      web_(options.seed, options.web),
      network_(clock_, options.seed + 1),
      random_(SeededRandom(options.seed + 2)),
      suffixes_(PublicSuffixes::Load().value()) {
  std::vector<std::string> names{"scheduler"};
  for (int i = 0; i < options_.fetchers; ++i) names.push_back(fmt::format("fetcher-{}", i));
  for (int i = 0; i < options_.parsers; ++i) names.push_back(fmt::format("parser-{}", i));
  std::vector<const SimPageDisk*> disks;
  for (const std::string& name : names) {
    auto machine = MakeMachine(name);
    if (name.starts_with("parser")) {
      machine->pages = std::make_unique<SimPageDisk>(clock_, random_->NextId());
      disks.push_back(machine->pages.get());
    }
    machines_.push_back(std::move(machine));
    if (options_.keys) GiveToken(*machines_.back());
  }
  ObserverTerms terms;
  terms.delay = absl::Microseconds(options_.settings.delay_us());
  terms.host_connections = std::max<uint32_t>(1, options_.settings.host_connections());
  terms.lease = options_.scheduler.lease;
  terms.ignore_robots = options_.settings.ignore_robots();
  if (options_.settings.body_memory_bytes() > 0) {
    // Beyond it only the oldest one grows; robots.txt files have a bound of their own.
    terms.body_memory = options_.settings.body_memory_bytes() +
                        std::max<uint64_t>(options_.settings.max_body_bytes(), 1 << 20) + kMaxPayloadBytes;
  }
  terms.refused_cap = options_.refused_cap;
  // Whoever stops a crawl begins new sessions.
  terms.faultless = options_.faultless && options_.recrawl_for == absl::ZeroDuration();
  terms.lossless = !options_.keys;
  terms.trace = options_.trace;
  observer_ = std::make_unique<SimObserver>(clock_, web_, terms, std::move(disks));
  observer_->SetRoutes(options_.settings, options_.tags);
  network_.SetFaults(options_.network);
  network_.SetTap(observer_.get());
}

SimCluster::~SimCluster() {
  network_.SetTap(nullptr);
  for (auto& tool : tools_) tool->process.reset();
  for (auto& machine : machines_) machine->process.reset();
}

std::unique_ptr<SimCluster::Machine> SimCluster::MakeMachine(const std::string& name) {
  auto machine = std::make_unique<Machine>();
  machine->name = name;
  machine->clock = std::make_unique<SimNodeClock>(
      clock_, absl::Seconds(static_cast<int64_t>(random_->Below(10'000'000))),
      absl::Seconds(1'700'000'000 + static_cast<int64_t>(random_->Below(600))), static_cast<int64_t>(random_->Below(200)) - 100);
  return machine;
}

SimCluster::Machine& SimCluster::Find(const std::string& name) const {
  for (const auto& machine : machines_) {
    if (machine->name == name) return *machine;
  }
  return *machines_.front();
}

void SimCluster::StartMachine(Machine& machine) {
  if (machine.process || stopped_ || machine.gone) return;
  machine.process = std::make_unique<SimProcess>(clock_, network_, machine.name, *machine.clock, random_->Next(), options_.pool);
  if (options_.keys) machine.process->bus().UseKey(machine.key, options_.watches_frames);
  observer_->OnProcess(machine.process->life(), machine.name, *machine.clock);
  machine.heard = clock_.Now();
  if (machine.name == "scheduler") return StartScheduler(machine);
  if (machine.name.starts_with("fetcher")) return StartFetcher(machine);
  StartParser(machine);
}

void SimCluster::StartMachineAfter(Machine& machine, absl::Duration after) {
  clock_.After(after, kWorld, [this, &machine] { StartMachine(machine); });
}

void SimCluster::StartScheduler(Machine& machine) {
  SimProcess& process = *machine.process;
  scheduler_began_ = clock_.Now();
  ++schedulers_;
  auto kv = OpenMemoryKv(scheduler_disk_);
  observer_->commits().OnReopened(*kv);
  CrawlDbOptions db_options;
  db_options.create.set_public_suffix_version(suffixes_->version());
  db_options.create.set_canonicaliser_version(kCanonicaliserVersion);
  db_options.refused_cap_per_host = options_.refused_cap;
  db_options.hosts_in_memory = options_.hosts_in_memory;
  db_options.window = options_.scheduler.frontier.window;
  auto db = CrawlDb::Open(std::make_unique<SimKv>(std::move(kv), *observer_), db_options, process.random());
  if (!db.ok()) return OpenAgain(machine, db.status());
  auto recount = (*db)->Recount();
  if (!recount.ok() || !recount->AddsUp() || recount->discovered != (*db)->ledger().discovered ||
      recount->pending != (*db)->ledger().pending || recount->done != (*db)->ledger().done) {
    observer_->violations().Add("ledger", "after opening the store the ledger is not what its records add up to");
  }
  process.bus().Bind(kControl);
  auto node = std::make_unique<SchedulerNode>(options_.scheduler, options_.settings, *std::move(db), suffixes_,
                                              *machine.clock, process.random(), process.bus(), process.pool(), *observer_);
  machine.scheduler = node.get();
  if (options_.keys) {
    observer_->keys().OnKeysTaken(keys_);
    node->SetKeys(keys_);
  }
  process.set_after_turn([this, &machine] { CheckScheduler(machine); });
  process.Run(std::move(node), [this, &machine] { machine.scheduler->AddSeeds(web_.SeedUrls()); });
}

// An error may strike while the store is being opened, too: it is opened again.
void SimCluster::OpenAgain(Machine& machine, const absl::Status& status) {
  observer_->Note("the CrawlDb does not open: " + std::string(status.message()));
  if (++failed_openings_ > 3 * options_.faults.size()) {
    observer_->violations().Add("open", "the CrawlDb does not open: {}", std::string(status.message()));
    stopped_ = true;
  }
  clock_.After(absl::ZeroDuration(), kWorld, [this, &machine] {
    StopMachine(machine);
    scheduler_disk_.Crash(*random_);
    clock_.After(absl::Seconds(1), kWorld, [this, &machine] { StartMachine(machine); });
  });
}

void SimCluster::StartFetcher(Machine& machine) {
  SimProcess& process = *machine.process;
  machine.fetching = std::make_unique<Fetching>(*this, machine);
  FetcherOptions options;
  options.name = options.machine = machine.name;
  options.scheduler_endpoint = kControl;
  options.scheduler_key = SchedulerKey();
  options.process = process.life();
  if (auto tags = options_.tags.find(machine.name); tags != options_.tags.end()) options.tags = tags->second;
  auto node = std::make_unique<FetcherNode>(options, *machine.fetching, *machine.clock, process.random(), process.bus());
  machine.fetcher = node.get();
  process.set_after_turn([this, &machine] { CheckFetcher(machine); });
  process.Run(std::move(node));
}

void SimCluster::StartParser(Machine& machine) {
  SimProcess& process = *machine.process;
  if (!machine.current_page.empty()) ++machine.crashes[machine.current_page];
  machine.current_page.clear();
  machine.parsing = std::make_unique<Parsing>(*this, machine);
  ParserOptions options;
  options.name = options.machine = machine.name;
  options.scheduler_endpoint = kControl;
  options.scheduler_key = SchedulerKey();
  options.process = process.life();
  options.pages_endpoint = PagesEndpoint(machine.name);
  options.pages_path = "/pages/" + machine.name;
  options.public_suffix_version = suffixes_->version();
  options.credit_items = options_.credit_items;
  options.credit_bytes = options_.credit_bytes;
  process.bus().Bind(options.pages_endpoint);
  auto node = std::make_unique<ParserNode>(options, *machine.parsing, machine.pages->pages_dir_id(), *machine.clock,
                                           process.random(), process.bus(), process.pool());
  machine.parser = node.get();
  process.set_after_turn([this, &machine] {
    if (machine.parser == nullptr) return;
    CheckStopped(machine, machine.parser->stopped());
    CheckHears(machine, machine.parser->hears_scheduler());
  });
  process.Run(std::move(node));
}

void SimCluster::StopMachine(Machine& machine) {
  if (!machine.process) return;
  observer_->OnProcessGone(machine.process->life(), machine.name);
  machine.scheduler = nullptr;
  machine.fetcher = nullptr;
  machine.parser = nullptr;
  machine.tool = nullptr;
  machine.restarting = false;
  machine.process.reset();
}

void SimCluster::DieFromWithin(Machine& machine) {
  if (machine.process->dead()) return;
  observer_->Note(machine.name + " dies of a page");
  ++deaths_[machine.current_page];
  machine.process->Die();
  ++restarts_;
  clock_.After(absl::ZeroDuration(), kWorld, [this, &machine] {
    StopMachine(machine);
    clock_.After(absl::Seconds(1), kWorld, [this, &machine] { StartMachine(machine); });
  });
}

void SimCluster::Inject(const SimFault& fault) {
  if (stopped_) return;
  observer_->Note(Describe(fault));
  Machine& machine = Find(fault.machine);
  const bool managed = fault.kind >= SimFault::Kind::kRevoke;
  if (managed ? Manage(fault, machine) : Fail(fault, machine)) ++happened_[static_cast<size_t>(fault.kind)];
}

// False: there was nobody to fail.
bool SimCluster::Fail(const SimFault& fault, Machine& machine) {
  switch (fault.kind) {
    case SimFault::Kind::kCrash:
    case SimFault::Kind::kPowerCut:
      if (!machine.process) return false;
      StopMachine(machine);
      ++restarts_;
      if (fault.kind == SimFault::Kind::kPowerCut && fault.machine == "scheduler") scheduler_disk_.Crash(*random_);
      if (fault.kind == SimFault::Kind::kPowerCut && machine.pages) machine.pages->Crash(*random_);
      StartMachineAfter(machine, fault.length);
      return true;
    case SimFault::Kind::kPause:
      if (machine.process) clock_.Pause(machine.process->life(), fault.length);
      return machine.process != nullptr;
    case SimFault::Kind::kPart:
      network_.Part(fault.machine, fault.other, fault.length);
      return true;
    case SimFault::Kind::kKvWriteError:
      scheduler_disk_.FailWrite(1 + random_->Below(3), random_->Below(2) == 0 ? MemoryDisk::FailedBatch::kLost
                                                                              : MemoryDisk::FailedBatch::kKept);
      return true;
    case SimFault::Kind::kKvSyncError:
      scheduler_disk_.FailSync(1);
      return true;
    case SimFault::Kind::kDiskFull:
      if (machine.pages) machine.pages->FullFor(fault.length);
      return machine.pages != nullptr;
    case SimFault::Kind::kStop:
      if (machine.scheduler == nullptr) return false;
      start_again_after_ = fault.length;
      observer_->OnStopTold();
      machine.process->Enter([&machine] {
        if (machine.scheduler != nullptr) machine.scheduler->Stop(StopReason::kInterrupted);
      });
      return true;
    case SimFault::Kind::kPageSyncError:
      if (machine.pages) machine.pages->FailNextSync();
      return machine.pages != nullptr;
    default: return false;
  }
}

// A crawl with recrawls does not end by itself: its user stops it, and goes on without them.
void SimCluster::EndRecrawls() {
  options_.settings.set_recrawl(false);
  Inject({.kind = SimFault::Kind::kStop, .at = {}, .machine = "scheduler", .other = {}, .length = absl::Seconds(1)});
}

// The user has stopped the crawl and starts it again later.
void SimCluster::StartAgain(Machine& machine, absl::Duration after) {
  observer_->Note("the scheduler has stopped as it was told to");
  machine.scheduler = nullptr;
  clock_.After(absl::ZeroDuration(), kWorld, [this, &machine, after] {
    StopMachine(machine);
    clock_.After(after, kWorld, [this, &machine] { StartMachine(machine); });
  });
}

void SimCluster::CheckScheduler(Machine& machine) {
  if (machine.scheduler == nullptr) return;
  if (machine.scheduler->stopped() && machine.scheduler->stop_reason() == StopReason::kInterrupted) {
    return StartAgain(machine, start_again_after_);
  }
  if (machine.scheduler->stopped()) {
    stopped_ = true;
    return;
  }
  observer_->commits().OnLedger(machine.scheduler->db().ledger());
  if (machine.scheduler->health().ok()) return;
  // Its owner throws it away and opens the store again (rule 4); not within its own turn.
  observer_->Note("the scheduler's store has failed: " + std::string(machine.scheduler->health().message()));
  machine.scheduler = nullptr;
  ++restarts_;
  clock_.After(absl::ZeroDuration(), kWorld, [this, &machine] {
    StopMachine(machine);
    scheduler_disk_.Crash(*random_);
    clock_.After(absl::Seconds(1), kWorld, [this, &machine] { StartMachine(machine); });
  });
}

// A node that has ended, as told by a scheduler that failed before it had ended itself, is started again by whoever
// runs it; one that was asked to leave when that one wants it back.
void SimCluster::CheckStopped(Machine& machine, bool node_stopped) {
  if (!node_stopped || machine.restarting) return;
  machine.restarting = true;
  clock_.After(absl::ZeroDuration(), kWorld, [this, &machine] {
    StopMachine(machine);
    machine.gone = machine.gone || machine.rests_for_good;
    const absl::Duration rest = std::exchange(machine.rest, absl::ZeroDuration());
    StartMachineAfter(machine, rest > absl::ZeroDuration() ? rest : kSupervisor);
  });
}

void SimCluster::CheckHears(Machine& machine, bool hears) {
  if (hears || Find("scheduler").scheduler == nullptr || (options_.keys && keys_[machine.key].revoked)) machine.heard = clock_.Now();
  if (clock_.Now() - std::max(machine.heard, scheduler_began_) <= kRegistersWithin) return;
  observer_->violations().Add("registered", "{} lives and has not been registered for {}", machine.name,
                              absl::FormatDuration(kRegistersWithin));
  machine.heard = clock_.Now();
}

void SimCluster::CheckFetcher(Machine& machine) {
  if (machine.fetcher == nullptr) return;
  CheckStopped(machine, machine.fetcher->stopped());
  CheckHears(machine, machine.fetcher->hears_scheduler());
  FetcherNode::Counters counters = machine.fetcher->counters();
  uint64_t bound = options_.settings.body_memory_bytes() + options_.settings.max_body_bytes() +
                   uint64_t{options_.settings.connections()} * kMaxPayloadBytes;
  if (options_.settings.body_memory_bytes() > 0 && counters.held_bytes > bound) {
    observer_->violations().Add("memory", "{} holds {} bytes of pages, {} are allowed", machine.name,
                                counters.held_bytes, bound);
  }
}

bool SimCluster::StillRuns() {
  if (stopped_ || observer_->violations().count() >= 20) return false;
  if (observer_->progress() != last_progress_) {
    last_progress_ = observer_->progress();
    last_progress_at_ = clock_.Now();
  }
  std::string why;
  if (clock_.events() > options_.event_limit) why = "too many events";
  if (clock_.Now() - absl::UnixEpoch() > options_.time_limit) why = "the time limit has passed";
  if (clock_.Now() - last_progress_at_ > options_.stuck_after) why = "nothing goes on";
  for (auto& machine : machines_) {
    if (machine->process && machine->process->hot_wakes() > 100'000) why = machine->name + " spins";
  }
  if (why.empty()) return true;
  observer_->violations().Add("stuck", "{}", why);
  dump_ = Dump();
  return false;
}

SimReport SimCluster::Run() {
  for (auto& machine : machines_) {
    clock_.After(absl::Milliseconds(static_cast<int64_t>(random_->Below(3000))), kWorld,
                 [this, m = machine.get()] { StartMachine(*m); });
  }
  for (const SimFault& fault : options_.faults) {
    clock_.At(absl::UnixEpoch() + fault.at, kWorld, [this, fault] { Inject(fault); });
  }
  if (options_.recrawl_for > absl::ZeroDuration()) {
    clock_.At(absl::UnixEpoch() + options_.recrawl_for, kWorld, [this] { EndRecrawls(); });
  }
  last_progress_at_ = clock_.Now();
  while (StillRuns() && clock_.RunNext()) {
  }
  CheckEnd();
  return Report();
}

}  // namespace weft::test
