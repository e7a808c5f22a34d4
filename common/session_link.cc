#include "common/session_link.h"

#include <algorithm>
#include <utility>

namespace weft {
namespace {

constexpr int kCountBits = 40;
constexpr uint64_t kLives = uint64_t{1} << (64 - kCountBits);
constexpr size_t kOldSessions = 8;
// A forgotten link may have begun more lives than the frame that tells of it knows.
constexpr uint64_t kForgottenLives = 256;

uint64_t LifeOf(uint64_t number) { return number >> kCountBits; }
uint64_t FirstOf(uint64_t life) { return (life << kCountBits) + 1; }
uint64_t SendersLife(const wire::Frame& frame) { return LifeOf(frame.seq() != 0 ? frame.seq() : frame.sent_through()); }

size_t SizeOf(const Message& message) {
  return message.frame.ByteSizeLong() + (message.payload ? message.payload->size() : 0);
}

// Sequenced, but for this layer only; see ResendMissing.
bool IsMarker(const Message& message) {
  return message.frame.body_case() == wire::Frame::BODY_NOT_SET && message.payload == nullptr;
}

}  // namespace

SessionLink::SessionLink(Bus* bus, PeerId peer, uint64_t my_session, uint64_t first_life)
    : bus_(bus), peer_(std::move(peer)), my_session_(my_session), next_seq_(FirstOf(std::min(first_life, kLives / 2))) {}

void SessionLink::Stamp(wire::Frame& frame) {
  frame.set_version(kProtocolVersion);
  frame.set_session(my_session_);
  frame.set_peer_session(peer_session_);
  frame.set_received(peer_session_ == 0 ? 0 : received_);
  spoken_ = true;
}

void SessionLink::Send(Message message) {
  Stamp(message.frame);
  message.frame.set_seq(next_seq_);
  message.frame.clear_sent_through();
  message.frame.clear_echo_sent_through();
  bus_->Send(peer_, message);
  sent_.push_back({std::move(message), next_seq_});
  ++next_seq_;
}

void SessionLink::SendUnsequenced(Message message, const wire::Frame* answers) {
  wire::Frame& frame = message.frame;
  Stamp(frame);
  if (frame.has_session_unknown() && lost_session_ != 0) {
    frame.set_peer_session(lost_session_);
    frame.set_received(lost_received_);
  }
  frame.set_seq(0);
  frame.set_sent_through(next_seq_ - 1);
  // Without a frame that is answered, the last one heard is: so both directions are covered although only one side's
  // heartbeats are answered.
  uint64_t heard = answers == nullptr ? heard_ : std::max(answers->seq(), answers->sent_through());
  if (heard != 0) frame.set_echo_sent_through(heard);
  bus_->Send(peer_, message);
}

// Sessions are random, so which of two is the older is known by having seen both; lives of one session are counted.
SessionLink::Sender SessionLink::SenderOf(const wire::Frame& frame) const {
  if (frame.session() == peer_session_) {
    uint64_t life = SendersLife(frame);
    if (life == LifeOf(received_)) return Sender::kSame;
    return life > LifeOf(received_) ? Sender::kNewLife : Sender::kStale;
  }
  bool old = std::find(old_sessions_.begin(), old_sessions_.end(), frame.session()) != old_sessions_.end();
  // A late frame of a dead session, never heard before, may have displaced the living one. Every change of the peer
  // begins a new life here: who has seen that life is alive after the change.
  return old && !HasSeenThisLife(frame) ? Sender::kStale : Sender::kStranger;
}

bool SessionLink::HasSeenThisLife(const wire::Frame& frame) const {
  const uint64_t life = LifeOf(next_seq_);
  return (frame.peer_session() == my_session_ && LifeOf(frame.received()) == life) ||
         (frame.echo_sent_through() != 0 && LifeOf(frame.echo_sent_through()) == life);
}

SessionLink::Addressee SessionLink::AddresseeOf(const wire::Frame& frame) const {
  if (frame.peer_session() == 0) return Addressee::kNobody;
  if (frame.peer_session() != my_session_) return Addressee::kOther;
  const uint64_t life = LifeOf(frame.received());
  if (life < LifeOf(next_seq_)) return Addressee::kMyPast;
  // It knows more of this session than this link ever said: an earlier link to it has been forgotten.
  if (life > LifeOf(next_seq_) || !spoken_ || frame.received() >= next_seq_) return Addressee::kForgotten;
  return Addressee::kMe;
}

SessionLink::Received SessionLink::Receive(Message message) {
  Received result;
  const wire::Frame& frame = message.frame;
  if (frame.session() == 0 || LifeOf(frame.received()) + kForgottenLives >= kLives) return result;
  const Sender sender = SenderOf(frame);
  const Addressee addressee = AddresseeOf(frame);
  if (sender == Sender::kStale) {
    result.displaced = frame.session() != peer_session_;  // else it is of an earlier life
    return result;
  }

  if (addressee == Addressee::kForgotten) {
    result.new_session = peer_session_ != 0 || !sent_.empty();  // a late first frame had been believed
    BeginLife(LifeOf(frame.received()) + kForgottenLives);
    Read(0, 0);
  }
  // To my past: its numbers are good if it is adopted, for it was adopted at its numbers' beginning.
  if (addressee == Addressee::kForgotten || addressee == Addressee::kOther ||
      (addressee == Addressee::kMyPast && sender != Sender::kSame)) {
    if (sender == Sender::kSame && known_) return result;  // sent before it knew me
    lost_session_ = frame.session();
    lost_received_ = FirstOf(SendersLife(frame)) - 1;
    result.peer_lost_us = true;
    return result;
  }
  if (sender != Sender::kSame) {
    Adopt(frame, sender, addressee);
    result.new_session = true;
  } else if (frame.has_session_unknown() && addressee != Addressee::kMe) {
    return result;  // an earlier one has been heard already
  }
  lost_session_ = 0;
  if (AddresseeOf(frame) == Addressee::kMe) {  // Adopt may have made it my past
    known_ = true;
    Confirm(frame.received());
    ResendMissing(frame.echo_sent_through());
  }
  // Whoever sent a sequenced frame had sent through its number.
  heard_ = std::max({heard_, frame.seq(), frame.sent_through()});
  Sequence(std::move(message), result.deliver);
  return result;
}

void SessionLink::Adopt(const wire::Frame& frame, Sender sender, Addressee addressee) {
  // It began anew because it had taken me for new: it expects this life from its first number on, and all is there.
  // Not so if it refused what I sent; but when both refuse each other only one may begin anew, or they never meet.
  const bool refused = frame.has_session_unknown();
  const bool refused_both = refused && lost_session_ == frame.session() && my_session_ > frame.session();
  const bool joins = sender == Sender::kNewLife && addressee == Addressee::kMe && !confirmed_any_ &&
                     (!refused || refused_both);
  if (peer_session_ != 0 && !joins) BeginLife(LifeOf(next_seq_) + 1);
  std::erase(old_sessions_, frame.session());
  if (peer_session_ != 0 && peer_session_ != frame.session()) {
    old_sessions_.push_back(peer_session_);
    if (old_sessions_.size() > kOldSessions) old_sessions_.pop_front();
  }
  Read(frame.session(), FirstOf(SendersLife(frame)) - 1);
  known_ = false;
}

void SessionLink::BeginLife(uint64_t life) {
  next_seq_ = FirstOf(life);
  sent_.clear();
  spoken_ = false;
  confirmed_any_ = false;
  known_ = false;
}

void SessionLink::Reset() {
  BeginLife(LifeOf(next_seq_) + 1);
  Read(0, 0);
}

void SessionLink::Read(uint64_t session, uint64_t received) {
  peer_session_ = session;
  received_ = received;
  heard_ = 0;
  early_.clear();
  early_bytes_ = 0;
}

void SessionLink::Confirm(uint64_t received) {
  while (!sent_.empty() && sent_.front().message.frame.seq() <= received) {
    sent_.pop_front();
    confirmed_any_ = true;
  }
}

// What was sent through `echo` had been sent before the frame that is answered, yet is not confirmed by the answer.
// What is sent again counts as lost again only by an answer to a later frame; to tell those by their sent_through, a
// marker without a body takes the next number. Else every heartbeat that was under way meanwhile would repeat it all.
void SessionLink::ResendMissing(uint64_t echo) {
  if (LifeOf(echo) != LifeOf(next_seq_)) return;
  const uint64_t marker = next_seq_;
  bool resent = false;
  for (Sent& sent : sent_) {
    if (sent.message.frame.seq() > echo) break;
    if (sent.evidence > echo) continue;
    sent.evidence = marker;
    Stamp(sent.message.frame);
    bus_->Send(peer_, sent.message);
    resent = true;
  }
  if (resent) Send(Message{});
}

void SessionLink::Sequence(Message message, std::vector<Message>& deliver) {
  const uint64_t seq = message.frame.seq();
  if (seq == 0) {
    deliver.push_back(std::move(message));
    return;
  }
  if (seq <= received_) return;
  if (seq != received_ + 1) return KeepEarly(std::move(message));
  ++received_;
  if (!IsMarker(message)) deliver.push_back(std::move(message));
  while (!early_.empty() && early_.begin()->first == received_ + 1) {
    ++received_;
    auto next = early_.extract(early_.begin());
    early_bytes_ -= SizeOf(next.mapped());
    if (!IsMarker(next.mapped())) deliver.push_back(std::move(next.mapped()));
  }
}

void SessionLink::KeepEarly(Message message) {
  const size_t size = SizeOf(message);
  if (early_.size() >= kMaxEarly || early_bytes_ + size > kMaxEarlyBytes) return;
  const uint64_t seq = message.frame.seq();
  if (early_.try_emplace(seq, std::move(message)).second) early_bytes_ += size;
}

}  // namespace weft
