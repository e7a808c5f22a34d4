#include "tests/support/sim_session_check.h"

namespace weft::test {

void SessionCheck::OnSent(const std::string& to, const wire::Frame& frame) {
  if (lossless_ && frame.seq() != 0 && !sent_.insert({frame.session(), to, frame.seq()}).second) {
    violations_.Add("resend", "number {} to {} (body {}) is sent again, and nothing was lost", frame.seq(), to,
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

void SessionCheck::OnDeliveredToScheduler(const wire::Frame& frame) {
  if (frame.has_heartbeat()) echoed_[frame.session()] = frame.heartbeat().nonce_echo();
}

}  // namespace weft::test
