#include "tests/support/sim_session_check.h"

#include <gtest/gtest.h>

namespace weft::test {
namespace {

constexpr uint64_t kScheduler = 1;
constexpr uint64_t kNode = 2;
constexpr Life kProcess = 3;
constexpr Life kOtherProcess = 4;

class Sessions : public testing::Test {
 protected:
  void Grant(uint64_t incarnation, uint64_t counter, uint64_t seq) {
    wire::Frame frame;
    frame.set_session(kScheduler);
    frame.set_seq(seq);
    frame.mutable_lease_grant()->mutable_epoch()->set_incarnation(incarnation);
    frame.mutable_lease_grant()->mutable_epoch()->set_counter(counter);
    check.OnSent(kProcess, kProcess, frame);
  }
  void Beat(uint64_t echo) {
    wire::Frame frame;
    frame.set_session(kNode);
    frame.mutable_heartbeat()->set_nonce_echo(echo);
    check.OnDelivered(kProcess, frame);
  }
  void Reply(uint64_t nonce, bool renews) {
    wire::Frame frame;
    frame.set_session(kScheduler);
    frame.set_peer_session(kNode);
    frame.mutable_heartbeat_reply()->set_nonce(nonce);
    if (renews) frame.mutable_heartbeat_reply()->add_renewals();
    check.OnSent(kProcess, kProcess, frame);
  }
  void Registered(uint64_t session, uint64_t incarnation, uint64_t fingerprint_seed = 1) {
    wire::Frame frame;
    frame.set_session(session);
    frame.mutable_registered()->set_incarnation(incarnation);
    frame.mutable_registered()->mutable_identity()->set_fingerprint_seed(fingerprint_seed);
    check.OnSent(kProcess, kProcess, frame);
  }
  wire::Frame FromNode() {
    wire::Frame frame;
    frame.set_session(kNode);
    frame.set_peer_session(kScheduler);
    return frame;
  }
  void SendNumber(uint64_t seq) {
    wire::Frame frame = FromNode();
    frame.set_seq(seq);
    check.OnSent(kProcess, kOtherProcess, frame);
  }
  void SendBeat(int64_t sent, uint64_t through) {
    wire::Frame frame = FromNode();
    frame.set_sent_through(through);
    frame.mutable_heartbeat()->set_sent_steady_us(sent);
    check.OnSent(kProcess, kOtherProcess, frame);
  }
  void Answer(int64_t beat, uint64_t echo, uint64_t received) {
    wire::Frame frame;
    frame.set_session(kScheduler);
    frame.set_peer_session(kNode);
    frame.set_echo_sent_through(echo);
    frame.set_received(received);
    frame.mutable_heartbeat_reply()->set_echo_sent_steady_us(beat);
    check.OnDelivered(kProcess, frame);
  }
  void Deliver(Life to, uint64_t seq) {
    wire::Frame frame;
    frame.set_session(kScheduler);
    frame.set_seq(seq);
    check.OnDelivered(to, frame);
  }
  void SayReceived(Life from, uint64_t received) {
    wire::Frame frame = FromNode();
    frame.set_received(received);
    check.OnSent(from, kOtherProcess, frame);
  }
  void At(double seconds) {
    clock.At(absl::UnixEpoch() + absl::Seconds(seconds), kWorld, [] {});
    clock.RunNext();
  }

  SimClock clock;
  Violations violations{clock};
  SessionCheck check{clock, violations, false};
  SessionCheck lossless{clock, violations, true};
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
  lossless.OnSent(kProcess, 11, frame);
  lossless.OnSent(kProcess, 12, frame);
  EXPECT_TRUE(violations.empty());
  lossless.OnSent(kProcess, 12, frame);
  EXPECT_TRUE(violations.Has("resend"));
}

TEST_F(Sessions, SeeAnIncarnationOfTwoOpenings) {
  Registered(kScheduler, 5);
  Registered(kScheduler + 1, 6);
  EXPECT_TRUE(violations.empty());
  Registered(kScheduler + 2, 5);
  EXPECT_TRUE(violations.Has("epoch"));
}

TEST_F(Sessions, SeeTheIdentityChange) {
  Registered(kScheduler, 5, 77);
  Registered(kScheduler + 1, 6, 78);
  EXPECT_TRUE(violations.Has("identity"));
}

// Numbers 1 and 2 are sent, a heartbeat after them; the scheduler answers without having seen 1.
TEST_F(Sessions, AcceptThatALostNumberIsSentAgain) {
  SendNumber(1);
  SendNumber(2);
  SendBeat(10, 2);
  Answer(10, 2, 0);
  SendNumber(1);
  SendNumber(2);
  SendNumber(3);  // the marker
  SendBeat(20, 3);
  At(2);
  Answer(20, 3, 0);
  SendNumber(1);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Sessions, SeeANumberSentAgainOnAnAnswerToWhatWasSaidBeforeItsLastCopy) {
  SendNumber(1);
  SendNumber(2);
  SendBeat(10, 2);
  SendBeat(20, 2);
  Answer(10, 2, 0);
  SendNumber(1);
  EXPECT_TRUE(violations.empty());
  At(2);
  Answer(20, 2, 0);
  SendNumber(1);
  EXPECT_TRUE(violations.Has("resend"));
}

TEST_F(Sessions, SeeANumberSentAgainByTimer) {
  SendNumber(1);
  SendBeat(10, 1);
  Answer(10, 1, 0);
  At(2);
  SendNumber(1);
  EXPECT_TRUE(violations.Has("resend"));
}

TEST_F(Sessions, SeeALostNumberThatIsNotSentAgain) {
  SendNumber(1);
  SendBeat(10, 1);
  SendBeat(20, 1);
  Answer(10, 1, 0);
  EXPECT_TRUE(violations.empty());
  At(2);
  Answer(20, 1, 0);
  EXPECT_TRUE(violations.Has("resend"));
}

TEST_F(Sessions, SeeAGapThatIsPassedOver) {
  Deliver(kProcess, 1);
  Deliver(kProcess, 3);
  SayReceived(kProcess, 1);
  EXPECT_TRUE(violations.empty());
  SayReceived(kProcess, 3);
  EXPECT_TRUE(violations.Has("sequence"));
}

TEST_F(Sessions, SeeANumberReceivedThatReachedAnotherProcess) {
  Deliver(kProcess, 1);
  SayReceived(kOtherProcess, 1);
  EXPECT_TRUE(violations.Has("sequence"));
}

TEST_F(Sessions, CountEachLifeOfANumberingFromItsBeginning) {
  uint64_t life = uint64_t{1} << 40;
  Deliver(kProcess, life + 2);
  Deliver(kProcess, life + 1);
  SayReceived(kProcess, life + 2);
  EXPECT_TRUE(violations.empty());
}

}  // namespace
}  // namespace weft::test
