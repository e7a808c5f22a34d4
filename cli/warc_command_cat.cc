// weft warc cat: records of a WARC file, their heads, or the payload of one, on standard output.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "cli/archive_files.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "common/ascii.h"
#include "common/status.h"
#include "storage/warc_format.h"
#include "storage/warc_payload.h"
#include "storage/warc_reader.h"
#include "storage/warc_rules.h"

namespace weft {
namespace {

void Write(std::string_view bytes) { std::fwrite(bytes.data(), 1, bytes.size(), stdout); }

bool MayHavePayload(const WarcRecord& record) {
  for (const char* type : {"response", "resource", "conversion"}) {
    if (EqualIgnoringCase(record.Get("WARC-Type"), type)) return true;
  }
  return false;
}

class Printer {
 public:
  explicit Printer(const CrawlInvocation& call, bool one) : call_(call), one_(one) {}

  // False: nothing more is wanted.
  bool Take(const WarcRecord& record) {
    if (!call_.uri.empty() && WarcTargetUri(record) != call_.uri) return true;
    // A payload is asked for by URI or of the first record that has one; at an offset of that record alone.
    if (call_.payload && !one_ && !MayHavePayload(record)) return true;
    ++found_;
    if (call_.payload) {
      PrintPayload(record);
      return false;
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
    return !one_ && std::ferror(stdout) == 0;
  }
  uint64_t found() const { return found_; }
  bool failed() const { return failed_; }

 private:
  void PrintPayload(const WarcRecord& record) {
    const auto payload = PayloadOf(record);
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
  uint64_t found_ = 0;
  bool failed_ = false;
};

}  // namespace

int WarcCatCommand(const CommandLine& line) {
  std::signal(SIGPIPE, SIG_IGN);
  const CrawlInvocation& call = line.invocation;
  const std::string& file = call.files.front();
  if (call.payload && call.headers) {
    TellProblem("--payload and --headers exclude each other");
    return kExitUsage;
  }
  const bool one = line.given.contains("offset");
  const auto reader = WarcReader::Open(file, call.offset);
  if (!reader.ok()) {
    TellProblem(ErrorText(reader.status()));
    return kExitFailed;
  }
  Printer printer(call, one);
  bool failed = false;
  while (true) {
    const auto record = (*reader)->Next();
    if (absl::IsNotFound(record.status())) break;
    const bool elsewhere = one && (record.ok() ? record->offset : (*reader)->damage_offset()) != call.offset;
    if (elsewhere) break;
    if (!record.ok()) {
      TellProblem(fmt::format("{}: {}", file, ErrorText(record.status())));
      failed = true;
      if (one) break;
      continue;
    }
    if (!printer.Take(*record) || one) break;
  }
  if (printer.found() == 0 && !failed) {
    TellProblem(one ? fmt::format("{}: no record{} begins at offset {}", file, call.uri.empty() ? "" : " of that URI", call.offset)
                    : fmt::format("{}: no such record", file));
    failed = true;
  }
  return EndOfOutput(failed || printer.failed() ? kExitFailed : kExitOk);
}

}  // namespace weft
