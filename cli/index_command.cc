// weft index: the captures of WARC files as CDXJ, sorted.
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "cli/archive_files.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "common/status.h"
#include "common/units.h"
#include "storage/atomic_output.h"

namespace weft {
namespace {

absl::StatusOr<uint64_t> WriteLines(LineSource& lines, AtomicOutput& output) {
  std::string_view line;
  for (uint64_t count = 0;; ++count) {
    WEFT_ASSIGN_OR_RETURN(const bool there, lines.Next(line));
    if (!there) {
      WEFT_RETURN_IF_ERROR(output.Finish());
      return count;
    }
    WEFT_RETURN_IF_ERROR(output.Write(line));
    WEFT_RETURN_IF_ERROR(output.Write("\n"));
  }
}

// True: all was read. An error: nothing was written.
absl::StatusOr<bool> WriteIndex(const CrawlInvocation& call) {
  bool failed = false;
  std::vector<std::string> files = NamedWarcFiles(call.files, failed);
  const bool to_file = !call.out_dir.empty() && call.out_dir != "-";
  if (to_file && IsOneOf(call.out_dir, files)) return InvalidArgument("{} is one of the files to be read", call.out_dir);
  std::unique_ptr<AtomicOutput> output = AtomicOutput::ToDescriptor(STDOUT_FILENO);
  std::error_code error;
  std::string directory = std::filesystem::temp_directory_path(error).string();
  if (error) directory = ".";
  if (to_file) {
    WEFT_ASSIGN_OR_RETURN(output, AtomicOutput::ToFile(call.out_dir));
    if (output->regular()) directory = DirectoryOf(call.out_dir);
  }
  CdxjIndexer indexer({.directory = directory}, TellProblem);
  WEFT_RETURN_IF_ERROR(IndexFiles(files, indexer, failed));
  if (files.empty()) return FailedPrecondition("there is nothing to index");
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<LineSource> lines, indexer.Finish());
  WEFT_ASSIGN_OR_RETURN(const uint64_t captures, WriteLines(*lines, *output));
  if (to_file) {
    TellProblem(fmt::format("{}: {} of {}, {} of which read", call.out_dir, HumanCount(captures, "capture"),
                            HumanCount(indexer.tally().files, "file"), HumanCount(indexer.tally().files_read)));
  }
  return !failed;
}

}  // namespace

int IndexCommand(const CommandLine& line) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto complete = WriteIndex(line.invocation);
  if (!complete.ok()) TellProblem(ErrorText(complete.status()));
  return complete.ok() && *complete ? kExitOk : kExitFailed;
}

}  // namespace weft
