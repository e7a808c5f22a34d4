// Copies of a scheduler's data: made while it runs, checked by opening them, there as a whole or not at all; and their way
// back. A checkpoint is laid out as a scheduler's --data directory: crawl.db, snapshots of the set of known URLs, crawl.log.
// Everything here blocks, and belongs on a pool but for a restore, which comes before the crawl begins.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "storage/crawl_db.h"

namespace weft {

struct CheckpointMade {
  std::string path;
  uint64_t bytes = 0;
  uint64_t commit = 0;   // the last that it holds
};

// Copies `db` to `to`, which must not be there yet; `files` are copied as they are, where they are there. What a crash
// leaves is TO.partial, which the next call removes.
absl::StatusOr<CheckpointMade> MakeCheckpoint(const CrawlDb& db, const std::vector<std::string>& files, const std::string& to);
// Opens the checkpoint and checks its ledger: its last commit. FailedPrecondition or DataLoss, for people.
absl::StatusOr<uint64_t> VerifyCheckpoint(const std::string& checkpoint);

// Removes all but the `keep` newest checkpoints of a folder, by their names, and what broken off ones left.
absl::Status PruneCheckpoints(const std::string& folder, size_t keep);

// Puts a checkpoint in the place of the crawl in `data`, in one step; the caller holds its lock. A crawl that is there is
// refused unless `force` is set, and is then kept beside as crawl.db.replaced until the next restore.
absl::Status RestoreCheckpoint(const std::string& checkpoint, const std::string& data, bool force);
// A restore was broken off before it had put anything into its place.
bool RestoreBrokenOff(const std::string& data);

}  // namespace weft
