#include "storage/warc_copier.h"

#include <array>
#include <string_view>

#include "common/ascii.h"
#include "common/status.h"
#include "storage/stored_source.h"
#include "storage/warc_format.h"
#include "storage/warc_place.h"

namespace weft {
namespace {

constexpr int kMostOfAnExchange = 4;  // records behind the response that are looked at
constexpr uint64_t kMostBytesBehind = 1 << 20;
constexpr uint64_t kReadAhead = 64u << 10;

// The file as it is called now: it may be renamed between two looks.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenPagesFile(const std::string& path) {
  auto source = OpenFileSource(path);
  if (!source.ok()) source = OpenFileSource(path + std::string(kOpenSuffix));
  if (!source.ok()) source = OpenFileOrStored(path, kReadAhead);  // renamed between the two, or kept elsewhere
  return source;
}

bool IsGzip(const ByteSource& source, uint64_t offset) {
  char magic[2] = {};
  return source.ReadAt(offset, magic, sizeof magic) == sizeof magic && std::string_view(magic, 2) == "\x1f\x8b";
}

bool BelongsTo(const WarcRecord& record, const std::string& response) {
  const std::string_view type = record.Get("WARC-Type");
  return (EqualIgnoringCase(type, "request") || EqualIgnoringCase(type, "metadata")) &&
         record.Get("WARC-Concurrent-To") == response;
}

}  // namespace

void WarcCopier::Append(const ByteSource& source, const WarcRecord& record, std::string& out) {
  if (record.length > 0 && IsGzip(source, record.offset)) {
    std::string bytes(static_cast<size_t>(record.length), '\0');
    bytes.resize(source.ReadAt(record.offset, bytes.data(), bytes.size()));
    out += bytes;
    return;
  }
  gzip_.Begin(&out);
  for (const std::string_view piece : std::array<std::string_view, 3>{record.head, record.block, kRecordEnd}) gzip_.Add(piece);
  gzip_.Finish();
}

absl::StatusOr<WarcCopier::Copied> WarcCopier::Copy(const std::string& directory, const WarcPlace& place, std::string& out) {
  WEFT_ASSIGN_OR_RETURN(WarcRecord response, ReadWarcPlace(directory, place));
  const std::string path = fmt::format("{}/{}", directory, place.file);
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenPagesFile(path));
  if (begun_.insert(path).second) {
    WEFT_ASSIGN_OR_RETURN(auto of_info, OpenPagesFile(path));
    const auto info = WarcReader::OverSource(std::move(of_info), 0, kMostBytesBehind)->Next();
    if (info.ok() && EqualIgnoringCase(info->Get("WARC-Type"), "warcinfo")) Append(*source, *info, out);
  }
  Copied copied;
  copied.begin = out.size();
  Append(*source, response, out);
  copied.size = out.size() - copied.begin;
  const std::string id(response.Get("WARC-Record-ID"));
  WEFT_ASSIGN_OR_RETURN(auto of_rest, OpenPagesFile(path));
  const auto rest = WarcReader::OverSource(std::move(of_rest), place.offset + place.length, kMostBytesBehind);
  for (int i = 0; i < kMostOfAnExchange && !id.empty(); ++i) {
    const auto record = rest->Next();
    if (!record.ok() || !BelongsTo(*record, id)) break;
    Append(*source, *record, out);
  }
  return copied;
}

}  // namespace weft
