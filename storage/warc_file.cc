#include "storage/warc_file.h"

#include "common/status.h"
#include "storage/byte_source.h"
#include "storage/warc_format.h"

namespace weft {
namespace {

constexpr size_t kNoteBytes = 16;
constexpr absl::Duration kNoteSyncEvery = absl::Seconds(1);

// The number and its complement, little-endian: a torn or zeroed note is told from a true one.
std::string EncodeNote(uint64_t size) {
  std::string note;
  for (const uint64_t value : {size, ~size}) {
    for (int shift = 0; shift < 64; shift += 8) note += static_cast<char>(value >> shift & 0xFF);
  }
  return note;
}

uint64_t DecodeFixed64(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WarcFile>> WarcFile::Create(FileOps& files, const std::string& directory,
                                                           const std::string& name) {
  const std::string path = fmt::format("{}/{}", directory, name);
  const std::string open_path = path + std::string(kOpenSuffix);
  WEFT_ASSIGN_OR_RETURN(const int fd, files.Create(open_path));
  std::unique_ptr<WarcFile> file(new WarcFile(files, path, name, fd));
  // Another store may have finished a file of this name: exclusive creation saw only files that are still open.
  absl::Status status = files.Exists(path) ? absl::AlreadyExistsError("taken") : file->CreateNote();
  if (status.ok()) return file;
  // What cannot be removed is empty, and removed by Repair.
  if (absl::Status removed = files.Remove(open_path); !removed.ok()) {
    status = absl::Status(status.code(), fmt::format("{}; {}", ErrorText(status), ErrorText(removed)));
  }
  return status;
}

absl::Status WarcFile::CreateNote() {
  const std::string path = path_ + std::string(kSyncedSuffix);
  WEFT_ASSIGN_OR_RETURN(note_fd_, files_.Create(path));
  const absl::Status status = files_.WriteAt(note_fd_, EncodeNote(0), 0);
  if (!status.ok()) files_.Remove(path).IgnoreError();  // a note without its file means nothing; Repair removes it
  return status;
}

WarcFile::~WarcFile() { CloseDescriptors().IgnoreError(); }

absl::Status WarcFile::CloseDescriptors() {
  absl::Status status;
  for (int* fd : {&fd_, &note_fd_}) {
    if (*fd >= 0) status.Update(files_.Close(*fd));
    *fd = -1;
  }
  return status;
}

absl::Status WarcFile::Append(std::string_view bytes) {
  const uint64_t begin = size();
  const absl::Status status = files_.WriteAt(fd_, bytes, begin);
  if (!status.ok()) {
    if (!files_.Truncate(fd_, begin).ok()) torn_ = true;
    return WithContext(status, name_);
  }
  size_.store(begin + bytes.size(), std::memory_order_release);
  return absl::OkStatus();
}

absl::Status WarcFile::SyncTo(uint64_t size, absl::Time now) {
  if (size <= synced_) return absl::OkStatus();
  absl::Status status = files_.SyncData(fd_);
  if (status.ok()) status = files_.WriteAt(note_fd_, EncodeNote(size), 0);
  if (status.ok() && now - note_synced_ >= kNoteSyncEvery) {
    status = files_.SyncData(note_fd_);
    note_synced_ = now;
  }
  if (!status.ok()) return WithContext(status, name_);
  synced_ = size;
  return absl::OkStatus();
}

absl::Status WarcFile::Finish(absl::Time now) {
  const std::string open_path = path_ + std::string(kOpenSuffix);
  const std::string note_path = path_ + std::string(kSyncedSuffix);
  WEFT_RETURN_IF_ERROR(SyncTo(size(), now));
  WEFT_RETURN_IF_ERROR(WithContext(CloseDescriptors(), name_));
  if (torn_) return absl::OkStatus();
  if (size() == 0) {
    WEFT_RETURN_IF_ERROR(files_.Remove(open_path));
  } else {
    WEFT_RETURN_IF_ERROR(files_.RenameToNew(open_path, path_));
  }
  return files_.Remove(note_path);
}

std::optional<uint64_t> ReadSyncedNote(const std::string& path) {
  const auto source = OpenFileSource(path);
  std::string note(kNoteBytes, '\0');
  if (!source.ok() || (*source)->ReadAt(0, note.data(), kNoteBytes) != kNoteBytes) return std::nullopt;
  const uint64_t size = DecodeFixed64(note);
  if (DecodeFixed64(std::string_view(note).substr(8)) != ~size) return std::nullopt;
  return size;
}

}  // namespace weft
