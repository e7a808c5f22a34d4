// weft export: committed pages as tables. Rows come from the CrawlDb as of one commit; what only the page itself tells is read
// again from its WARC record.
#include <unistd.h>

#include <csignal>
#include <utility>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/exit_codes.h"
#include "cli/export_pages.h"
#include "cli/export_parts.h"
#include "cli/export_plan.h"
#include "cli/export_run.h"
#include "cli/record_source.h"
#include "common/clock.h"
#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

std::string OutputName(const ExportPlan& plan) {
  if (plan.output.empty()) return "the output";
  const std::string shown = plan.ShownOutput();
  return plan.rows_per_file == 0 || plan.partitioned ? shown : ExportParts::PartName(shown, 0) + " and on";
}

void TellLeftOut(const ExportPlan& plan, const ExportPages& pages, const ExportParts& parts, uint64_t exported, Console& console) {
  const std::string how = plan.output.empty()        ? ""
                          : parts.notes_left_out() ? "; --resume adds them once their nodes are back"
                                                   : "; export again once their nodes are back, or with --rows-per-file, whose --resume adds them";
  console.Line(fmt::format("weft: {}{}. A directory that was brought here is named with --pages DIR", pages.LeftOutText(), how));
  if (pages.unreadable() == 0) console.Line(fmt::format("weft: {} is incomplete: {} exported", OutputName(plan), HumanCount(exported, "page")));
}

void TellUnreadable(const ExportPlan& plan, ExportPages& pages, uint64_t exported, Console& console) {
  pages.TellMissing();
  const std::string lacking = plan.json_lines_as_ever
                                  ? fmt::format("their rows have no title, charset and links{}",
                                                plan.json_lines_with_text ? ", and no text" : "")
                              : plan.kind == ExportKind::kWacz ? "they are left out"
                                  : "what is read of the page is missing there";
  // With a condition on their content pages are read that are not exported then.
  const std::string of_all = pages.unreadable() > exported ? "" : fmt::format(" of {}", HumanCount(exported));
  console.Line(fmt::format("weft: {} is incomplete: {}{} pages could not be read; {}", OutputName(plan),
                           HumanCount(pages.unreadable()), of_all, lacking));
}

absl::Status Export(const ExportPlan& plan, const CommandLine& line, Console& console, bool& incomplete, bool& usage) {
  WEFT_ASSIGN_OR_RETURN(const auto source, OpenRecordSource(line));
  auto opened = ExportParts::Open(plan);
  usage = absl::IsInvalidArgument(opened.status());
  WEFT_ASSIGN_OR_RETURN(const auto parts, std::move(opened));
  if (parts->complete()) {
    const std::string anew = plan.stored() ? "another name exports anew" : "--force exports anew";
    const std::string since = absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", parts->completed_at(), absl::UTCTimeZone());
    console.Line(fmt::format("weft: {} is complete already, since {}, as it was asked for then: pages that were stored after it had "
                             "begun are not in it; {}", OutputName(plan), since, anew));
    incomplete = parts->unreadable_then() > 0;
    if (incomplete) {
      console.Line(fmt::format("weft: {} could not be read then, and their rows lack what is read of a page; {}",
                               HumanCount(parts->unreadable_then(), "page"), anew));
    }
    return absl::OkStatus();
  }
  if (plan.resume && parts->parts() == 0) {
    console.Line(plan.rows_per_file == 0 && !plan.stored()
                     ? "weft: one file cannot be gone on with: the export begins anew; --rows-per-file N makes parts"
                     : "weft: no part is whole yet: the export begins anew");
  } else if (parts->wanted() > 0) {
    console.Line(fmt::format("weft: going on with {} that {} left out before", HumanCount(parts->wanted(), "page"),
                             parts->wanted() == 1 ? "was" : "were"));
  } else if (parts->parts() > 0) {
    console.Line(fmt::format("weft: going on behind {} of {} pages", HumanCount(parts->parts(), "part"),
                             HumanCount(parts->resumed().pages)));
  }
  WEFT_ASSIGN_OR_RETURN(const auto pages, ExportPages::Make(*source, plan.needs, console));
  pages->SetMainText(plan.main_text);
  ExportRun run(plan, *source, *pages, *parts, console, SystemClock());
  WEFT_RETURN_IF_ERROR(run.Run());
  console.EndLive();
  incomplete = pages->unreadable() + pages->lost() > 0;
  if (pages->left_out() > 0) TellLeftOut(plan, *pages, *parts, run.pages(), console);
  incomplete = incomplete || pages->left_out() > 0;
  if (pages->lost() > 0) {
    pages->TellLost();
    console.Line(fmt::format("weft: {}: {} of {} are of pages that are lost", OutputName(plan), HumanCount(pages->lost(), "row"),
                             HumanCount(run.pages())));
  }
  if (pages->unreadable() > 0) {
    TellUnreadable(plan, *pages, run.pages(), console);
  } else if (!incomplete && !plan.output.empty()) {
    const std::string rows = parts->rows() == run.pages() ? "" : fmt::format(" ({})", HumanCount(parts->rows(), "row"));
    console.Line(fmt::format("weft: {} pages exported to {}{}", HumanCount(run.pages()), OutputName(plan), rows));
  }
  return absl::OkStatus();
}

}  // namespace

int ExportCommand(const CommandLine& line) {
  Console console;
  // A file that may grow no more is an error like a full disk, and no end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  const auto fail = [&](const absl::Status& status, int code) {
    console.EndLive();
    console.Line("weft: " + ErrorText(status));
    return code;
  };
  const auto plan = MakeExportPlan(line);
  if (!plan.ok()) return fail(plan.status(), kExitUsage);
  // What reads Parquet begins at its end.
  if (plan->output.empty() && plan->kind == ExportKind::kParquet && lseek(STDOUT_FILENO, 0, SEEK_CUR) < 0) {
    return fail(InvalidArgument("--format parquet needs --output FILE: standard output is a {} here, and what reads Parquet "
                                "must go back in it", isatty(STDOUT_FILENO) != 0 ? "terminal" : "pipe"), kExitUsage);
  }
  bool incomplete = false;
  bool usage = false;
  const absl::Status status = Export(*plan, line, console, incomplete, usage);
  if (!status.ok()) return fail(status, usage ? kExitUsage : kExitFailed);
  return incomplete ? kExitFailed : kExitOk;
}

}  // namespace weft
