// Crawls of many seeds on all cores, a process for each core: a seed that takes its process down is a failed seed, and the others
// go on.
// Thread rule: one thread, of a process that has no other.
#pragma once

#include <absl/functional/any_invocable.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "tests/support/sim_cluster.h"

namespace weft::test {

struct SeedRunsOptions {
  uint64_t first = 1;
  uint64_t seeds = 100;
  int jobs = 1;
  SimOptions::Planted planted = SimOptions::Planted::kNone;   // in every seed
};

struct FailedSeed {
  uint64_t seed = 0;
  std::string summary;
  std::vector<std::string> violations;   // "rule: what was seen"
};

// Of all seeds that have ended.
struct SeedTotals {
  uint64_t seeds = 0;
  uint64_t failed = 0;
  std::vector<FailedSeed> first_failed;  // the lowest seeds, 20 at most
  SimReport sums;                        // counts alone; `keys` are in crawls_with_keys
  uint64_t crawls_with_keys = 0;
};

class SeedRuns {
 public:
  // `ended`: a seed has ended. `progress`: called every half second or so.
  struct Told {
    absl::AnyInvocable<void(const SimReport& report)> ended;
    absl::AnyInvocable<void(const SeedTotals& totals)> progress;
  };
  // Not OK: no process or pipe can be made.
  static absl::StatusOr<SeedTotals> Run(const SeedRunsOptions& options, Told told);
};

}  // namespace weft::test
