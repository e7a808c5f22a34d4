#include "storage/zip_writer.h"

#include <absl/time/civil_time.h>
#include <zlib.h>

#include <algorithm>

#include "common/status.h"

namespace weft {
namespace {

constexpr uint32_t kLocalMagic = 0x04034b50;
constexpr uint32_t kCentralMagic = 0x02014b50;
constexpr uint32_t kEnd64Magic = 0x06064b50;
constexpr uint32_t kLocator64Magic = 0x07064b50;
constexpr uint32_t kEndMagic = 0x06054b50;
constexpr uint16_t kZip64Extra = 1;
constexpr uint16_t kVersion = 20;      // folders
constexpr uint16_t kVersion64 = 45;    // ZIP64
constexpr uint16_t kUtf8Name = 1u << 11;
constexpr uint16_t kMadeOnUnix = 3u << 8;
constexpr uint32_t kFileMode = 0100644u << 16;
constexpr size_t kLargestStep = 1u << 30;  // zlib counts in 32 bits

template <typename Number>
void Put(std::string& out, Number value) {
  for (size_t i = 0; i < sizeof(Number); ++i) out += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xFF);
}

// Two seconds are its grain, 1980 its beginning.
uint32_t DosTime(absl::Time time) {
  const absl::CivilSecond civil = absl::ToCivilSecond(time, absl::UTCTimeZone());
  if (civil.year() < 1980 || civil.year() > 2107) return 1u << 21 | 1u << 16;
  const auto date = static_cast<uint32_t>((civil.year() - 1980) << 9 | civil.month() << 5 | civil.day());
  return date << 16 | static_cast<uint32_t>(civil.hour() << 11 | civil.minute() << 5 | civil.second() / 2);
}

}  // namespace

ZipWriter::ZipWriter(AtomicOutput& output, absl::Time modified, uint64_t zip64_from)
    : output_(output), zip64_from_(std::min<uint64_t>(zip64_from, 0xFFFFFFFF)), dos_time_(DosTime(modified)) {}

std::string ZipWriter::LocalHead(const Entry& entry) const {
  std::string out;
  Put(out, kLocalMagic);
  Put(out, entry.zip64 ? kVersion64 : kVersion);
  Put(out, kUtf8Name);
  Put(out, uint16_t{0});  // stored
  Put(out, dos_time_);
  Put(out, entry.crc);
  for (int i = 0; i < 2; ++i) Put(out, entry.zip64 ? UINT32_MAX : static_cast<uint32_t>(entry.size));
  Put(out, static_cast<uint16_t>(entry.name.size()));
  Put(out, static_cast<uint16_t>(entry.zip64 ? 20 : 0));
  out += entry.name;
  if (!entry.zip64) return out;
  Put(out, kZip64Extra);
  Put(out, uint16_t{16});
  Put(out, entry.size);
  Put(out, entry.size);
  return out;
}

std::string ZipWriter::CentralHead(const Entry& entry) const {
  const bool large = entry.size >= zip64_from_, far = entry.offset >= zip64_from_;
  std::string extra;
  if (large || far) {
    Put(extra, kZip64Extra);
    Put(extra, static_cast<uint16_t>((large ? 16 : 0) + (far ? 8 : 0)));
    for (int i = 0; large && i < 2; ++i) Put(extra, entry.size);
    if (far) Put(extra, entry.offset);
  }
  std::string out;
  Put(out, kCentralMagic);
  Put(out, static_cast<uint16_t>(kMadeOnUnix | kVersion64));
  Put(out, entry.zip64 || !extra.empty() ? kVersion64 : kVersion);
  Put(out, kUtf8Name);
  Put(out, uint16_t{0});
  Put(out, dos_time_);
  Put(out, entry.crc);
  for (int i = 0; i < 2; ++i) Put(out, large ? UINT32_MAX : static_cast<uint32_t>(entry.size));
  Put(out, static_cast<uint16_t>(entry.name.size()));
  Put(out, static_cast<uint16_t>(extra.size()));
  for (int i = 0; i < 3; ++i) Put(out, uint16_t{0});  // comment, disk, internal attributes
  Put(out, kFileMode);
  Put(out, far ? UINT32_MAX : static_cast<uint32_t>(entry.offset));
  return out + entry.name + extra;
}

absl::Status ZipWriter::Begin(std::string_view name, uint64_t expected_bytes) {
  if (name.empty() || name.size() > 0xFFFF) return InvalidArgument("not a name of an entry: \"{}\"", name.substr(0, 100));
  Entry entry;
  entry.name = std::string(name);
  entry.offset = output_.size();
  entry.zip64 = expected_bytes >= zip64_from_;
  entries_.push_back(std::move(entry));
  return output_.Write(LocalHead(entries_.back()));
}

absl::Status ZipWriter::Add(std::string_view bytes) {
  Entry& entry = entries_.back();
  entry.size += bytes.size();
  WEFT_RETURN_IF_ERROR(output_.Write(bytes));
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kLargestStep))) {
    const size_t step = std::min(bytes.size(), kLargestStep);
    entry.crc = static_cast<uint32_t>(crc32(entry.crc, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(step)));
  }
  return absl::OkStatus();
}

absl::Status ZipWriter::End() {
  const Entry& entry = entries_.back();
  if (!entry.zip64 && entry.size >= zip64_from_) return FailedPrecondition("{} grew while it was read", entry.name);
  return output_.Patch(entry.offset, LocalHead(entry));
}

std::string ZipWriter::EndRecords(uint64_t begin, uint64_t size) const {
  const uint64_t count = entries_.size();
  const bool zip64 = count >= std::min<uint64_t>(zip64_from_, 0xFFFF) || begin >= zip64_from_ || size >= zip64_from_;
  std::string out;
  if (zip64) {
    Put(out, kEnd64Magic);
    Put(out, uint64_t{44});
    Put(out, static_cast<uint16_t>(kMadeOnUnix | kVersion64));
    Put(out, kVersion64);
    Put(out, uint64_t{0});  // disks
    Put(out, count);
    Put(out, count);
    Put(out, size);
    Put(out, begin);
    Put(out, kLocator64Magic);
    Put(out, uint32_t{0});
    Put(out, begin + size);
    Put(out, uint32_t{1});
  }
  Put(out, kEndMagic);
  Put(out, uint32_t{0});
  for (int i = 0; i < 2; ++i) Put(out, zip64 ? uint16_t{0xFFFF} : static_cast<uint16_t>(count));
  Put(out, zip64 ? UINT32_MAX : static_cast<uint32_t>(size));
  Put(out, zip64 ? UINT32_MAX : static_cast<uint32_t>(begin));
  Put(out, uint16_t{0});
  return out;
}

absl::Status ZipWriter::Finish() {
  const uint64_t begin = output_.size();
  for (const Entry& entry : entries_) WEFT_RETURN_IF_ERROR(output_.Write(CentralHead(entry)));
  return output_.Write(EndRecords(begin, output_.size() - begin));
}

}  // namespace weft
