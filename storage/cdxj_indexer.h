// The index of any number of WARC files: each is read, or what lies beside it is taken (cdxj_beside.h), and all captures
// come out sorted by bytes, in bounded memory. Thread rule: one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/line_sorter.h"
#include "storage/line_source.h"

namespace weft {

struct IndexTally {
  uint64_t files = 0;
  uint64_t files_read = 0;      // the others had an index beside them
  uint64_t damages = 0;         // places that could not be read
  uint64_t unplaced = 0;        // records that share a compressed member: no offset finds them
};

class CdxjIndexer {
 public:
  // Told of every damage, and of an index beside a file that was not taken, and why; a line for people.
  using Teller = std::function<void(const std::string& text)>;

  explicit CdxjIndexer(LineSorterOptions options, Teller tell = [](const std::string&) {})
      : sorter_(options), tell_(std::move(tell)) {}

  // By what lies beside it, or by reading it. An error: the file cannot be opened, or the sorter's disk fails.
  absl::Status AddWarc(const std::string& path);
  absl::Status ReadWarc(const std::string& path);
  const IndexTally& tally() const { return tally_; }
  // All captures, each once.
  absl::StatusOr<std::unique_ptr<LineSource>> Finish();

 private:
  absl::Status TakeBeside(std::unique_ptr<LineSource> lines);

  LineSorter sorter_;
  Teller tell_;
  IndexTally tally_;
  std::vector<std::unique_ptr<LineSource>> beside_;
};

// The WARC files that `path` stands for: itself, or of a directory those in it (and in its `warc`, for a crawl's), sorted by
// name. `unfinished` counts the files that are written just now: a crawl runs, or was killed.
absl::StatusOr<std::vector<std::string>> FindWarcFiles(const std::string& path, uint64_t& unfinished);

}  // namespace weft
