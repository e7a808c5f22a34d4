#include "cli/checkpoint_folder.h"

#include <filesystem>

#include "common/status.h"

namespace weft {

absl::StatusOr<CheckpointMade> CheckpointFolder::Make(const CrawlDb& db, const std::string& to) {
  if (!to.empty()) return MakeCheckpoint(db, files_, to);
  const std::string name = absl::FormatTime("%Y%m%dT%H%M%SZ", clock_.WallNow(), absl::UTCTimeZone());
  std::string path = fmt::format("{}/{}", folder_, name);
  std::error_code error;
  // Names in the order in which they were made.
  for (int again = 2; std::filesystem::exists(path, error); ++again) path = fmt::format("{}/{}-{:02}", folder_, name, again);
  WEFT_ASSIGN_OR_RETURN(CheckpointMade made, MakeCheckpoint(db, files_, path));
  WEFT_RETURN_IF_ERROR(PruneCheckpoints(folder_, keep_));
  return made;
}

}  // namespace weft
