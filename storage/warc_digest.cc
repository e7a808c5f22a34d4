#include "storage/warc_digest.h"

#include "common/ascii.h"
#include "common/digest.h"
#include "common/http_message.h"

namespace weft {
namespace {

// `label` is "algorithm:value".
DigestVerdict Check(std::string_view label, std::string_view bytes) {
  if (label.empty()) return DigestVerdict::kAbsent;
  const size_t colon = label.find(':');
  if (colon == std::string_view::npos) return DigestVerdict::kUnknown;
  const auto raw = DigestByName(label.substr(0, colon), bytes);
  if (!raw.has_value()) return DigestVerdict::kUnknown;
  const std::string_view text = TrimAsciiSpace(label.substr(colon + 1));
  return DigestTextMatches(text, *raw) ? DigestVerdict::kMatches : DigestVerdict::kDiffers;
}

bool HoldsHttpMessage(const WarcRecord& record) {
  return MimeEssence(record.Get("Content-Type")) == "application/http";
}

// Behind the first empty line.
std::string_view MessageBody(std::string_view block) {
  const size_t crlf = block.find("\r\n\r\n");
  const size_t lf = block.find("\n\n");
  if (crlf == std::string_view::npos && lf == std::string_view::npos) return {};
  return crlf < lf ? block.substr(crlf + 4) : block.substr(lf + 2);
}

}  // namespace

DigestVerdict CheckBlockDigest(const WarcRecord& record) {
  return Check(record.Get("WARC-Block-Digest"), record.block);
}

DigestVerdict CheckPayloadDigest(const WarcRecord& record) {
  const std::string_view label = record.Get("WARC-Payload-Digest");
  if (label.empty()) return DigestVerdict::kAbsent;
  if (EqualIgnoringCase(record.Get("WARC-Type"), "revisit")) return DigestVerdict::kUnknown;
  if (!HoldsHttpMessage(record)) return Check(label, record.block);
  const std::string_view body = MessageBody(record.block);
  const DigestVerdict of_wire = Check(label, body);
  const auto head = HttpHead::ParseResponse(record.block);
  if (of_wire != DigestVerdict::kDiffers || !head.ok()) return of_wire;
  PayloadView view;
  ExtractPayload(*head, body, view);
  return Check(label, view.payload);
}

}  // namespace weft
