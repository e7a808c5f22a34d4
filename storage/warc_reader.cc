#include "storage/warc_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/ascii.h"
#include "common/digest.h"
#include "common/status.h"
#include "storage/gzip_member.h"
#include "storage/warc_format.h"
#include "storage/warc_parser.h"

namespace weft {
namespace {

constexpr size_t kScanBytes = 64 * 1024;
constexpr std::string_view kGzipMagic = "\x1f\x8b\x08";

// The file's own bytes.
class PlainInput : public WarcInput {
 public:
  explicit PlainInput(const ByteSource& source) : source_(source) {}
  uint64_t position() const { return read_ - buffered().size(); }
  void Seek(uint64_t offset) {
    if (offset >= position() && offset <= read_) {
      Consume(static_cast<size_t>(offset - position()));
      return;
    }
    Clear();
    read_ = offset;
  }

 private:
  size_t Read(char* to, size_t size) override {
    const size_t got = source_.ReadAt(read_, to, size);
    read_ += got;
    return got;
  }
  const ByteSource& source_;
  uint64_t read_ = 0;
};

// What one gzip member holds.
class MemberInput : public WarcInput {
 public:
  explicit MemberInput(const ByteSource& source) : member_(source) {}
  void Start(uint64_t offset) {
    Clear();
    member_.Start(offset);
  }
  bool whole() const { return member_.state() == GzipMemberReader::State::kEnd; }
  bool damaged() const { return member_.state() == GzipMemberReader::State::kDamaged; }
  uint64_t position() const { return member_.position(); }
  void SkipToEnd() {
    do {
      Clear();
    } while (Fill());
  }

 private:
  size_t Read(char* to, size_t size) override { return member_.Read(to, size); }
  GzipMemberReader member_;
};

}  // namespace

std::string_view WarcRecord::Get(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (EqualIgnoringCase(key, name)) return value;
  }
  return {};
}

struct WarcReader::Impl {
  Impl(std::unique_ptr<ByteSource> bytes, uint64_t offset, uint64_t max_bytes)
      : source(std::move(bytes)), plain(*source), member(*source), max_record_bytes(max_bytes), position(offset),
        rescan_credit(16 * 1024 * 1024 + 2 * source->size()) {
    plain.Seek(offset);
  }

  absl::StatusOr<WarcRecord> NextPlain();
  absl::StatusOr<WarcRecord> NextInGzip();
  bool OpenMember();
  absl::StatusOr<WarcRecord> CloseMember(WarcRecord record);
  absl::Status GiveUpMember(WarcFault fault);
  absl::Status Damage(WarcFault fault, uint64_t offset) const {
    return DataLoss("{} at offset {}", WarcFaultText(fault), offset);
  }
  void ChooseForm();
  void SeekPlainRecord();
  std::optional<uint64_t> FindMember(uint64_t from);
  uint64_t BehindDamage(uint64_t begin, uint64_t read_to);

  std::unique_ptr<ByteSource> source;
  PlainInput plain;
  MemberInput member;
  uint64_t max_record_bytes;
  enum class Form { kUnknown, kPlain, kGzip } form = Form::kUnknown;
  bool lost = false;         // behind damage: look for the next record
  // gzip
  uint64_t position;         // of the next member
  bool in_member = false;
  bool first_in_member = false;
  bool garbage_in_member = false;  // behind the record that was returned last: to be reported
  uint64_t member_offset = 0;
  // Bytes that may be read again after damage. Without a bound, nested beginnings of records make a file of n bytes
  // cost n * n; when it is used up, reading goes on where it stopped.
  uint64_t rescan_credit;
};

// Where to look for the next record after one that began at `begin` and was read to `read_to`.
uint64_t WarcReader::Impl::BehindDamage(uint64_t begin, uint64_t read_to) {
  const uint64_t cost = read_to > begin ? read_to - begin : 0;
  if (cost > rescan_credit) return std::max(read_to, begin + 1);
  rescan_credit -= cost;
  return begin + 1;
}

void WarcReader::Impl::ChooseForm() {
  std::string front(16, '\0');
  front.resize(source->ReadAt(position, front.data(), front.size()));
  if (front.substr(0, 2) == kGzipMagic.substr(0, 2)) {
    form = Form::kGzip;
  } else if (EqualIgnoringCase(TrimAsciiSpace(front).substr(0, 5), "WARC/")) {
    form = Form::kPlain;
  } else {
    // The beginning is damaged: whichever is found behind it.
    form = FindMember(position).has_value() ? Form::kGzip : Form::kPlain;
  }
}

// To the next "WARC/" at the beginning of a line.
void WarcReader::Impl::SeekPlainRecord() {
  constexpr std::string_view kMark = "\nWARC/";
  if (plain.Peek(kMark.size() - 1) == kMark.substr(1)) return;
  while (true) {
    const size_t found = plain.buffered().find(kMark);
    if (found != std::string_view::npos) {
      plain.Consume(found + 1);
      return;
    }
    const size_t keep = std::min(plain.buffered().size(), kMark.size() - 1);
    plain.Consume(plain.buffered().size() - keep);
    if (!plain.Fill()) {
      plain.Consume(plain.buffered().size());
      return;
    }
  }
}

absl::StatusOr<WarcRecord> WarcReader::Impl::NextPlain() {
  if (lost) SeekPlainRecord();
  lost = false;
  plain.SkipLineEnds();
  WarcRecord record;
  record.offset = plain.position();
  if (plain.AtEnd()) return NotFound("end of file");
  const WarcFault fault = ReadWarcRecord(plain, source->size() - record.offset, max_record_bytes, record);
  if (fault == WarcFault::kNone) {
    record.length = plain.position() - record.offset;
    return record;
  }
  lost = fault != WarcFault::kTooLong;
  if (fault == WarcFault::kEndlessHead) plain.Seek(BehindDamage(record.offset, record.offset + kLongestWarcHead));
  return Damage(fault, record.offset);
}

// The next member that may hold a record, from `from` on.
std::optional<uint64_t> WarcReader::Impl::FindMember(uint64_t from) {
  std::string bytes;
  while (from < source->size()) {
    bytes.resize(kScanBytes);
    bytes.resize(source->ReadAt(from, bytes.data(), kScanBytes));
    const size_t found = bytes.find(kGzipMagic);
    if (found == std::string::npos) {
      if (bytes.size() < kScanBytes) return std::nullopt;
      from += bytes.size() - (kGzipMagic.size() - 1);
      continue;
    }
    const uint64_t candidate = from + found;
    member.Start(candidate);
    if (EqualIgnoringCase(member.Peek(5), "WARC/")) return candidate;
    from = BehindDamage(candidate, member.position());
  }
  return std::nullopt;
}

// False at the end of the file.
bool WarcReader::Impl::OpenMember() {
  if (lost) position = FindMember(position).value_or(source->size());
  lost = false;
  if (position >= source->size()) return false;
  member_offset = position;
  member.Start(member_offset);
  in_member = true;
  first_in_member = true;
  return true;
}

absl::StatusOr<WarcRecord> WarcReader::Impl::NextInGzip() {
  if (std::exchange(garbage_in_member, false)) {
    return DataLoss("a gzip member with more than its record at offset {}", member_offset);
  }
  while (true) {
    if (!in_member && !OpenMember()) return NotFound("end of file");
    member.SkipLineEnds();
    if (!member.AtEnd()) break;
    if (!member.whole()) return GiveUpMember(WarcFault::kCut);
    in_member = false;  // empty, or nothing but line ends
    position = member.position();
  }
  WarcRecord record;
  record.offset = member_offset;
  const WarcFault fault = ReadWarcRecord(member, UINT64_MAX, max_record_bytes, record);
  if (fault == WarcFault::kTooLong) {
    first_in_member = false;
    return Damage(fault, member_offset);
  }
  if (fault != WarcFault::kNone) return GiveUpMember(fault);
  return CloseMember(std::move(record));
}

// After a record was read: it counts only if its member is whole, which is known at the member's end. Only where a
// further record follows in it (a file gzipped as a whole) that end is too far away to wait for.
absl::StatusOr<WarcRecord> WarcReader::Impl::CloseMember(WarcRecord record) {
  if (EqualIgnoringCase(member.Peek(5), "WARC/")) {
    first_in_member = false;
    return record;
  }
  garbage_in_member = !member.AtEnd();
  member.SkipToEnd();
  if (!member.whole()) return GiveUpMember(WarcFault::kCut);
  in_member = false;
  position = member.position();
  if (first_in_member) record.length = position - member_offset;
  return record;
}

absl::Status WarcReader::Impl::GiveUpMember(WarcFault fault) {
  garbage_in_member = false;
  member.SkipToEnd();
  in_member = false;
  if (member.whole()) {
    position = member.position();
    return Damage(fault, member_offset);
  }
  lost = true;
  position = BehindDamage(member_offset, member.position());
  return DataLoss("a gzip member that is {} at offset {}", member.damaged() ? "damaged" : "cut short", member_offset);
}

WarcReader::WarcReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WarcReader::~WarcReader() = default;

absl::StatusOr<std::unique_ptr<WarcReader>> WarcReader::Open(const std::string& path, uint64_t offset,
                                                             uint64_t max_record_bytes) {
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, OpenFileSource(path));
  return OverSource(std::move(source), offset, max_record_bytes);
}

std::unique_ptr<WarcReader> WarcReader::OverSource(std::unique_ptr<ByteSource> source, uint64_t offset,
                                                   uint64_t max_record_bytes) {
  const uint64_t begin = std::min(offset, source->size());
  return std::unique_ptr<WarcReader>(
      new WarcReader(std::make_unique<Impl>(std::move(source), begin, max_record_bytes)));
}

absl::StatusOr<WarcRecord> WarcReader::Next() {
  if (impl_->form == Impl::Form::kUnknown) impl_->ChooseForm();
  return impl_->form == Impl::Form::kGzip ? impl_->NextInGzip() : impl_->NextPlain();
}

absl::StatusOr<WarcRecord> ReadWarcPlace(const std::string& directory, const WarcPlace& place) {
  if (place.file.empty() || place.file.find('/') != std::string::npos || place.file.front() == '.') {
    return InvalidArgument("not a WARC file name: \"{}\"", place.file);
  }
  const std::string path = fmt::format("{}/{}", directory, place.file);
  auto source = OpenFileSource(path);
  if (!source.ok()) source = OpenFileSource(path + std::string(kOpenSuffix));
  if (!source.ok()) source = OpenFileSource(path);  // renamed between the two
  if (!source.ok()) return source.status();
  const std::string name = fmt::format("{} offset {}", place.file, place.offset);
  const uint64_t size = (*source)->size();
  if (place.offset > size || place.length > size - place.offset) {
    return DataLoss("{}: the file ends before the record does", name);
  }
  std::string bytes(static_cast<size_t>(place.length), '\0');
  bytes.resize((*source)->ReadAt(place.offset, bytes.data(), bytes.size()));
  if (Sha1(bytes) != place.record_digest) return DataLoss("{}: the bytes have changed since they were stored", name);
  auto record = WarcReader::OverSource(std::make_unique<MemorySource>(std::move(bytes)))->Next();
  if (!record.ok()) return DataLoss("{}: {}", name, ErrorText(record.status()));
  if (!EqualIgnoringCase(record->Get("WARC-Type"), "response")) return DataLoss("{}: not a response record", name);
  record->offset = place.offset;
  return record;
}

}  // namespace weft
