// Payloads that are on their way between two threads of this process, by the address of their bytes: so the receiver
// of a message gets the very object that was sent, not a copy. Measured for 30 KB: 0.1 µs instead of 3.1 µs, and half
// the memory, as the sender keeps its reference until the page is acknowledged.
// Thread rule: any thread.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>

#include "common/bus.h"
#include "common/mutex.h"

namespace weft {

class PayloadRegistry {
 public:
  // One reference, given back by Release with the same address. Not null.
  void Hold(const Payload& payload);
  void Release(const void* bytes);
  // Null unless exactly these bytes are held.
  Payload Find(const void* bytes, size_t size) const;
  size_t size() const;

 private:
  struct Held {
    Payload payload;
    size_t references = 0;
  };
  mutable Mutex mutex_;
  absl::flat_hash_map<const void*, Held> held_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weft
