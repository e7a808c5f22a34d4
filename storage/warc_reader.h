// Reads WARC files, plain or with one gzip member per record; damaged ones are reported and read on where possible.
// Bounded: at most `max_record_bytes` of one record are held. Any bytes are valid input.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/url_record.h"

namespace weft {

struct WarcRecord {
  uint64_t offset = 0;             // of the record (or its gzip member) in the file
  uint64_t length = 0;             // on disk
  std::string version;             // "WARC/1.1"
  std::vector<std::pair<std::string, std::string>> fields;
  std::string block;
  // First field of that name, ignoring case; empty if none.
  std::string_view Get(std::string_view name) const;
};

class WarcReader {
 public:
  static absl::StatusOr<std::unique_ptr<WarcReader>> Open(const std::string& path, uint64_t offset = 0,
                                                          uint64_t max_record_bytes = 256ull << 20);
  ~WarcReader();
  // The next record; nullopt-like NotFound at the end of the file; DataLoss for a damaged record (the next call goes on
  // behind it where the damage has an end).
  absl::StatusOr<WarcRecord> Next();

 private:
  struct Impl;
  explicit WarcReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Reads the response record at `place` below `directory` and checks its record digest.
absl::StatusOr<WarcRecord> ReadWarcPlace(const std::string& directory, const WarcPlace& place);

}  // namespace weft
