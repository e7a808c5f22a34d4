#include "fetcher/resolver_cache.h"

#include <utility>

namespace weft {

const ResolverCache::Answer* ResolverCache::Find(const std::string& host, absl::Time now) {
  const auto found = by_host_.find(host);
  if (found == by_host_.end()) return nullptr;
  const auto entry = found->second;
  if (now >= entry->expires) {
    by_host_.erase(found);
    entries_.erase(entry);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  return &entry->answer;
}

void ResolverCache::Store(const std::string& host, Answer answer, absl::Time expires) {
  const auto found = by_host_.find(host);
  if (found != by_host_.end()) {
    entries_.erase(found->second);
    by_host_.erase(found);
  }
  if (capacity_ == 0) return;
  if (entries_.size() >= capacity_) {
    by_host_.erase(entries_.back().host);
    entries_.pop_back();
  }
  entries_.push_front({host, std::move(answer), expires});
  by_host_[host] = entries_.begin();
}

}  // namespace weft
