// What a scheduler costs with more and more nodes, and how many it can feed:
//   scale_bench --nodes N --pages N --dir DIR [--connections N] [--seed N]
// prints one JSON object. The scheduler is the real one over the real store. N played workers, each a fetcher and a parser with a
// session of its own, speak the real messages with it: registrations, heartbeats, leases, top-ups, releases, results of 60 links of
// which 85% are known. Time is virtual: a fetch takes 100 ms, a message 0.5 ms, a sync 5 ms; and what the scheduler's thread takes
// of its CPU passes in that time too: it is a core of its own, here as well, that answers no faster than it can, and takes no more
// messages in a turn than its bus hands it. It serialises and parses frames, as its socket does; libzmq's own work is not counted.
// The first quarter of the pages is not measured.
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/functional/function_ref.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/status.h"
#include "common/zmq_bus.h"
#include "scheduler/scheduler_node.h"
#include "storage/rocks_kv.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/played_worker.h"

namespace weft {
namespace {

constexpr absl::Duration kSync = absl::Milliseconds(5);     // of the CrawlDb
constexpr absl::Duration kWatch = absl::Milliseconds(100);  // the scheduler's process looks at its status so often
constexpr uint64_t kHosts = 8192;
constexpr uint64_t kPagesBefore = 5000;                     // whose links wait when it begins

void StayOn(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) Die("needs two processors");
}

// The scheduler's own core: what the played workers do elsewhere must not turn its caches over. Whoever calls Run waits.
class OwnCore {
 public:
  OwnCore() : thread_([this] { Work(); }) {}
  ~OwnCore() {
    over_ = true;
    thread_.join();
  }
  OwnCore(const OwnCore&) = delete;
  OwnCore& operator=(const OwnCore&) = delete;

  // CPU seconds that it took.
  double Run(absl::FunctionRef<void()> run) {
    run_ = &run;
    turn_ = true;
    while (turn_) std::this_thread::yield();
    return took_;
  }

 private:
  void Work() {
    pthread_setname_np(pthread_self(), "own-core");
    StayOn(1);
    while (!over_) {
      if (!turn_) {
        std::this_thread::yield();
        continue;
      }
      const double begun = ThreadSeconds();
      (*run_)();
      took_ = ThreadSeconds() - begun;
      turn_ = false;
    }
  }

  absl::FunctionRef<void()>* run_ = nullptr;
  double took_ = 0;
  std::atomic<bool> turn_ = false;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

class QuietObserver : public SchedulerObserver {
 public:
  void OnUrlEnd(const UrlEnd&) override {}
  void OnNotice(const std::string&) override {}
};

// ---- the scheduler, and its socket and disk as it sees them ----

class Scheduler : public SchedulersEar, private Bus, private WorkPool {
 public:
  using Deliver = absl::AnyInvocable<void(const PeerId& to, const std::string& bytes)>;

  Scheduler(const std::string& directory, Events& events, Deliver deliver) : events_(events), deliver_(std::move(deliver)) {
    auto kv = OpenRocksKv({.path = directory + "/crawl.db"});
    if (!kv.ok()) Die(ErrorText(kv.status()));
    CrawlDbOptions db_options;
    db_options.seen_memory_bytes = 256 << 20;
    auto db = CrawlDb::Open(*std::move(kv), db_options, *random_);
    if (!db.ok()) Die(ErrorText(db.status()));
    wire::CrawlSettings settings;
    settings.set_scope("any");
    settings.set_scope_version(1);
    settings.set_host_connections(1);
    settings.set_domain_connections(1'000'000);
    SchedulerOptions options;
    options.nodes_die_with_us = true;
    node_ = std::make_unique<SchedulerNode>(options, settings, *std::move(db), *PublicSuffixes::Load(), events.clock(), *random_,
                                            static_cast<Bus&>(*this), static_cast<WorkPool&>(*this), observer_);
    node_->Start();
  }

  void AddSeeds(const std::vector<std::string>& urls) { node_->AddSeeds(urls); }
  void Hear(const PeerId& from, std::string bytes) override {
    inbox_.emplace_back(from, std::move(bytes));
    Wake(events_.now());
  }
  const SchedulerNode& node() const { return *node_; }
  double cpu() const { return cpu_; }
  // When what it has begun is over.
  absl::Time free_at() const { return std::max(events_.now(), busy_until_); }

 private:
  void Wake(absl::Time when) {
    when = std::max(when, busy_until_);
    if (when >= wake_) return;
    wake_ = when;
    events_.At(when, [this, when] {
      if (wake_ != when) return;
      wake_ = absl::InfiniteFuture();
      Turn();
    });
  }

  void Turn() {
    const size_t heard = std::min<size_t>(inbox_.size(), kMessagesPerPoll);
    std::vector<std::pair<PeerId, std::string>> inbox(std::make_move_iterator(inbox_.begin()),
                                                      std::make_move_iterator(inbox_.begin() + static_cast<ptrdiff_t>(heard)));
    inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<ptrdiff_t>(heard));
    std::vector<absl::AnyInvocable<void()>> done = std::exchange(done_, {});
    const double took = core_.Run([&] { Work(inbox, done); });
    cpu_ += took;
    busy_until_ = events_.now() + absl::Seconds(took);
    if (!node_->health().ok()) Die(ErrorText(node_->health()));
    events_.At(busy_until_ + kTransit, [this, sent = std::exchange(sent_, {})] {
      for (const auto& [to, bytes] : sent) deliver_(to, bytes);
    });
    RunSyncs();
    Wake(inbox_.empty() ? std::min(node_->NextWake(), events_.now() + kWatch) : events_.now());
  }

  // On its own core.
  void Work(std::vector<std::pair<PeerId, std::string>>& inbox, std::vector<absl::AnyInvocable<void()>>& done) {
    for (auto& one : done) one();
    for (auto& [from, bytes] : inbox) {
      Message message;
      if (!message.frame.ParseFromString(bytes)) Die("a frame cannot be read");
      node_->OnMessage(from, std::move(message));
    }
    node_->OnTick();
    if (events_.now() < watched_ + kWatch) return;
    watched_ = events_.now();
    status_ = node_->Status();
    bound_ = node_->PoliteBound();
  }

  void RunSyncs() {
    for (auto& [work, done] : std::exchange(jobs_, {})) {
      work();
      events_.At(busy_until_ + kSync, [this, end = std::move(done)]() mutable {
        done_.push_back(std::move(end));
        Wake(events_.now());
      });
    }
  }

  absl::StatusOr<PeerId> Connect(const std::string& endpoint) override { return endpoint; }
  void Disconnect(const PeerId&) override {}
  void Send(const PeerId& peer, const Message& message) override { sent_.emplace_back(peer, message.frame.SerializeAsString()); }
  bool Submit(absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> done) override {
    jobs_.emplace_back(std::move(work), std::move(done));
    return true;
  }

  Events& events_;
  Deliver deliver_;
  std::unique_ptr<Random> random_ = SeededRandom(7);
  QuietObserver observer_;
  std::unique_ptr<SchedulerNode> node_;
  std::deque<std::pair<PeerId, std::string>> inbox_;
  std::vector<std::pair<PeerId, std::string>> sent_;
  std::vector<absl::AnyInvocable<void()>> done_;
  std::vector<std::pair<absl::AnyInvocable<void()>, absl::AnyInvocable<void()>>> jobs_;
  absl::Time busy_until_ = absl::InfinitePast();
  absl::Time wake_ = absl::InfiniteFuture();
  absl::Time watched_ = absl::InfinitePast();
  wire::StatusReply status_;
  SchedulerNode::RateBound bound_;
  double cpu_ = 0;
  OwnCore core_;
};

// ---- the run ----

class Bench {
 public:
  Bench(const std::string& directory, uint64_t seed, uint64_t nodes, uint64_t connections)
      : workload_(seed, kHosts),
        scheduler_(directory, events_, [this](const PeerId& to, const std::string& bytes) { peers_.at(to)->Hear(bytes); }),
        connections_(connections) {
    std::vector<Candidate> links;
    workload_.AddFrontPages(0, kHosts, links);
    for (uint64_t i = 0; i < kPagesBefore; ++i) workload_.AddPage(kKnownShare, links);
    std::vector<std::string> urls;
    for (const Candidate& link : links) urls.push_back(link.url);
    scheduler_.AddSeeds(urls);
    for (uint64_t i = 0; i < nodes; ++i) {
      const std::string number = fmt::format("{}", i);
      parsers_.push_back(std::make_unique<PlayedParser>("p" + number, 1000 + i, events_, scheduler_, workload_));
      fetchers_.push_back(std::make_unique<PlayedFetcher>("f" + number, 100'000 + i, events_, scheduler_, *parsers_.back(), connections));
      peers_["p" + number] = parsers_.back().get();
      peers_["f" + number] = fetchers_.back().get();
      // Not all at one moment: their heartbeats stay apart.
      events_.After(kBeat * static_cast<double>(i) / static_cast<double>(nodes), [this, i] {
        parsers_[i]->Register(scheduler_.node().db().identity(), /*fetches=*/false);
        fetchers_[i]->Register(scheduler_.node().db().identity(), /*fetches=*/true);
      });
    }
  }

  nlohmann::json Run(uint64_t pages) {
    RunUntil(pages / 4);
    const absl::Time from = scheduler_.free_at();
    const double cpu_before = scheduler_.cpu();
    const uint64_t done_before = Done();
    RunUntil(pages);
    const double seconds = absl::ToDoubleSeconds(scheduler_.free_at() - from);
    const double cpu = scheduler_.cpu() - cpu_before;
    const auto measured = static_cast<double>(Done() - done_before);
    const LedgerCounts ledger = scheduler_.node().db().ledger();
    if (!ledger.AddsUp() || !ledger.failed.empty()) Die("the ledger does not add up");
    nlohmann::json out;
    out["nodes"] = fetchers_.size();
    out["connections_of_node"] = connections_;
    out["links_of_page"] = LinkWorkload::kLinksOfPage;
    out["pages_measured"] = Done() - done_before;
    out["urls"] = ledger.discovered;
    out["virtual_s"] = seconds;
    out["pages_per_virtual_s"] = measured / seconds;
    out["scheduler_cpu_ms_per_1000_pages"] = cpu * 1e6 / measured;
    out["scheduler_busy"] = cpu / seconds;
    out["pages_per_scheduler_core_s"] = measured / cpu;
    return out;
  }

 private:
  uint64_t Done() const { return scheduler_.node().db().ledger().done; }
  void RunUntil(uint64_t pages) {
    const absl::Time limit = events_.now() + absl::Hours(10);
    while (Done() < pages) {
      if (!events_.RunNext() || events_.now() > limit) Die(fmt::format("nothing goes on after {} pages", Done()));
    }
  }

  Events events_;
  LinkWorkload workload_;
  Scheduler scheduler_;
  uint64_t connections_;
  std::vector<std::unique_ptr<PlayedParser>> parsers_;
  std::vector<std::unique_ptr<PlayedFetcher>> fetchers_;
  std::map<PeerId, PlayedNode*> peers_;
};

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  uint64_t pages = 40'000;
  uint64_t seed = 1;
  uint64_t nodes = 1;
  uint64_t connections = 16;
  std::string directory;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view word = argv[i];
    if (word == "--pages") pages = std::strtoull(argv[i + 1], nullptr, 10);
    if (word == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (word == "--nodes") nodes = std::strtoull(argv[i + 1], nullptr, 10);
    if (word == "--connections") connections = std::strtoull(argv[i + 1], nullptr, 10);
    if (word == "--dir") directory = argv[i + 1];
  }
  if (directory.empty() || pages < 1000 || nodes < 1 || nodes > 2000 || connections < 1) {
    std::cerr << "scale_bench --nodes N --pages N --dir DIR [--connections N] [--seed N]\n";
    return 2;
  }
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  weft::StayOn(0);
  std::printf("%s\n", weft::Bench(directory, seed, nodes, connections).Run(pages).dump().c_str());
  std::filesystem::remove_all(directory);
  return 0;
}
