#include "tests/support/sim_session_check.h"

#include <algorithm>
#include <utility>

namespace weft::test {
namespace {

// Of a number in a sequence: the lower bits count from 1 in each life of a numbering, which the upper ones name.
constexpr int kCountBits = 40;
uint64_t LifeOf(uint64_t number) { return number >> kCountBits; }
uint64_t CountOf(uint64_t number) { return number & ((uint64_t{1} << kCountBits) - 1); }

}  // namespace

void SessionCheck::OnSent(Life from, Life to, const wire::Frame& frame) {
  CheckResend(frame);
  CheckReceived(from, frame);
  if (frame.has_registered()) CheckRegistered(frame);
  if (lossless_ && to != kWorld && frame.seq() != 0 && !sent_.insert({frame.session(), to, frame.seq()}).second) {
    violations_.Add("resend", "number {} to life {} (body {}) is sent again, and nothing was lost", frame.seq(), to,
                    static_cast<int>(frame.body_case()));
  }
  if (frame.has_lease_grant() && !frame.lease_grant().top_up()) CheckGrant(frame);
  if (frame.has_heartbeat_reply()) CheckRenewals(frame);
}

void SessionCheck::CheckGrant(const wire::Frame& frame) {
  const wire::Epoch& epoch = frame.lease_grant().epoch();
  std::pair<uint64_t, uint64_t> number{frame.session(), frame.seq()};
  auto [it, added] = grants_.try_emplace({epoch.incarnation(), epoch.counter()}, number);
  if (!added && it->second != number) {
    violations_.Add("epoch", "the epoch {} of {} is granted twice", epoch.counter(), frame.lease_grant().host());
  }
}

void SessionCheck::CheckRenewals(const wire::Frame& frame) {
  std::array<uint64_t, 2>& nonces = nonces_[{frame.session(), frame.peer_session()}];
  uint64_t echoed = echoed_[frame.peer_session()];
  if (frame.heartbeat_reply().renewals_size() > 0 && (echoed == 0 || (echoed != nonces[0] && echoed != nonces[1]))) {
    violations_.Add("renewal", "{} leases are renewed for a node that has not shown that it hears the scheduler",
                    frame.heartbeat_reply().renewals_size());
  }
  nonces = {frame.heartbeat_reply().nonce(), nonces[0]};
}

// A copy is known to be lost when an answer to what was sent after it does not know of it. An answer says what it answers
// by how much had been sent by then, so that this must have been said after the copy for the first time.
void SessionCheck::CheckResend(const wire::Frame& frame) {
  if (frame.peer_session() == 0) return;
  Sessions sessions{frame.session(), frame.peer_session()};
  Said& said = said_[sessions];
  uint64_t step = ++said.steps;
  said.through.try_emplace(std::max(frame.seq(), frame.sent_through()), step);
  if (frame.has_heartbeat()) said.beats[frame.heartbeat().sent_steady_us()] = step;
  if (frame.seq() == 0) return;
  auto [last, first_time] = said.last.try_emplace(frame.seq(), step);
  if (first_time) return;
  uint64_t before = std::exchange(last->second, step);
  const Answer& answer = answers_[sessions];
  auto told = said.through.find(answer.echo);
  bool evident = answer.at == clock_.Now() && LifeOf(answer.echo) == LifeOf(frame.seq()) && answer.echo >= frame.seq();
  if (evident && (told == said.through.end() || told->second >= before)) return;
  violations_.Add("resend", "number {} (body {}) is sent again, and nothing shows that its last copy is lost",
                  CountOf(frame.seq()), static_cast<int>(frame.body_case()));
}

// An answer to a heartbeat that was sent after the last copy, and does not know of it: it is sent again at once. Seen when
// the next such answer comes and it has not been.
void SessionCheck::CheckMissing(const wire::Frame& reply) {
  auto it = said_.find({reply.peer_session(), reply.session()});
  if (it == said_.end()) return;
  Said& said = it->second;
  auto beat = said.beats.find(reply.heartbeat_reply().echo_sent_steady_us());
  auto copy = said.last.find(reply.received() + 1);
  bool known = said.acknowledged > reply.received();  // an answer that overtook this one told that it came
  bool lost = !known && beat != said.beats.end() && copy != said.last.end() && copy->second < beat->second &&
              LifeOf(copy->first) == LifeOf(said.last.rbegin()->first);
  if (lost && said.missing == copy->first && said.missing_by != beat->second && copy->second < said.missing_by) {
    violations_.Add("resend", "number {} is lost, and is not sent again", CountOf(copy->first));
  }
  said.missing = lost ? copy->first : 0;
  said.missing_by = lost ? beat->second : 0;
  if (beat != said.beats.end()) said.beats.erase(said.beats.begin(), beat);
}

void SessionCheck::CheckReceived(Life from, const wire::Frame& frame) {
  if (frame.peer_session() == 0 || CountOf(frame.received()) == 0) return;
  const Arrived& arrived = arrived_[{frame.peer_session(), from, LifeOf(frame.received())}];
  if (CountOf(frame.received()) <= arrived.through) return;
  violations_.Add("sequence", "{} frames are said to be received, and {} have come without a gap",
                  CountOf(frame.received()), arrived.through);
}

void SessionCheck::CheckRegistered(const wire::Frame& frame) {
  const wire::Registered& registered = frame.registered();
  registered_.insert({frame.session(), frame.peer_session()});
  if (incarnations_.try_emplace(registered.incarnation(), frame.session()).first->second != frame.session()) {
    violations_.Add("epoch", "two openings of the crawl have one incarnation");
  }
  std::string identity = registered.identity().SerializeAsString();
  if (!identity_) identity_ = identity;
  if (*identity_ != identity) violations_.Add("identity", "what the crawl's keys depend on has changed");
}

void SessionCheck::OnDelivered(Life to, const wire::Frame& frame) {
  if (frame.has_heartbeat()) echoed_[frame.session()] = frame.heartbeat().nonce_echo();
  answers_[{frame.peer_session(), frame.session()}] = {frame.echo_sent_through(), clock_.Now()};
  if (frame.has_heartbeat_reply()) CheckMissing(frame);
  if (auto said = said_.find({frame.peer_session(), frame.session()}); said != said_.end()) {
    said->second.acknowledged = std::max(said->second.acknowledged, frame.received());
  }
  if (frame.seq() == 0) return;
  Arrived& arrived = arrived_[{frame.session(), to, LifeOf(frame.seq())}];
  if (CountOf(frame.seq()) > arrived.through) arrived.beyond.insert(CountOf(frame.seq()));
  while (arrived.beyond.erase(arrived.through + 1) > 0) ++arrived.through;
}

}  // namespace weft::test
