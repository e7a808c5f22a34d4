// NAME.cdxj beside the WARC file NAME: its captures, sorted, behind a first line "!meta 0 {...}" that tells of which file and
// how many bytes of it. Written by the store when it finishes a file, so that an index of a crawl is a merge.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/line_sorter.h"
#include "storage/line_source.h"
#include "storage/page_store.h"
#include "storage/warc_store.h"

namespace weft {

inline constexpr std::string_view kCdxjSuffix = ".cdxj";
// Lines that begin so are no captures; they sort before all that are.
inline constexpr std::string_view kCdxjMeta = "!meta ";

// Whole or not at all. `lines` are sorted captures of the WARC file at `warc_path`, which has `warc_bytes`.
absl::Status WriteCdxjBeside(const std::string& warc_path, uint64_t warc_bytes, LineSource& lines);

// The captures of a WARC file by what lies beside it. NotFound: nothing does. FailedPrecondition, with the reason: it is older than the
// WARC file, of another size of it, or not sorted.
absl::StatusOr<std::unique_ptr<LineSource>> OpenCdxjBeside(const std::string& warc_path);

// The captures of one file while the store writes it, in bounded memory (beyond it in temporary files of the directory).
// Nothing here may harm the crawl: an error is kept, told once at the end, and leaves the file without an index.
// Thread rule: one thread at a time.
class CdxjOfStore {
 public:
  explicit CdxjOfStore(const std::string& directory);
  // `place`: of the record of the capture, which of a revisit is not that of `stored`.
  void Add(const Exchange& exchange, const StoredExchange& stored, const WarcPlace& place, uint64_t record_bytes);
  // The file is finished and lies at `warc_path`.
  absl::Status Write(const std::string& warc_path, uint64_t warc_bytes);

 private:
  LineSorter sorter_;
  absl::Status error_;
};

// The indexes of files that a repair has closed, by reading them; an error leaves a file without one.
absl::Status IndexRepaired(const std::string& directory, const std::vector<WarcRepair>& repairs);

}  // namespace weft
