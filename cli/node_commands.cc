// weft scheduler, worker, fetcher, parser: the roles of a cluster as processes.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "cli/commands.h"
#include "cli/contact_rule.h"
#include "cli/crawl_directory.h"
#include "cli/crawl_run.h"
#include "cli/exit_codes.h"
#include "cli/key_files.h"
#include "cli/options_check.h"
#include "cli/options_merge.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/reach.h"
#include "cli/scheduler_contact.h"
#include "cli/seed_list.h"
#include "cli/signals.h"
#include "cli/store_choice.h"
#include "cli/token_list.h"
#include "common/clock.h"
#include "common/node_tags.h"
#include "common/status.h"
#include "common/units.h"
#include "storage/checkpoint.h"

namespace weft {
namespace {

constexpr absl::Duration kWatch = absl::Milliseconds(200);
constexpr absl::Duration kDrain = absl::Seconds(20);
// A scheduler looks for new tokens every second: one that it refuses may be made just now.
constexpr absl::Duration kNewToken = absl::Seconds(4);

// Every connection is a descriptor, those of strangers too until they are refused.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Fail(ExitCode code, const absl::Status& status) {
  TellProblem(ErrorText(status));
  return code;
}

// Whether the scheduler refuses our key: told by connections that fail while it is not heard.
class KeyWatch {
 public:
  KeyWatch(const Worker& worker, absl::Time now) : worker_(worker), trusted_until_(now + kNewToken) {}
  // Why there is no use in going on; "" while there is.
  std::string Observe(bool hears, const std::string& endpoint, absl::Time now) {
    if (hears) {
      refused_ = worker_.key_refused();
      heard_ = true;
    }
    if ((heard_ || now >= trusted_until_) && worker_.key_refused() >= refused_ + kRefusals) return KeyRefusedText(endpoint);
    return !heard_ && worker_.mismatches() >= kRefusals ? MismatchText(endpoint) : "";
  }

 private:
  const Worker& worker_;
  absl::Time trusted_until_;
  uint64_t refused_ = 0;
  bool heard_ = false;
};

// Until the worker has ended, or is told to and has nothing that it could hand in. Answers whether the scheduler was out
// of reach then.
bool WatchWorker(Worker& worker, const std::string& endpoint, SchedulerContact& contact, Console& console, std::string& useless) {
  KeyWatch keys(worker, SystemClock().SteadyNow());
  bool draining = false;
  bool alone = false;
  absl::Time drain_deadline;
  absl::Time fetcher_left = absl::InfiniteFuture();
  while (!worker.ended()) {
    int signal = WaitForSignal(kWatch);
    const absl::Time now = SystemClock().SteadyNow();
    const bool hears = worker.hears_scheduler();
    if (worker.ended()) break;
    useless = keys.Observe(hears, endpoint, now);
    if (!useless.empty()) return true;
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
    // A scheduler that drains this node tells its parsers next; one that was started again meanwhile may not.
    if (worker.left_by_fetcher()) fetcher_left = std::min(fetcher_left, now);
    const bool in_part = !worker.refused().empty();  // what is under way goes where it can
    if (!draining && (in_part || now - fetcher_left > kDrain)) {
      draining = true;
      drain_deadline = now + kDrain;
    }
    if (!draining) continue;
    if (alone && worker.held() == 0) return true;
    worker.Drain(drain_deadline);
  }
  return alone;
}

// What a worker that has ended left, as people are told.
int EndOfWorker(Worker& worker, const SchedulerContact& contact, bool alone, Console& console) {
  std::string refused = worker.refused();
  if (!refused.empty()) return Fail(kExitFailed, FailedPrecondition("refused by the scheduler: {}", refused));
  if (uint64_t left = worker.not_handed_in(); left > 0) {
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
  RaiseFileLimit();
  auto reach = FindReach(line, [&](const std::string& text) { console.Line("weft: " + text); });
  if (!reach.ok()) return Fail(kExitUsage, reach.status());
  ZmqContext context;
  WorkerOptions options;
  options.scheduler = *reach;
  options.fetches = fetches;
  options.egress = EgressOf(line.invocation);
  options.parsers = parsers;
  if (parsers > 0) options.pages_directory = line.invocation.pages_dirs.front();
  options.name = line.invocation.node_name;
  if (fetches) {
    auto tags = ParseTags(line.invocation.tags);
    if (!tags.ok()) return Fail(kExitUsage, tags.status());
    options.tags = *std::move(tags);
  }
  options.pages_endpoint = line.given.contains("listen") ? line.invocation.listen : ListenTowards(reach->endpoint);
  absl::StatusOr<std::unique_ptr<StoreUploads>> uploads = nullptr;  // outlives the worker
  if (parsers > 0) uploads = ChooseUploads(line, options.pages_directory, console);
  if (!uploads.ok()) return Fail(kExitUsage, uploads.status());
  options.file_finished = HandsFilesTo(uploads->get());
  options.store_status = TellsOf(uploads->get());
  auto worker = Worker::Make(options, context, **suffixes, [&](const std::string& text) {
    console.Line("weft: " + text);
  });
  if (!worker.ok()) return Fail(kExitFailed, worker.status());
  if (*uploads != nullptr) (*uploads)->Begin();
  (*worker)->Run();
  const std::string parts = fmt::format("{}{} parser{}", fetches ? "a fetcher, " : "", parsers, parsers == 1 ? "" : "s");
  SchedulerContact contact(reach->endpoint,
                           fmt::format("working for {} ({}); Ctrl-C hands in and leaves", reach->endpoint, parts),
                           SystemClock().SteadyNow());
  std::string useless;
  const bool alone = WatchWorker(**worker, reach->endpoint, contact, console, useless);
  (*worker)->Stop();
  (*worker)->Join();
  const int code = useless.empty() ? EndOfWorker(**worker, contact, alone, console)
                                   : Fail(kExitFailed, FailedPrecondition("{}", useless));
  worker->reset();  // finishes the files that are open
  return FinishUploads(uploads->get(), console, code);
}

// Waits for the end, tells of what happens meanwhile.
void WatchScheduler(SchedulerHost& host, const std::string& how_tools_reach_it, Console& console) {
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
      console.Line(fmt::format("weft: no seeds yet: weft seeds add URL {}", how_tools_reach_it));
      told_waiting = true;
    }
  }
  host.Join();
}

// The last words of a scheduler: what it leaves, and how to go on.
int TellEnd(const CommandLine& line, const SchedulerHost& host, const std::string& endpoint, uint64_t pages_before,
            absl::Time begun) {
  CrawlSummary summary;
  summary.status = host.Snapshot().status;
  summary.stop = host.Snapshot().stop;
  summary.elapsed = SystemClock().SteadyNow() - begun;
  summary.pages_this_run = summary.status.pages() - std::min(summary.status.pages(), pages_before);
  std::vector<std::string> again = {line.argv.empty() ? "weft" : line.argv[0], "scheduler", "--data",
                                    line.invocation.data_dir, "--listen", endpoint};
  if (line.invocation.keys) again.push_back("--keys");
  if (line.invocation.insecure) again.push_back("--insecure");
  summary.command_to_go_on = ShellCommand(again);
  PrintError("{}", SummaryText(summary));
  uint64_t left = summary.status.ledger().queued() + summary.status.ledger().leased();
  return summary.stop == StopReason::kInterrupted && left > 0 ? kExitInterrupted : kExitOk;
}

// Beyond loopback with keys, unless the user does without; on loopback where the user wants them. The control socket in the
// directory never has any.
absl::Status ChooseKeys(const CommandLine& line, const CrawlDirectory& directory, Console& console,
                        SchedulerHostOptions& options) {
  const std::string& listen = line.invocation.listen;
  auto keys = SchedulerKeys::Open(KeysPath(directory.path()), [&console](const std::string& text) {
    console.Line("weft: " + text);
  });
  WEFT_RETURN_IF_ERROR(keys.status());
  options.keys = *std::move(keys);
  const bool loopback = IsLoopbackEndpoint(listen);
  const bool keyed = !line.invocation.insecure && (!loopback || line.invocation.keys);
  if (line.invocation.insecure && !loopback) {
    console.Line(fmt::format("weft: --insecure: {} asks for no key and encrypts nothing: whoever reaches it can read, change and "
                             "stop this crawl, and have its workers fetch what they like", listen));
  }
  if (!keyed && !line.invocation.insecure) {
    WEFT_ASSIGN_OR_RETURN(const TokenList tokens, TokenList::Read(KeysPath(directory.path())));
    const bool any = std::any_of(tokens.tokens.begin(), tokens.tokens.end(), [](const TokenEntry& one) { return one.revoked_s == 0; });
    if (any) {
      console.Line(fmt::format("weft: {} asks for no key, as it is on loopback: the tokens that were made are of no use there; --keys "
                               "asks for them", listen));
    }
  }
  options.endpoints = {directory.control_endpoint()};
  if (keyed) {
    options.keyed_endpoints = {listen};
  } else {
    options.endpoints.insert(options.endpoints.begin(), listen);
  }
  return absl::OkStatus();
}

SchedulerHostOptions HostOptionsOf(const CommandLine& line, const CrawlDirectory& directory,
                                   std::shared_ptr<const PublicSuffixes> suffixes) {
  SchedulerHostOptions options;
  options.scheduler.stop_when_finished = false;
  if (line.invocation.checkpoint_every_us > 0) {
    options.scheduler.checkpoint_every = absl::Microseconds(static_cast<int64_t>(line.invocation.checkpoint_every_us));
  }
  options.checkpoints_path = std::filesystem::absolute(directory.checkpoints_path()).lexically_normal().string();
  options.checkpoints_kept = line.invocation.checkpoints_kept;
  options.db_path = directory.db_path();
  options.seen_path = directory.seen_path();
  options.memory_bytes = line.invocation.memory_bytes;
  options.log_path = directory.log_path();
  options.suffixes = std::move(suffixes);
  return options;
}

// What the nodes have stored since is taken again from their WARC files, once they register.
absl::Status RestoreIfAsked(const CommandLine& line, Console& console) {
  const std::string& data = line.invocation.data_dir;
  if (line.invocation.restore.empty()) {
    if (!RestoreBrokenOff(data)) return absl::OkStatus();
    return FailedPrecondition("--data {}: a restore was broken off there; repeat it with --restore", data);
  }
  WEFT_RETURN_IF_ERROR(RestoreCheckpoint(line.invocation.restore, data, line.invocation.force));
  console.Line(fmt::format("weft: restored from {}; what workers have stored since is taken again from their files", line.invocation.restore));
  return absl::OkStatus();
}

}  // namespace

int SchedulerCommand(const CommandLine& line) {
  BlockSignals();
  RaiseFileLimit();
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

  if (const absl::Status restored = RestoreIfAsked(line, console); !restored.ok()) return Fail(kExitFailed, restored);

  ZmqContext context;
  SchedulerHostOptions options = HostOptionsOf(line, **directory, *suffixes);
  if (absl::Status keys = ChooseKeys(line, **directory, console, options); !keys.ok()) return Fail(kExitFailed, keys);
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
  // Who may write into the directory may do what tools do; others of this machine may not.
  chmod((*directory)->control_path().c_str(), 0600);
  const bool keyed = !options.keyed_endpoints.empty();
  const std::vector<std::string> reached = keyed ? ReachableAt(bound->front()) : std::vector<std::string>();
  if (absl::Status noted = options.keys->NoteAddresses(reached); !noted.ok()) return Fail(kExitFailed, noted);
  const uint64_t pages_before = host.Status().pages();
  const absl::Time begun = SystemClock().SteadyNow();
  host.Run();
  const std::string data = ShellCommand({line.invocation.data_dir});
  console.Line(keyed ? fmt::format("weft: scheduler at {}; a machine joins with: weft worker --join FILE --pages DIR, where FILE comes "
                                   "from here: weft token new --role worker --data {} -o FILE", bound->front(), data)
                     : fmt::format("weft: scheduler at {}; a machine joins with: weft worker --scheduler {} --pages DIR",
                                   bound->front(), bound->front()));
  WatchScheduler(host, keyed ? "--data " + data : "--scheduler " + bound->front(), console);
  if (!host.failure().empty()) return Fail(kExitFailed, FailedPrecondition("{}", host.failure()));
  return TellEnd(line, host, bound->front(), pages_before, begun);
}

int WorkerCommand(const CommandLine& line) { return RunWorker(line, true, ParserCount(line.invocation.parsers)); }
int FetcherCommand(const CommandLine& line) { return RunWorker(line, true, 0); }
int ParserCommand(const CommandLine& line) { return RunWorker(line, false, ParserCount(line.invocation.parsers)); }

}  // namespace weft
