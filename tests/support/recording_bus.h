// A bus that keeps what a node sends. A test answers by calling the node's OnMessage itself.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/bus.h"

namespace weft::test {

class RecordingBus : public Bus {
 public:
  struct Sent {
    PeerId to;
    Message message;
  };

  // The peer is named as its endpoint.
  absl::StatusOr<PeerId> Connect(const std::string& endpoint) override { return endpoint; }
  absl::StatusOr<PeerId> ConnectTo(const std::string& endpoint, const PeerKey& server_key) override {
    proven[endpoint] = server_key;
    return Connect(endpoint);
  }
  void AllowKeys(const std::set<PeerKey>& keys) override { allowed = keys; }
  void Disconnect(const PeerId& peer) override { disconnected.push_back(peer); }
  void Send(const PeerId& peer, const Message& message) override { sent.push_back({peer, message}); }

  // Frames of one kind that went to `to`, in order.
  std::vector<wire::Frame> Of(const PeerId& to, wire::Frame::BodyCase body) const {
    std::vector<wire::Frame> frames;
    for (const Sent& one : sent) {
      if (one.to == to && one.message.frame.body_case() == body) frames.push_back(one.message.frame);
    }
    return frames;
  }

  std::vector<Sent> sent;
  std::vector<PeerId> disconnected;
  std::map<std::string, PeerKey> proven;  // by endpoint: whose key the other side had to show
  std::set<PeerKey> allowed;
};

}  // namespace weft::test
