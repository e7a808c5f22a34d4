// Bus over ZeroMQ (the only user of zmq): one bound ROUTER at most, and a DEALER per connection, all on one EventLoop.
// inproc://, ipc:// and tcp:// endpoints. High-water marks lie above what credit allows, so that nothing is dropped
// while peers keep to it; a frame that does not parse, is too long or of another protocol version is counted and dropped.
// A peer of the ROUTER keeps its PeerId over reconnections of its connection.
//
// Keys are CURVE's (docs/protocol.md): UseKeys says who we are; BindWithKeys takes only whom AllowKeys names, at the handshake
// and frame by frame; ConnectTo proves the other side. Once keys are used, tcp connections without them are refused here.
// Thread rule: belongs to its loop's thread; made and destroyed on it, or while the loop does not run.
#pragma once

#include <absl/functional/any_invocable.h>

#include <memory>
#include <string>
#include <vector>

#include "common/bus.h"
#include "common/event_loop.h"
#include "common/zmq_keys.h"

namespace weft {

class PayloadRegistry;
class ZapHandler;

// The process-wide ZeroMQ context; inproc endpoints meet only within one. Outlives every ZmqBus made with it.
// Its destructor waits up to a second for what was sent last.
class ZmqContext {
 public:
  // Aborts if the system gives no context.
  ZmqContext();
  ~ZmqContext();
  ZmqContext(const ZmqContext&) = delete;
  ZmqContext& operator=(const ZmqContext&) = delete;
  void* handle() const { return handle_; }
  PayloadRegistry& payloads() const { return *payloads_; }
  // Made, and answering, from the first call on. One thread calls it at a time.
  ZapHandler& zap();

 private:
  void* handle_;
  std::unique_ptr<PayloadRegistry> payloads_;
  std::unique_ptr<ZapHandler> zap_;
};

struct ZmqBusCounters {
  uint64_t sent = 0;
  uint64_t received = 0;
  uint64_t dropped_unsendable = 0;   // peer unknown or at its high-water mark, or the message longer than allowed
  uint64_t dropped_malformed = 0;
  uint64_t dropped_key = 0;          // under a key that is not allowed (any more)
  uint64_t handshakes_failed = 0;    // at the bound endpoints
  // Of our connections: the other side does not accept our key; it is no Weft node, or one asks for keys and one does not. Each
  // fifth handshake in a row that the other side breaks off counts as a mismatch too.
  uint64_t key_refused = 0;
  uint64_t mismatches = 0;
  uint64_t opened_again = 0;         // connections that were open and never answered
};

// Taken of one socket in a turn of the loop at most: a burst keeps nobody's tick waiting.
inline constexpr int kMessagesPerPoll = 256;

class ZmqBus : public Bus {
 public:
  // Messages go to `on_message` on the loop's thread.
  ZmqBus(ZmqContext& context, EventLoop& loop,
         absl::AnyInvocable<void(const PeerId& from, Message message)> on_message);
  ~ZmqBus() override;

  // Binds the ROUTER (all endpoints share it): "tcp://127.0.0.1:0" picks a port. Answers the endpoint that others
  // connect to; a wildcard address stays one. Unavailable: "tcp://127.0.0.1:7700 is in use ...".
  absl::StatusOr<std::string> Bind(const std::string& endpoint);
  // Before BindWithKeys and ConnectTo.
  absl::Status UseKeys(const KeyPair& own);
  // As Bind, for those alone who show an allowed key. What was bound by Bind before stays open to all.
  absl::StatusOr<std::string> BindWithKeys(const std::string& endpoint);
  absl::StatusOr<PeerId> Connect(const std::string& endpoint) override;
  absl::StatusOr<PeerId> ConnectTo(const std::string& endpoint, const PeerKey& server_key) override;
  // Closes a connection made by Connect; peers of the ROUTER leave by themselves. From within on_message too.
  void Disconnect(const PeerId& peer) override;
  void Send(const PeerId& peer, const Message& message) override;
  void AllowKeys(const std::set<PeerKey>& keys) override;
  BusRefusals refusals() const override;
  // After how long without an answer a connection that is open, and written to, is opened again: 15 s, and ten messages.
  void SetPatience(absl::Duration patience);
  const ZmqBusCounters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
