// A reliable, ordered stream of messages between two sessions (process starts) over a Bus that may lose, repeat or
// reorder. Nothing is resent by timer: an unsequenced frame (a heartbeat) says how far its sender has sent; the answer
// to it echoes that and says how far the other side has received; what lies between is lost and sent again.
// When the peer's session changes everything unacknowledged is dropped here, and the owner is told: it registers again
// and hands in again what the application has not had acknowledged (every handler is idempotent).
// Thread rule: belongs to its node's loop.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "common/bus.h"

namespace weft {

class SessionLink {
 public:
  SessionLink(Bus* bus, PeerId peer, uint64_t my_session);

  // In sequence; kept until the peer's session has it.
  void Send(Message message);
  // Outside the sequence (heartbeats, answers to strangers); carries the evidence for resending.
  // `answers` is the frame that is answered, or null.
  void SendUnsequenced(Message message, const wire::Frame* answers = nullptr);

  struct Received {
    // The peer is not who it was: all state of the old session is gone. Also true for the first frame of all.
    bool new_session = false;
    // The peer does not know this session (it restarted, or dropped us): the frame was not delivered.
    bool peer_lost_us = false;
    std::vector<Message> deliver;  // in order, once
  };
  Received Receive(Message message);

  uint64_t my_session() const { return my_session_; }
  uint64_t peer_session() const { return peer_session_; }
  const PeerId& peer() const { return peer_; }
  // Sequenced messages that the peer has not confirmed.
  size_t unconfirmed() const { return sent_.size(); }
  // Forgets the peer's session: the next frame starts anew.
  void Reset();

 private:
  void Stamp(wire::Frame& frame) const;
  void Confirm(uint64_t received);
  void ResendMissing(uint64_t received, uint64_t sent_through);

  Bus* bus_;
  PeerId peer_;
  uint64_t my_session_;
  uint64_t peer_session_ = 0;
  uint64_t next_seq_ = 1;
  uint64_t received_ = 0;
  std::deque<Message> sent_;          // unconfirmed, seq ascending
  std::map<uint64_t, Message> early_;  // received beyond a gap, bounded by kMaxEarly
  static constexpr size_t kMaxEarly = 1024;
};

}  // namespace weft
