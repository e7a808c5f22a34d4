#include "tests/support/sim_session_check.h"

#include <gtest/gtest.h>

namespace weft::test {
namespace {

constexpr uint64_t kScheduler = 1;
constexpr uint64_t kNode = 2;

class Sessions : public testing::Test {
 protected:
  void Grant(uint64_t incarnation, uint64_t counter, uint64_t seq) {
    wire::Frame frame;
    frame.set_session(kScheduler);
    frame.set_seq(seq);
    frame.mutable_lease_grant()->mutable_epoch()->set_incarnation(incarnation);
    frame.mutable_lease_grant()->mutable_epoch()->set_counter(counter);
    check.OnSent("fetcher-0", frame);
  }
  void Beat(uint64_t echo) {
    wire::Frame frame;
    frame.set_session(kNode);
    frame.mutable_heartbeat()->set_nonce_echo(echo);
    check.OnDeliveredToScheduler(frame);
  }
  void Reply(uint64_t nonce, bool renews) {
    wire::Frame frame;
    frame.set_session(kScheduler);
    frame.set_peer_session(kNode);
    frame.mutable_heartbeat_reply()->set_nonce(nonce);
    if (renews) frame.mutable_heartbeat_reply()->add_renewals();
    check.OnSent("fetcher-0", frame);
  }

  SimClock clock;
  Violations violations{clock};
  SessionCheck check{violations, false};
  SessionCheck lossless{violations, true};
};

TEST_F(Sessions, MaySendAGrantAgain) {
  Grant(5, 1, 7);
  Grant(5, 1, 7);
  Grant(6, 1, 8);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Sessions, SeeAnEpochGrantedTwice) {
  Grant(5, 1, 7);
  Grant(5, 1, 8);
  EXPECT_TRUE(violations.Has("epoch"));
}

TEST_F(Sessions, AcceptTheLastTwoNonces) {
  Reply(11, false);
  Beat(11);
  Reply(12, true);
  Beat(11);
  Reply(13, true);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Sessions, SeeARenewalForAnOlderNonce) {
  Reply(11, false);
  Reply(12, false);
  Beat(11);
  Reply(13, true);
  EXPECT_TRUE(violations.empty());
  Reply(14, true);
  EXPECT_TRUE(violations.Has("renewal"));
}

TEST_F(Sessions, SeeARenewalWithoutAnEcho) {
  Beat(0);
  Reply(11, true);
  EXPECT_TRUE(violations.Has("renewal"));
}

TEST_F(Sessions, SeeANumberSentAgainWhereNothingIsLost) {
  wire::Frame frame;
  frame.set_session(kScheduler);
  frame.set_seq(3);
  lossless.OnSent("fetcher-0", frame);
  lossless.OnSent("fetcher-1", frame);
  EXPECT_TRUE(violations.empty());
  lossless.OnSent("fetcher-1", frame);
  EXPECT_TRUE(violations.Has("resend"));
}

}  // namespace
}  // namespace weft::test
