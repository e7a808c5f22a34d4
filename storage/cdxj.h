// CDXJ: one line a capture, "SURT-key SP 14-digit-time SP {json}", sorted by bytes, as pywb, ReplayWeb.page and cdxj-indexer
// read and write it. What counts as a capture: response, revisit, resource and metadata records, except metadata and resources
// of type application/warc-fields, which describe other records.
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/warc_reader.h"

namespace weft {

inline constexpr std::string_view kRevisitMime = "warc/revisit";

struct Capture {
  std::string key;           // SURT of common/crawl_key.h; of other methods than GET with method and body in the query
  std::string timestamp;     // "20260102030405"
  std::string url;
  std::string mime;          // "unk" where the server said none; "warc/revisit"
  std::string status;        // "-" where there is none
  std::string digest;        // "sha1:BASE32", as the record has it
  uint64_t length = 0;       // on disk; of a plain file without the empty lines behind the record
  uint64_t offset = 0;
  std::string filename;
  std::string method;        // of other methods than GET
  std::string request_body;  // the same, where the request has a body: as a query
};

// Without a line end.
std::string CdxjLine(const Capture& capture);
// The key of a URL as WARC files have it: what is no URL stays as it is, but without spaces.
std::string CdxjKey(std::string_view url);
// "2026-01-02T03:04:05.67Z" as "20260102030405"; shorter dates begin their period. Empty: not readable.
std::string CdxjTimestamp(std::string_view warc_date);
// The media type alone, "unk" where `content_type` names none.
std::string CdxjMime(std::string_view content_type);
// Of one record by itself; nullopt: it is no capture, or has no readable date.
std::optional<Capture> CaptureOf(const WarcRecord& record, std::string_view filename);

// The captures of one file in the order of their records: a request by another method than GET is found by
// WARC-Concurrent-To within 64 records before or behind its response, and names the capture.
// Thread rule: one thread.
class CaptureCollector {
 public:
  using Sink = absl::AnyInvocable<absl::Status(const Capture&)>;
  CaptureCollector(std::string filename, Sink sink) : filename_(std::move(filename)), sink_(std::move(sink)) {}

  // An error is the sink's.
  absl::Status Take(const WarcRecord& record);
  absl::Status Finish();

 private:
  struct Ids {
    std::string own;
    std::vector<std::string> concurrent;
  };
  struct Waiting {
    Capture capture;
    Ids ids;
  };
  struct Request {
    std::string method;
    std::string body;
    std::string url;
    Ids ids;
  };
  static Ids IdsOf(const WarcRecord& record);
  static bool AreOne(const Ids& a, const Ids& b);
  static void Name(const Request& request, Capture& capture);

  std::string filename_;
  Sink sink_;
  std::deque<Waiting> waiting_;
  std::deque<Request> requests_;
};

}  // namespace weft
