// The other end of one connection of a node under test, over a real SessionLink: keeps what was delivered, and says what
// the test wants said.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/node.h"
#include "common/session_link.h"
#include "tests/support/recording_bus.h"

namespace weft::test {

class PlayedPeer {
 public:
  // `name`: what the node knows this connection by.
  PlayedPeer(Node& node, RecordingBus& nodes_bus, PeerId name, uint64_t session)
      : node_(node), nodes_bus_(nodes_bus), name_(std::move(name)) {
    Restart(session);
  }
  // A new process under the same name.
  void Restart(uint64_t session) { link_ = std::make_unique<SessionLink>(&bus_, "node", session); }
  void Say(wire::Frame frame, Payload payload = nullptr) {
    Hear();
    link_->Send({std::move(frame), std::move(payload)});
    for (; said_ < bus_.sent.size(); ++said_) node_.OnMessage(name_, bus_.sent[said_].message);
    Hear();
  }
  // A frame outside any link, as it stands.
  void SayRaw(wire::Frame frame) {
    node_.OnMessage(name_, {std::move(frame), nullptr});
    Hear();
  }
  void Hear() {
    for (; heard_ < nodes_bus_.sent.size(); ++heard_) {
      if (nodes_bus_.sent[heard_].to != name_) continue;
      for (Message& message : link_->Receive(nodes_bus_.sent[heard_].message).deliver) frames.push_back(message.frame);
    }
  }
  void SkipWhatWasSent() { heard_ = nodes_bus_.sent.size(); }
  std::vector<wire::Frame> Of(wire::Frame::BodyCase body) {
    Hear();
    std::vector<wire::Frame> found;
    for (const wire::Frame& frame : frames) {
      if (frame.body_case() == body) found.push_back(frame);
    }
    return found;
  }
  uint64_t nodes_session() const { return link_->peer_session(); }

  std::vector<wire::Frame> frames;

 private:
  Node& node_;
  RecordingBus& nodes_bus_;
  RecordingBus bus_;
  PeerId name_;
  std::unique_ptr<SessionLink> link_;
  size_t said_ = 0;
  size_t heard_ = 0;
};

}  // namespace weft::test
