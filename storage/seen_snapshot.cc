#include "storage/seen_snapshot.h"

#include <xxhash.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "common/status.h"
#include "storage/byte_coding.h"
#include "storage/byte_source.h"

namespace weft {
namespace {

constexpr std::string_view kMagic = "WeftSeen";
constexpr uint32_t kVersion = 1;
constexpr size_t kHeadBytes = 52;

uint64_t Checksum(std::string_view bytes, uint64_t id, uint64_t piece) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), id + piece);
}

std::string EncodeHead(const SeenSnapshotHead& head) {
  std::string out(kMagic);
  PutFixed32(out, kVersion);
  for (uint64_t number : {head.id, head.lineage, head.commit, head.entries}) PutFixed64(out, number);
  PutFixed64(out, Checksum(out, head.id, 0));
  return out;
}

// Reads a file from its beginning on.
class Reading {
 public:
  explicit Reading(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}
  // Shorter at the end of the file. Valid until the next call.
  std::string_view Next(size_t size) {
    size = std::min<uint64_t>(size, source_->size() - std::min(offset_, source_->size()));
    if (buffer_.size() < size) buffer_.resize(size);
    const size_t got = source_->ReadAt(offset_, buffer_.data(), size);
    offset_ += got;
    return {buffer_.data(), got};
  }

 private:
  std::unique_ptr<ByteSource> source_;
  std::string buffer_;
  uint64_t offset_ = 0;
};

absl::StatusOr<SeenSnapshotHead> ReadHead(Reading& file) {
  const std::string bytes(file.Next(kHeadBytes));
  ByteReader in(bytes);
  const bool ours = in.Raw(kMagic.size()) == kMagic;
  const uint32_t version = in.Fixed32();
  SeenSnapshotHead head;
  for (uint64_t* number : {&head.id, &head.lineage, &head.commit, &head.entries}) *number = in.Fixed64();
  const uint64_t checksum = in.Fixed64();
  if (!in.AtEnd() || !ours) return DataLoss("it is no snapshot of known URLs");
  if (version != kVersion) return FailedPrecondition("it has the unknown version {}", version);
  if (checksum != Checksum(std::string_view(bytes).substr(0, kHeadBytes - 8), head.id, 0)) return DataLoss("it is damaged");
  return head;
}

// A piece is segments, each behind its length.
absl::Status LoadPiece(std::string_view piece, SeenUrls& set) {
  while (!piece.empty()) {
    ByteReader in(piece);
    const uint32_t length = in.Fixed32();
    if (!in.ok() || length > piece.size() - 4) return DataLoss("it is damaged");
    WEFT_RETURN_IF_ERROR(set.LoadSegment(piece.substr(4, length)));
    piece.remove_prefix(4 + length);
  }
  return absl::OkStatus();
}

}  // namespace

SeenSnapshotWriter::SeenSnapshotWriter(std::string path, const SeenSnapshotHead& head, FileOps& files)
    : path_(std::move(path)), draft_(path_ + ".new"), head_(head), files_(files) {}

SeenSnapshotWriter::~SeenSnapshotWriter() {
  if (fd_ >= 0) files_.Close(fd_).IgnoreError();  // given up: it is never read
}

absl::Status SeenSnapshotWriter::Checked(const absl::Status& status) {
  if (status.ok()) return status;
  if (fd_ >= 0) files_.Close(std::exchange(fd_, -1)).IgnoreError();
  if (files_.Exists(draft_)) files_.Remove(draft_).IgnoreError();  // the disk may be full because of it
  return status;
}

absl::Status SeenSnapshotWriter::Add(std::string_view segments) { return Checked(AddPiece(segments)); }
absl::Status SeenSnapshotWriter::Finish() { return Checked(FinishFile()); }

absl::Status SeenSnapshotWriter::Begin() {
  if (files_.Exists(draft_)) WEFT_RETURN_IF_ERROR(files_.Remove(draft_));  // left by a crash
  WEFT_ASSIGN_OR_RETURN(fd_, files_.Create(draft_));
  return Write(EncodeHead(head_));
}

absl::Status SeenSnapshotWriter::Write(std::string_view bytes) {
  WEFT_RETURN_IF_ERROR(WithContext(files_.WriteAt(fd_, bytes, offset_), draft_));
  offset_ += bytes.size();
  return absl::OkStatus();
}

absl::Status SeenSnapshotWriter::AddPiece(std::string_view segments) {
  if (fd_ < 0) WEFT_RETURN_IF_ERROR(Begin());
  std::string frame;
  PutFixed32(frame, static_cast<uint32_t>(segments.size()));
  PutFixed64(frame, Checksum(segments, head_.id, ++pieces_));
  WEFT_RETURN_IF_ERROR(Write(frame));
  WEFT_RETURN_IF_ERROR(Write(segments));
  return WithContext(files_.SyncData(fd_), draft_);
}

absl::Status SeenSnapshotWriter::FinishFile() {
  if (fd_ < 0) WEFT_RETURN_IF_ERROR(Begin());
  std::string end;
  PutFixed32(end, 0);
  PutFixed64(end, Checksum("", head_.id, ++pieces_));
  WEFT_RETURN_IF_ERROR(Write(end));
  WEFT_RETURN_IF_ERROR(WithContext(files_.SyncData(fd_), draft_));
  WEFT_RETURN_IF_ERROR(WithContext(files_.Close(std::exchange(fd_, -1)), draft_));
  WEFT_RETURN_IF_ERROR(files_.RenameOver(draft_, path_));
  const size_t slash = path_.rfind('/');
  return files_.SyncDirectory(slash == std::string::npos ? "." : path_.substr(0, slash));
}

absl::Status LoadSeenSnapshot(const std::string& path, uint64_t id, uint64_t lineage, SeenUrls& set) {
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, OpenFileSource(path));
  Reading file(std::move(source));
  WEFT_ASSIGN_OR_RETURN(const SeenSnapshotHead head, ReadHead(file));
  if (head.id != id || head.lineage != lineage) return FailedPrecondition("it is another one");
  set.Reserve(head.entries);
  for (uint64_t piece = 1;; ++piece) {
    const std::string frame(file.Next(12));
    ByteReader in(frame);
    const uint32_t length = in.Fixed32();
    const uint64_t checksum = in.Fixed64();
    if (!in.ok()) return DataLoss("it is cut short or damaged");
    const std::string_view segments = file.Next(length);
    if (segments.size() != length || checksum != Checksum(segments, id, piece)) return DataLoss("it is cut short or damaged");
    if (length == 0) break;
    WEFT_RETURN_IF_ERROR(LoadPiece(segments, set));
  }
  return file.Next(1).empty() ? absl::OkStatus() : DataLoss("something follows its end");
}

}  // namespace weft
