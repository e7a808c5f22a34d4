// Where a parser keeps pages, as a seam: append, then sync; only what a sync covers may be reported.
// Thread rule: Append and Rotate belong to the parser's loop; Sync may run on a pool thread beside them.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/url_record.h"

namespace weft {

// What is told of a page beside its bytes: a metadata record. Nothing is told where it is empty.
struct ExchangeNotes {
  std::string_view via;            // URL of the page that named it first
  std::optional<uint32_t> depth;   // links from a seed
  absl::Duration took;
  std::string_view charset;        // by which its links were read
};

// The page of the same URL that is stored since an earlier visit. Where the answer brings nothing that is not there already, it
// is stored as a revisit.
struct StoredBefore {
  std::string_view url;
  absl::Time began;                // its WARC-Date
  std::string_view payload_digest;
  WarcPlace place;
  bool not_modified = false;       // the answer is a 304, and speaks of it; else it is compared by the payload's digest
};

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
  std::string_view tls_version;    // "tls/1.3"; empty: no TLS
  std::string_view cipher_suite;   // "TLS_AES_256_GCM_SHA384"
  const ExchangeNotes* notes = nullptr;
  const StoredBefore* before = nullptr;
};

struct StoredExchange {
  // Of the response record, or (`place.refers`) of a revisit of another URL's page; where `revisit` is set, of the page stored before.
  WarcPlace place;
  std::string payload_digest;      // SHA-1, 20 bytes
  bool revisit = false;
};

// A page that the CrawlDb has taken: this record of it is the one that counts (protocol rule 11).
struct CommittedPage {
  std::string_view url;
  absl::Time began;
  WarcPlace place;
  std::string_view payload_digest;
  uint64_t payload_bytes = 0;
};

class PageStore {
 public:
  virtual ~PageStore() = default;
  virtual uint64_t pages_dir_id() const = 0;
  // Writes what there is to say of an exchange to the file: response or revisit, request, metadata. ResourceExhausted: the disk is full (nothing was kept of it).
  virtual absl::StatusOr<StoredExchange> Append(const Exchange& exchange) = 0;
  // Everything appended before this call becomes durable. An error is final for the current file: what was not synced
  // is not reported, a new file is begun by the next Append.
  virtual absl::Status Sync() = 0;
  // A response record, not cut short, of a page that was appended here. On the appending thread.
  virtual void Committed(const CommittedPage&) {}
};

}  // namespace weft
