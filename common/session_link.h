// A reliable, ordered stream of messages between two sessions (process starts) over a Bus that may lose, repeat or
// reorder. Nothing is resent by timer: an unsequenced frame (a heartbeat) says how far its sender has sent; the answer
// to it echoes that and says how far the other side has received; what lies between is lost and sent again.
// When the peer's session changes everything unacknowledged is dropped here, and the owner is told: it registers again
// and hands in again what the application has not had acknowledged (every handler is idempotent).
//
// Numbering. A link may have to begin its numbers anew within one session: its peer restarted, or Reset was called.
// So that late frames of the old numbering are not taken for new ones, the upper 24 bits of every sequence number are
// the *life* of the numbering, counted by its sender; the lower 40 bits count from 1 in each life. A frame therefore
// names its sender (session, and life by seq or sent_through) and its addressee (peer_session, and life by received).
// A numbering can only be joined at its beginning: who has had a confirmation in it begins a new life for a new reader.
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
  // A link that is made anew for a peer that had one before (its owner forgot the peer after a silence, so that nothing
  // of the old link is under way) must hear from the peer before it sends; the peer finds itself forgotten then. Where something of
  // the old one may still be under way, `first_life` is above that of any link before: its numbers are not taken for the new one's.
  SessionLink(Bus* bus, PeerId peer, uint64_t my_session, uint64_t first_life = 0);

  // In sequence; kept until the peer's session has it. The message has a body.
  void Send(Message message);
  // Outside the sequence (heartbeats, answers to strangers); carries the evidence for resending.
  // `answers` is the frame that is answered, or null: the last one heard. SessionUnknown is addressed to whom Receive
  // has just found to have lost us, if so.
  void SendUnsequenced(Message message, const wire::Frame* answers = nullptr);

  struct Received {
    // The peer is not who it was: all state of the old session is gone. Also true for the first frame of all.
    bool new_session = false;
    // The peer does not know this session (it restarted, or dropped us): the frame was not delivered. Answer it with
    // SessionUnknown, unsequenced: the peer then sees a new session here.
    bool peer_lost_us = false;
    // The frame is of a session that another one has replaced here, and was not delivered. Its sender may be alive, and the other one
    // a late frame's of before: SessionUnknown, addressed to that session, makes it begin anew, and is nothing to a dead one.
    bool displaced = false;
    std::vector<Message> deliver;  // in order, once
  };
  Received Receive(Message message);

  uint64_t my_session() const { return my_session_; }
  uint64_t peer_session() const { return peer_session_; }
  const PeerId& peer() const { return peer_; }
  // Sequenced messages that the peer has not confirmed.
  size_t unconfirmed() const { return sent_.size(); }
  // Forgets the peer's session: the next frame starts anew, and the peer sees a new session here.
  void Reset();

  // What is kept of frames that arrived beyond a gap; more is dropped, and sent again on evidence.
  static constexpr size_t kMaxEarly = 1024;
  static constexpr size_t kMaxEarlyBytes = size_t{32} * 1024 * 1024;

 private:
  enum class Sender { kSame, kNewLife, kStranger, kStale };
  enum class Addressee { kNobody, kMe, kMyPast, kForgotten, kOther };
  struct Sent {
    Message message;
    uint64_t evidence = 0;  // lost if the peer lacks it although it has seen what was sent through this number
  };

  Sender SenderOf(const wire::Frame& frame) const;
  Addressee AddresseeOf(const wire::Frame& frame) const;
  bool HasSeenThisLife(const wire::Frame& frame) const;
  void Adopt(const wire::Frame& frame, Sender sender, Addressee addressee);
  void BeginLife(uint64_t life);
  void Read(uint64_t session, uint64_t received);
  void Stamp(wire::Frame& frame);
  void Confirm(uint64_t received);
  void ResendMissing(uint64_t echo);
  void Sequence(Message message, std::vector<Message>& deliver);
  void KeepEarly(Message message);

  Bus* bus_;
  PeerId peer_;
  uint64_t my_session_;

  // Sending.
  uint64_t next_seq_ = 1;
  std::deque<Sent> sent_;       // unconfirmed, seq ascending
  bool spoken_ = false;         // in this life: others may know of it
  bool confirmed_any_ = false;  // in this life
  bool known_ = false;          // the adopted peer has addressed this life

  // Receiving.
  uint64_t peer_session_ = 0;  // adopted; 0: nobody
  uint64_t received_ = 0;      // without a gap, with the peer's life
  uint64_t heard_ = 0;         // the peer had sent through this, by its frames
  std::map<uint64_t, Message> early_;  // received beyond a gap
  size_t early_bytes_ = 0;
  std::deque<uint64_t> old_sessions_;  // before peer_session_
  uint64_t lost_session_ = 0;          // who had lost us
  uint64_t lost_received_ = 0;
};

}  // namespace weft
