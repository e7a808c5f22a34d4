#include "tests/simulation/seed_runs.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/status.h"

namespace weft::test {
namespace {

constexpr int kProgressMs = 500;
constexpr size_t kShown = 20;   // failed seeds, and violations of each

// What the processes share: the next seed that nobody has begun, and which one each is at.
struct Board {
  std::atomic<uint64_t> next{0};
  std::array<std::atomic<uint64_t>, 256> at{};
};

struct Worker {
  pid_t pid = -1;
  int pipe = -1;
  std::string read;   // the beginning of a line
};

// The counts of a report, in one order.
template <typename Report, typename Visit>
void ForEachCount(Report& report, Visit visit) {
  for (auto& count : report.faults) visit(count);
  for (auto* count : {&report.requests, &report.refetches, &report.revokes, &report.registrations, &report.visits, &report.moves,
                      &report.restarts, &report.messages, &report.lost, &report.repeated, &report.refused, &report.drained,
                      &report.forgotten}) {
    visit(*count);
  }
}

std::string LineOf(const SimReport& report) {
  nlohmann::json line;
  line["seed"] = report.seed;
  line["summary"] = report.summary;
  line["keys"] = report.keys;
  line["failed"] = report.violation_count;
  nlohmann::json& counts = line["counts"] = nlohmann::json::array();
  ForEachCount(report, [&](const uint64_t& count) { counts.push_back(count); });
  nlohmann::json& violations = line["violations"] = nlohmann::json::array();
  for (const Violations::Violation& violation : report.violations) {
    if (violations.size() < kShown) violations.push_back({violation.rule, violation.text});
  }
  return line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

SimReport ReportOf(const std::string& text) {
  const nlohmann::json line = nlohmann::json::parse(text);
  SimReport report;
  report.seed = line["seed"];
  report.summary = line["summary"];
  report.keys = line["keys"];
  report.violation_count = line["failed"];
  size_t index = 0;
  ForEachCount(report, [&](uint64_t& count) { count = line["counts"][index++]; });
  for (const nlohmann::json& one : line["violations"]) report.violations.push_back({one[0], one[1]});
  return report;
}

void WriteAll(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) _exit(1);
    text.remove_prefix(static_cast<size_t>(written));
  }
}

[[noreturn]] void Work(const SeedRunsOptions& options, Board& board, size_t number, int descriptor) {
  for (uint64_t i = board.next.fetch_add(1); i < options.seeds; i = board.next.fetch_add(1)) {
    board.at[number] = options.first + i;
    SimOptions drawn = DrawOptions(options.first + i);
    drawn.planted = options.planted;
    WriteAll(descriptor, LineOf(SimCluster(drawn).Run()));
  }
  _exit(0);
}

void Count(SimReport report, SeedTotals& totals) {
  ++totals.seeds;
  totals.crawls_with_keys += report.keys ? 1 : 0;
  std::vector<uint64_t> counts;
  ForEachCount(report, [&](uint64_t& count) { counts.push_back(count); });
  size_t index = 0;
  ForEachCount(totals.sums, [&](uint64_t& sum) { sum += counts[index++]; });
  if (report.ok()) return;
  ++totals.failed;
  FailedSeed failed{report.seed, std::move(report.summary), {}};
  for (const Violations::Violation& violation : report.violations) failed.violations.push_back(violation.rule + ": " + violation.text);
  std::vector<FailedSeed>& kept = totals.first_failed;
  kept.insert(std::upper_bound(kept.begin(), kept.end(), failed, [](const auto& a, const auto& b) { return a.seed < b.seed; }), failed);
  if (kept.size() > kShown) kept.pop_back();
}

class Pool {
 public:
  Pool(const SeedRunsOptions& options, SeedRuns::Told told) : options_(options), told_(std::move(told)) {}
  ~Pool() {
    if (board_ != nullptr) munmap(board_, sizeof(Board));
  }

  absl::StatusOr<SeedTotals> Run() {
    void* shared = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return Unavailable("no memory to share: {}", strerror(errno));
    board_ = new (shared) Board;
    const uint64_t most = std::min<uint64_t>(options_.seeds, board_->at.size());
    workers_.resize(std::clamp<uint64_t>(static_cast<uint64_t>(options_.jobs), 1, std::max<uint64_t>(1, most)));
    for (size_t i = 0; i < workers_.size(); ++i) WEFT_RETURN_IF_ERROR(Begin(i));
    while (Wait()) told_.progress(totals_);
    WEFT_RETURN_IF_ERROR(begun_);
    return std::move(totals_);
  }

 private:
  absl::Status Begin(size_t number) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return Unavailable("no pipe: {}", strerror(errno));
    const pid_t pid = fork();
    if (pid < 0) return Unavailable("no process: {}", strerror(errno));
    if (pid == 0) {
      close(ends[0]);
      Work(options_, *board_, number, ends[1]);
    }
    close(ends[1]);
    workers_[number] = {pid, ends[0], {}};
    return absl::OkStatus();
  }

  // False: all have ended.
  bool Wait() {
    std::vector<pollfd> waited;
    for (const Worker& worker : workers_) waited.push_back({worker.pipe, POLLIN, 0});
    if (std::all_of(waited.begin(), waited.end(), [](const pollfd& one) { return one.fd < 0; })) return false;
    poll(waited.data(), waited.size(), kProgressMs);
    for (size_t i = 0; i < waited.size(); ++i) {
      if (waited[i].revents != 0) Read(i);
    }
    return true;
  }

  void Read(size_t number) {
    Worker& worker = workers_[number];
    std::array<char, 65536> piece;
    const ssize_t got = read(worker.pipe, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) return Ended(number);
    worker.read.append(piece.data(), static_cast<size_t>(got));
    for (size_t end = worker.read.find('\n'); end != std::string::npos; end = worker.read.find('\n')) {
      Tell(ReportOf(worker.read.substr(0, end)));
      worker.read.erase(0, end + 1);
    }
  }

  void Tell(SimReport report) {
    told_.ended(report);
    Count(std::move(report), totals_);
  }

  void Ended(size_t number) {
    Worker worker = std::exchange(workers_[number], {});
    close(worker.pipe);
    int status = 0;
    while (waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    SimReport report;
    report.seed = board_->at[number];
    report.violation_count = 1;
    const std::string how = WIFSIGNALED(status) ? fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)))
                                                : fmt::format("code {}", WEXITSTATUS(status));
    report.summary = fmt::format("seed {}: FAILED", report.seed);
    report.violations.push_back({"process", "the process of this seed ended with " + how});
    Tell(std::move(report));
    if (begun_.ok()) begun_ = Begin(number);
  }

  const SeedRunsOptions& options_;
  SeedRuns::Told told_;
  Board* board_ = nullptr;
  std::vector<Worker> workers_;
  SeedTotals totals_;
  absl::Status begun_;
};

}  // namespace

absl::StatusOr<SeedTotals> SeedRuns::Run(const SeedRunsOptions& options, Told told) { return Pool(options, std::move(told)).Run(); }

}  // namespace weft::test
