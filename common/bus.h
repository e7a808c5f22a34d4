// The message bus as a seam: what a node may do with the network. A bus may lose, repeat, delay and reorder messages
// (a real one does so around reconnects, the simulated one all the time); SessionLink above it makes up for that.
// Thread rule: a Bus belongs to the loop thread of its node. Send never blocks.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <set>
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

// A node's public key, 40 characters of Z85. It tells nodes apart where PeerId tells connections.
using PeerKey = std::string;

struct Message {
  wire::Frame frame;
  Payload payload;     // may be null
  PeerKey from_key{};  // (received) proven by who sent it; "": it came where no key is asked for
};

// What did not reach the node, since the bus was made.
struct BusRefusals {
  uint64_t handshakes = 0;  // of the bound endpoints: a wrong key or none, another protocol, or nothing said in time
  uint64_t frames = 0;      // over open connections whose key is allowed no more
  uint64_t malformed = 0;   // frames that cannot be read, are too long or of another version
};

class Bus {
 public:
  virtual ~Bus() = default;
  // Opens a connection (a DEALER) to a bound endpoint; succeeds even if nobody listens there yet.
  virtual absl::StatusOr<PeerId> Connect(const std::string& endpoint) = 0;
  // The same to who proves to hold the secret half of `server_key`, showing our own key; with "" as Connect.
  virtual absl::StatusOr<PeerId> ConnectTo(const std::string& endpoint, const PeerKey& /*server_key*/) {
    return Connect(endpoint);
  }
  virtual void Disconnect(const PeerId& peer) = 0;
  // Hands over or drops. To an unknown or vanished peer: dropped.
  virtual void Send(const PeerId& peer, const Message& message) = 0;
  // Whose handshakes and frames are taken at the bound endpoints that ask for keys, from now on (protocol rule 33);
  // nobody's before the first call. A bus without such endpoints ignores it.
  virtual void AllowKeys(const std::set<PeerKey>& /*keys*/) {}
  virtual BusRefusals refusals() const { return {}; }
};

}  // namespace weft
