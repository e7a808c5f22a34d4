#include "storage/cdxj.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/ascii.h"
#include "common/crawl_key.h"
#include "common/digest.h"
#include "common/http_message.h"
#include "common/percent_encoding.h"
#include "common/url.h"
#include "storage/cdxj_request.h"
#include "storage/warc_rules.h"

namespace weft {
namespace {

constexpr size_t kWindow = 64;
constexpr size_t kMostConcurrent = 16;

std::string_view BodyOf(std::string_view block) {
  const size_t crlf = block.find("\r\n\r\n");
  const size_t lf = block.find("\n\n");
  if (crlf == std::string_view::npos && lf == std::string_view::npos) return {};
  return crlf < lf ? block.substr(crlf + 4) : block.substr(lf + 2);
}

bool HoldsHttp(const WarcRecord& record) { return MimeEssence(record.Get("Content-Type")) == "application/http"; }

void ReadHttp(const WarcRecord& record, Capture& capture) {
  const auto head = HttpHead::ParseResponse(record.block);
  if (!head.ok() || head->status() == 0) return;
  capture.status = fmt::to_string(head->status());
  if (capture.mime.empty()) capture.mime = CdxjMime(head->Get("Content-Type"));
}

// The record's own, or taken of its payload here.
std::string DigestOf(const WarcRecord& record) {
  const std::string_view payload = record.Get("WARC-Payload-Digest");
  if (!payload.empty()) return std::string(payload);
  if (!HoldsHttp(record)) {
    const std::string_view block = record.Get("WARC-Block-Digest");
    return block.empty() ? Sha1Label(Sha1(record.block)) : std::string(block);
  }
  if (EqualIgnoringCase(record.Get("WARC-Type"), "revisit")) return "-";
  const auto head = HttpHead::ParseResponse(record.block);
  if (!head.ok()) return Sha1Label(Sha1(BodyOf(record.block)));
  PayloadView view;
  ExtractPayload(*head, BodyOf(record.block), view);
  return Sha1Label(Sha1(view.payload));
}

// What would end a line or a field of it.
std::string WithoutSpaces(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == '\x7f') {
      AppendEscaped(c, out);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string CdxjLine(const Capture& capture) {
  nlohmann::ordered_json json = {{"url", capture.url},       {"mime", capture.mime},
                                 {"status", capture.status}, {"digest", capture.digest},
                                 {"length", fmt::to_string(capture.length)}, {"offset", fmt::to_string(capture.offset)},
                                 {"filename", capture.filename}};
  if (!capture.method.empty()) json["method"] = capture.method;
  if (!capture.request_body.empty()) json["requestBody"] = capture.request_body;
  return fmt::format("{} {} {}", capture.key, capture.timestamp,
                     json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

// JSON takes any text, but some readers split lines at spaces.
std::string CdxjMime(std::string_view content_type) {
  const std::string mime = MimeEssence(content_type);
  return mime.empty() || mime.find_first_of(" \t\r\n") != std::string::npos ? "unk" : mime;
}

std::string CdxjKey(std::string_view url) {
  const auto parsed = Url::Parse(url);
  const std::string key = WithoutSpaces(parsed.ok() ? Surt(*parsed) : std::string(url));
  return key.empty() ? "-" : key;
}

std::string CdxjTimestamp(std::string_view warc_date) {
  if (!IsWarcDate(warc_date, "WARC/1.1")) return {};
  std::string digits;
  for (const char c : warc_date.substr(0, warc_date.find('.'))) {
    if (c >= '0' && c <= '9') digits += c;
  }
  constexpr std::string_view kBegin = "00000101000000";
  return digits + std::string(kBegin.substr(std::min(digits.size(), kBegin.size())));
}

std::optional<Capture> CaptureOf(const WarcRecord& record, std::string_view filename) {
  const std::string_view type = record.Get("WARC-Type");
  const bool response = type == "response", revisit = type == "revisit";
  if (!response && !revisit && type != "resource" && type != "metadata") return std::nullopt;
  const std::string content_type = MimeEssence(record.Get("Content-Type"));
  if (!response && !revisit && content_type == "application/warc-fields") return std::nullopt;
  Capture capture;
  capture.url = std::string(WarcTargetUri(record));
  capture.timestamp = CdxjTimestamp(record.Get("WARC-Date"));
  if (capture.url.empty() || capture.timestamp.empty()) return std::nullopt;
  capture.key = CdxjKey(capture.url);
  capture.status = "-";
  if (revisit) capture.mime = kRevisitMime;
  if (HoldsHttp(record)) {
    ReadHttp(record, capture);
  } else if (!revisit) {
    capture.mime = CdxjMime(content_type);
  }
  if (capture.mime.empty()) capture.mime = "unk";
  capture.digest = DigestOf(record);
  capture.offset = record.offset;
  capture.length = record.compressed ? record.length : record.head.size() + record.block.size();
  capture.filename = std::string(filename);
  return capture;
}

CaptureCollector::Ids CaptureCollector::IdsOf(const WarcRecord& record) {
  Ids ids;
  ids.own = std::string(record.Get("WARC-Record-ID"));
  for (const auto& [name, value] : record.fields) {
    if (EqualIgnoringCase(name, "WARC-Concurrent-To") && ids.concurrent.size() < kMostConcurrent) ids.concurrent.push_back(value);
  }
  return ids;
}

bool CaptureCollector::AreOne(const Ids& a, const Ids& b) {
  const auto names = [](const Ids& one, const Ids& other) {
    return !other.own.empty() && std::find(one.concurrent.begin(), one.concurrent.end(), other.own) != one.concurrent.end();
  };
  return names(a, b) || names(b, a);
}

void CaptureCollector::Name(const Request& request, Capture& capture) {
  capture.method = request.method;
  capture.request_body = request.body;
  capture.key = CdxjKey(UrlWithRequest(capture.url, request.method, request.body));
}

absl::Status CaptureCollector::Take(const WarcRecord& record) {
  if (record.Get("WARC-Type") == "request") {
    auto read = ReadOtherRequest(record);
    if (!read) return absl::OkStatus();
    Request request{std::move(read->method), std::move(read->body), std::string(WarcTargetUri(record)), IdsOf(record)};
    for (Waiting& waiting : waiting_) {
      if (waiting.capture.method.empty() && waiting.capture.url == request.url && AreOne(waiting.ids, request.ids)) {
        Name(request, waiting.capture);
        return absl::OkStatus();
      }
    }
    requests_.push_back(std::move(request));
    if (requests_.size() > kWindow) requests_.pop_front();
    return absl::OkStatus();
  }
  auto capture = CaptureOf(record, filename_);
  if (!capture) return absl::OkStatus();
  Waiting waiting{*std::move(capture), IdsOf(record)};
  for (auto request = requests_.begin(); request != requests_.end(); ++request) {
    if (request->url != waiting.capture.url || !AreOne(request->ids, waiting.ids)) continue;
    Name(*request, waiting.capture);
    requests_.erase(request);
    break;
  }
  waiting_.push_back(std::move(waiting));
  if (waiting_.size() <= kWindow) return absl::OkStatus();
  const absl::Status status = sink_(waiting_.front().capture);
  waiting_.pop_front();
  return status;
}

absl::Status CaptureCollector::Finish() {
  absl::Status status;
  for (; status.ok() && !waiting_.empty(); waiting_.pop_front()) status = sink_(waiting_.front().capture);
  requests_.clear();
  return status;
}

}  // namespace weft
