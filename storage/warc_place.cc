#include "storage/warc_place.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include "common/ascii.h"
#include "common/digest.h"
#include "common/http_message.h"
#include "common/status.h"
#include "storage/byte_source.h"
#include "storage/warc_digest.h"
#include "storage/warc_format.h"
#include "storage/warc_payload.h"

namespace weft {
namespace {

std::optional<uint64_t> OffsetOf(const WarcRecord& revisit) {
  const std::string_view text = revisit.Get(kRefersToOffset);
  uint64_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return offset;
}

bool IsChunked(const HttpHead& head) { return EqualIgnoringCase(head.Get("Transfer-Encoding"), "chunked"); }

// As it could have come behind `head`: one chunk carries a payload as well as many.
std::string WireBody(const HttpHead& head, std::string_view payload) {
  if (!IsChunked(head)) return std::string(payload);
  if (payload.empty()) return "0\r\n\r\n";
  return fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", payload.size(), payload);
}

bool IsOfRevisitAlone(std::string_view name) {
  for (const std::string_view one : {std::string_view("WARC-Type"), std::string_view("WARC-Profile"), std::string_view("WARC-Truncated"),
                                     std::string_view("WARC-Refers-To"), std::string_view("WARC-Refers-To-Target-URI"),
                                     std::string_view("WARC-Refers-To-Date"), kRefersToFile, kRefersToOffset,
                                     std::string_view("WARC-Block-Digest"), std::string_view("Content-Length")}) {
    if (EqualIgnoringCase(name, one)) return true;
  }
  return false;
}

WarcRecord ResponseOf(const WarcRecord& revisit, std::string block) {
  WarcRecord response;
  response.offset = revisit.offset;
  response.compressed = revisit.compressed;
  response.terminated = true;
  response.version = "WARC/1.1";
  response.block = std::move(block);
  response.fields.emplace_back("WARC-Type", "response");
  for (const auto& field : revisit.fields) {
    if (!IsOfRevisitAlone(field.first)) response.fields.push_back(field);
  }
  response.fields.emplace_back("WARC-Block-Digest", Sha1Label(Sha1(response.block)));
  WarcHead head("response");
  for (size_t i = 1; i < response.fields.size(); ++i) head.Add(response.fields[i].first, response.fields[i].second);
  response.head = head.Finish(response.block.size());
  response.fields.emplace_back("Content-Length", fmt::to_string(response.block.size()));
  return response;
}

// The payload of the response record at `offset` of `file`, without its transfer coding.
absl::StatusOr<std::string> PayloadAt(PagesFiles& files, uint64_t pages_dir_id, const std::string& file, uint64_t offset) {
  absl::Status failed;
  const auto record = WarcReader::OverSource(SourceOfPages(files, pages_dir_id, file, failed), offset)->Next();
  if (!failed.ok()) return failed;
  if (!record.ok()) return DataLoss("{} offset {}: {}", file, offset, ErrorText(record.status()));
  if (record->offset != offset || !EqualIgnoringCase(record->Get("WARC-Type"), "response")) {
    return DataLoss("{} offset {}: not a response record", file, offset);
  }
  WEFT_ASSIGN_OR_RETURN(const HttpHead head, HttpHead::ParseResponse(record->block));
  PayloadView view;
  ExtractPayload(head, std::string_view(record->block).substr(HttpHeadOf(*record).size()), view);
  return std::string(view.payload);
}

absl::StatusOr<WarcRecord> MakeWhole(PagesFiles& files, uint64_t pages_dir_id, const WarcRecord& revisit) {
  const std::string file(revisit.Get(kRefersToFile));
  const std::optional<uint64_t> offset = OffsetOf(revisit);
  if (!NamesPayload(revisit)) return DataLoss("the revisit does not name the record of its payload");
  WEFT_ASSIGN_OR_RETURN(const HttpHead head, HttpHead::ParseResponse(revisit.block));
  WEFT_ASSIGN_OR_RETURN(const std::string payload, PayloadAt(files, pages_dir_id, file, *offset));
  std::string block(HttpHeadOf(revisit));
  block += WireBody(head, payload);
  WarcRecord response = ResponseOf(revisit, std::move(block));
  if (CheckPayloadDigest(response) != DigestVerdict::kMatches) {
    return DataLoss("{} offset {}: not the payload that the revisit is of", file, *offset);
  }
  return response;
}

}  // namespace

bool IsRevisit(const WarcRecord& record) { return EqualIgnoringCase(record.Get("WARC-Type"), "revisit"); }

bool NamesPayload(const WarcRecord& record) {
  return IsRevisit(record) && !record.Get(kRefersToFile).empty() && OffsetOf(record).has_value();
}

bool CanBeMadeWhole(std::string_view response_head, std::string_view wire_body, std::string_view payload) {
  const auto head = HttpHead::ParseResponse(response_head);
  if (!head.ok()) return false;
  return IsChunked(*head) || (head->Get("Transfer-Encoding").empty() && wire_body.size() == payload.size());
}

absl::StatusOr<WarcRecord> MadeWhole(const std::string& directory, const WarcRecord& revisit) {
  DirectoryFiles files(directory);
  return MakeWhole(files, 0, revisit);
}

absl::StatusOr<WarcRecord> ReadWarcPlace(const std::string& directory, const WarcPlace& place) {
  DirectoryFiles files(directory);
  return ReadWarcPlace(files, place);
}

absl::StatusOr<WarcRecord> ReadWarcPlace(PagesFiles& files, const WarcPlace& place) {
  const std::string name = fmt::format("{} offset {}", place.file, place.offset);
  WEFT_ASSIGN_OR_RETURN(std::string bytes, files.ReadBytes(place.pages_dir_id, place.file, place.offset, place.length));
  if (bytes.size() < place.length) return DataLoss("{}: the file ends before the record does", name);
  if (Sha1(bytes) != place.record_digest) return DataLoss("{}: the bytes have changed since they were stored", name);
  auto record = WarcReader::OverSource(std::make_unique<MemorySource>(std::move(bytes)))->Next();
  if (!record.ok()) return DataLoss("{}: {}", name, ErrorText(record.status()));
  record->offset = place.offset;
  if (NamesPayload(*record)) {
    auto whole = MakeWhole(files, place.pages_dir_id, *record);
    if (!whole.ok()) return WithContext(whole.status(), name);
    return whole;
  }
  if (!EqualIgnoringCase(record->Get("WARC-Type"), "response")) return DataLoss("{}: not a response record", name);
  record->length = place.length;
  return record;
}

}  // namespace weft
