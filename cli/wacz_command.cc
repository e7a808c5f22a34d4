// weft wacz: WARC files, their index and the list of pages as one WACZ file.
#include <fmt/format.h>

#include <filesystem>

#include "cli/archive_files.h"
#include "cli/archive_pages.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/version.h"
#include "common/clock.h"
#include "common/status.h"
#include "common/units.h"
#include "storage/wacz.h"

namespace weft {
namespace {

// "crawl" of "dir/crawl/".
std::string LastName(const std::string& path) {
  const std::filesystem::path named(path);
  return (named.has_filename() ? named : named.parent_path()).filename().string();
}

// True: all was read. An error: nothing was written.
absl::StatusOr<bool> WriteWacz(const CrawlInvocation& call) {
  bool failed = false;
  std::vector<std::string> files = NamedWarcFiles(call.files, failed);
  if (IsOneOf(call.out_dir, files)) return InvalidArgument("{} is one of the files to be read", call.out_dir);
  ArchivePages pages(files, call.text);
  WaczOptions options;
  options.title = call.title.empty() ? LastName(call.files.front()) : call.title;
  options.software = "Weft/" + std::string(WeftVersion());
  options.created = SystemClock().WallNow();
  options.with_text = call.text;
  options.describe = [&](const std::string& file, uint64_t offset, WaczPage& page) { pages.Describe(file, offset, page); };
  options.describe_revisit = [&](const std::string& file, uint64_t offset, WaczPage& page) { return pages.DescribeRevisit(file, offset, page); };
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<WaczWriter> writer, WaczWriter::Create(call.out_dir, options));
  CdxjIndexer indexer({.directory = DirectoryOf(call.out_dir)}, TellProblem);
  WEFT_RETURN_IF_ERROR(IndexFiles(files, indexer, failed));
  if (files.empty()) return FailedPrecondition("there is nothing to pack");
  for (const std::string& file : files) {
    if (file.ends_with(".zst")) TellProblem(fmt::format("{}: ReplayWeb.page cannot read zstd; it is packed as it is", file));
    WEFT_RETURN_IF_ERROR(writer->AddWarc(file));
  }
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<LineSource> captures, indexer.Finish());
  WEFT_RETURN_IF_ERROR(writer->AddIndex(*captures));
  WEFT_RETURN_IF_ERROR(writer->Finish());
  TellProblem(fmt::format("{}: {}, {}, {}, {}", call.out_dir, HumanCount(writer->files(), "file"), HumanCount(writer->captures(), "capture"),
                          HumanCount(writer->pages(), "page"), HumanSize(writer->bytes())));
  return !failed;
}

}  // namespace

int WaczCommand(const CommandLine& line) {
  const auto complete = WriteWacz(line.invocation);
  if (!complete.ok()) TellProblem(ErrorText(complete.status()));
  return complete.ok() && *complete ? kExitOk : kExitFailed;
}

}  // namespace weft
