// weft store push, pull, list: files to a store and back, by hand.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "cli/store_choice.h"
#include "common/status.h"
#include "common/units.h"
#include "storage/cdxj_beside.h"
#include "storage/file_ops.h"
#include "storage/store_note.h"
#include "storage/warc_format.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

// What one call needs, open.
struct Opened {
  StoppableWait wait;
  std::unique_ptr<Random> random = SystemRandom();
  std::unique_ptr<ObjectStore> store;

  absl::Status Open(const StoreOptions& options) {
    WEFT_ASSIGN_OR_RETURN(store, OpenObjectStore(options, wait, SystemClock(), *random));
    return absl::OkStatus();
  }
};

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool IsForStore(const std::string& name) {
  if (IsWarcFileName(name)) return true;
  return name.ends_with(".wacz") || name.ends_with(".parquet");
}

// Files as they are; of a directory (and the warc/ in it) what is finished: WARC files, WACZ and Parquet.
absl::StatusOr<std::vector<std::string>> FilesToPush(const std::string& named) {
  std::error_code error;
  if (!fs::is_directory(named, error)) return std::vector<std::string>{named};
  std::vector<std::string> files;
  for (const std::string& directory : {named, named + "/warc"}) {
    for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
      if (IsForStore(it->path().filename().string())) files.push_back(it->path().string());
    }
    if (error && directory == named) return ErrnoStatus(error.value(), "list", directory);
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<bool> PushOne(ObjectStore& store, const StoreOptions& options, const std::string& path, bool free) {
  const std::string name = NameOf(path);
  const std::string directory = path == name ? "." : path.substr(0, path.size() - name.size() - 1);
  ObjectDigest digest;
  if (IsWarcFileName(name)) {
    WEFT_ASSIGN_OR_RETURN(const bool sent, StoreWithIndex(store, options, directory, name, digest));
    if (free) WEFT_RETURN_IF_ERROR(FreeStored(directory, name));
    return sent;
  }
  WEFT_ASSIGN_OR_RETURN(digest, DigestOfFile(path));
  return store.Put(path, name, digest);
}

absl::Status FetchNoted(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const StoreNote note, ReadStoreNote(path));
  Opened opened;
  WEFT_RETURN_IF_ERROR(opened.Open(note.store));
  return FetchObject(*opened.store, note.name, note.digest, path);
}

// Paths of files that are noted as stored and are not here.
std::vector<std::string> FreedFiles(const std::string& named) {
  std::error_code error;
  if (!fs::is_directory(named, error)) return {named};
  std::vector<std::string> files;
  for (const std::string& directory : {named, named + "/warc"}) {
    for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
      std::string path = it->path().string();
      if (!path.ends_with(kStoredSuffix)) continue;
      path.resize(path.size() - kStoredSuffix.size());
      if (!PosixFileOps().Exists(path)) files.push_back(std::move(path));
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::Status FetchNamed(ObjectStore& store, const std::string& name, const std::string& directory) {
  WEFT_ASSIGN_OR_RETURN(const ObjectInfo info, store.Head(name));
  const std::string path = fmt::format("{}/{}", directory.empty() ? "." : directory, NameOf(name));
  const ObjectDigest wanted = {info.bytes, info.sha256};
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    WEFT_ASSIGN_OR_RETURN(const ObjectDigest here, DigestOfFile(path));
    if (here == wanted) return absl::OkStatus();
    return FailedPrecondition("{} is there already, with other content; move it away, or name another --out", path);
  }
  return FetchObject(store, name, wanted, path);
}

// Counts what became of the files, and tells of each.
class FileReport {
 public:
  void Add(const std::string& path, const absl::Status& status, std::string_view done) {
    if (status.ok()) {
      PrintError("{}: {}\n", path, done);
    } else {
      TellProblem(fmt::format("{}: {}", path, ErrorText(status)));
      failed_ = true;
    }
  }
  int code(ExitCode otherwise) const { return failed_ ? otherwise : kExitOk; }

 private:
  bool failed_ = false;
};

int FailUsage(const absl::Status& status) {
  TellProblem(ErrorText(status));
  return kExitUsage;
}

}  // namespace

int StorePushCommand(const CommandLine& line) {
  const StoreOptions options = StoreOf(line.invocation);
  Opened opened;
  if (absl::Status status = opened.Open(options); !status.ok()) return FailUsage(status);
  FileReport report;
  for (const std::string& named : line.invocation.files) {
    const auto files = FilesToPush(named);
    if (!files.ok()) report.Add(named, files.status(), "");
    if (files.ok() && files->empty()) report.Add(named, NotFound("it holds no finished file"), "");
    if (!files.ok()) continue;
    for (const std::string& path : *files) {
      const auto sent = PushOne(*opened.store, options, path, line.invocation.store_free == "on");
      report.Add(path, sent.status(), sent.ok() && *sent ? "stored as " + opened.store->UrlOf(NameOf(path)) : "was stored already");
    }
  }
  return report.code(kExitNotStored);
}

int StorePullCommand(const CommandLine& line) {
  const CrawlInvocation& call = line.invocation;
  FileReport report;
  Opened opened;
  if (!call.store.empty()) {
    if (absl::Status status = opened.Open(StoreOf(call)); !status.ok()) return FailUsage(status);
    for (const std::string& name : call.files) report.Add(name, FetchNamed(*opened.store, name, call.out_dir), "fetched");
    return report.code(kExitFailed);
  }
  for (const std::string& named : call.files) {
    for (const std::string& path : FreedFiles(named)) report.Add(path, FetchNoted(path), "fetched");
  }
  return report.code(kExitFailed);
}

int StoreListCommand(const CommandLine& line) {
  Opened opened;
  if (absl::Status status = opened.Open(StoreOf(line.invocation)); !status.ok()) return FailUsage(status);
  const absl::Status listed = opened.store->List("", [](const ObjectInfo& info) {
    PutLine(fmt::format("{}\t{}", info.bytes, info.name));
    return absl::OkStatus();
  });
  if (listed.ok()) return EndOfOutput(kExitOk);
  TellProblem(ErrorText(listed));
  return EndOfOutput(kExitFailed);
}

}  // namespace weft
