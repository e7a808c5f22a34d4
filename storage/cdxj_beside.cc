#include "storage/cdxj_beside.h"

#include <sys/stat.h>

#include <utility>

#include <nlohmann/json.hpp>

#include "common/digest.h"
#include "common/http_message.h"
#include "common/status.h"
#include "storage/atomic_output.h"
#include "storage/cdxj.h"
#include "storage/cdxj_indexer.h"
#include "storage/warc_format.h"

namespace weft {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kStoreMemory = 16ull << 20;

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool IsOlder(const struct stat& a, const struct stat& b) {
  return absl::TimeFromTimespec(a.st_mtim) < absl::TimeFromTimespec(b.st_mtim);
}

// FailedPrecondition unless the first line says that this is of a file of that name and size.
absl::Status CheckMeta(std::string_view line, const std::string& name, uint64_t bytes) {
  const size_t brace = line.find('{');
  const bool meta = line.starts_with(kCdxjMeta) && brace != std::string_view::npos;
  const Json json = meta ? Json::parse(line.substr(brace), nullptr, /*allow_exceptions=*/false) : Json();
  if (!json.is_object()) return FailedPrecondition("it does not tell of which file it is");
  const auto filename = json.find("filename");
  const auto covered = json.find("bytes");
  if (filename == json.end() || !filename->is_string() || covered == json.end() || !covered->is_number_unsigned()) {
    return FailedPrecondition("it does not tell of which file it is");
  }
  if (filename->get<std::string>() != name) return FailedPrecondition("it is of {}", filename->get<std::string>());
  if (covered->get<uint64_t>() == bytes) return absl::OkStatus();
  return FailedPrecondition("it is of {} bytes, the file has {}", covered->get<uint64_t>(), bytes);
}

absl::Status CheckSorted(LineSource& lines) {
  std::string last;
  std::string_view line;
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool there, lines.Next(line));
    if (!there) return absl::OkStatus();
    if (line < last) return FailedPrecondition("it is not sorted");
    last = line;
  }
}

}  // namespace

absl::Status WriteCdxjBeside(const std::string& warc_path, uint64_t warc_bytes, LineSource& lines) {
  WEFT_ASSIGN_OR_RETURN(const auto output, AtomicOutput::ToFile(warc_path + std::string(kCdxjSuffix)));
  const Json meta = {{"format", "cdxj-1.0"}, {"filename", NameOf(warc_path)}, {"bytes", warc_bytes}};
  WEFT_RETURN_IF_ERROR(output->Write(fmt::format("{}0 {}\n", kCdxjMeta, meta.dump(-1, ' ', false, Json::error_handler_t::replace))));
  std::string_view line;
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool there, lines.Next(line));
    if (!there) return output->Finish();
    WEFT_RETURN_IF_ERROR(output->Write(line));
    WEFT_RETURN_IF_ERROR(output->Write("\n"));
  }
}

absl::StatusOr<std::unique_ptr<LineSource>> OpenCdxjBeside(const std::string& warc_path) {
  const std::string path = warc_path + std::string(kCdxjSuffix);
  struct stat index {}, warc {};
  if (stat(path.c_str(), &index) != 0) return NotFound("no {}", path);
  if (stat(warc_path.c_str(), &warc) != 0) return NotFound("no {}", warc_path);
  if (IsOlder(index, warc)) return FailedPrecondition("{}: it is older than the file", path);
  // Once to see that it is whole and sorted, then to be merged.
  for (const bool checked : {false, true}) {
    WEFT_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, OpenFileSource(path));
    auto lines = FileLines(std::move(source));
    std::string_view first;
    const auto there = lines->Next(first);
    absl::Status good = there.ok() && *there ? CheckMeta(first, NameOf(warc_path), static_cast<uint64_t>(warc.st_size))
                                             : FailedPrecondition("it is empty");
    if (good.ok() && checked) return lines;
    if (good.ok()) good = CheckSorted(*lines);
    if (!good.ok()) return FailedPrecondition("{}: {}", path, ErrorText(good));
  }
  return Internal("not reached");
}

CdxjOfStore::CdxjOfStore(const std::string& directory)
    : sorter_(LineSorterOptions{.directory = directory, .memory_bytes = kStoreMemory}) {}

void CdxjOfStore::Add(const Exchange& exchange, const StoredExchange& stored, const WarcPlace& place,
                      uint64_t record_bytes) {
  if (!error_.ok()) return;
  Capture capture;
  capture.url = WarcUrl(exchange.url);
  capture.key = CdxjKey(capture.url);
  capture.timestamp = CdxjTimestamp(WarcDate(exchange.began));
  capture.status = "-";
  capture.mime = "unk";
  if (const auto head = HttpHead::ParseResponse(exchange.response_head); head.ok() && head->status() > 0) {
    capture.status = fmt::to_string(head->status());
    capture.mime = CdxjMime(head->Get("Content-Type"));
  }
  if (stored.revisit || stored.place.refers) capture.mime = kRevisitMime;
  capture.digest = Sha1Label(stored.revisit ? exchange.before->payload_digest : std::string_view(stored.payload_digest));
  capture.offset = place.offset;
  capture.length = record_bytes;
  capture.filename = place.file;
  error_ = sorter_.Add(CdxjLine(capture));
}

absl::Status CdxjOfStore::Write(const std::string& warc_path, uint64_t warc_bytes) {
  WEFT_RETURN_IF_ERROR(error_);
  WEFT_ASSIGN_OR_RETURN(const auto lines, sorter_.Finish());
  return WriteCdxjBeside(warc_path, warc_bytes, *lines);
}

absl::Status IndexRepaired(const std::string& directory, const std::vector<WarcRepair>& repairs) {
  absl::Status failed;
  for (const WarcRepair& repair : repairs) {
    if (repair.kept_bytes == 0) continue;
    const std::string path = fmt::format("{}/{}", directory, repair.file);
    CdxjIndexer indexer({.directory = directory, .memory_bytes = kStoreMemory});
    absl::Status status = indexer.ReadWarc(path);
    // What is damaged would be left out without a word by those who take the index for the whole.
    if (status.ok() && indexer.tally().damages > 0) continue;
    auto lines = indexer.Finish();
    status.Update(lines.status());
    if (status.ok()) status = WriteCdxjBeside(path, repair.kept_bytes, **lines);
    failed.Update(status);
  }
  return failed;
}

}  // namespace weft
