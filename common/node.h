// A scheduler, fetcher or parser as an event handler. Single-threaded: whoever runs it (an EventLoop, or the
// simulation) calls one method at a time. A node has no clock, socket, thread or lock of its own; it acts through the
// seams it was constructed with.
#pragma once

#include <absl/time/time.h>

#include "common/bus.h"

namespace weft {

class Node {
 public:
  virtual ~Node() = default;
  virtual void Start() = 0;
  virtual void OnMessage(const PeerId& from, Message message) = 0;
  // Called after every batch of events and at NextWake() at the latest. Never assume it comes in time.
  virtual void OnTick() = 0;
  // On the steady clock; absl::InfiniteFuture() for "only when something happens".
  virtual absl::Time NextWake() const = 0;
};

}  // namespace weft
