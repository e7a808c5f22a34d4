// The message bus as a seam: what a node may do with the network. A bus may lose, repeat, delay and reorder messages
// (a real one does so around reconnects, the simulated one all the time); SessionLink above it makes up for that.
// Thread rule: a Bus belongs to the loop thread of its node. Send never blocks.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "common/wire.pb.h"

namespace weft {

inline constexpr uint32_t kProtocolVersion = 1;
// Bodies travel in payload frames of at most this size, so that a large page on a slow line is not taken for death.
inline constexpr size_t kMaxPayloadBytes = 256 * 1024;
// Anything longer is dropped before it is parsed.
inline constexpr size_t kMaxFrameBytes = 8 * 1024 * 1024;

// Names a connection, seen from this node: what Connect returned, or who knocked at the bound socket.
using PeerId = std::string;

// Shared so that a body is not copied between the threads of one process: the sender holds it until it is
// acknowledged while the receiver reads it. Never changed once sent.
using Payload = std::shared_ptr<const std::string>;

struct Message {
  wire::Frame frame;
  Payload payload;  // may be null
};

class Bus {
 public:
  virtual ~Bus() = default;
  // Opens a connection (a DEALER) to a bound endpoint; succeeds even if nobody listens there yet.
  virtual absl::StatusOr<PeerId> Connect(const std::string& endpoint) = 0;
  virtual void Disconnect(const PeerId& peer) = 0;
  // Hands over or drops. To an unknown or vanished peer: dropped.
  virtual void Send(const PeerId& peer, const Message& message) = 0;
};

}  // namespace weft
