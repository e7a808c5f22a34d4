// weft warc check: what lies in WARC files, and what is wrong with them.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "cli/archive_files.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "common/status.h"
#include "common/units.h"
#include "storage/warc_check.h"

namespace weft {
namespace {

// "FILE:OFFSET: response http://...: what is wrong"
void PrintProblems(const std::string& file, const WarcVerdict& verdict) {
  const std::string what = verdict.damage ? "damage" : fmt::format("{} {}", verdict.type, verdict.uri);
  for (const std::string& problem : verdict.problems) {
    PutLine(fmt::format("{}:{}: {}: {}", file, verdict.offset, what, problem));
  }
}

std::string Summary(const std::string& file, const WarcTally& tally) {
  std::string text = fmt::format("{}: {}, {} checked", file, HumanCount(tally.records, "record"), HumanCount(tally.digests_checked, "digest"));
  if (tally.damages > 0) text += fmt::format(", damage at {}", HumanCount(tally.damages, "place"));
  if (tally.with_problems > 0) text += fmt::format(", {} with problems", HumanCount(tally.with_problems, "record"));
  if (tally.good()) text += tally.records > 0 ? ", nothing wrong" : ": it is empty";
  if (tally.unpaired > 0) text += fmt::format("; {} that this file does not hold", HumanCount(tally.unpaired, "record is named", "records are named"));
  return text;
}

}  // namespace

int WarcCheckCommand(const CommandLine& line) {
  std::signal(SIGPIPE, SIG_IGN);
  bool failed = false;
  for (const std::string& file : NamedWarcFiles(line.invocation.files, failed)) {
    const auto reader = OpenNamedWarc(file);
    if (!reader.ok()) {
      TellProblem(ErrorText(reader.status()));
      failed = true;
      continue;
    }
    const WarcTally tally = CheckWarc(**reader, [&](const WarcVerdict& verdict) {
      if (line.invocation.json) {
        PutLine(JsonLine(verdict, file));
      } else {
        PrintProblems(file, verdict);
      }
    });
    std::fflush(stdout);
    PrintError("{}\n", Summary(file, tally));
    failed = failed || !tally.good();
  }
  return EndOfOutput(failed ? kExitFailed : kExitOk);
}

}  // namespace weft
