#include "common/payload_registry.h"

namespace weft {

void PayloadRegistry::Hold(const Payload& payload) {
  MutexLock lock(mutex_);
  Held& held = held_[payload->data()];
  held.payload = payload;
  ++held.references;
}

void PayloadRegistry::Release(const void* bytes) {
  Payload last;  // freed after the lock
  MutexLock lock(mutex_);
  auto it = held_.find(bytes);
  if (it == held_.end() || --it->second.references > 0) return;
  last = std::move(it->second.payload);
  held_.erase(it);
}

Payload PayloadRegistry::Find(const void* bytes, size_t size) const {
  MutexLock lock(mutex_);
  auto it = held_.find(bytes);
  return it == held_.end() || it->second.payload->size() != size ? nullptr : it->second.payload;
}

size_t PayloadRegistry::size() const {
  MutexLock lock(mutex_);
  return held_.size();
}

}  // namespace weft
