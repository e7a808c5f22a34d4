#include "tests/support/sim_hand_out_check.h"

#include <gtest/gtest.h>

namespace weft::test {
namespace {

class HandOuts : public testing::Test {
 protected:
  HandOuts() {
    leases.OnFetcherStart(a, node_clock);
    leases.OnFetcherStart(b, node_clock);
  }
  static constexpr uint64_t kScheduler = 9;

  wire::Frame ToFetcher(Life fetcher, uint64_t seq) {
    wire::Frame frame;
    frame.set_session(kScheduler);
    frame.set_peer_session(fetcher);
    frame.set_seq(seq);
    return frame;
  }
  wire::Frame Grant(Life fetcher, uint64_t counter, uint64_t seq, bool top_up = false) {
    wire::Frame frame = ToFetcher(fetcher, seq);
    wire::LeaseGrant* grant = frame.mutable_lease_grant();
    grant->mutable_epoch()->set_counter(counter);
    grant->set_top_up(top_up);
    if (!top_up) grant->set_host("a.example");
    grant->set_echo_sent_steady_us(absl::ToUnixMicros(node_clock.SteadyNow()));
    grant->set_runs_us(10'000'000);
    grant->add_urls();
    return frame;
  }
  void Lend(Life fetcher, uint64_t counter, uint64_t seq) {
    wire::Frame frame = Grant(fetcher, counter, seq);
    check.OnSent(fetcher, frame);
    leases.OnDelivered(fetcher, frame);
  }
  void Permit(Life fetcher, uint64_t seq, int64_t wait_us = 0) {
    wire::Frame wanted;
    wanted.set_session(fetcher);
    wanted.mutable_host_permit_wanted()->set_permit_id(1);
    wanted.mutable_host_permit_wanted()->set_host("a.example");
    leases.OnSentByFetcher(fetcher, wanted);
    wire::Frame frame = ToFetcher(fetcher, seq);
    frame.mutable_host_permit()->set_permit_id(1);
    frame.mutable_host_permit()->set_granted(true);
    frame.mutable_host_permit()->set_wait_us(wait_us);
    check.OnSent(fetcher, frame);
  }
  void Renew(uint64_t counter) {
    wire::Frame frame = ToFetcher(a, 0);
    frame.mutable_heartbeat_reply()->add_renewals()->mutable_epoch()->set_counter(counter);
    check.OnSent(a, frame);
  }
  void Revoke(uint64_t counter, uint64_t seq) {
    wire::Frame frame = ToFetcher(a, seq);
    frame.mutable_lease_revoke()->mutable_epoch()->set_counter(counter);
    check.OnSent(a, frame);
  }
  // The host has asked b for a pause of ten seconds, and the scheduler reads of it now.
  void AnnouncePause() {
    SeenRequest request;
    request.host = "a.example";
    request.life = b;
    politeness.OnThrottled(request, absl::Seconds(10));
    politeness.OnPauseAnnounced(b, "a.example");
  }
  void At(double seconds) {
    clock.At(absl::UnixEpoch() + absl::Seconds(seconds), kWorld, [] {});
    clock.RunNext();
  }

  SimClock clock;
  Life a = clock.Begin();
  Life b = clock.Begin();
  SimNodeClock node_clock{clock, absl::Seconds(1000), absl::ZeroDuration(), 0};
  Violations violations{clock};
  LeaseCheck leases{clock, violations};
  PolitenessCheck politeness{clock, violations, absl::ZeroDuration(), 1,
                             [this](Life life, const std::string& host) { return leases.DeadlineOf(life, host); }};
  HandOutCheck check{clock, violations, leases, politeness};
};

TEST_F(HandOuts, AcceptAHostThatIsLentOneAfterTheOther) {
  Lend(a, 1, 1);
  At(10.001);
  Lend(b, 2, 1);
  EXPECT_TRUE(violations.empty());
}

TEST_F(HandOuts, SeeAHostLentToTwo) {
  Lend(a, 1, 1);
  At(9);
  Lend(b, 2, 1);
  EXPECT_TRUE(violations.Has("one-lease"));
}

TEST_F(HandOuts, SeeAPermitForAHostThatAnEarlierSchedulerHasLent) {
  Lend(a, 1, 1);
  At(5);
  Permit(b, 1);
  EXPECT_TRUE(violations.Has("one-lease"));
}

TEST_F(HandOuts, AcceptAHostWhoseHolderIsDead) {
  Lend(a, 1, 1);
  leases.OnFetcherGone(a);
  Lend(b, 2, 1);
  EXPECT_TRUE(violations.empty());
}

TEST_F(HandOuts, SeeMoreOfAPausedHost) {
  Lend(a, 1, 1);
  AnnouncePause();
  check.OnSent(a, Grant(a, 1, 2, true));  // in the same turn: read after this was said
  EXPECT_TRUE(violations.empty());
  At(1);
  check.OnSent(a, Grant(a, 1, 2, true));  // sent again
  EXPECT_TRUE(violations.empty());
  check.OnSent(a, Grant(a, 1, 3, true));
  EXPECT_TRUE(violations.Has("retry-after"));
}

TEST_F(HandOuts, SeeAPausedHostLent) {
  AnnouncePause();
  At(1);
  Lend(a, 1, 1);
  EXPECT_TRUE(violations.Has("retry-after"));
}

TEST_F(HandOuts, JudgeAPermitByItsWait) {
  AnnouncePause();
  At(4);
  Permit(a, 1, 6'000'000);
  EXPECT_TRUE(violations.empty());
  Permit(a, 2, 5'000'000);
  EXPECT_TRUE(violations.Has("retry-after"));
}

TEST_F(HandOuts, AcceptThatAPausedHostIsTakenBack) {
  Lend(a, 1, 1);
  AnnouncePause();
  Revoke(1, 2);
  At(1);
  Renew(1);
  EXPECT_TRUE(violations.empty());
}

TEST_F(HandOuts, SeeAPausedHostLeftToItsHolder) {
  Lend(a, 1, 1);
  AnnouncePause();
  At(1);
  Renew(1);
  EXPECT_TRUE(violations.Has("retry-after"));
}

TEST_F(HandOuts, AcceptAHostWhosePauseIsOver) {
  AnnouncePause();
  At(10.1);
  Lend(a, 1, 1);
  EXPECT_TRUE(violations.empty());
}

}  // namespace
}  // namespace weft::test
