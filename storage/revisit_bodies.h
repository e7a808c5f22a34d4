// Bodies that revisits name, found in a set of WARC files: where the revisit says, or else by the record's id, as files may have been renamed
// or packed anew since. Thread rule: one thread.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/warc_reader.h"

namespace weft {

class RevisitBodies {
 public:
  // They are read once in full, when the first body is not where its revisit says.
  explicit RevisitBodies(std::vector<std::string> files) : files_(std::move(files)) {}

  // The response that `revisit`, a record of the file at `path`, stands for; errors as of MadeWhole (warc_place.h).
  absl::StatusOr<WarcRecord> Whole(const std::string& path, const WarcRecord& revisit);

 private:
  struct Place {
    size_t file = 0;  // of files_
    uint64_t offset = 0;
  };
  void FindIds();

  std::vector<std::string> files_;
  // Of responses, by the hash of their id: whose they are the digest of the payload tells.
  std::optional<absl::flat_hash_map<uint64_t, Place>> by_id_;
};

}  // namespace weft
