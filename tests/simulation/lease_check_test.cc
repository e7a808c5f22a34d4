#include "tests/support/sim_lease_check.h"

#include <gtest/gtest.h>

namespace weft::test {
namespace {

class Leases : public testing::Test {
 protected:
  Leases() { check.OnFetcherStart(life, node_clock); }

  wire::Frame Grant(absl::Duration runs) {
    wire::Frame frame;
    wire::LeaseGrant* grant = frame.mutable_lease_grant();
    grant->mutable_epoch()->set_counter(7);
    grant->set_host("a.example");
    grant->set_echo_sent_steady_us(absl::ToUnixMicros(node_clock.SteadyNow()));
    grant->set_runs_us(absl::ToInt64Microseconds(runs));
    return frame;
  }
  wire::Frame Renewal(absl::Duration runs, uint64_t counter = 7) {
    wire::Frame frame;
    frame.mutable_heartbeat_reply()->set_echo_sent_steady_us(absl::ToUnixMicros(node_clock.SteadyNow()));
    wire::LeaseRenewal* renewal = frame.mutable_heartbeat_reply()->add_renewals();
    renewal->mutable_epoch()->set_counter(counter);
    renewal->set_runs_us(absl::ToInt64Microseconds(runs));
    return frame;
  }
  void Want(uint64_t session, const std::string& host) {
    wire::Frame frame;
    frame.set_session(session);
    frame.mutable_host_permit_wanted()->set_permit_id(3);
    frame.mutable_host_permit_wanted()->set_host(host);
    check.OnSentByFetcher(life, frame);
  }
  void Permit(uint64_t session, absl::Duration runs) {
    wire::Frame frame;
    frame.set_peer_session(session);
    frame.mutable_host_permit()->set_permit_id(3);
    frame.mutable_host_permit()->set_granted(true);
    frame.mutable_host_permit()->set_runs_us(absl::ToInt64Microseconds(runs));
    check.OnDelivered(life, frame);
  }
  void At(double seconds) {
    clock.At(absl::UnixEpoch() + absl::Seconds(seconds), kWorld, [] {});
    clock.RunNext();
  }
  void Revoke() {
    wire::Frame frame;
    frame.set_session(1);
    frame.set_peer_session(2);
    frame.set_seq(3);
    frame.mutable_lease_revoke()->mutable_epoch()->set_counter(7);
    check.OnRevokeSent(life, frame);
  }
  void ReadThrough(uint64_t seq) {
    wire::Frame frame;
    frame.set_session(2);
    frame.set_peer_session(1);
    frame.set_received(seq);
    check.OnSentByFetcher(life, frame);
  }
  void Ask(const std::string& host, absl::Time start_by = absl::InfinitePast(), absl::Time asked = absl::UnixEpoch()) {
    SeenRequest request;
    request.life = life;
    request.host = host;
    request.origin = "http://" + host;
    request.start_by = start_by;
    request.asked = asked;
    check.OnRequest(request);
  }

  SimClock clock;
  Life life = clock.Begin();
  SimNodeClock node_clock{clock, absl::Seconds(1000), absl::ZeroDuration(), 0};
  Violations violations{clock};
  LeaseCheck check{clock, violations};
};

TEST_F(Leases, AcceptARequestUntilTheDeadline) {
  check.OnDelivered(life, Grant(absl::Seconds(10)));
  At(9.9);
  Ask("a.example");
  EXPECT_TRUE(violations.empty());
}

TEST_F(Leases, SeeARequestAfterTheDeadline) {
  check.OnDelivered(life, Grant(absl::Seconds(10)));
  At(10.1);
  Ask("a.example");
  EXPECT_TRUE(violations.Has("lease"));
}

TEST_F(Leases, SeeARequestWithoutALease) {
  check.OnDelivered(life, Grant(absl::Seconds(10)));
  Ask("b.example");
  EXPECT_TRUE(violations.Has("lease"));
}

TEST_F(Leases, SeeAStartByBeyondTheDeadline) {
  check.OnDelivered(life, Grant(absl::Seconds(10)));
  Ask("a.example", clock.Now() + absl::Seconds(11));
  EXPECT_TRUE(violations.Has("lease"));
}

TEST_F(Leases, AreExtendedByRenewalsOfTheirEpochOnly) {
  check.OnDelivered(life, Grant(absl::Seconds(10)));
  At(8);
  check.OnDelivered(life, Renewal(absl::Seconds(10)));
  At(17);
  Ask("a.example");
  EXPECT_TRUE(violations.empty());
  check.OnDelivered(life, Renewal(absl::Seconds(10), 8));
  At(19);
  Ask("a.example");
  EXPECT_TRUE(violations.Has("lease"));
}

TEST_F(Leases, AreNotExtendedByALateAnswerToAnOldHeartbeat) {
  check.OnDelivered(life, Grant(absl::Seconds(10)));
  wire::Frame old = Renewal(absl::Seconds(10));
  At(9);
  check.OnDelivered(life, old);
  At(11);
  Ask("a.example");
  EXPECT_TRUE(violations.Has("lease"));
}

TEST_F(Leases, APermitAllowsItsHostForItsTime) {
  Want(1, "c.example");
  Permit(1, absl::Seconds(5));
  At(4);
  Ask("c.example");
  EXPECT_TRUE(violations.empty());
  At(6);
  Ask("c.example");
  EXPECT_TRUE(violations.Has("lease"));
}

TEST_F(Leases, APermitRunsFromItsAsking) {
  Want(1, "c.example");
  At(4);
  Permit(1, absl::Seconds(5));
  At(5.1);
  Ask("c.example");
  EXPECT_TRUE(violations.Has("lease"));
}

// A scheduler that starts again counts its leases, and so their permits, from the beginning.
TEST_F(Leases, APermitIsOfTheSessionThatAsked) {
  Want(1, "b.example");
  Want(2, "c.example");
  Permit(2, absl::Seconds(5));
  Ask("c.example");
  EXPECT_TRUE(violations.empty());
  Ask("b.example");
  EXPECT_TRUE(violations.Has("lease"));
}

TEST_F(Leases, SeeARequestUnderALeaseThatWasGivenBack) {
  check.OnDelivered(life, Grant(absl::Seconds(10)));
  Ask("a.example");
  wire::Frame release;
  release.mutable_lease_release()->mutable_epoch()->set_counter(7);
  check.OnSentByFetcher(life, release);
  EXPECT_TRUE(violations.empty());
  At(1);
  Ask("a.example");
  EXPECT_TRUE(violations.Has("lease"));
}

TEST_F(Leases, AcceptWhatWasUnderWayWhenTheRevocationWasRead) {
  check.OnDelivered(life, Grant(absl::Seconds(10)));
  Revoke();
  At(1);
  Ask("a.example");  // not read yet
  ReadThrough(3);
  Ask("a.example");  // connecting since before
  EXPECT_TRUE(violations.empty());
}

TEST_F(Leases, SeeARequestUnderARevokedLease) {
  check.OnDelivered(life, Grant(absl::Seconds(10)));
  Revoke();
  At(1);
  ReadThrough(2);
  At(2);
  Ask("a.example", absl::InfinitePast(), clock.Now());
  EXPECT_TRUE(violations.empty());
  ReadThrough(3);
  At(3);
  Ask("a.example", absl::InfinitePast(), clock.Now());
  EXPECT_TRUE(violations.Has("revoked"));
}

TEST_F(Leases, AcceptANewLeaseOfTheHostAfterARevokedOne) {
  check.OnDelivered(life, Grant(absl::Seconds(10)));
  Revoke();
  ReadThrough(3);
  wire::Frame again = Grant(absl::Seconds(10));
  again.mutable_lease_grant()->mutable_epoch()->set_counter(8);
  check.OnDelivered(life, again);
  At(1);
  Ask("a.example", absl::InfinitePast(), clock.Now());
  EXPECT_TRUE(violations.empty());
}

TEST_F(Leases, TellUntilWhenOthersMayAsk) {
  check.OnDelivered(life, Grant(absl::Seconds(10)));
  Life other = clock.Begin();
  EXPECT_EQ(check.OthersMayAsk(other, "a.example").second, life);
  EXPECT_EQ(check.OthersMayAsk(life, "a.example").first, absl::InfinitePast());
  check.OnFetcherGone(life);
  EXPECT_EQ(check.OthersMayAsk(other, "a.example").first, absl::InfinitePast());
}

}  // namespace
}  // namespace weft::test
