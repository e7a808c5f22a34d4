// Answers of the name system for as long as they hold, failures too. Bounded: the entry used longest ago goes first.
// Thread rule: belongs to its resolver's loop.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <list>
#include <string>
#include <vector>

#include "common/ip_address.h"

namespace weft {

class ResolverCache {
 public:
  using Answer = absl::StatusOr<std::vector<IpAddress>>;

  // `capacity` 0: nothing is kept.
  explicit ResolverCache(size_t capacity) : capacity_(capacity) {}

  // Null if there is none that still holds at `now` (steady clock). Valid until the next call of a method.
  const Answer* Find(const std::string& host, absl::Time now);
  void Store(const std::string& host, Answer answer, absl::Time expires);
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string host;
    Answer answer;
    absl::Time expires;
  };
  size_t capacity_;
  std::list<Entry> entries_;  // used last first
  absl::flat_hash_map<std::string, std::list<Entry>::iterator> by_host_;
};

}  // namespace weft
