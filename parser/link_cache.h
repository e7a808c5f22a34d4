// Links that the scheduler has acknowledged as recorded: they need not be sent again. Valid for one lineage and one
// version of the scope (protocol rule 3); emptied with either, when the CrawlDb lost writes (rule 13), and when it is full.
// Thread rule: the parser's loop.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <vector>

#include "common/fingerprint.h"

namespace weft {

class LinkCache {
 public:
  explicit LinkCache(size_t entries) : entries_(entries) {}

  // Another lineage or scope version empties it.
  void Use(uint64_t lineage, uint64_t scope_version) {
    if (lineage == lineage_ && scope_version == scope_version_) return;
    Clear();
    lineage_ = lineage;
    scope_version_ = scope_version;
  }
  void Clear() {
    known_.clear();
    older_.clear();
  }
  bool Contains(const Fingerprint& key) const { return known_.contains(key) || older_.contains(key); }
  void Add(const std::vector<Fingerprint>& keys) {
    for (const Fingerprint& key : keys) {
      // Two generations: when the young one is full the old one goes, so the recent and popular stay.
      if (known_.size() >= entries_ / 2) {
        older_ = std::move(known_);
        known_.clear();
      }
      known_.insert(key);
    }
  }
  size_t size() const { return known_.size() + older_.size(); }

 private:
  size_t entries_;
  uint64_t lineage_ = 0;
  uint64_t scope_version_ = 0;
  absl::flat_hash_set<Fingerprint> known_;
  absl::flat_hash_set<Fingerprint> older_;
};

}  // namespace weft
