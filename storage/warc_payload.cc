#include "storage/warc_payload.h"

#include <array>
#include <utility>

#include "common/ascii.h"
#include "common/http_message.h"
#include "common/status.h"

namespace weft {
namespace {

constexpr DecodeLimits kLimits{.max_bytes = 256u << 20, .max_ratio = 10'000, .max_codings = 4};
constexpr size_t kLongestStem = 100;
constexpr size_t kLongestEnding = 10;

bool IsHttp(const WarcRecord& record) { return MimeEssence(record.Get("Content-Type")) == "application/http"; }

bool IsNamePart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

// "html" of "text/html"; "" for types that are not common.
std::string_view EndingOf(std::string_view mime) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kEndings = {{
      {"text/html", "html"}, {"application/xhtml+xml", "xhtml"}, {"text/plain", "txt"}, {"text/css", "css"},
      {"text/javascript", "js"}, {"application/javascript", "js"}, {"application/json", "json"}, {"application/xml", "xml"},
      {"text/xml", "xml"}, {"application/rss+xml", "xml"}, {"application/atom+xml", "xml"}, {"image/png", "png"},
      {"image/jpeg", "jpg"}, {"image/gif", "gif"}, {"image/svg+xml", "svg"}, {"image/webp", "webp"},
      {"application/pdf", "pdf"}, {"font/woff2", "woff2"}}};
  for (const auto& [known, ending] : kEndings) {
    if (known == mime) return ending;
  }
  return "";
}

}  // namespace

std::string_view HttpHeadOf(const WarcRecord& record) {
  const std::string_view block = record.block;
  if (!IsHttp(record)) return {};
  const size_t crlf = block.find("\r\n\r\n");
  const size_t lf = block.find("\n\n");
  if (crlf == std::string_view::npos && lf == std::string_view::npos) return block;
  return block.substr(0, crlf < lf ? crlf + 4 : lf + 2);
}

absl::StatusOr<WarcPayload> PayloadOf(const WarcRecord& record) {
  const std::string_view type = record.Get("WARC-Type");
  if (EqualIgnoringCase(type, "revisit")) {
    return FailedPrecondition("a revisit has no payload of its own; it is that of {} of {}", record.Get("WARC-Refers-To-Target-URI"),
                              record.Get("WARC-Refers-To-Date"));
  }
  WarcPayload payload;
  if (!IsHttp(record)) {
    payload.bytes = record.block;
    payload.mime = MimeEssence(record.Get("Content-Type"));
    return payload;
  }
  const auto head = HttpHead::ParseResponse(record.block);
  if (!head.ok()) return FailedPrecondition("it holds no HTTP message: {}", ErrorText(head.status()));
  PayloadView view;
  ExtractPayload(*head, std::string_view(record.block).substr(HttpHeadOf(record).size()), view);
  Decoded decoded = DecodeContent(*head, view.payload, kLimits);
  payload.mime = MimeEssence(head->Get("Content-Type"));
  payload.bytes = std::move(decoded.body);
  if (!view.complete) payload.problem = "the body was cut short";
  if (!decoded.complete) payload.problem = decoded.problem.empty() ? "a coding could not be undone" : decoded.problem;
  return payload;
}

std::string PayloadFileName(std::string_view uri, std::string_view mime, unsigned copy) {
  const size_t scheme = uri.find("://");
  if (scheme != std::string_view::npos) uri.remove_prefix(scheme + 3);
  uri = uri.substr(0, uri.find('#'));
  const size_t query = uri.find('?');
  while (query == std::string_view::npos && uri.ends_with('/')) uri.remove_suffix(1);
  // The ending that the path has stays at the end.
  const std::string_view path = uri.substr(0, query);
  const size_t slash = path.rfind('/'), dot = path.rfind('.');
  std::string ending;
  if (slash != std::string_view::npos && dot != std::string_view::npos && dot > slash + 1 && path.size() - dot - 1 <= kLongestEnding) {
    ending = std::string(path.substr(dot + 1));
  }
  std::string stem = ending.empty() ? std::string(uri) : std::string(path.substr(0, dot));
  if (!ending.empty() && query != std::string_view::npos) stem += uri.substr(query);
  if (ending.empty()) ending = std::string(EndingOf(mime));
  for (std::string* text : {&stem, &ending}) {
    for (char& c : *text) {
      if (!IsNamePart(c)) c = '_';
    }
  }
  if (stem.size() > kLongestStem) stem.resize(kLongestStem);
  if (stem.empty()) stem = "payload";
  if (stem.front() == '.' || stem.front() == '-') stem.front() = '_';
  if (copy > 1) stem += fmt::format("-{}", copy);
  return ending.empty() ? stem : fmt::format("{}.{}", stem, ending);
}

}  // namespace weft
