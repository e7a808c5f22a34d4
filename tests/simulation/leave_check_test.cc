#include "tests/support/sim_leave_check.h"

#include <gtest/gtest.h>

namespace weft::test {
namespace {

constexpr uint64_t kScheduler = 1;
constexpr uint64_t kFetcher = 2;
constexpr uint64_t kTool = 3;

class Leaving : public testing::Test {
 protected:
  Leaving() {
    leases.OnFetcherStart(life, node_clock);
    check.OnFetcherStart(life, "fetcher-0");
  }
  static wire::Frame ToFetcher(uint64_t seq) {
    wire::Frame frame;
    frame.set_session(kScheduler);
    frame.set_peer_session(kFetcher);
    frame.set_seq(seq);
    return frame;
  }
  void TellToDrain(uint64_t seq) {
    wire::Frame frame = ToFetcher(seq);
    frame.mutable_drain()->set_deadline_us(60'000'000);
    check.OnSentToFetcher(life, frame);
  }
  void Lend(uint64_t seq, bool top_up = false) {
    wire::Frame frame = ToFetcher(seq);
    frame.mutable_lease_grant()->set_host("a.example");
    frame.mutable_lease_grant()->set_top_up(top_up);
    frame.mutable_lease_grant()->set_echo_sent_steady_us(absl::ToUnixMicros(node_clock.SteadyNow()));
    frame.mutable_lease_grant()->set_runs_us(10'000'000);
    check.OnSentToFetcher(life, frame);
    leases.OnDelivered(life, frame);
  }
  void Read(uint64_t seq) {
    wire::Frame frame;
    frame.set_session(kFetcher);
    frame.set_peer_session(kScheduler);
    frame.set_received(seq);
    check.OnSentByFetcher(life, frame);
  }
  void Ask(absl::Time asked) {
    SeenRequest request;
    request.life = life;
    request.asked = asked;
    check.OnRequest(request);
  }
  void SendPage(uint64_t id) {
    wire::Frame frame;
    frame.mutable_page()->set_page_id(id);
    check.OnSentByFetcher(life, frame);
  }
  void SayGoodbye() {
    wire::Frame frame;
    frame.mutable_goodbye();
    check.OnSentByFetcher(life, frame);
  }
  void AskToForget(uint64_t seq) {
    wire::Frame frame;
    frame.set_session(kTool);
    frame.set_seq(seq);
    frame.mutable_node_request()->set_what(wire::NodeRequest::FORGET);
    check.OnAsked(frame);
  }
  void AnswerForgotten(uint64_t seq, const std::string& problem = "") {
    wire::Frame frame;
    frame.set_session(kScheduler);
    frame.set_peer_session(kTool);
    frame.set_seq(seq);
    frame.mutable_node_reply()->set_problem(problem);
    if (problem.empty()) frame.mutable_node_reply()->add_nodes("fetcher-0");
    check.OnAnswered(frame);
  }
  void At(double seconds) {
    clock.At(absl::UnixEpoch() + absl::Seconds(seconds), kWorld, [] {});
    clock.RunNext();
  }

  SimClock clock;
  Life life = clock.Begin();
  SimNodeClock node_clock{clock, absl::Seconds(1000), absl::ZeroDuration(), 0};
  Violations violations{clock};
  LeaseCheck leases{clock, violations};
  LeaveCheck check{clock, violations, leases};
};

TEST_F(Leaving, ALeaseAfterTheDrainIsSeen) {
  Lend(1);
  TellToDrain(2);
  Lend(3, /*top_up=*/true);
  EXPECT_TRUE(violations.empty());
  Lend(4);
  EXPECT_TRUE(violations.Has("drain"));
}

TEST_F(Leaving, ALeaseThatIsSentAgainIsNone) {
  Lend(1);
  TellToDrain(2);
  Lend(1);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Leaving, WhoeverNeverHeardOfADrainMayGoOnWhenItIsOver) {
  TellToDrain(1);
  At(61);
  Lend(2);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Leaving, ARequestThatIsBegunAfterTheDrainWasReadIsSeen) {
  TellToDrain(2);
  At(1);
  Read(1);
  At(2);
  Ask(clock.Now());
  Read(2);
  At(3);
  Ask(absl::UnixEpoch() + absl::Seconds(2));  // connecting since before
  EXPECT_TRUE(violations.empty());
  Ask(clock.Now());
  EXPECT_TRUE(violations.Has("drain"));
}

TEST_F(Leaving, AGoodbyeWithoutPagesIsInOrder) {
  SendPage(7);
  wire::Frame frame;
  frame.mutable_page_ack()->add_page_ids(7);
  check.OnDeliveredToFetcher(life, frame);
  SayGoodbye();
  EXPECT_TRUE(violations.empty());
}

TEST_F(Leaving, AGoodbyeWithAPageThatNobodyAcknowledgedIsSeen) {
  SendPage(7);
  SayGoodbye();
  EXPECT_TRUE(violations.Has("drain"));
}

TEST_F(Leaving, OneThatIsForgottenWhileItMayAskIsSeen) {
  Lend(1);
  At(9);
  AskToForget(1);
  AnswerForgotten(1, "it is alive");
  EXPECT_TRUE(violations.empty());
  AskToForget(2);
  AnswerForgotten(2);
  EXPECT_TRUE(violations.Has("forget"));
  EXPECT_EQ(check.forgotten(), 1u);
}

TEST_F(Leaving, OneWhoseLeasesAreOverMayBeForgotten) {
  Lend(1);
  At(11);
  AskToForget(1);
  AnswerForgotten(1);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Leaving, OneThatHasRegisteredAnewHasGivenItsLeasesUp) {
  Lend(1);
  At(1);
  wire::Frame frame;
  frame.mutable_register_();
  leases.OnSentByFetcher(life, frame);
  AskToForget(1);
  AnswerForgotten(1);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Leaving, OneThatIsDeadMayBeForgotten) {
  Lend(1);
  check.OnFetcherGone(life);
  leases.OnFetcherGone(life);
  AskToForget(1);
  AnswerForgotten(1);
  EXPECT_TRUE(violations.empty());
}

}  // namespace
}  // namespace weft::test
