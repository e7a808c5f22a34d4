// weft crawl: scheduler, fetcher and parsers in one process over inproc sockets.
#include <iostream>
#include <memory>
#include <utility>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/contact_rule.h"
#include "cli/crawl_directory.h"
#include "cli/crawl_run.h"
#include "cli/exit_codes.h"
#include "cli/live_parts.h"
#include "cli/options_merge.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/scheduler_host.h"
#include "cli/seed_list.h"
#include "cli/signals.h"
#include "cli/store_choice.h"
#include "common/status.h"

namespace weft {
namespace {

std::vector<std::string> Hrefs(const std::vector<Url>& urls) {
  std::vector<std::string> hrefs;
  hrefs.reserve(urls.size());
  for (const Url& url : urls) hrefs.push_back(url.href());
  return hrefs;
}

int Fail(ExitCode code, const absl::Status& status) {
  TellProblem(ErrorText(status));
  return code;
}

absl::StatusOr<SeedList> Seeds(const CommandLine& line) {
  if (line.invocation.seeds.empty() && line.invocation.seed_files.empty()) return SeedList{};
  return ReadSeeds(line.invocation.seeds, line.invocation.seed_files, std::cin);
}

SchedulerHostOptions HostOptions(const CrawlDirectory& directory, const CrawlInvocation& call,
                                 std::shared_ptr<const PublicSuffixes> suffixes) {
  SchedulerHostOptions options;
  options.scheduler.nodes_die_with_us = true;
  options.db_path = directory.db_path();
  options.seen_path = directory.seen_path();
  options.memory_bytes = call.memory_bytes;
  options.log_path = directory.log_path();
  options.endpoints = {"inproc://scheduler", directory.control_endpoint()};
  options.suffixes = std::move(suffixes);
  return options;
}

WorkerOptions OptionsOfWorker(const CommandLine& line, const CrawlDirectory& directory, StoreUploads* uploads) {
  WorkerOptions options;
  options.scheduler.endpoint = "inproc://scheduler";
  options.parsers = ParserCount(line.invocation.parsers);
  options.egress = EgressOf(line.invocation);
  options.pages_directory = directory.warc_path();
  options.pages_endpoint = "inproc://pages-%";
  options.file_finished = HandsFilesTo(uploads);
  options.store_status = TellsOf(uploads);
  return options;
}

}  // namespace

int CrawlCommand(const CommandLine& line) {
  BlockSignals();
  ApplyLogLevel(line.invocation.log_level);
  Console console;
  auto seeds = Seeds(line);
  if (!seeds.ok()) return Fail(kExitUsage, seeds.status());
  for (const std::string& problem : seeds->problems) console.Line("weft: " + problem);
  if (const std::string left_out = LeftOutText(*seeds); !left_out.empty()) console.Line("weft: seeds: " + left_out);
  if (!seeds->urls.empty()) {
    absl::Status contact = CheckContact(seeds->urls, line.settings, line.argv);
    // A crawl that is gone on with may have its contact stored: asked again below.
    if (!contact.ok() && !CrawlDirectory::Exists(line.invocation.out_dir)) return Fail(kExitUsage, contact);
  } else if (!CrawlDirectory::Exists(line.invocation.out_dir)) {
    return Fail(kExitUsage, InvalidArgument("no seeds are given, and {} holds no crawl to go on with; name a URL to "
                                            "begin at, e.g.: weft crawl https://example.com/ --out {}",
                                            line.invocation.out_dir, line.invocation.out_dir));
  }
  auto directory = CrawlDirectory::OpenForCrawl(line.invocation.out_dir);
  if (!directory.ok()) return Fail(kExitFailed, directory.status());
  auto suffixes = PublicSuffixes::Load();
  if (!suffixes.ok()) return Fail(kExitFailed, suffixes.status());
  TellIgnoredProxies(line.settings, console);
  auto uploads = ChooseUploads(line, (*directory)->warc_path(), console);  // outlives the worker
  if (!uploads.ok()) return Fail(kExitUsage, uploads.status());

  ZmqContext context;
  SchedulerHost host(HostOptions(**directory, line.invocation, *suffixes), context, console);
  CrawlSettle settle(line, seeds->urls, console);
  absl::Status opened = host.Open([&](const std::string& stored) { return settle(stored); },
                                  line.invocation.retry_failed);
  if (!opened.ok()) {
    return Fail(opened.code() == absl::StatusCode::kInvalidArgument ? kExitUsage : kExitFailed, opened);
  }
  TellSeeds(host.AddSeeds(Hrefs(seeds->urls)), console);
  if (host.Status().state() == "finished" && host.Status().ledger().discovered() > 0 && settle.resumed()) {
    console.Line("weft: this crawl is finished; to go on, add seeds, --retry-failed, a larger --max-depth or budget of hosts "
                 "(--host-max-pages, --host-max-bytes, --host-max-time), or a wider scope with --change-scope");
  }
  if (!settle.resumed() && host.Status().ledger().queued() == 0) {
    return Fail(kExitUsage, InvalidArgument("no seed is left to crawl: each was refused for the reason above; repeat the "
                                            "command with other options and --change-scope"));
  }
  auto bound = host.Bind();
  if (!bound.ok()) return Fail(kExitFailed, bound.status());

  auto worker = Worker::Make(OptionsOfWorker(line, **directory, uploads->get()), context, **suffixes, [&](const std::string& text) {
    console.Line("weft: " + text);
  });
  if (!worker.ok()) return Fail(kExitFailed, worker.status());
  if (*uploads != nullptr) (*uploads)->Begin();
  const int code = RunCrawl(line, host, **worker, settle.settings(), console);
  worker->reset();  // finishes the files that are open
  return FinishUploads(uploads->get(), console, code);
}

}  // namespace weft
