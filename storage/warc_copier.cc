#include "storage/warc_copier.h"

#include <array>
#include <string_view>

#include "common/ascii.h"
#include "common/status.h"
#include "storage/warc_format.h"
#include "storage/warc_place.h"

namespace weft {
namespace {

constexpr int kMostOfAnExchange = 4;  // records behind the response that are looked at
constexpr uint64_t kMostBytesBehind = 1 << 20;

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

absl::StatusOr<WarcCopier::Copied> WarcCopier::Copy(PagesFiles& files, const WarcPlace& place, std::string& out) {
  const size_t before = out.size();
  WEFT_ASSIGN_OR_RETURN(const WarcRecord response, ReadWarcPlace(files, place));
  absl::Status failed;
  const auto open = [&] { return SourceOfPages(files, place.pages_dir_id, place.file, failed); };
  const std::unique_ptr<ByteSource> source = open();
  const std::pair<uint64_t, std::string> file(place.pages_dir_id, place.file);
  if (!begun_.contains(file)) {
    const auto info = WarcReader::OverSource(open(), 0, kMostBytesBehind)->Next();
    if (info.ok() && EqualIgnoringCase(info->Get("WARC-Type"), "warcinfo")) Append(*source, *info, out);
  }
  Copied copied;
  copied.begin = out.size();
  Append(*source, response, out);
  copied.size = out.size() - copied.begin;
  const std::string id(response.Get("WARC-Record-ID"));
  const auto rest = WarcReader::OverSource(open(), place.offset + place.length, kMostBytesBehind);
  for (int i = 0; i < kMostOfAnExchange && !id.empty(); ++i) {
    const auto record = rest->Next();
    if (!record.ok() || !BelongsTo(*record, id)) break;
    Append(*source, *record, out);
  }
  if (!failed.ok()) {
    out.resize(before);
    return failed;
  }
  begun_.insert(file);
  return copied;
}

}  // namespace weft
