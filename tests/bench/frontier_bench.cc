// How fast the scheduler's store answers whether links are known, and what that costs:
//   frontier_bench --urls N --dir DIR [--hosts N] [--memory BYTES] [--seed N]
// prints one JSON object. DIR is emptied. The store is filled with new URLs (the front page of every host first, where their
// number is given), then links of which 85% are known are admitted
// through CrawlDb::Admit, 32 pages a call, as the scheduler does when results wait for it. CPU is that of the
// calling thread, from fingerprints on; what RocksDB's threads and the writing of snapshots cost a new URL is averaged over
// the whole run, since compactions come in waves.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/status.h"
#include "scheduler/frontier.h"
#include "storage/rocks_kv.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/link_workload.h"

namespace weft {
namespace {

namespace fs = std::filesystem;
constexpr double kKnownShare = 0.85;
constexpr int kPagesOfCall = 32;
constexpr uint64_t kMeasuredUrls = 2'000'000;
constexpr uint64_t kAloneChecks = 400'000;
constexpr int kLeases = 20'000;

// Private memory of the process that is in RAM.
double AnonymousBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::strtod(line.c_str() + 8, nullptr) * 1024;
  }
  return 0;
}

double BytesBelow(const std::string& directory) {
  double bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  }
  return bytes;
}

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::cerr << "frontier_bench: " << ErrorText(value.status()) << "\n";
    std::exit(1);
  }
  return *std::move(value);
}
void Must(const absl::Status& status) { Must(status.ok() ? absl::StatusOr<bool>(true) : absl::StatusOr<bool>(status)); }

struct Options {
  uint64_t urls = 1'000'000;
  uint64_t hosts = 0;
  uint64_t memory = 0;
  uint64_t seed = 1;
  std::string directory;
};

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options), workload_(options.seed, options.hosts != 0 ? options.hosts : options.urls / 100) {}

  nlohmann::json Run() {
    const double memory_before = AnonymousBytes();
    Open(options_.memory);
    const uint64_t measured = std::min(kMeasuredUrls, options_.urls / 2);
    const double process_before = ProcessSeconds();
    const double thread_before = ThreadSeconds();
    if (options_.hosts != 0) AdmitFrontPages();
    Admit(options_.urls - measured, 0);
    const Spent filled = spent_;
    Admit(options_.urls, kKnownShare);
    const double checks = static_cast<double>(spent_.checks - filled.checks);
    const double cpu = spent_.cpu - filled.cpu;
    const double background = ProcessSeconds() - process_before - (ThreadSeconds() - thread_before) + snapshots_;
    const double all_cpu = cpu + background / Urls() * static_cast<double>(spent_.added - filled.added);
    out_["urls"] = workload_.found();
    out_["hosts"] = workload_.hosts();
    out_["checks_per_cpu_s"] = checks / cpu;
    out_["checks_per_total_cpu_s"] = checks / all_cpu;
    out_["new_urls_per_cpu_s"] = static_cast<double>(filled.checks) / filled.cpu;
    out_["reads_per_check"] = static_cast<double>(spent_.reads - filled.reads) / checks;
    out_["ram_bytes_per_url"] = (AnonymousBytes() - memory_before) / Urls();
    out_["seen_bytes_per_url"] = static_cast<double>(db_->seen()->memory_bytes()) / Urls();
    out_["exact_in_memory"] = db_->seen()->complete();
    out_["lease_p99_us"] = LeaseMicros();
    Must(db_->Sync());
    db_.reset();
    out_["disk_bytes_per_url"] = BytesBelow(options_.directory) / Urls();
    out_["text_bytes_per_url"] = static_cast<double>(workload_.text_bytes()) / Urls();
    const absl::Time begun = SystemClock().SteadyNow();
    Open(options_.memory);
    out_["reopen_s"] = absl::ToDoubleSeconds(SystemClock().SteadyNow() - begun);
    db_.reset();
    out_["rocksdb_checks_per_s"] = RocksAlone();
    return out_;
  }

 private:
  struct Spent {
    uint64_t checks = 0;
    uint64_t added = 0;
    uint64_t reads = 0;
    double cpu = 0;
  };
  double Urls() const { return static_cast<double>(workload_.found()); }

  void Open(uint64_t memory) {
    auto kv = Must(OpenRocksKv({.path = options_.directory + "/crawl.db"}));
    CrawlDbOptions options;
    options.seen_memory_bytes = memory;
    options.seen_path = options_.directory + "/crawl.seen";
    db_ = Must(CrawlDb::Open(std::move(kv), options, *random_));
  }

  // Admits pages until `urls` are found.
  void Admit(uint64_t urls, double known_share) {
    std::vector<Candidate> links;
    while (workload_.found() < urls) {
      links.clear();
      const uint64_t found = workload_.found();
      for (int page = 0; page < kPagesOfCall && workload_.found() < urls; ++page) workload_.AddPage(known_share, links);
      AdmitLinks(links, found);
    }
  }
  void AdmitFrontPages() {
    std::vector<Candidate> links;
    for (uint64_t host = 0; host < workload_.hosts();) {
      links.clear();
      const uint64_t found = workload_.found();
      host = workload_.AddFrontPages(host, kPagesOfCall * LinkWorkload::kLinksOfPage, links);
      AdmitLinks(links, found);
    }
  }
  // `found`: how many URLs there were before them.
  void AdmitLinks(const std::vector<Candidate>& links, uint64_t found) {
    const uint64_t reads = db_->seen_reads();
    const double begun = ThreadSeconds();
    const std::vector<Admission> answers = Must(db_->Admit(links, 1));
    db_->TakeLowestInserts();   // as the frontier does after every call
    CrawlDb::SeenWork snapshot = db_->SeenSaveDue() ? db_->NextSeenPiece() : nullptr;
    spent_.cpu += ThreadSeconds() - begun;
    spent_.checks += links.size();
    spent_.added += workload_.found() - found;
    spent_.reads += db_->seen_reads() - reads;
    const auto queued = static_cast<uint64_t>(std::count(answers.begin(), answers.end(), Admission::kQueued));
    if (queued != workload_.found() - found) Must(Internal("{} links were queued, {} were new", queued, workload_.found() - found));
    if (snapshot != nullptr) Save(snapshot);
    Tell();
  }
  // A hundred million URLs take a quarter of an hour.
  void Tell() {
    const absl::Time now = SystemClock().SteadyNow();
    if (now - told_ < absl::Seconds(10)) return;
    told_ = now;
    std::fprintf(stderr, "frontier_bench: %llu of %llu URLs\n", static_cast<unsigned long long>(workload_.found()),
                 static_cast<unsigned long long>(options_.urls));
  }
  // A pool's thread does this in a crawl.
  void Save(CrawlDb::SeenWork& snapshot) {
    const double begun = ThreadSeconds();
    const absl::Status written = snapshot();
    snapshots_ += ThreadSeconds() - begun;
    if (!Must(db_->SeenPieceWritten(written))) return;
    Must(db_->Sync());
    Must(db_->OldSeenRemoval()());
  }

  // From "who is next" to a batch of its URLs, with every host ready.
  double LeaseMicros() {
    Frontier frontier(*db_);
    frontier.Load(0);
    std::vector<double> micros;
    for (int i = 0; i < kLeases; ++i) {
      const absl::Time begun = SystemClock().SteadyNow();
      FrontierHost* host = frontier.NextReady(1);
      if (host == nullptr) break;
      FrontierOrigin* origin = Must(frontier.PickOrigin(*host, 1));
      if (origin == nullptr) continue;
      if (Must(frontier.Take(*host, *origin, 8)).empty()) Must(Internal("a ready host had no URL"));
      frontier.MarkBusy(*host);
      micros.push_back(absl::ToDoubleMicroseconds(SystemClock().SteadyNow() - begun));
    }
    if (micros.empty()) return 0;
    std::sort(micros.begin(), micros.end());
    return micros[micros.size() * 99 / 100];
  }

  // The same store and the same links without the set: one look-up a link.
  double RocksAlone() {
    Open(0);
    const Spent before = spent_;
    while (spent_.checks - before.checks < kAloneChecks) Admit(workload_.found() + 1, kKnownShare);
    const double rate = static_cast<double>(spent_.checks - before.checks) / (spent_.cpu - before.cpu);
    db_.reset();
    return rate;
  }

  const Options options_;
  LinkWorkload workload_;
  std::unique_ptr<Random> random_ = SeededRandom(7);
  std::unique_ptr<CrawlDb> db_;
  Spent spent_;
  absl::Time told_ = SystemClock().SteadyNow();
  double snapshots_ = 0;   // CPU seconds
  nlohmann::json out_;
};

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  using namespace weft;
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view word = argv[i];
    const char* value = argv[i + 1];
    if (word == "--urls") options.urls = std::strtoull(value, nullptr, 10);
    if (word == "--hosts") options.hosts = std::strtoull(value, nullptr, 10);
    if (word == "--memory") options.memory = std::strtoull(value, nullptr, 10);
    if (word == "--seed") options.seed = std::strtoull(value, nullptr, 10);
    if (word == "--dir") options.directory = value;
  }
  if (options.directory.empty() || options.urls < 1000 || options.urls < 2 * options.hosts) {
    std::cerr << "frontier_bench --urls N --dir DIR [--hosts N] [--memory BYTES] [--seed N]\n";
    return 2;
  }
  // 24 bytes a URL is the goal, for everything.
  if (options.memory == 0) options.memory = std::max<uint64_t>(64 << 20, options.urls * 24);
  std::filesystem::remove_all(options.directory);
  std::filesystem::create_directories(options.directory);
  std::printf("%s\n", Bench(options).Run().dump().c_str());
  std::filesystem::remove_all(options.directory);
  return 0;
}
