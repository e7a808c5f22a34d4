// Finds pages directories on this machine by the id that each of them holds (pages-directory-id): among those that the
// user names, in the crawl's own directory, and where workers were last seen to write them.
// Thread rule: one thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "scheduler/pages_places.h"

namespace weft {

class PagesFinder {
 public:
  // `named` by the user: InvalidArgument if one of them is no pages directory.
  static absl::StatusOr<PagesFinder> Make(const std::vector<std::string>& named);
  // A directory that may hold pages: the one in a crawl's own directory.
  void AddIfThere(const std::string& directory);
  void Seen(uint64_t id, const PagesPlace& place) { seen_[id] = place; }
  // "worker-1 (last heard 3m ago)", of who had it last.
  std::string NodeOf(uint64_t id, absl::Time wall_now) const;
  // Unavailable, for people: it cannot be read on this machine, where it was last seen, and what to do.
  absl::StatusOr<std::string> Find(uint64_t id);
  // Given up by weft node forget, and not here.
  bool Lost(uint64_t id);

 private:
  std::map<uint64_t, std::string> here_;
  PagesPlaces seen_;
};

}  // namespace weft
