// Which address each host was last connected to, while that is fresh, and which ones did not answer: what address permits
// (rule 21) are decided by. The places themselves are the politeness ledger's. Nothing here need survive a restart: a
// host that is not known here asks for a permit after its look-up.
// Bounded. Thread rule: the scheduler's loop.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "storage/crawl_db.h"

namespace weft {

class AddressBook {
 public:
  explicit AddressBook(size_t most = 200'000) : most_(most) {}

  void Note(uint64_t host_id, std::string_view address, CrawlTime now);
  // Empty: not known, or too long ago.
  std::string Fresh(uint64_t host_id, CrawlTime now) const;
  // It could not be connected to: the next look-up chooses another one, if there is any.
  void Failed(uint64_t host_id);
  bool HasFailed(uint64_t host_id, std::string_view address) const;

 private:
  struct Entry {
    std::string address;
    CrawlTime noted = 0;
    std::string failed;
  };
  const size_t most_;
  absl::flat_hash_map<uint64_t, Entry> entries_;
  std::deque<uint64_t> order_;   // as they were added
};

// As long as resolvers keep an answer at most.
inline constexpr absl::Duration kAddressFresh = absl::Minutes(10);

}  // namespace weft
