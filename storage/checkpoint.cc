#include "storage/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "common/random.h"
#include "common/status.h"
#include "storage/rocks_kv.h"

namespace weft {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kDb = "/crawl.db";
constexpr std::string_view kPartial = ".partial";
constexpr std::string_view kRestoring = "/crawl.db.restoring";
constexpr std::string_view kReplaced = "/crawl.db.replaced";

absl::Status Trouble(const std::string& path, const std::error_code& error) {
  if (error == std::errc::no_space_on_device) return absl::ResourceExhaustedError(fmt::format("{}: {}", path, error.message()));
  return FailedPrecondition("{}: {}", path, error.message());
}

absl::Status SyncPath(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Trouble(path, std::error_code(errno, std::generic_category()));
  const bool synced = fsync(fd) == 0;
  const std::error_code error(errno, std::generic_category());
  close(fd);
  return synced ? absl::OkStatus() : Trouble(path, error);
}

absl::Status CopyFile(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  return error ? Trouble(to, error) : SyncPath(to);
}

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  return error ? Trouble(path, error) : absl::OkStatus();
}

absl::Status Remove(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? Trouble(path, error) : absl::OkStatus();
}

// A folder without folders in it, and durable.
absl::Status CopyFolder(const std::string& from, const std::string& to) {
  WEFT_RETURN_IF_ERROR(MakeFolder(to));
  std::error_code error;
  fs::directory_iterator entries(from, error);
  if (error) return Trouble(from, error);
  for (; entries != fs::directory_iterator(); entries.increment(error)) {
    if (error) return Trouble(from, error);
    if (!entries->is_regular_file(error)) continue;
    WEFT_RETURN_IF_ERROR(CopyFile(entries->path().string(), to + "/" + entries->path().filename().string()));
  }
  return error ? Trouble(from, error) : SyncPath(to);
}

uint64_t BytesBelow(const std::string& path) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    std::error_code unknown;
    const uintmax_t size = it->is_regular_file(unknown) ? it->file_size(unknown) : 0;
    if (!unknown) bytes += size;
  }
  return bytes;
}

absl::Status Rename(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  return error ? Trouble(to, error) : absl::OkStatus();
}

// In one step, so that a crash leaves either; where the file system has none for it, in two.
absl::Status Exchange(const std::string& one, const std::string& other) {
  if (renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0) return absl::OkStatus();
  const std::string aside = other + ".aside";
  WEFT_RETURN_IF_ERROR(Rename(other, aside));
  WEFT_RETURN_IF_ERROR(Rename(one, other));
  return Rename(aside, one);
}

bool Exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

absl::StatusOr<std::unique_ptr<CrawlDb>> OpenToLook(const std::string& path) {
  RocksKvOptions kv_options;
  kv_options.path = path;
  kv_options.read_only = true;
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Kv> kv, OpenRocksKv(kv_options));
  CrawlDbOptions options;
  options.read_only = true;
  return CrawlDb::Open(std::move(kv), options, *SystemRandom());
}

// Snapshots belong to a CrawlDb by an id that it names: those of another are passed over, and would only take room.
absl::Status CopyOtherFiles(const std::string& from, const std::string& data) {
  for (const char* name : {"/crawl.seen.a", "/crawl.seen.b"}) {
    WEFT_RETURN_IF_ERROR(Remove(data + name));
    if (Exists(from + name)) WEFT_RETURN_IF_ERROR(CopyFile(from + name, data + name));
  }
  if (Exists(from + "/crawl.log") && !Exists(data + "/crawl.log")) {
    WEFT_RETURN_IF_ERROR(CopyFile(from + "/crawl.log", data + "/crawl.log"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<uint64_t> VerifyCheckpoint(const std::string& checkpoint) {
  const std::string path = checkpoint + std::string(kDb);
  if (!Exists(path)) return FailedPrecondition("{}: it is no checkpoint: it holds no crawl.db", checkpoint);
  WEFT_ASSIGN_OR_RETURN(const auto db, OpenToLook(path));
  if (!db->ledger().AddsUp()) return DataLoss("{}: its ledger does not add up", checkpoint);
  return db->commit();
}

absl::StatusOr<CheckpointMade> MakeCheckpoint(const CrawlDb& db, const std::vector<std::string>& files, const std::string& to) {
  if (Exists(to)) return FailedPrecondition("{} is there already; name a directory that is not", to);
  const std::string parent = fs::path(to).parent_path().string();
  const std::string partial = to + std::string(kPartial);
  WEFT_RETURN_IF_ERROR(Remove(partial));
  WEFT_RETURN_IF_ERROR(MakeFolder(partial));
  // First: what it holds must not be newer than what the CrawlDb names.
  for (const std::string& file : files) {
    if (!Exists(file)) continue;
    const std::string copy = partial + "/" + fs::path(file).filename().string();
    const absl::Status copied = CopyFile(file, copy);
    // A snapshot may be replaced meanwhile.
    if (!copied.ok() && Exists(file)) return copied;
  }
  WEFT_RETURN_IF_ERROR(db.Checkpoint(partial + std::string(kDb)));
  CheckpointMade made;
  made.path = to;
  WEFT_ASSIGN_OR_RETURN(made.commit, VerifyCheckpoint(partial));
  made.bytes = BytesBelow(partial);
  WEFT_RETURN_IF_ERROR(SyncPath(partial));
  WEFT_RETURN_IF_ERROR(Rename(partial, to));
  if (!parent.empty()) WEFT_RETURN_IF_ERROR(SyncPath(parent));
  return made;
}

absl::Status PruneCheckpoints(const std::string& folder, size_t keep) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(kPartial)) {
      WEFT_RETURN_IF_ERROR(Remove(entry.path().string()));
    } else if (Exists(entry.path().string() + std::string(kDb))) {
      names.push_back(name);
    }
  }
  if (error) return Trouble(folder, error);
  std::sort(names.begin(), names.end());
  for (size_t i = 0; i + keep < names.size(); ++i) WEFT_RETURN_IF_ERROR(Remove(folder + "/" + names[i]));
  return absl::OkStatus();
}

namespace {

// Nothing that stands there is lost: "NAME", else "NAME-2" and on.
std::string FreeName(const std::string& name) {
  std::string free = name;
  for (int i = 2; Exists(free); ++i) free = fmt::format("{}-{}", name, i);
  return free;
}

// A restore that was broken off has left a copy that is not whole; or, behind the exchange, what it was about to put aside.
absl::Status ClearRestoring(const std::string& data) {
  const std::string restoring = data + std::string(kRestoring);
  const bool whole = Exists(data + std::string(kDb)) && Exists(restoring) && OpenToLook(restoring).ok();
  return whole ? Rename(restoring, FreeName(data + std::string(kReplaced))) : Remove(restoring);
}

}  // namespace

absl::Status RestoreCheckpoint(const std::string& checkpoint, const std::string& data, bool force) {
  const std::string db = data + std::string(kDb);
  const std::string restoring = data + std::string(kRestoring);
  WEFT_RETURN_IF_ERROR(VerifyCheckpoint(checkpoint).status());
  const bool there = Exists(db);
  if (there && !force) {
    return FailedPrecondition("--data {}: a crawl is there already; choose another directory, or give --force to put the "
                              "checkpoint in its place", data);
  }
  WEFT_RETURN_IF_ERROR(ClearRestoring(data));
  WEFT_RETURN_IF_ERROR(CopyFolder(checkpoint + std::string(kDb), restoring));
  if (there) {
    WEFT_RETURN_IF_ERROR(Exchange(restoring, db));
    WEFT_RETURN_IF_ERROR(Rename(restoring, FreeName(data + std::string(kReplaced))));
  } else {
    WEFT_RETURN_IF_ERROR(Rename(restoring, db));
  }
  WEFT_RETURN_IF_ERROR(CopyOtherFiles(checkpoint, data));
  return SyncPath(data);
}

bool RestoreBrokenOff(const std::string& data) {
  return !Exists(data + std::string(kDb)) && Exists(data + std::string(kRestoring));
}

}  // namespace weft
