// A map that keeps what was used last: beyond its limit the entry that nobody has asked for longest makes room.
// Thread rule: one thread.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <utility>

namespace weft {

template <typename Value>
class RecentMap {
 public:
  explicit RecentMap(size_t limit) : limit_(limit) {}

  // Made if it is new. Valid until the next Touch.
  Value& Touch(std::string_view key) {
    if (Value* known = Find(key)) return *known;
    if (entries_.size() >= limit_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(std::string(key), Value());
    places_.emplace(entries_.front().first, entries_.begin());  // the node's own string: it does not move
    return entries_.front().second;
  }
  Value* Find(std::string_view key) {
    auto place = places_.find(key);
    if (place == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, place->second);
    return &place->second->second;
  }
  size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;
  size_t limit_;
  Entries entries_;  // used last in front
  absl::flat_hash_map<std::string_view, typename Entries::iterator> places_;
};

}  // namespace weft
