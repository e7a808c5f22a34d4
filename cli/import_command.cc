// weft import: a crawl's directory from an archive. The files become those of its pages, their URLs its seeds, and the crawl
// takes the pages from the files when it goes on, in the way in which it takes pages that its CrawlDb has lost (protocol rule 13):
// records, links and ledger are made by the same code as in a crawl.
#include <fmt/format.h>

#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "cli/archive_files.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/crawl_directory.h"
#include "cli/crawl_run.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/scheduler_host.h"
#include "common/status.h"
#include "common/units.h"
#include "storage/pages_directory.h"
#include "storage/temporary_file.h"
#include "storage/warc_adopt.h"

namespace weft {
namespace {

constexpr size_t kSeedsAtOnce = 1000;
constexpr size_t kMostHostsAsked = 100'000;

// The URLs of the archive's responses: all of them in a file, and one of each host, whose owner may want a contact.
class ArchiveUrls {
 public:
  explicit ArchiveUrls(TemporaryFile file) : file_(std::move(file)) {}

  absl::Status Take(std::string_view uri) {
    const auto url = Url::Parse(uri);
    // robots.txt is no page: its exchange was stored because the crawler asked for it.
    if (!url.ok() || !url->is_http() || url->host().empty() || url->path() == "/robots.txt") return absl::OkStatus();
    if (hosts_.size() < kMostHostsAsked && hosts_.insert(std::string(url->host())).second) one_a_host_.push_back(*url);
    ++count_;
    WEFT_RETURN_IF_ERROR(file_.Write(url->href()));
    return file_.Write("\n");
  }
  const std::vector<Url>& one_a_host() const { return one_a_host_; }
  uint64_t count() const { return count_; }

  absl::Status AddTo(SchedulerHost& host, Console& console) {
    WEFT_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, file_.Finish());
    const auto lines = FileLines(std::move(source));
    std::vector<std::string> some;
    std::string_view line;
    while (true) {
      WEFT_ASSIGN_OR_RETURN(const bool there, lines->Next(line));
      if (there) some.emplace_back(line);
      if (some.size() == kSeedsAtOnce || (!there && !some.empty())) {
        TellSeeds(host.AddSeeds(some), console);
        some.clear();
      }
      if (!there) return absl::OkStatus();
    }
  }

 private:
  TemporaryFile file_;
  std::set<std::string> hosts_;
  std::vector<Url> one_a_host_;
  uint64_t count_ = 0;
};

SchedulerHostOptions HostOptions(const CrawlDirectory& directory, const CrawlInvocation& call, uint64_t pages_dir_id,
                                 std::shared_ptr<const PublicSuffixes> suffixes) {
  SchedulerHostOptions options;
  options.scheduler.nodes_die_with_us = true;
  options.db_path = directory.db_path();
  options.seen_path = directory.seen_path();
  options.memory_bytes = call.memory_bytes;
  options.log_path = directory.log_path();
  options.suffixes = std::move(suffixes);
  options.pages_to_take = pages_dir_id;
  return options;
}

std::string AdoptedText(const AdoptedWarc& adopted) {
  std::string text = HumanCount(adopted.responses, "response");
  if (adopted.rewritten) text += ", written anew with a gzip member a record";
  if (adopted.made_whole > 0) text += fmt::format(", {} with the body that they refer to", HumanCount(adopted.made_whole, "revisit"));
  if (adopted.bodiless > 0) text += fmt::format(", {} whose body is not there", HumanCount(adopted.bodiless, "revisit"));
  if (adopted.damages > 0) text += fmt::format(", damage at {}", HumanCount(adopted.damages, "place"));
  return text;
}

// Files that cannot be read are told and make `failed` true.
absl::Status AdoptFiles(const std::vector<std::string>& files, const std::string& directory, ArchiveUrls& urls, bool& failed) {
  WarcAdoption adoption(directory);
  const auto tell = [&](const std::string& file, const absl::Status& status) {
    TellProblem(fmt::format("{}: {}", file, ErrorText(status)));
    failed = true;
    return absl::OkStatus();
  };
  for (const std::string& file : files) {
    const absl::Status looked = adoption.Look(file, [&](std::string_view uri) { return urls.Take(uri); });
    if (absl::IsResourceExhausted(looked)) return looked;
    if (!looked.ok()) tell(file, looked).IgnoreError();
  }
  return adoption.Take([&](const std::string& file, const absl::StatusOr<AdoptedWarc>& adopted) {
    if (absl::IsResourceExhausted(adopted.status())) return adopted.status();
    if (!adopted.ok()) return tell(file, adopted.status());
    TellProblem(fmt::format("{}: {}", file, AdoptedText(*adopted)));
    failed = failed || adopted->damages > 0;
    return absl::OkStatus();
  });
}

// True: all was read.
absl::StatusOr<bool> ImportInto(const CrawlDirectory& directory, const CommandLine& line, const std::vector<std::string>& files,
                                Console& console) {
  const CrawlInvocation& call = line.invocation;
  bool failed = false;
  WEFT_ASSIGN_OR_RETURN(const auto suffixes, PublicSuffixes::Load());
  WEFT_ASSIGN_OR_RETURN(const uint64_t id, OpenPagesDirectory(directory.warc_path(), *SystemRandom(), PosixFileOps()));
  WEFT_ASSIGN_OR_RETURN(TemporaryFile file, TemporaryFile::Create(call.out_dir));
  ArchiveUrls urls(std::move(file));
  WEFT_RETURN_IF_ERROR(AdoptFiles(files, directory.warc_path(), urls, failed));
  if (urls.count() == 0) return FailedPrecondition("the files hold no response of http or https");

  ZmqContext context;
  SchedulerHost host(HostOptions(directory, call, id, suffixes), context, console);
  CrawlSettle settle(line, urls.one_a_host(), console);
  WEFT_RETURN_IF_ERROR(host.Open([&](const std::string& stored) { return settle(stored); }, call.retry_failed));
  WEFT_RETURN_IF_ERROR(urls.AddTo(host, console));
  TellProblem(fmt::format("{} in {}; the crawl takes what was stored from the files and goes on with: weft crawl --out {}",
                          HumanCount(urls.count(), "response"), call.out_dir, call.out_dir));
  return !failed;
}

absl::StatusOr<bool> Import(const CommandLine& line, Console& console) {
  const CrawlInvocation& call = line.invocation;
  bool failed = false;
  const std::vector<std::string> files = NamedWarcFiles(call.files, failed);
  if (files.empty()) return FailedPrecondition("there is nothing to import");
  std::error_code error;
  const bool there_before = std::filesystem::exists(call.out_dir, error) || error;
  WEFT_ASSIGN_OR_RETURN(const auto directory, CrawlDirectory::OpenForCrawl(call.out_dir));
  // Under the lock: nobody else can have begun a crawl there meanwhile.
  const bool made_here = !there_before && !std::filesystem::exists(directory->db_path(), error) && !error;
  absl::StatusOr<bool> whole = ImportInto(*directory, line, files, console);
  // Nothing of it is wanted, and what was linked or copied into it is where it was.
  if (!whole.ok() && made_here) std::filesystem::remove_all(call.out_dir, error);
  return whole.ok() ? *whole && !failed : whole;
}

}  // namespace

int ImportCommand(const CommandLine& line) {
  ApplyLogLevel(line.invocation.log_level);
  Console console;
  const auto complete = Import(line, console);
  if (!complete.ok()) TellProblem(ErrorText(complete.status()));
  if (complete.ok()) return *complete ? kExitOk : kExitFailed;
  return absl::IsInvalidArgument(complete.status()) ? kExitUsage : kExitFailed;
}

}  // namespace weft
