#include "cli/pages_finder.h"

#include <algorithm>

#include "common/status.h"
#include "common/units.h"
#include "storage/pages_directory.h"

namespace weft {

absl::StatusOr<PagesFinder> PagesFinder::Make(const std::vector<std::string>& named) {
  PagesFinder finder;
  for (const std::string& directory : named) {
    auto id = ReadPagesDirectoryId(directory);
    if (!id.ok()) {
      return InvalidArgument("--pages {}: it is no worker's pages directory (it holds no pages-directory-id)", directory);
    }
    finder.here_[*id] = directory;
  }
  return finder;
}

void PagesFinder::AddIfThere(const std::string& directory) {
  auto id = ReadPagesDirectoryId(directory);
  if (id.ok()) here_.try_emplace(*id, directory);
}

bool PagesFinder::Lost(uint64_t id) {
  const auto seen = seen_.find(id);
  return seen != seen_.end() && seen->second.forgotten && !Find(id).ok();
}

std::string PagesFinder::NodeOf(uint64_t id, absl::Time wall_now) const {
  const auto seen = seen_.find(id);
  if (seen == seen_.end()) return fmt::format("the worker of the pages directory {:016x}", id);
  const PagesPlace& place = seen->second;
  const std::string name = fmt::format("{} with {}:{}", place.worker.empty() ? place.machine : place.worker, place.machine, place.path);
  if (place.forgotten) return fmt::format("{} (given up by weft node forget)", name);
  if (place.heard == absl::InfinitePast()) return name;
  const absl::Duration ago = std::max(absl::ZeroDuration(), absl::Trunc(wall_now - place.heard, absl::Seconds(1)));
  return fmt::format("{} (last heard {} ago)", name, weft::FormatDuration(ago));
}

absl::StatusOr<std::string> PagesFinder::Find(uint64_t id) {
  auto here = here_.find(id);
  if (here != here_.end()) return here->second;
  auto seen = seen_.find(id);
  if (seen == seen_.end()) {
    return Unavailable("a worker's --pages directory with the id {:016x}, which is not known here; name it with --pages DIR",
                       id);
  }
  const PagesPlace& place = seen->second;
  // The same path on another machine, or another directory at that path, has another id.
  auto there = ReadPagesDirectoryId(place.path);
  if (there.ok() && *there == id) return here_[id] = place.path;
  if (place.forgotten) {
    return Unavailable("{} on the machine '{}' (a worker's --pages directory, id {:016x}), which was given up by weft node forget: they "
                       "are lost, unless that directory is brought here and named with --pages DIR", place.path, place.machine, id);
  }
  return Unavailable("{} on the machine '{}' (a worker's --pages directory, id {:016x}), which cannot be read from here; bring "
                     "it here, or run the export there, and name it with --pages DIR", place.path, place.machine, id);
}

}  // namespace weft
