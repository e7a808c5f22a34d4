// Links between hosts, counted: pairs of hosts go to a table on the disk when there are too many for memory.
// Thread rule: one thread.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "storage/sqlite_database.h"

namespace weft {

class HostGraph {
 public:
  struct Edge {
    std::string source;
    std::string target;
    int64_t links = 0;
    int64_t pages = 0;  // of the source that hold one
  };
  // `pairs_in_memory` at a time.
  static absl::StatusOr<HostGraph> Create(size_t pairs_in_memory = 200'000);

  // The links of one page to one host.
  absl::Status Add(const std::string& source, const std::string& target, int64_t links);
  // All pairs, by source and then target; ends at the first error of `visit`.
  absl::Status ForEach(absl::FunctionRef<absl::Status(const Edge&)> visit);

 private:
  struct Counts {
    int64_t links = 0;
    int64_t pages = 0;
  };
  HostGraph() = default;
  absl::Status Spill();

  size_t pairs_in_memory_ = 0;
  absl::flat_hash_map<std::pair<std::string, std::string>, Counts> pairs_;
  SqliteDatabase db_;
  SqliteStatement add_;
};

}  // namespace weft
