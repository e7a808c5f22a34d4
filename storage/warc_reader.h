// Reads WARC files (versions 1.1, 1.0 and 0.x), plain, gzipped or in zstd frames, by record or as a whole: told by their first
// bytes, not by their names. Damaged ones are reported and read on where possible. Bounded: at most `max_record_bytes` of one record's block are held. Any bytes are valid input,
// in time linear in the (uncompressed) size. Thread rule: a reader belongs to one thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/byte_source.h"
#include "storage/pages_files.h"
#include "storage/url_record.h"

namespace weft {

struct WarcRecord {
  uint64_t offset = 0;             // of the record (or its gzip member or zstd frame) in the file
  uint64_t length = 0;             // on disk, with what ends the record; 0: it shares a member with other records
  bool compressed = false;         // lies in a gzip member or zstd frame
  bool terminated = false;         // the block is followed by CR LF CR LF, as it must be
  std::string head;                // as it stands in the file, with the empty line
  std::string version;             // "WARC/1.1"
  std::vector<std::pair<std::string, std::string>> fields;  // folded lines joined by one space
  std::string block;
  // First field of that name, ignoring case; empty if none.
  std::string_view Get(std::string_view name) const;
};

class WarcReader {
 public:
  static absl::StatusOr<std::unique_ptr<WarcReader>> Open(const std::string& path, uint64_t offset = 0,
                                                          uint64_t max_record_bytes = 256ull << 20);
  static std::unique_ptr<WarcReader> OverSource(std::unique_ptr<ByteSource> source, uint64_t offset = 0,
                                                uint64_t max_record_bytes = 256ull << 20);
  ~WarcReader();
  // The next record; nullopt-like NotFound at the end of the file; DataLoss for a damaged record (the next call goes on
  // behind it where the damage has an end). A block that is not followed by CR LF CR LF is no damage by itself; if nothing
  // that is a record follows either, its Content-Length is wrong, and a record that begins within the block is read next.
  absl::StatusOr<WarcRecord> Next();
  // Where the damage lies that Next reported last.
  uint64_t damage_offset() const;

 private:
  struct Impl;
  explicit WarcReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Reads the response record at `place` below `directory` (also while its file is still written) and checks its record
// digest. NotFound: no such file. DataLoss: other bytes lie there than were stored.
absl::StatusOr<WarcRecord> ReadWarcPlace(const std::string& directory, const WarcPlace& place);
// The same wherever it lies; Unavailable as of `files`.
absl::StatusOr<WarcRecord> ReadWarcPlace(PagesFiles& files, const WarcPlace& place);

}  // namespace weft
