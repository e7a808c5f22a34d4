// How often a host was asked within one second, across its leases: each release tells when the requests of its lease's
// first and last second began, and the last second of the lease before is kept here. Nothing here need survive a restart.
// Bounded. Thread rule: the scheduler's loop.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <vector>

#include "storage/crawl_db.h"

namespace weft {

class RateRecord {
 public:
  explicit RateRecord(size_t most_hosts = 100'000) : most_hosts_(most_hosts) {}

  // Requests that began under the lease that has just ended, in any order. The most within one second, those of leases
  // before included.
  uint64_t Add(uint64_t host_id, std::vector<CrawlTime> begun, CrawlTime now);
  size_t hosts() const { return recent_.size(); }

 private:
  const size_t most_hosts_;
  absl::flat_hash_map<uint64_t, std::vector<CrawlTime>> recent_;   // within a second of the last one, ascending
};

}  // namespace weft
