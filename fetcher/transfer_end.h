// How a transfer that libcurl ended is told to the rest of the crawler: the one table from (error code, what had been
// received, who stopped it) to an Outcome and a sentence for people. Pure; no handle is touched here.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "fetcher/transport.h"

namespace weft {

// Why our side ended a transfer; libcurl's error code says nothing then.
enum class Stop {
  kNone,
  kBodyLimit,   // max_body, or the sink had enough
  kHeadLimit,   // more header bytes or fields than allowed
  kSwitched,    // status 101, which nobody asked for
  kAddress,     // the guard refused the peer's address
  kStartBy,     // start_by had passed before the request was sent
  kTimeout,     // the total limit
  kCancelled,
  kNoSource,    // no --egress address of the peer's family
};

struct TransferEnd {
  int code = 0;                    // CURLcode
  Stop stop = Stop::kNone;
  bool tls_began = false;          // so TCP was connected
  bool sent = false;               // anything of the request
  bool head_complete = false;      // of the final response
  uint64_t body_bytes = 0;
  int os_error = 0;
  std::string_view message;        // libcurl's
  std::string peer;                // "127.0.0.1:81"
  absl::Duration timeout;
  absl::Duration connect_timeout;
};

// Sets outcome, detail, truncated and not_sent.
void Conclude(const TransferEnd& end, FetchResult& result);

}  // namespace weft
