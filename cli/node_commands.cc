// weft scheduler, worker, fetcher, parser: the roles of a cluster as processes.
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "cli/commands.h"
#include "cli/contact_rule.h"
#include "cli/crawl_directory.h"
#include "cli/crawl_run.h"
#include "cli/exit_codes.h"
#include "cli/options_merge.h"
#include "cli/progress.h"
#include "cli/scheduler_contact.h"
#include "cli/seed_list.h"
#include "cli/signals.h"
#include "common/clock.h"
#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

constexpr absl::Duration kWatch = absl::Milliseconds(200);
constexpr absl::Duration kDrain = absl::Seconds(20);

int Fail(ExitCode code, const absl::Status& status) {
  fmt::print(stderr, "weft: {}\n", ErrorText(status));
  return code;
}

// Until the worker has ended, or is told to and has nothing that it could hand in. Answers whether the scheduler was out
// of reach then.
bool WatchWorker(Worker& worker, SchedulerContact& contact, Console& console) {
  bool draining = false;
  bool alone = false;
  absl::Time drain_deadline;
  while (!worker.ended()) {
    int signal = WaitForSignal(kWatch);
    const absl::Time now = SystemClock().SteadyNow();
    const bool hears = worker.hears_scheduler();
    if (worker.ended()) break;
    const std::string news = contact.Observe(hears, now);
    if (!news.empty()) console.Line("weft: " + news);
    alone = !hears;
    if (signal != 0 && draining) _exit(kExitInterrupted);
    if (signal != 0) {
      draining = true;
      drain_deadline = now + kDrain;
      console.Line(alone && worker.held() > 0
                       ? fmt::format("weft: {} finished pages wait for the scheduler, for {} at most (again to leave at "
                                     "once)", worker.held(), weft::FormatDuration(kDrain))
                       : std::string("weft: handing in what is under way (again to leave at once)"));
    }
    if (!draining) continue;
    if (alone && worker.held() == 0) return true;
    worker.Drain(drain_deadline);
  }
  return alone;
}

int RunWorker(const CommandLine& line, bool fetches, uint32_t parsers) {
  BlockSignals();
  ApplyLogLevel(line.invocation.log_level);
  Console console;
  auto suffixes = PublicSuffixes::Load();
  if (!suffixes.ok()) return Fail(kExitFailed, suffixes.status());
  // One process writes below a pages directory: a repair would cut what another is writing.
  std::unique_ptr<CrawlDirectory> lock;
  if (parsers > 0) {
    auto opened = CrawlDirectory::OpenForPages(line.invocation.pages_dirs.front());
    if (!opened.ok()) return Fail(kExitFailed, opened.status());
    lock = *std::move(opened);
  }
  ZmqContext context;
  WorkerOptions options;
  options.scheduler_endpoint = line.invocation.scheduler;
  options.fetches = fetches;
  options.egress = EgressOf(line.invocation);
  options.parsers = parsers;
  if (parsers > 0) options.pages_directory = line.invocation.pages_dirs.front();
  options.pages_endpoint = line.invocation.listen.empty() ? "tcp://127.0.0.1:*" : line.invocation.listen;
  auto worker = Worker::Make(options, context, **suffixes, [&](const std::string& text) {
    console.Line("weft: " + text);
  });
  if (!worker.ok()) return Fail(kExitFailed, worker.status());
  (*worker)->Run();
  const std::string parts = fmt::format("{}{} parser{}", fetches ? "a fetcher, " : "", parsers, parsers == 1 ? "" : "s");
  SchedulerContact contact(options.scheduler_endpoint,
                           fmt::format("working for {} ({}); Ctrl-C hands in and leaves", options.scheduler_endpoint, parts),
                           SystemClock().SteadyNow());
  const bool alone = WatchWorker(**worker, contact, console);
  (*worker)->Stop();
  (*worker)->Join();
  std::string refused = (*worker)->refused();
  if (!refused.empty()) return Fail(kExitFailed, FailedPrecondition("refused by the scheduler: {}", refused));
  if (uint64_t left = (*worker)->not_handed_in(); left > 0) {
    console.Line(fmt::format("weft: {} pages are not handed in, as the scheduler did not acknowledge them in time; they "
                             "are fetched again", left));
    return kExitInterrupted;
  }
  if (alone) {
    console.Line(contact.begun() ? "weft: left without the scheduler; no page is held here, and it will lease again what was "
                                   "leased to this worker: nothing is lost"
                                 : "weft: left; the scheduler never answered, so nothing was begun");
    return kExitInterrupted;
  }
  console.Line("weft: everything is handed in");
  return kExitOk;
}

// Waits for the end, tells of what happens meanwhile.
void WatchScheduler(SchedulerHost& host, const std::string& endpoint, Console& console) {
  bool told_finished = false;
  bool told_waiting = false;
  int signals = 0;
  while (!host.ended()) {
    if (WaitForSignal(kWatch) != 0) {
      if (++signals > 1) _exit(kExitInterrupted);
      console.Line("weft: stopping: workers hand in what is under way (again to leave at once)");
      host.RequestStop(StopReason::kInterrupted);
    }
    SchedulerSnapshot now = host.Snapshot();
    bool finished = now.status.state() == "finished" && now.status.ledger().discovered() > 0;
    if (finished && !told_finished) {
      console.Line(fmt::format("weft: finished: {} pages; weft seeds add brings more", now.status.pages()));
    }
    told_finished = finished;
    if (now.status.has_ledger() && now.status.ledger().discovered() == 0 && !told_waiting) {
      console.Line(fmt::format("weft: no seeds yet: weft seeds add URL --scheduler {}", endpoint));
      told_waiting = true;
    }
  }
  host.Join();
}

}  // namespace

int SchedulerCommand(const CommandLine& line) {
  BlockSignals();
  ApplyLogLevel(line.invocation.log_level);
  Console console;
  SeedList seeds;
  if (!line.invocation.seeds.empty() || !line.invocation.seed_files.empty()) {
    auto read = ReadSeeds(line.invocation.seeds, line.invocation.seed_files, std::cin);
    if (!read.ok()) return Fail(kExitUsage, read.status());
    seeds = *std::move(read);
  }
  for (const std::string& problem : seeds.problems) console.Line("weft: " + problem);
  if (const std::string left_out = LeftOutText(seeds); !left_out.empty()) console.Line("weft: seeds: " + left_out);
  auto directory = CrawlDirectory::OpenForScheduler(line.invocation.data_dir);
  if (!directory.ok()) return Fail(kExitFailed, directory.status());
  auto suffixes = PublicSuffixes::Load();
  if (!suffixes.ok()) return Fail(kExitFailed, suffixes.status());

  ZmqContext context;
  SchedulerHostOptions options;
  options.scheduler.stop_when_finished = false;
  options.db_path = (*directory)->db_path();
  options.seen_path = (*directory)->seen_path();
  options.memory_bytes = line.invocation.memory_bytes;
  options.log_path = (*directory)->log_path();
  options.endpoints = {line.invocation.listen, (*directory)->control_endpoint()};
  options.suffixes = *suffixes;
  SchedulerHost host(options, context, console);
  CrawlSettle settle(line, seeds.urls, console);
  absl::Status opened = host.Open([&](const std::string& stored) { return settle(stored); },
                                  line.invocation.retry_failed);
  if (!opened.ok()) {
    return Fail(opened.code() == absl::StatusCode::kInvalidArgument ? kExitUsage : kExitFailed, opened);
  }
  std::vector<std::string> urls;
  for (const Url& url : seeds.urls) urls.push_back(url.href());
  TellSeeds(host.AddSeeds(urls), console);
  auto bound = host.Bind();
  if (!bound.ok()) return Fail(kExitFailed, bound.status());
  const uint64_t pages_before = host.Status().pages();
  const absl::Time begun = SystemClock().SteadyNow();
  host.Run();
  console.Line(fmt::format("weft: scheduler at {}; a machine joins with: weft worker --scheduler {} --pages DIR",
                           bound->front(), bound->front()));
  WatchScheduler(host, bound->front(), console);
  if (!host.failure().empty()) return Fail(kExitFailed, FailedPrecondition("{}", host.failure()));
  CrawlSummary summary;
  summary.status = host.Snapshot().status;
  summary.stop = host.Snapshot().stop;
  summary.elapsed = SystemClock().SteadyNow() - begun;
  summary.pages_this_run = summary.status.pages() - std::min(summary.status.pages(), pages_before);
  summary.command_to_go_on = ShellCommand({line.argv.empty() ? "weft" : line.argv[0], "scheduler", "--data",
                                           line.invocation.data_dir, "--listen", bound->front()});
  fmt::print(stderr, "{}", SummaryText(summary));
  uint64_t left = summary.status.ledger().queued() + summary.status.ledger().leased();
  return left > 0 ? kExitInterrupted : kExitOk;
}

int WorkerCommand(const CommandLine& line) { return RunWorker(line, true, ParserCount(line.invocation.parsers)); }
int FetcherCommand(const CommandLine& line) { return RunWorker(line, true, 0); }
int ParserCommand(const CommandLine& line) { return RunWorker(line, false, ParserCount(line.invocation.parsers)); }

}  // namespace weft
