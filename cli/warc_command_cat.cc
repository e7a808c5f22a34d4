// weft warc cat: records of WARC files, their heads, or the payload of one, on standard output.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "cli/archive_files.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "common/ascii.h"
#include "common/status.h"
#include "storage/warc_format.h"
#include "storage/warc_payload.h"
#include "storage/warc_place.h"
#include "storage/warc_reader.h"
#include "storage/warc_rules.h"

namespace weft {
namespace {

void Write(std::string_view bytes) { std::fwrite(bytes.data(), 1, bytes.size(), stdout); }

bool MayHavePayload(const WarcRecord& record) {
  for (const char* type : {"response", "resource", "conversion"}) {
    if (EqualIgnoringCase(record.Get("WARC-Type"), type)) return true;
  }
  return NamesPayload(record);
}

class Printer {
 public:
  Printer(const CrawlInvocation& call, bool one, const std::vector<std::string>& files) : call_(call), one_(one), bodies_(files) {}

  // A record of `file`.
  void Take(const WarcRecord& record, const std::string& file) {
    if (!call_.uri.empty() && WarcTargetUri(record) != call_.uri) return;
    // A payload is asked for by URI or of the first record that has one; at an offset of that record alone.
    if (call_.payload && !one_ && !MayHavePayload(record)) return;
    ++found_;
    if (call_.payload) {
      PrintPayload(record, file);
      done_ = true;
      return;
    }
    Write(record.head);
    if (call_.headers) {
      const std::string_view http = HttpHeadOf(record);
      Write(http);
      if (!http.empty() && !http.ends_with('\n')) Write("\n");
    } else {
      Write(record.block);
      Write(kRecordEnd);
    }
    done_ = one_ || std::ferror(stdout) != 0;
  }
  // Nothing more is wanted.
  bool done() const { return done_; }
  uint64_t found() const { return found_; }
  bool failed() const { return failed_; }

 private:
  void PrintPayload(const WarcRecord& record, const std::string& file) {
    const auto payload = PayloadIn(file, record, bodies_);
    if (!payload.ok()) {
      TellProblem(fmt::format("the record at offset {}: {}", record.offset, ErrorText(payload.status())));
      failed_ = true;
      return;
    }
    Write(payload->bytes);
    if (payload->problem.empty()) return;
    TellProblem(fmt::format("the record at offset {}: {}; what came before was printed", record.offset, payload->problem));
    failed_ = true;
  }

  const CrawlInvocation& call_;
  bool one_;
  RevisitBodies bodies_;
  uint64_t found_ = 0;
  bool done_ = false;
  bool failed_ = false;
};

// Adds to what is printed. False: something went wrong, and is told.
bool CatFile(const std::string& file, const CrawlInvocation& call, bool one, Printer& printer) {
  const auto reader = OpenNamedWarc(file, call.offset);
  if (!reader.ok()) {
    TellProblem(ErrorText(reader.status()));
    return false;
  }
  bool good = true;
  while (!printer.done()) {
    const auto record = (*reader)->Next();
    if (absl::IsNotFound(record.status())) break;
    const bool elsewhere = one && (record.ok() ? record->offset : (*reader)->damage_offset()) != call.offset;
    if (elsewhere) break;
    if (record.ok()) {
      printer.Take(*record, file);
    } else {
      TellProblem(fmt::format("{}: {}", file, ErrorText(record.status())));
      good = false;
    }
    if (one) break;
  }
  return good;
}

}  // namespace

int WarcCatCommand(const CommandLine& line) {
  std::signal(SIGPIPE, SIG_IGN);
  const CrawlInvocation& call = line.invocation;
  const bool one = line.given.contains("offset");
  if (call.payload && call.headers) {
    TellProblem("--payload and --headers exclude each other");
    return kExitUsage;
  }
  if (one && call.files.size() > 1) {
    TellProblem("--offset is of one file, and several are named");
    return kExitUsage;
  }
  bool failed = false;
  const std::vector<std::string> files = NamedWarcFiles(call.files, failed);
  Printer printer(call, one, files);
  for (const std::string& file : files) {
    if (!printer.done() && !CatFile(file, call, one, printer)) failed = true;
  }
  if (printer.found() == 0 && !failed) {
    const std::string where = files.size() == 1 ? files.front() : fmt::format("{} files", files.size());
    TellProblem(one ? fmt::format("{}: no record{} begins at offset {}", where, call.uri.empty() ? "" : " of that URI", call.offset)
                    : fmt::format("{}: no such record", where));
    failed = true;
  }
  return EndOfOutput(failed || printer.failed() ? kExitFailed : kExitOk);
}

}  // namespace weft
