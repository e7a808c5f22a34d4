// Where each pages directory was last seen: stored with the crawl when its parser registers, so that an export finds the
// pages, or can name the machine and path that they lie at, after the parser or the scheduler has ended.
#pragma once

#include <absl/status/statusor.h>

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
  bool operator==(const PagesPlace&) const = default;
};

using PagesPlaces = std::map<uint64_t, PagesPlace>;  // by pages-directory id

absl::StatusOr<PagesPlaces> ReadPagesPlaces(const CrawlDb& db);
absl::Status WritePagesPlaces(CrawlDb& db, const PagesPlaces& places);

}  // namespace weft
