// Downloads one URL over HTTP/1.1, as a seam. CurlTransport is the real one (the only curl user).
// Redirects are not followed, codings are not undone, cookies are not kept: the bytes of the wire come back.
// Thread rule: belongs to the fetcher's loop; the sink is called on it, never from within Start.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/ip_address.h"
#include "common/outcome.h"
#include "common/url.h"

namespace weft {

struct FetchRequest {
  Url url;
  IpAddress address;                       // pinned: the only address that is connected to
  // "" = none; environment proxies are ignored always. With a proxy names are resolved there: `address` means nothing, and no
  // --egress address is used.
  std::string proxy;
  std::vector<std::string> headers;        // beside User-Agent, Accept and Accept-Encoding: "Name: value"
  uint64_t max_body = 0;                   // bytes of the wire; longer is cut and marked
  absl::Time start_by = absl::InfiniteFuture();  // steady clock: not sent after this (lease deadline, rule 16)
};

struct FetchResult {
  Outcome outcome = Outcome::kNone;        // kResponse, or how it failed
  std::string detail;                      // for people, when it failed: "connection refused by 127.0.0.1:81"
  bool not_sent = false;                   // stopped before anything was sent (start_by passed)
  int status = 0;
  std::string request_head;                // as sent
  std::string response_head;               // of the final response (1xx dropped), as received
  std::string truncated;                   // "", "length", "time", "disconnect"
  std::string ip;
  std::string tls_version;                 // "tls/1.3"; empty: no TLS
  std::string cipher_suite;                // as IANA names it: "TLS_AES_256_GCM_SHA384"
  absl::Time began_wall;
  absl::Time ended_steady;
  absl::Duration took;
};

// Receives one download.
class FetchSink {
 public:
  enum class Next { kContinue, kPause, kStop };
  virtual ~FetchSink() = default;
  // Bytes of the body as they came. kPause: `bytes` was not taken and is given again after Resume. kStop: enough.
  virtual Next OnBody(std::string_view bytes) = 0;
  // The last call for this download.
  virtual void OnEnd(FetchResult result) = 0;
};

class Transport {
 public:
  using Handle = uint64_t;
  virtual ~Transport() = default;
  virtual Handle Start(const FetchRequest& request, FetchSink* sink) = 0;
  virtual void Resume(Handle handle) = 0;
  // OnEnd is called with kTimeout and what was received, or not_sent, before Cancel's loop turn ends.
  virtual void Cancel(Handle handle) = 0;
};

}  // namespace weft
