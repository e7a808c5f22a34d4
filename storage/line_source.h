// Lines one after the other: of a file, or of several sorted ones merged. Thread rule: one thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/byte_source.h"

namespace weft {

class LineSource {
 public:
  virtual ~LineSource() = default;
  // The next line without its end, valid until the next call; false: that was the last.
  virtual absl::StatusOr<bool> Next(std::string_view& line) = 0;
};

// Of a file (or a part of one, from `begin` on), 128 KiB of which are in memory. DataLoss: a line longer than 16 MiB, or a last one without an end.
std::unique_ptr<LineSource> FileLines(std::unique_ptr<ByteSource> file, uint64_t begin = 0);

// Lines of several sources, each sorted by bytes, in that order; of equal ones the first alone.
std::unique_ptr<LineSource> MergedLines(std::vector<std::unique_ptr<LineSource>> sources);

}  // namespace weft
