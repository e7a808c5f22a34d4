// A bus that keeps what a node sends. A test answers by calling the node's OnMessage itself.
#pragma once

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
};

}  // namespace weft::test
