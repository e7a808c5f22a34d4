// What a scheduler costs with more and more nodes, and how many it can feed:
//   scale_bench --nodes N --pages N --dir DIR [--connections N] [--seed N]
// prints one JSON object. The scheduler is the real one over the real store. N played workers, each a fetcher and a parser with a
// session of its own, speak the real messages with it: registrations, heartbeats, leases, top-ups, releases, results of 60 links of
// which 85% are known. Time is virtual: a fetch takes 100 ms, a message 0.5 ms, a sync 5 ms; and what the scheduler's thread takes
// of its CPU passes in that time too, so that it is a core of its own that answers no faster than it can. Frames are serialised and
// parsed on that thread, as its socket does; libzmq's own work is not counted. The first quarter of the pages is not measured.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/status.h"
#include "scheduler/scheduler_node.h"
#include "storage/rocks_kv.h"
#include "tests/bench/played_worker.h"

namespace weft {
namespace {

constexpr absl::Duration kSync = absl::Milliseconds(5);     // of the CrawlDb
constexpr absl::Duration kWatch = absl::Milliseconds(100);  // the scheduler's process looks at its status so often
constexpr uint64_t kHosts = 8192;
constexpr uint64_t kPagesBefore = 5000;                     // whose links wait when it begins

double ThreadSeconds() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

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
    const std::deque<std::pair<PeerId, std::string>> inbox = std::exchange(inbox_, {});
    std::vector<absl::AnyInvocable<void()>> done = std::exchange(done_, {});
    const double begun = ThreadSeconds();
    for (auto& one : done) one();
    for (const auto& [from, bytes] : inbox) {
      Message message;
      if (!message.frame.ParseFromString(bytes)) Die("a frame cannot be read");
      node_->OnMessage(from, std::move(message));
    }
    node_->OnTick();
    if (events_.now() >= watched_ + kWatch) {
      watched_ = events_.now();
      status_ = node_->Status();
      bound_ = node_->PoliteBound();
    }
    const double took = ThreadSeconds() - begun;
    cpu_ += took;
    busy_until_ = events_.now() + absl::Seconds(took);
    if (!node_->health().ok()) Die(ErrorText(node_->health()));
    events_.At(busy_until_ + kTransit, [this, sent = std::exchange(sent_, {})] {
      for (const auto& [to, bytes] : sent) deliver_(to, bytes);
    });
    RunSyncs();
    Wake(std::min(node_->NextWake(), events_.now() + kWatch));
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
  std::printf("%s\n", weft::Bench(directory, seed, nodes, connections).Run(pages).dump().c_str());
  std::filesystem::remove_all(directory);
  return 0;
}
