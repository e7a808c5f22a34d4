// Tells what becomes of a socket's connections, which libzmq keeps to itself otherwise (zmq_socket_monitor).
// Thread rule: the thread of the socket.
#pragma once

#include <cstdint>
#include <optional>

namespace weft {

enum class ConnectionEvent {
  kOpened,        // the handshake is done
  kRetried,       // libzmq tries again by itself
  kLost,          // was open, and is no more
  kKeyRefused,    // the other side does not accept our key; (bound) the key is not allowed
  kMismatch,      // it speaks another protocol, or asks for a key and got none, or the reverse
  kBroken,        // ended within the handshake: too late, or closed
};

class ZmqWatch {
 public:
  // Null handles are fine: nothing is watched then, and nothing ever told. The socket outlives it.
  ZmqWatch(void* context, void* socket);
  ~ZmqWatch();
  ZmqWatch(const ZmqWatch&) = delete;
  ZmqWatch& operator=(const ZmqWatch&) = delete;

  // Becomes readable when there is something to be told; -1 if there is none. Drain before waiting: it is edge-triggered.
  int descriptor() const { return descriptor_; }
  // nullopt: nothing more for now.
  std::optional<ConnectionEvent> Next();

 private:
  void* watched_;
  void* events_ = nullptr;
  int descriptor_ = -1;
};

}  // namespace weft
