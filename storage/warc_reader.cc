#include "storage/warc_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/ascii.h"
#include "common/digest.h"
#include "common/status.h"
#include "storage/gzip_member.h"
#include "storage/warc_format.h"
#include "storage/warc_input.h"
#include "storage/warc_parser.h"
#include "storage/zstd_frame.h"

namespace weft {
namespace {

constexpr size_t kScanBytes = 64 * 1024;
constexpr std::string_view kGzipMagic = "\x1f\x8b\x08";

}  // namespace

std::string_view WarcRecord::Get(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (EqualIgnoringCase(key, name)) return value;
  }
  return {};
}

struct WarcReader::Impl {
  enum class Form { kUnknown, kPlain, kGzip, kZstd };

  Impl(std::unique_ptr<ByteSource> bytes, uint64_t offset, uint64_t max_bytes)
      : source(std::move(bytes)), plain(*source), max_record_bytes(max_bytes), position(offset),
        rescan_credit(16 * 1024 * 1024 + 2 * source->size()) {
    plain.Seek(offset);
  }

  absl::StatusOr<WarcRecord> NextPlain();
  absl::StatusOr<WarcRecord> NextInMember();
  bool OpenMember();
  absl::StatusOr<WarcRecord> CloseMember(WarcRecord record);
  absl::Status GiveUpMember(WarcFault fault);
  absl::Status Damage(std::string_view what, uint64_t offset) {
    damage_offset = offset;
    return DataLoss("{} at offset {}", what, offset);
  }
  std::string_view member_name() const { return form == Form::kZstd ? "zstd frame" : "gzip member"; }
  absl::Status ChooseForm();
  absl::Status UseForm(Form chosen);
  void LeaveWrongLength(const WarcRecord& record);
  void SeekPlainRecord();
  std::optional<uint64_t> FindMember(uint64_t from);
  uint64_t BehindDamage(uint64_t begin, uint64_t read_to);

  std::unique_ptr<ByteSource> source;
  PlainInput plain;
  MemberInput member;
  uint64_t max_record_bytes;
  Form form = Form::kUnknown;
  uint64_t damage_offset = 0;
  bool lost = false;         // behind damage: look for the next record
  // gzip and zstd
  std::string_view magic;    // that members begin with
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

// A dictionary that cannot be read is reported; what was written without it is read all the same.
absl::Status WarcReader::Impl::UseForm(Form chosen) {
  form = chosen;
  if (form == Form::kGzip) {
    magic = kGzipMagic;
    member.Use(std::make_unique<GzipMemberReader>(*source));
  } else if (form == Form::kZstd) {
    magic = kZstdMagic;
    const auto dictionary = ReadZstdDictionary(*source);
    member.Use(std::make_unique<ZstdFrameReader>(*source, dictionary.ok() ? std::string_view(*dictionary) : ""));
    damage_offset = 0;
    return dictionary.status();
  }
  return absl::OkStatus();
}

absl::Status WarcReader::Impl::ChooseForm() {
  std::string front(16, '\0');
  front.resize(source->ReadAt(position, front.data(), front.size()));
  if (front.starts_with(kGzipMagic.substr(0, 2))) return UseForm(Form::kGzip);
  if (front.starts_with(kZstdMagic) || front.starts_with(kZstdDictionaryMagic)) return UseForm(Form::kZstd);
  if (EqualIgnoringCase(TrimAsciiSpace(front).substr(0, 5), "WARC/")) return UseForm(Form::kPlain);
  // The beginning is damaged: whichever is found behind it.
  for (const Form candidate : {Form::kGzip, Form::kZstd}) {
    const absl::Status used = UseForm(candidate);
    if (FindMember(position).has_value()) return used;
  }
  return UseForm(Form::kPlain);
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

// Behind a block that ends nowhere: a record that begins within the block was swallowed by it.
void WarcReader::Impl::LeaveWrongLength(const WarcRecord& record) {
  if (plain.AtEnd() || EqualIgnoringCase(plain.Peek(5), "WARC/")) return;
  const size_t found = record.block.find("\r\n\r\nWARC/");
  if (found == std::string::npos) return;
  const uint64_t begin = record.offset + record.head.size() + found + kRecordEnd.size();
  if (BehindDamage(begin, plain.position()) == begin + 1) plain.Seek(begin);
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
    if (!record.terminated) LeaveWrongLength(record);
    return record;
  }
  lost = fault != WarcFault::kTooLong;
  if (fault == WarcFault::kEndlessHead) plain.Seek(BehindDamage(record.offset, record.offset + kLongestWarcHead));
  return Damage(WarcFaultText(fault), record.offset);
}

// The next member that may hold a record, from `from` on.
std::optional<uint64_t> WarcReader::Impl::FindMember(uint64_t from) {
  std::string bytes;
  while (from < source->size()) {
    bytes.resize(kScanBytes);
    bytes.resize(source->ReadAt(from, bytes.data(), kScanBytes));
    const size_t found = bytes.find(magic);
    if (found == std::string::npos) {
      if (bytes.size() < kScanBytes) return std::nullopt;
      from += bytes.size() - (magic.size() - 1);
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

absl::StatusOr<WarcRecord> WarcReader::Impl::NextInMember() {
  if (std::exchange(garbage_in_member, false)) {
    return Damage(fmt::format("a {} with more than its record", member_name()), member_offset);
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
  record.compressed = true;
  const WarcFault fault = ReadWarcRecord(member, UINT64_MAX, max_record_bytes, record);
  if (fault == WarcFault::kTooLong) {
    first_in_member = false;
    return Damage(WarcFaultText(fault), member_offset);
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
    return Damage(WarcFaultText(fault), member_offset);
  }
  lost = true;
  position = BehindDamage(member_offset, member.position());
  return Damage(fmt::format("a {} that is {}", member_name(), member.damaged() ? "damaged" : "cut short"), member_offset);
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
  if (impl_->form == Impl::Form::kUnknown) {
    if (absl::Status chosen = impl_->ChooseForm(); !chosen.ok()) return chosen;
  }
  return impl_->form == Impl::Form::kPlain ? impl_->NextPlain() : impl_->NextInMember();
}

uint64_t WarcReader::damage_offset() const { return impl_->damage_offset; }

}  // namespace weft
