// weft warc extract: the payloads of WARC files as files of one directory.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <system_error>

#include "cli/archive_files.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "common/ascii.h"
#include "common/status.h"
#include "common/units.h"
#include "storage/atomic_output.h"
#include "storage/file_ops.h"
#include "storage/warc_payload.h"
#include "storage/warc_place.h"
#include "storage/warc_reader.h"
#include "storage/warc_rules.h"

namespace weft {
namespace {

constexpr unsigned kMostCopies = 1'000'000;
constexpr size_t kMostNamesKept = 200'000;

class Extractor {
 public:
  Extractor(std::string directory, std::vector<std::string> files) : directory_(std::move(directory)), bodies_(std::move(files)) {}

  // An error: the directory cannot be written.
  absl::Status Take(const std::string& file, const WarcRecord& record) {
    const std::string_view type = record.Get("WARC-Type");
    const bool named = NamesPayload(record);
    if (type != "response" && type != "resource" && type != "conversion" && !named) return absl::OkStatus();
    const auto payload = PayloadIn(file, record, bodies_);
    const std::string where = fmt::format("{} offset {}", file, record.offset);
    if (!payload.ok()) {
      TellProblem(fmt::format("{}: {}", where, ErrorText(payload.status())));
      ++incomplete_;
      return absl::OkStatus();
    }
    const std::string uri(WarcTargetUri(record));
    WEFT_ASSIGN_OR_RETURN(const std::string name, WriteNew(uri, *payload));
    PutLine(fmt::format("{}\t{}", name, uri));
    ++files_;
    if (payload->problem.empty()) return absl::OkStatus();
    TellProblem(fmt::format("{}: {}: {} holds what came before", where, payload->problem, name));
    ++incomplete_;
    return absl::OkStatus();
  }
  uint64_t files() const { return files_; }
  uint64_t incomplete() const { return incomplete_; }

 private:
  // Under the first name that is free: exclusive creation replaces nothing and follows no link.
  absl::StatusOr<std::string> WriteNew(const std::string& uri, const WarcPayload& payload) {
    FileOps& files = PosixFileOps();
    const std::string first = LowerAscii(PayloadFileName(uri, payload.mime, 1));
    if (last_copy_.size() > kMostNamesKept) last_copy_.clear();  // it saves tries only
    for (unsigned& copy = ++last_copy_[first]; copy < kMostCopies; ++copy) {
      std::string name = PayloadFileName(uri, payload.mime, copy);
      const std::string path = fmt::format("{}/{}", directory_, name);
      const auto fd = files.Create(path);
      if (absl::IsAlreadyExists(fd.status())) continue;
      if (!fd.ok()) return fd.status();
      absl::Status status = files.WriteAt(*fd, payload.bytes, 0);
      status.Update(files.Close(*fd));
      if (status.ok()) return name;
      files.Remove(path).IgnoreError();  // the error that counts is the first one
      return WithContext(status, path);
    }
    return Internal("no free name for {}", uri);
  }

  std::string directory_;
  RevisitBodies bodies_;
  std::map<std::string, unsigned> last_copy_;  // by the name without a number, in lower case
  uint64_t files_ = 0;
  uint64_t incomplete_ = 0;
};

absl::Status ExtractFile(const std::string& file, Extractor& extractor, bool& failed) {
  const auto reader = OpenNamedWarc(file);
  if (!reader.ok()) {
    TellProblem(ErrorText(reader.status()));
    failed = true;
    return absl::OkStatus();
  }
  while (true) {
    const auto record = (*reader)->Next();
    if (absl::IsNotFound(record.status())) return absl::OkStatus();
    if (record.ok()) {
      WEFT_RETURN_IF_ERROR(extractor.Take(file, *record));
    } else {
      TellProblem(fmt::format("{}: {}", file, ErrorText(record.status())));
      failed = true;
    }
  }
}

}  // namespace

int WarcExtractCommand(const CommandLine& line) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string& directory = line.invocation.out_dir;
  bool failed = false;
  const std::vector<std::string> files = NamedWarcFiles(line.invocation.files, failed);
  if (files.empty()) return kExitFailed;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    TellProblem(fmt::format("cannot make the directory {}: {}", directory, error.message()));
    return kExitFailed;
  }
  Extractor extractor(directory, files);
  for (const std::string& file : files) {
    if (const absl::Status status = ExtractFile(file, extractor, failed); !status.ok()) {
      TellProblem(ErrorText(status));
      return kExitFailed;
    }
  }
  std::fflush(stdout);
  TellProblem(fmt::format("{} in {}", HumanCount(extractor.files(), "file"), directory));
  return EndOfOutput(failed || extractor.incomplete() > 0 ? kExitFailed : kExitOk);
}

}  // namespace weft
