#include "storage/known_payloads.h"

#include <utility>

namespace weft {

// With the nodes of list and map.
size_t KnownPayloads::BytesOf(const Entry& entry) {
  constexpr size_t kNodes = 96;
  return sizeof(Entry) + kNodes + entry.payload.url.size() + entry.payload.file.size() + entry.payload.record_id.size();
}

void KnownPayloads::Add(std::string_view digest, KnownPayload payload) {
  const MutexLock lock(mutex_);
  if (const auto known = by_digest_.find(digest); known != by_digest_.end()) {
    entries_.splice(entries_.begin(), entries_, known->second);
    return;
  }
  entries_.push_front({std::string(digest), std::move(payload)});
  by_digest_.emplace(entries_.front().digest, entries_.begin());
  bytes_ += BytesOf(entries_.front());
  while (bytes_ > most_bytes_) {
    bytes_ -= BytesOf(entries_.back());
    by_digest_.erase(entries_.back().digest);
    entries_.pop_back();
  }
}

std::optional<KnownPayload> KnownPayloads::Find(std::string_view digest) {
  const MutexLock lock(mutex_);
  const auto known = by_digest_.find(digest);
  if (known == by_digest_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, known->second);
  return known->second->payload;
}

size_t KnownPayloads::bytes() const {
  const MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace weft
