#include <algorithm>
#include <filesystem>
#include <system_error>

#include "common/status.h"
#include "storage/gzip_member.h"
#include "storage/warc_digest.h"
#include "storage/warc_file.h"
#include "storage/warc_format.h"
#include "storage/warc_reader.h"
#include "storage/warc_store.h"
#include "storage/zstd_frame.h"

namespace weft {
namespace {

// The end of the last whole member of an unbroken row that begins at `from`.
uint64_t EndOfWholeMembers(const ByteSource& source, MemberReader& member, uint64_t from) {
  std::string content(256 * 1024, '\0');
  while (from < source.size()) {
    member.Start(from);
    while (member.Read(content.data(), content.size()) > 0) {
    }
    if (member.state() != MemberReader::State::kEnd) break;
    from = member.position();
  }
  return from;
}

// The same for plain records. Their digests stand in for gzip's checks: after a crash of the machine a file may have its
// length but not its bytes.
absl::StatusOr<uint64_t> EndOfWholeRecords(const std::string& path, uint64_t from) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<WarcReader> reader, WarcReader::Open(path, from, UINT64_MAX));
  while (true) {
    const auto record = reader->Next();
    const bool whole = record.ok() && record->offset == from && record->terminated &&
                       CheckBlockDigest(*record) != DigestVerdict::kDiffers;
    if (!whole) return from;
    from += record->length;
  }
}

struct Opened {
  std::string open_path;
  std::string final_path;
  std::string note_path;
};

absl::StatusOr<uint64_t> EndOfWhole(const Opened& paths, uint64_t from) {
  if (paths.final_path.ends_with(".warc")) return EndOfWholeRecords(paths.open_path, from);
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenFileSource(paths.open_path));
  if (paths.final_path.ends_with(".zst")) {
    ZstdFrameReader frames(*source, {});
    return EndOfWholeMembers(*source, frames, from);
  }
  GzipMemberReader members(*source);
  return EndOfWholeMembers(*source, members, from);
}

// Decides what stays; changes nothing.
absl::StatusOr<WarcRepair> Examine(const Opened& paths) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenFileSource(paths.open_path));
  const uint64_t size = source->size();
  const uint64_t synced = ReadSyncedNote(paths.note_path).value_or(0);
  WarcRepair repair;
  WEFT_ASSIGN_OR_RETURN(repair.kept_bytes, EndOfWhole(paths, 0));
  if (repair.kept_bytes < synced) {
    repair.synced_bytes_lost = synced - repair.kept_bytes;
    // Damage before the end of what was synced: the records behind it are good, and `synced` is where one ends.
    if (synced <= size) {
      WEFT_ASSIGN_OR_RETURN(repair.kept_bytes, EndOfWhole(paths, synced));
    }
  }
  repair.cut_bytes = size - repair.kept_bytes;
  return repair;
}

// In an order that may stop anywhere and be done again: cut, durable, renamed, note removed.
absl::Status Apply(const Opened& paths, const WarcRepair& repair, FileOps& files) {
  if (repair.kept_bytes == 0) {
    WEFT_RETURN_IF_ERROR(files.Remove(paths.open_path));
  } else {
    WEFT_ASSIGN_OR_RETURN(const int fd, files.OpenForWriting(paths.open_path));
    absl::Status status;
    if (repair.cut_bytes > 0) status = files.Truncate(fd, repair.kept_bytes);
    if (status.ok()) status = files.SyncData(fd);
    status.Update(files.Close(fd));
    WEFT_RETURN_IF_ERROR(WithContext(status, paths.open_path));
    WEFT_RETURN_IF_ERROR(files.RenameToNew(paths.open_path, paths.final_path));
  }
  return files.Exists(paths.note_path) ? files.Remove(paths.note_path) : absl::OkStatus();
}

// Names in `directory`, sorted.
absl::StatusOr<std::vector<std::string>> ListNames(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  while (!error && entry != std::filesystem::directory_iterator()) {
    names.push_back(entry->path().filename().string());
    entry.increment(error);
  }
  if (error) return ErrnoStatus(error.value(), "list", directory);
  std::sort(names.begin(), names.end());
  return names;
}

// `name` without `suffix`; empty if it is not a WARC file's name with it.
std::string WarcNameBefore(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return {};
  name.remove_suffix(suffix.size());
  return IsWarcFileName(name) ? std::string(name) : std::string();
}

}  // namespace

absl::StatusOr<std::vector<WarcRepair>> WarcStore::Repair(const std::string& directory, FileOps& files) {
  std::vector<WarcRepair> repairs;
  if (!files.Exists(directory)) return repairs;
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames(directory));
  bool changed = false;
  for (const std::string& entry : names) {
    const std::string name = WarcNameBefore(entry, kOpenSuffix);
    if (name.empty()) continue;
    const std::string path = fmt::format("{}/{}", directory, name);
    const Opened paths{path + std::string(kOpenSuffix), path, path + std::string(kSyncedSuffix)};
    WEFT_ASSIGN_OR_RETURN(WarcRepair repair, Examine(paths));
    WEFT_RETURN_IF_ERROR(Apply(paths, repair, files));
    repair.file = name;
    repairs.push_back(std::move(repair));
    changed = true;
  }
  for (const std::string& entry : names) {
    const std::string path = fmt::format("{}/{}", directory, entry);
    // A crash between the rename of a file and the removal of its note.
    if (WarcNameBefore(entry, kSyncedSuffix).empty() || !files.Exists(path)) continue;
    WEFT_RETURN_IF_ERROR(files.Remove(path));
    changed = true;
  }
  if (changed) WEFT_RETURN_IF_ERROR(files.SyncDirectory(directory));
  return repairs;
}

}  // namespace weft
