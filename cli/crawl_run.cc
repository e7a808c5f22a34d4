#include "cli/crawl_run.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "cli/contact_rule.h"
#include "cli/exit_codes.h"
#include "cli/options_merge.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "common/proxy_url.h"
#include "common/status.h"

namespace weft {
namespace {

constexpr absl::Duration kLiveEvery = absl::Milliseconds(200);
constexpr absl::Duration kPlainEvery = absl::Seconds(10);

// One run's progress: redraws the live line, or prints a plain one now and then.
class ProgressTeller {
 public:
  ProgressTeller(const wire::CrawlSettings& settings, Console& console)
      : settings_(settings), console_(console), begun_(SystemClock().SteadyNow()), last_plain_(begun_) {}

  void Tell(const SchedulerSnapshot& snapshot) {
    absl::Time now = SystemClock().SteadyNow();
    if (!snapshot.status.has_ledger()) return;
    meter_.Add(now, snapshot.status.pages());
    std::string line = ProgressLine(snapshot.status, meter_.rate(), elapsed());
    console_.Live(line);
    if (!console_.is_terminal() && now - last_plain_ >= kPlainEvery) {
      last_plain_ = now;
      console_.Line("weft: " + line);
    }
    if (!noted_ && elapsed() > absl::Seconds(4)) {
      std::string note = PolitenessNote(snapshot.bound, settings_.host_connections(), meter_.rate());
      if (!note.empty()) {
        console_.Line("weft: " + note);
        noted_ = true;
      }
    }
  }
  absl::Duration elapsed() const { return SystemClock().SteadyNow() - begun_; }

 private:
  const wire::CrawlSettings& settings_;
  Console& console_;
  absl::Time begun_;
  absl::Time last_plain_;
  RateMeter meter_;
  bool noted_ = false;
};

}  // namespace

void ApplyLogLevel(const std::string& level) {
  auto logger = spdlog::stderr_logger_mt("weft");
  logger->set_pattern("weft: %l: %v");
  spdlog::set_default_logger(logger);
  spdlog::set_level(level.empty() ? spdlog::level::warn : spdlog::level::from_str(level));
}

void TellIgnoredProxies(const wire::CrawlSettings& settings, Console& console) {
  if (!settings.proxy().empty()) return;
  for (const char* name : {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == 0) continue;
    console.Line(fmt::format("weft: {} in the environment is ignored; --proxy {} uses it", name, MaskProxy(value)));
    return;
  }
}

void TellSeeds(const SchedulerNode::SeedCounts& counts, Console& console) {
  size_t shown = 0;
  for (const auto& [url, reason] : counts.bad) {
    if (++shown > 10) {
      console.Line(fmt::format("weft: ... and {} more seeds that are not crawled", counts.bad.size() - 10));
      break;
    }
    console.Line(fmt::format("weft: seed {}: not crawled: {}", url, reason));
  }
}

uint32_t ParserCount(uint32_t wanted) {
  if (wanted > 0) return wanted;
  return std::max(1u, std::thread::hardware_concurrency());
}

absl::StatusOr<wire::CrawlSettings> CrawlSettle::operator()(const std::string& stored) {
  if (stored.empty()) {
    settings_ = line_.settings;
    CompleteSettings(settings_);
    settings_.set_scope_version(1);
  } else {
    wire::CrawlSettings before;
    if (!before.ParseFromString(stored)) return DataLoss("crawl.db: the stored options cannot be read");
    WEFT_ASSIGN_OR_RETURN(MergedSettings merged, MergeWithStored(before, line_));
    settings_ = std::move(merged.settings);
    resumed_ = true;
    for (const std::string& difference : merged.differences) console_.Line("weft: changed: " + difference);
  }
  WEFT_RETURN_IF_ERROR(CheckContact(seeds_, settings_, line_.argv));
  return settings_;
}

int RunCrawl(const CommandLine& line, SchedulerHost& host, Worker& worker, const wire::CrawlSettings& settings,
             Console& console) {
  uint64_t pages_before = host.Status().pages();
  ProgressTeller teller(settings, console);
  host.Run();
  worker.Run();
  bool interrupted = false;
  while (!host.ended()) {
    int signal = WaitForSignal(kLiveEvery);
    if (signal != 0 && interrupted) {
      console.EndLive();
      console.Line("weft: left at once; nothing acknowledged is lost, the same command goes on");
      _exit(kExitInterrupted);
    }
    if (signal != 0) {
      interrupted = true;
      console.Line("weft: stopping: what is under way is finished and saved (again to leave at once)");
      host.RequestStop(StopReason::kInterrupted);
    }
    teller.Tell(host.Snapshot());
    std::string refused = worker.ended() ? worker.refused() : "";
    if (!refused.empty()) {
      console.EndLive();
      console.Line("weft: " + refused);
      return kExitFailed;
    }
  }
  host.Join();
  // The scheduler ends last: what the others held is handed in, or will be fetched again.
  worker.Stop();
  worker.Join();
  console.EndLive();
  if (!host.failure().empty()) {
    console.Line("weft: " + host.failure());
    return kExitFailed;
  }
  SchedulerSnapshot last = host.Snapshot();
  CrawlSummary summary;
  summary.status = last.status;
  summary.stop = last.stop;
  summary.elapsed = teller.elapsed();
  // A page that is fetched again may be none any more.
  summary.pages_this_run = last.status.pages() - std::min(last.status.pages(), pages_before);
  summary.command_to_go_on =
      ShellCommand({line.argv.empty() ? "weft" : line.argv[0], "crawl", "--out", line.invocation.out_dir});
  for (const std::string& why : WhyFewPages(last.status, host.FirstEnds(), settings.scope())) {
    console.Line("weft: " + why);
  }
  PrintError("{}", SummaryText(summary));
  uint64_t left = last.status.ledger().queued() + last.status.ledger().leased();
  return last.stop == StopReason::kInterrupted && left > 0 ? kExitInterrupted : kExitOk;
}

}  // namespace weft
