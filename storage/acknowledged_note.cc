#include "storage/acknowledged_note.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "common/status.h"
#include "storage/byte_source.h"

namespace weft {
namespace {

constexpr std::string_view kName = "highest-commit";
constexpr size_t kMostBytes = 128;

// "LINEAGE INCARNATION COMMIT\n"
Acknowledged Read(const std::string& path) {
  auto source = OpenFileSource(path);
  if (!source.ok()) return {};
  std::string text(kMostBytes, '\0');
  text.resize((*source)->ReadAt(0, text.data(), text.size()));
  unsigned long long lineage = 0;
  unsigned long long incarnation = 0;
  unsigned long long commit = 0;
  char end = 0;
  int read = std::sscanf(text.c_str(), "%16llx %16llx %20llu%c", &lineage, &incarnation, &commit, &end);
  if (read != 4 || end != '\n') return {};
  return {lineage, incarnation, commit};
}

}  // namespace

AcknowledgedNote::AcknowledgedNote(std::string directory, FileOps& files)
    : directory_(std::move(directory)), files_(files), last_(Read(fmt::format("{}/{}", directory_, kName))),
      written_(last_) {}

Acknowledged AcknowledgedNote::last() const {
  MutexLock lock(mutex_);
  return last_;
}

bool AcknowledgedNote::changed() const {
  MutexLock lock(mutex_);
  return last_ != written_;
}

void AcknowledgedNote::Take(const Acknowledged& seen) {
  MutexLock lock(mutex_);
  const bool same = seen.lineage == last_.lineage && seen.incarnation == last_.incarnation;
  const uint64_t commit = same ? std::max(seen.commit, last_.commit) : seen.commit;
  last_ = {seen.lineage, seen.incarnation, commit};
}

absl::Status AcknowledgedNote::Write() {
  MutexLock write_lock(write_mutex_);
  Acknowledged now;
  {
    MutexLock lock(mutex_);
    if (last_ == written_) return absl::OkStatus();
    now = last_;
  }
  WEFT_RETURN_IF_ERROR(Replace(now));
  MutexLock lock(mutex_);
  written_ = now;
  return absl::OkStatus();
}

absl::Status AcknowledgedNote::Replace(const Acknowledged& by) {
  const std::string path = fmt::format("{}/{}", directory_, kName);
  const std::string draft = path + ".new";
  if (files_.Exists(draft)) WEFT_RETURN_IF_ERROR(files_.Remove(draft));  // left by a crash
  WEFT_ASSIGN_OR_RETURN(const int fd, files_.Create(draft));
  absl::Status status =
      files_.WriteAt(fd, fmt::format("{:016x} {:016x} {}\n", by.lineage, by.incarnation, by.commit), 0);
  if (status.ok()) status = files_.SyncData(fd);
  status.Update(files_.Close(fd));
  if (status.ok()) status = files_.RenameOver(draft, path);
  if (status.ok()) status = files_.SyncDirectory(directory_);
  return WithContext(status, path);
}

}  // namespace weft
