// The checkpoints of a scheduler's data directory: DATA/checkpoints/TIME, the newest ones kept.
// Thread rule: one thread at a time.
#pragma once

#include <string>
#include <vector>

#include "common/clock.h"
#include "scheduler/checkpoint_desk.h"

namespace weft {

class CheckpointFolder : public CheckpointPlace {
 public:
  // `files`: what is copied besides the CrawlDb.
  CheckpointFolder(std::string folder, std::vector<std::string> files, size_t keep, const Clock& clock)
      : folder_(std::move(folder)), files_(std::move(files)), keep_(keep), clock_(clock) {}

  absl::StatusOr<CheckpointMade> Make(const CrawlDb& db, const std::string& to) override;

 private:
  std::string folder_;
  std::vector<std::string> files_;
  size_t keep_;
  const Clock& clock_;
};

}  // namespace weft
