// The text of WARC/1.1 records and file names (ISO 28500:2017).
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/random.h"
#include "common/warc_prefix.h"

namespace weft {

inline constexpr std::string_view kOpenSuffix = ".open";      // while a file is written
inline constexpr std::string_view kSyncedSuffix = ".synced";  // beside it: how much of it is durable
inline constexpr std::string_view kRecordEnd = "\r\n\r\n";    // behind every block

// How records lie in a file: as they are, or each in a gzip member or zstd frame of its own.
enum class WarcCompression { kNone, kGzip, kZstd };
// Of "none", "gzip", "zstd"; what is something else is gzip.
WarcCompression WarcCompressionOf(std::string_view name);
// Which payloads are not stored again: those of the URL's earlier visit, those of any page, or none.
enum class WarcDedup { kNone, kUrl, kAll };
// Of "none", "url", "all"; what is something else is url.
WarcDedup WarcDedupOf(std::string_view name);
// Ends as a WARC file's name does, in any of the three forms.
bool IsWarcFileName(std::string_view name);

// "weft-20260102030405678-00000-node1-6b8b4567.warc.gz"; the last part is of the pages directory's id: two workers of one machine
// may begin a file in the same millisecond, and their files may be brought together later. Characters of `host` that do not
// belong in a file name become '-'; a `prefix` that IsWarcPrefix refuses is not used.
std::string WarcFileName(std::string_view prefix, absl::Time now, uint64_t serial, std::string_view host,
                         uint64_t pages_dir_id, WarcCompression compression);
// "2026-01-02T03:04:05.678901Z"
std::string WarcDate(absl::Time time);
// "<urn:uuid:...>", version 4 (RFC 9562).
std::string NewRecordId(Random& random);

// A URL as WARC-Target-URI has it: what is not allowed there (white space, <, >) is percent-encoded.
std::string WarcUrl(std::string_view url);

// Builds the head of one record. Values never break the head: line ends and other control characters become spaces.
class WarcHead {
 public:
  explicit WarcHead(std::string_view type);
  // Nothing is written for an empty value.
  WarcHead& Add(std::string_view name, std::string_view value);
  // By WarcUrl.
  WarcHead& AddUrl(std::string_view name, std::string_view url);
  // The whole head, with Content-Length and the empty line.
  std::string Finish(uint64_t content_length);

 private:
  std::string text_;
};

// One "name: value" line of an application/warc-fields block; nothing for an empty value.
void AppendWarcField(std::string& block, std::string_view name, std::string_view value);

}  // namespace weft
