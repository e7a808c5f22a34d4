// Where each pages directory was last seen: stored with the crawl when its parser registers, so that an export finds the
// pages, or can name the machine and path that they lie at, after the parser or the scheduler has ended.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <string>

#include "storage/crawl_db.h"

namespace weft {

struct PagesPlace {
  std::string machine;
  std::string path;  // absolute, on that machine
  std::string worker = {};  // that wrote there last
  bool forgotten = false;   // its machine is gone for good; not any more when one of its parsers registers
  absl::Time heard = absl::InfinitePast();  // when one of its parsers was heard last; infinite past: not known
  bool operator==(const PagesPlace&) const = default;
  bool SamePlace(const PagesPlace& other) const {
    return machine == other.machine && path == other.path && worker == other.worker && forgotten == other.forgotten;
  }
};

using PagesPlaces = std::map<uint64_t, PagesPlace>;  // by pages-directory id

// As RecordsReply tells of it.
PagesPlace PlaceOf(const wire::NodeStatus& told);
absl::StatusOr<PagesPlaces> ReadPagesPlaces(const CrawlDb& db);
absl::Status WritePagesPlaces(CrawlDb& db, const PagesPlaces& places);

}  // namespace weft
