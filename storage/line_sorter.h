// Sorts lines by their bytes (as LC_ALL=C sort does) in bounded memory: runs that do not fit go to files without a name, which
// vanish with the process, and are merged. Thread rule: one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/line_source.h"

namespace weft {

struct LineSorterOptions {
  std::string directory;                  // of the files
  uint64_t memory_bytes = 64ull << 20;    // of lines that wait; merging takes about 128 KiB a run beside
  size_t most_runs = 64;                  // that many are merged into one
};

class LineSorter {
 public:
  explicit LineSorter(LineSorterOptions options) : options_(std::move(options)) {}

  // `line` holds no line end.
  absl::Status Add(std::string_view line);
  // All lines in order, each once. Nothing is added any more. What is read stays valid without the sorter.
  absl::StatusOr<std::unique_ptr<LineSource>> Finish();

 private:
  struct Place {
    size_t begin;
    size_t size;
  };
  void Sort();
  absl::Status Spill();
  absl::StatusOr<std::unique_ptr<ByteSource>> WriteRun(LineSource& lines) const;
  absl::Status MergeRuns();

  LineSorterOptions options_;
  std::string text_;
  std::vector<Place> places_;
  std::vector<std::unique_ptr<ByteSource>> runs_;
};

}  // namespace weft
