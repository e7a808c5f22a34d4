#include "fetcher/transfer_end.h"

#include <curl/curl.h>
#include <errno.h>
#include <fmt/format.h>
#include <string.h>

#include <utility>

#include "common/units.h"

namespace weft {
namespace {

void Fail(FetchResult& result, Outcome outcome, std::string detail) {
  result.outcome = outcome;
  result.detail = std::move(detail);
}

void Truncated(FetchResult& result, std::string_view reason) {
  result.outcome = Outcome::kResponse;
  result.truncated = reason;
}

std::string ConnectProblem(const TransferEnd& end) {
  switch (end.os_error) {
    case ECONNREFUSED: return fmt::format("connection refused by {}", end.peer);
    case ECONNRESET: return fmt::format("connection reset by {}", end.peer);
    case EHOSTUNREACH: return fmt::format("no route to {}", end.peer);
    case ENETUNREACH: return fmt::format("no network reaches {}", end.peer);
    case 0: break;
    default: return fmt::format("no connection to {}: {}", end.peer, strerror(end.os_error));
  }
  if (end.message.empty()) return fmt::format("no connection to {}", end.peer);
  return fmt::format("no connection to {}: {}", end.peer, end.message);
}

// "certificate has expired" out of "SSL certificate problem: certificate has expired", "wrong version number" out of
// "OpenSSL/3.0.22: error:0A00010B:SSL routines::wrong version number".
std::string TlsProblem(const TransferEnd& end) {
  std::string_view text = end.message;
  if (text.find("error:") != std::string_view::npos) text = text.substr(text.rfind(':') + 1);
  for (const std::string_view prefix : {"SSL certificate problem: ", "SSL: "}) {
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  }
  if (text.empty()) text = "handshake failed";
  return fmt::format("TLS: {}", text);
}

void TimedOut(const TransferEnd& end, FetchResult& result) {
  if (end.head_complete && end.body_bytes > 0) {
    Truncated(result, "time");
  } else if (end.head_complete) {
    Fail(result, Outcome::kTimeout, fmt::format("headers but no body within {}", weft::FormatDuration(end.timeout)));
  } else {
    Fail(result, Outcome::kTimeout, fmt::format("no answer within {}", weft::FormatDuration(end.timeout)));
  }
}

// libcurl's own limits: connecting, the TLS handshake included.
void LibraryTimedOut(const TransferEnd& end, FetchResult& result) {
  const std::string limit = weft::FormatDuration(end.connect_timeout);
  if (end.sent) return TimedOut(end, result);
  if (!end.tls_began) return Fail(result, Outcome::kConnect, fmt::format("no connection to {} within {}", end.peer, limit));
  Fail(result, Outcome::kTls, fmt::format("TLS: handshake not finished within {}", limit));
}

void Disconnected(const TransferEnd& end, FetchResult& result) {
  // Such a message cannot be told from a shifted one: nothing of it is trusted.
  if (end.message.find("chunked-encoding") != std::string_view::npos) {
    return Fail(result, Outcome::kProtocol, "broken chunked coding");
  }
  if (end.head_complete) return Truncated(result, "disconnect");
  if (!end.sent) return Fail(result, Outcome::kConnect, ConnectProblem(end));
  const bool reset = end.os_error == ECONNRESET || end.message.find("reset") != std::string_view::npos;
  Fail(result, Outcome::kTruncatedEarly,
       fmt::format("connection {} by {} before the headers were complete", reset ? "reset" : "closed", end.peer));
}

void ConcludeStopped(const TransferEnd& end, FetchResult& result) {
  switch (end.stop) {
    case Stop::kNone: return;
    case Stop::kBodyLimit: return Truncated(result, "length");
    case Stop::kHeadLimit: return Fail(result, Outcome::kProtocol, "more headers than are accepted");
    case Stop::kSwitched: return Fail(result, Outcome::kProtocol, "the server switched protocols unasked");
    case Stop::kAddress: return Fail(result, Outcome::kAddress, fmt::format("address not allowed: {}", end.peer));
    case Stop::kTimeout: return TimedOut(end, result);
    case Stop::kNoSource:
      return Fail(result, Outcome::kConnect, fmt::format("no address to leave from is of the family of {}", end.peer));
    case Stop::kStartBy:
      result.not_sent = !end.sent;
      if (!end.sent) return Fail(result, Outcome::kTimeout, "not sent: the time to start it had passed");
      // A kept connection died under the first attempt, and there is no time for a second one.
      return Fail(result, Outcome::kTruncatedEarly, fmt::format("connection closed by {}", end.peer));
    case Stop::kCancelled:
      result.not_sent = !end.sent;
      if (end.head_complete) result.truncated = "time";
      return Fail(result, Outcome::kTimeout, end.sent ? "cancelled before the answer was complete" : "cancelled before it was sent");
  }
}

void ConcludeFailed(const TransferEnd& end, FetchResult& result) {
  switch (static_cast<CURLcode>(end.code)) {
    case CURLE_COULDNT_CONNECT: return Fail(result, Outcome::kConnect, ConnectProblem(end));
    case CURLE_OPERATION_TIMEDOUT: return LibraryTimedOut(end, result);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED: return Fail(result, Outcome::kTls, TlsProblem(end));
    case CURLE_UNSUPPORTED_PROTOCOL:  // "Received HTTP/0.9 when not allowed", an unknown version
      return Fail(result, Outcome::kProtocol, "the answer is not HTTP/1.x");
    case CURLE_OUT_OF_MEMORY:  // libcurl's own cap on one line, 100 KiB
      return Fail(result, Outcome::kProtocol, "a header line is longer than 100 KiB");
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_URL_MALFORMAT: return Fail(result, Outcome::kProtocol, std::string(end.message));
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY: return Fail(result, Outcome::kConnect, fmt::format("proxy: {}", end.message));
    default: return Disconnected(end, result);
  }
}

}  // namespace

void Conclude(const TransferEnd& end, FetchResult& result) {
  if (end.stop != Stop::kNone) return ConcludeStopped(end, result);
  if (end.code != CURLE_OK) return ConcludeFailed(end, result);
  // libcurl calls a connection that closed within the headers a success.
  if (!end.head_complete) return Disconnected(end, result);
  result.outcome = Outcome::kResponse;
}

}  // namespace weft
