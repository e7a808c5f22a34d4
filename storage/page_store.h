// Where a parser keeps pages, as a seam: append, then sync; only what a sync covers may be reported.
// Thread rule: Append and Rotate belong to the parser's loop; Sync may run on a pool thread beside them.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/url_record.h"

namespace weft {

// One exchange, as bytes of the wire.
struct Exchange {
  std::string_view url;            // request URL
  std::string_view request_head;   // with the empty line
  std::string_view response_head;  // with the empty line
  std::string_view wire_body;      // transfer coding included
  std::string_view payload;        // wire_body without its transfer coding: what the payload digest is of
  std::string_view ip;
  absl::Time began;
  std::string_view truncated;      // "", "length", "time", "disconnect"
};

struct StoredExchange {
  WarcPlace place;                 // of the response record
  std::string payload_digest;      // SHA-1, 20 bytes
};

class PageStore {
 public:
  virtual ~PageStore() = default;
  virtual uint64_t pages_dir_id() const = 0;
  // Writes request and response records to the file. ResourceExhausted: the disk is full (nothing was kept of it).
  virtual absl::StatusOr<StoredExchange> Append(const Exchange& exchange) = 0;
  // Everything appended before this call becomes durable. An error is final for the current file: what was not synced
  // is not reported, a new file is begun by the next Append.
  virtual absl::Status Sync() = 0;
};

}  // namespace weft
