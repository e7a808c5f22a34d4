// HTTP/1.x messages as bytes of the wire (RFC 9112): the response head, the transfer coding, the content codings.
// Untrusted input: every function is total, linear and bounded.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft {

// A parsed head. Header names keep their case; look-ups ignore it. Views point into the bytes given to Parse.
class HttpHead {
 public:
  // `bytes`: status line (or request line: status 0) and fields up to and including the empty line; what follows is
  // ignored. Tolerates bare LF, a missing empty line, folded lines (the view then holds the line break), white space
  // before the colon, lines without a colon (skipped) and any bytes in values. InvalidArgument: the first line is
  // neither a status line nor a request line.
  static absl::StatusOr<HttpHead> ParseResponse(std::string_view bytes);

  int status() const { return status_; }
  std::string_view version() const { return version_; }  // "HTTP/1.1"
  // First field of that name, trimmed; empty if none.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  // All values of that name, split at commas outside quoted strings, trimmed, without empty ones, in order.
  std::vector<std::string_view> List(std::string_view name) const;
  const std::vector<std::pair<std::string_view, std::string_view>>& fields() const { return fields_; }

 private:
  int status_ = 0;
  std::string_view version_;
  std::vector<std::pair<std::string_view, std::string_view>> fields_;
};

// Essence of a Content-Type, lower case: "text/html", "" where there is none; and its charset parameter, unquoted, as
// given.
std::string MimeEssence(std::string_view content_type);
std::string CharsetParameter(std::string_view content_type);

struct Dechunked {
  std::string body;
  bool complete = true;   // false: cut or malformed; body holds what came before
};
// Removes a chunked transfer coding (7.1); extensions and trailers are dropped, bare LF is taken for CRLF. Complete once
// the zero-sized chunk was seen (RFC 9112 section 8).
Dechunked Dechunk(std::string_view wire_body);

// The payload: the wire's body without its transfer coding, content coding kept. What digests are taken of.
// Copies only where the body is chunked; otherwise `payload` views `wire_body`. Incomplete: the chunks end early or are
// malformed, or fewer bytes than Content-Length came. A body that is called chunked but does not begin with a chunk is
// taken as it is.
struct PayloadView {
  std::string_view payload;
  std::string owned;      // backs `payload` where it was de-chunked
  bool complete = true;

  PayloadView() = default;
  PayloadView(const PayloadView&) = delete;  // a copy's view would point into the original
  PayloadView& operator=(const PayloadView&) = delete;
};
void ExtractPayload(const HttpHead& head, std::string_view wire_body, PayloadView& out);

struct DecodeLimits {
  size_t max_bytes = 64 * 1024 * 1024;  // of decoded output
  size_t max_ratio = 1000;              // output to input, beyond the first MiB
  int max_codings = 2;
};
struct Decoded {
  std::string body;
  bool complete = true;     // false: cut input, a broken coding, or a limit; body holds what came before
  std::string problem;      // "", "unknown content coding: foo", "limit: ratio", ...
};
// Undoes one coding. gzip or zstd input that does not begin with its magic number was not coded at all (a lying
// header, seen often): it comes back as it is, not complete. Bytes after a whole gzip member that begin no further
// member are ignored, as browsers do.
Decoded DecodeCoding(std::string_view coding, std::string_view input, const DecodeLimits& limits = {});
// Undoes Content-Encoding (gzip, x-gzip, deflate as zlib or raw, br, zstd, identity), last applied first. An unknown
// coding ends it: the body is what was reached until then.
Decoded DecodeContent(const HttpHead& head, std::string_view payload, const DecodeLimits& limits = {});

}  // namespace weft
