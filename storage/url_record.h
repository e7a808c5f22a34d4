// What the CrawlDb knows of one crawl key: one record per distinct key, in exactly one state of the ledger.
// Encoded small and with a version byte: 2 only where a field is set that version 1 did not know; decoding takes any bytes and answers DataLoss for what it cannot read.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/fingerprint.h"
#include "common/outcome.h"

namespace weft {

enum class UrlState : uint8_t {
  kPending = 1,  // durable; shown as queued or leased
  kDone = 2,     // a response of any status is stored
  kFailed = 3,   // tries used up without one
  kRefused = 4,  // never requested
};

// Where a stored page lies (protocol rule 10).
struct WarcPlace {
  uint64_t pages_dir_id = 0;
  std::string file;            // name below the pages directory
  uint64_t offset = 0;
  uint64_t length = 0;         // of the record's bytes on disk (one gzip member)
  std::string record_digest;   // SHA-1 of those bytes, 20 bytes
  bool refers = false;         // a revisit record: the payload lies in the record that it names (warc_place.h)

  bool operator==(const WarcPlace&) const = default;
};

struct UrlRecord {
  UrlState state = UrlState::kPending;
  Outcome reason = Outcome::kNone;      // of kFailed and kRefused
  uint32_t generation = 0;              // raised by each recrawl
  uint32_t attempt = 0;                 // raised by each try that ended without commit
  uint32_t depth = 0;
  uint32_t redirect_hops = 0;           // from the link that started the chain
  uint32_t own_key_redirects = 0;
  bool seed = false;
  uint32_t sitemap_level = 0;           // read as a sitemap; 1 where no other sitemap named it, 0: a page like others
  uint64_t origin_id = 0;               // whose queue it is in or was in last; 0: never queued
  uint64_t refused_host_id = 0;         // refused when it was found: the host whose cap it counts against
  Fingerprint referrer;                 // key of the page that named it first; empty for seeds
  uint16_t referrer_shard = 0;          // where the referrer's record lies
  std::string url;                      // the request URL
  // kPending: where it waits. Exactly one of the two is set.
  uint64_t queue_position = 0;          // in its origin's queue (CrawlDb)
  uint64_t due_us = 0;                  // crawl clock, when it waits for a retry; kDone: when it is fetched again, 0: not at all
  // kDone; and kPending with keeps_page: of the page that is stored while it is fetched again
  uint32_t status = 0;
  WarcPlace place;
  std::string payload_digest;           // SHA-1, 20 bytes
  uint64_t payload_bytes = 0;
  bool truncated = false;
  absl::Time fetched_at = absl::UnixEpoch();
  std::string mime;
  std::string etag;                     // as received; empty: none, or not usable (common/validators.h)
  std::string last_modified;            // the same
  uint64_t recrawl_us = 0;              // interval in force, 0: none yet
  uint32_t changes = 0;                 // visits that found another page than the one before
  uint32_t unchanged = 0;               // visits that found the same
  uint32_t missed = 0;                  // visits in a row that brought no page
  absl::Time first_fetched = absl::UnixEpoch();   // set once it was fetched again
  absl::Time checked_at = absl::UnixEpoch();      // the last visit that brought an answer; set once it was fetched again
  uint64_t first_commit = 0;            // commit that stored its first page, where a later one has touched it since
  bool keeps_page = false;              // (kPending) it was done before
  // Any state
  uint64_t lastmod_s = 0;               // a sitemap's hint, Unix time; 0: none
  // Last commit that touched it; grows with every commit (rule 37).
  uint64_t commit = 0;

  // A page of it is stored, be it that it is being fetched again.
  bool has_page() const { return state == UrlState::kDone || (state == UrlState::kPending && keeps_page); }
  absl::Time last_checked() const { return std::max(fetched_at, checked_at); }
  // From here on it belongs to what an export sees, in whatever version is newest then (protocol rule 37).
  uint64_t page_commit() const { return first_commit != 0 ? first_commit : commit; }

  bool operator==(const UrlRecord&) const = default;
};

// Fields of a state that the record is not in are not stored.
std::string EncodeUrlRecord(const UrlRecord& record);
void AppendUrlRecord(const UrlRecord& record, std::string& out);
absl::StatusOr<UrlRecord> DecodeUrlRecord(std::string_view bytes);

// What lies in the record's fixed first bytes: all that admission needs to know of most known URLs.
struct UrlRecordHead {
  UrlState state = UrlState::kPending;
  Outcome reason = Outcome::kNone;
  uint32_t depth = 0;
  bool seed = false;
  bool sitemap = false;
  bool page = false;      // as has_page()

  bool operator==(const UrlRecordHead&) const = default;
};

absl::StatusOr<UrlRecordHead> DecodeUrlRecordHead(std::string_view bytes);
// Its URL alone; what lies behind that is not read.
absl::StatusOr<std::string> DecodeUrlOfRecord(std::string_view bytes);
inline UrlRecordHead HeadOf(const UrlRecord& record) {
  return {record.state, record.reason, record.depth, record.seed, record.sitemap_level > 0, record.has_page()};
}

}  // namespace weft
