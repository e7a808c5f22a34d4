// The fetcher as a whole: leases and their time, pages on their way, and its end.
#include "tests/fetcher/fetcher_node_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Why = wire::LeaseRelease;

// ---- how long a lease lets it ask ----

TEST_F(FetcherNodeTest, ALeaseRunsFromTheHeartbeatThatItAnswers_Rule16) {
  Begin();
  const absl::Time sent = clock_.SteadyNow();
  clock_.Advance(absl::Seconds(3));   // the scheduler, or the network, was slow
  Grant(1, "a.example", 1);
  ASSERT_THAT(started(), SizeIs(1));
  EXPECT_EQ(started()[0].start_by, sent + kLease);
}

TEST_F(FetcherNodeTest, ARenewalRunsFromTheHeartbeatThatItAnswers_Rule16) {
  Begin();
  Grant(1, "a.example", 2);
  Tick(absl::Seconds(1));
  const absl::Time sent = absl::FromUnixMicros(Beats().back().sent_steady_us());
  clock_.Advance(absl::Seconds(4));
  wire::Frame frame;
  wire::LeaseRenewal* renewal = frame.mutable_heartbeat_reply()->add_renewals();
  renewal->mutable_epoch()->set_counter(1);
  renewal->set_runs_us(absl::ToInt64Microseconds(kLease));
  frame.mutable_heartbeat_reply()->set_echo_sent_steady_us(absl::ToUnixMicros(sent));
  scheduler_->Say(std::move(frame));
  Answer(1);
  ASSERT_THAT(started(), SizeIs(2));
  EXPECT_EQ(started()[1].start_by, sent + kLease);
}

TEST_F(FetcherNodeTest, ATopUpBringsUrlsAndNoTime_Rule16) {
  Begin();
  Grant(1, "a.example", 1);
  Tick(absl::Seconds(5));
  TopUp(1, "a.example", 1, 1);
  Answer(1);
  ASSERT_THAT(started(), SizeIs(2));
  EXPECT_EQ(started()[1].start_by, started()[0].start_by);
}

TEST_F(FetcherNodeTest, AtTheDeadlineItClosesWhatIsUnderWayAndAsksNothingMore_Rule16) {
  Begin();
  Grant(1, "a.example", 3);
  ASSERT_THAT(started(), SizeIs(1));
  Tick(kLease);
  EXPECT_THAT(parts_.script.cancelled, ElementsAre(1u));
  EXPECT_THAT(started(), SizeIs(1));
  ASSERT_THAT(Releases(), SizeIs(1));
  EXPECT_EQ(Releases()[0].why(), Why::OVER);
  EXPECT_EQ(Releases()[0].unused_size(), 3);
}

TEST_F(FetcherNodeTest, WhatItAskedUnderASchedulerThatHasGoneEndsWithTheLease_Rule16) {
  Begin();
  Grant(1, "a.example", 2);
  SchedulerBeginsAnew();
  Register();
  Tick(kLease - absl::Milliseconds(1));
  EXPECT_THAT(parts_.script.cancelled, IsEmpty());
  Tick(absl::Milliseconds(1));
  EXPECT_THAT(parts_.script.cancelled, ElementsAre(1u));
  EXPECT_THAT(started(), SizeIs(1));
}

TEST_F(FetcherNodeTest, ARequestUnderAPermitStartsWithinThePermitsTime_Rule16) {
  settings_.set_ignore_robots(false);
  Begin();
  Grant(1, "a.example", 1);
  ASSERT_THAT(started(), SizeIs(1));
  const absl::Time asked = clock_.SteadyNow();
  FetchResult moved;
  moved.outcome = Outcome::kResponse;
  moved.status = 301;
  moved.response_head = "HTTP/1.1 301 X\r\nLocation: https://cdn.example/robots.txt\r\n\r\n";
  End(1, std::move(moved));
  const std::vector<wire::Frame> wanted = scheduler_->Of(wire::Frame::kHostPermitWanted);
  ASSERT_THAT(wanted, SizeIs(1));
  wire::Frame frame;
  frame.mutable_host_permit()->set_permit_id(wanted[0].host_permit_wanted().permit_id());
  frame.mutable_host_permit()->set_granted(true);
  frame.mutable_host_permit()->set_runs_us(4'000'000);
  scheduler_->Say(std::move(frame));
  Tick();
  ASSERT_THAT(started(), SizeIs(2));
  EXPECT_EQ(started()[1].start_by, asked + absl::Seconds(4));
}

TEST_F(FetcherNodeTest, APageThatWasAskedInTimeIsHandedInAfterItsLeaseHasGone_Rule1) {
  Begin();
  Grant(1, "a.example", 2);
  SchedulerBeginsAnew();
  const std::vector<wire::Frame> registrations = scheduler_->Of(wire::Frame::kRegister);
  ASSERT_THAT(registrations, SizeIs(1));
  ASSERT_EQ(registrations[0].register_().holding_size(), 1);   // the other one was not asked
  EXPECT_EQ(registrations[0].register_().holding(0).key(), Ticket("a.example", 0).key());
  Register();
  Answer(1);
  EXPECT_THAT(PagesSent(), SizeIs(1));
  EXPECT_THAT(scheduler_->Of(wire::Frame::kUrlEnded), IsEmpty());
}

TEST_F(FetcherNodeTest, WhatItHasNotAskedGoesWithTheSession_Rule1) {
  Begin();
  Grant(1, "a.example", 2);
  SchedulerBeginsAnew();
  Register();
  Answer(1);
  Tick();
  EXPECT_THAT(started(), SizeIs(1));
}

// ---- credit ----

TEST_F(FetcherNodeTest, EveryHeartbeatRepeatsHowManyLeasesItTakes_Rule25) {
  Begin();
  Tick(absl::Seconds(1));
  Tick(absl::Seconds(1));
  const std::vector<wire::Heartbeat> beats = Beats();
  ASSERT_GE(beats.size(), 3u);
  EXPECT_GT(beats.back().lease_limit(), 0u);
  EXPECT_EQ(beats.back().lease_limit(), beats[beats.size() - 2].lease_limit());
}

TEST_F(FetcherNodeTest, WhileNoParserTakesPagesItAsksForNoLease_Rule25) {
  Begin(/*credit=*/0);
  Tick(absl::Seconds(1));
  EXPECT_EQ(Beats().back().lease_limit(), 0u);
  Credit(8);
  Tick(absl::Seconds(1));
  EXPECT_GT(Beats().back().lease_limit(), 0u);
}

TEST_F(FetcherNodeTest, AHostThatCannotBeAskedForLackOfCreditGoesBack_Rule27) {
  Begin(/*credit=*/0);
  Grant(1, "a.example", 2);
  for (int second = 0; second < 9; ++second) Tick(absl::Seconds(1));
  EXPECT_THAT(Releases(), IsEmpty());
  // Its lease is renewed all the while.
  Renew(1);
  Tick(absl::Seconds(2));
  ASSERT_THAT(Releases(), SizeIs(1));
  EXPECT_EQ(Releases()[0].why(), Why::NO_CREDIT);
  EXPECT_EQ(Releases()[0].unused_size(), 2);
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(FetcherNodeTest, OnceThereWasCreditItsPatienceBeginsAnew_Rule27) {
  Begin(/*credit=*/0);
  Grant(1, "a.example", 3);
  Tick(absl::Seconds(7));
  Credit(1);
  Tick();
  ASSERT_THAT(started(), SizeIs(1));
  Answer(1);   // takes the credit
  Renew(1);
  Tick(absl::Seconds(5));
  EXPECT_THAT(Releases(), IsEmpty());
  EXPECT_THAT(started(), SizeIs(1));
}

TEST_F(FetcherNodeTest, HeartbeatsReleasesAndFailuresNeedNoCredit_Rule27) {
  Begin(/*credit=*/1);
  Grant(1, "a.example", 1);
  Grant(2, "b.example", 1);   // its look-up is all that it gets
  Answer(1);                  // takes the credit
  ASSERT_THAT(PagesSent(), SizeIs(1));
  const size_t beats = Beats().size();
  scheduler_->frames.clear();
  Tick(absl::Seconds(1));
  EXPECT_THAT(Beats(), SizeIs(1)) << "after " << beats;
  wire::Frame drain;
  drain.mutable_drain()->set_deadline_us(60'000'000);
  scheduler_->Say(std::move(drain));
  EXPECT_THAT(Releases(), SizeIs(2));
}

TEST_F(FetcherNodeTest, AFailureIsToldWhileNoParserTakesPages_Rule27) {
  Begin(/*credit=*/2);
  Grant(1, "a.example", 1);
  Grant(2, "b.example", 1);
  ASSERT_THAT(started(), SizeIs(2));
  Answer(1);
  wire::Frame none;
  none.mutable_page_refused()->add_page_ids(99);   // the parser takes no pages for a while
  parser_->Say(std::move(none));
  FetchResult failed;
  failed.outcome = Outcome::kTimeout;
  End(2, failed);
  EXPECT_THAT(scheduler_->Of(wire::Frame::kUrlEnded), SizeIs(1));
}

// ---- what was not acknowledged ----

TEST_F(FetcherNodeTest, AnEndThatWasNotAcknowledgedIsToldToTheNextSchedulerOnceMore_Rule28) {
  Begin();
  Grant(1, "a.example", 1);
  FetchResult failed;
  failed.outcome = Outcome::kTimeout;
  End(1, failed);
  ASSERT_THAT(scheduler_->Of(wire::Frame::kUrlEnded), SizeIs(1));
  for (int second = 0; second < 30; ++second) Tick(absl::Seconds(1));
  EXPECT_THAT(scheduler_->Of(wire::Frame::kUrlEnded), SizeIs(1));   // not by time
  SchedulerBeginsAnew();
  EXPECT_THAT(scheduler_->Of(wire::Frame::kUrlEnded), SizeIs(1));
  wire::Frame ack;
  wire::EndedAck::One* one = ack.mutable_ended_ack()->add_ended();
  one->set_key(Ticket("a.example", 0).key());
  scheduler_->Say(std::move(ack));
  SchedulerBeginsAnew();
  EXPECT_THAT(scheduler_->Of(wire::Frame::kUrlEnded), IsEmpty());
}

TEST_F(FetcherNodeTest, APageThatWasNotAcknowledgedIsNamedAtTheNextRegistration_Rule28) {
  Begin();
  Grant(1, "a.example", 1);
  Answer(1);
  ASSERT_THAT(PagesSent(), SizeIs(1));
  SchedulerBeginsAnew();
  const std::vector<wire::Frame> registrations = scheduler_->Of(wire::Frame::kRegister);
  ASSERT_THAT(registrations, SizeIs(1));
  ASSERT_EQ(registrations[0].register_().holding_size(), 1);
  EXPECT_EQ(registrations[0].register_().holding(0).key(), Ticket("a.example", 0).key());
}

TEST_F(FetcherNodeTest, TheHighestCommitThatItHasSeenIsToldAtTheNextRegistration_Rule13) {
  Begin();
  for (const uint64_t commit : {17, 16}) {
    wire::Frame ack;
    ack.mutable_ended_ack()->set_commit(commit);
    scheduler_->Say(std::move(ack));
  }
  SchedulerBeginsAnew();
  const std::vector<wire::Frame> registrations = scheduler_->Of(wire::Frame::kRegister);
  ASSERT_THAT(registrations, SizeIs(1));
  EXPECT_EQ(registrations[0].register_().highest_commit(), 17u);
}

// ---- bodies in memory ----

TEST_F(FetcherNodeTest, ABodyBeyondTheMemoryWaitsUntilAPageIsAcknowledged_Rule26) {
  settings_.set_body_memory_bytes(3 * kMaxPayloadBytes);
  Begin();
  Grant(1, "a.example", 1);
  Grant(2, "b.example", 1);
  ASSERT_THAT(started(), SizeIs(2));
  const std::string piece(kMaxPayloadBytes, 'x');
  using Next = FetchSink::Next;
  EXPECT_EQ(started()[0].sink->OnBody(piece), Next::kContinue);
  EXPECT_EQ(started()[0].sink->OnBody(piece), Next::kContinue);
  EXPECT_EQ(started()[1].sink->OnBody(piece), Next::kContinue);
  EXPECT_EQ(started()[1].sink->OnBody(piece), Next::kPause);
  EXPECT_EQ(started()[0].sink->OnBody(piece), Next::kContinue);   // the oldest one may always go on
  Answer(1);
  Tick(absl::Seconds(1));
  EXPECT_THAT(parts_.script.resumed, ElementsAre(2u));            // the other is the oldest now
}

TEST_F(FetcherNodeTest, WithoutMemoryNoDownloadBegins_Rule26) {
  settings_.set_body_memory_bytes(kMaxPayloadBytes);
  Begin();
  Grant(1, "a.example", 1);
  Grant(2, "b.example", 1);
  EXPECT_THAT(started(), SizeIs(1));
  Answer(1);
  Tick();
  EXPECT_THAT(started(), SizeIs(2));
}

TEST_F(FetcherNodeTest, APageTakesItsMemoryUntilItIsAcknowledged_Rule26) {
  Begin();
  Grant(1, "a.example", 1);
  started()[0].sink->OnBody(std::string(1000, 'x'));
  EXPECT_EQ(node_->counters().held_bytes, kMaxPayloadBytes);
  Answer(1);
  EXPECT_EQ(node_->counters().held_bytes, 1000u);
  Credit(64, PagesSent());
  EXPECT_EQ(node_->counters().held_bytes, 0u);
}

TEST_F(FetcherNodeTest, WhatBringsNoPageGivesItsMemoryBack_Rule26) {
  Begin();
  Grant(1, "a.example", 1);
  started()[0].sink->OnBody(std::string(1000, 'x'));
  FetchResult failed;
  failed.outcome = Outcome::kTimeout;
  End(1, failed);
  EXPECT_EQ(node_->counters().held_bytes, 0u);
}

// ---- its end ----

TEST_F(FetcherNodeTest, ADrainHandsInEverythingBeforeTheGoodbye_Rule31) {
  Begin();
  Grant(1, "a.example", 3);
  wire::Frame drain;
  drain.mutable_drain()->set_deadline_us(60'000'000);
  scheduler_->Say(std::move(drain));
  Tick(absl::Seconds(1));
  EXPECT_THAT(scheduler_->Of(wire::Frame::kGoodbye), IsEmpty());   // a request is under way
  Answer(1);
  Tick(absl::Seconds(1));
  ASSERT_THAT(Releases(), SizeIs(1));
  EXPECT_EQ(Releases()[0].why(), Why::DRAIN);
  EXPECT_EQ(Releases()[0].unused_size(), 2);
  EXPECT_THAT(scheduler_->Of(wire::Frame::kGoodbye), IsEmpty());   // its page is not acknowledged
  Credit(64, PagesSent());
  Tick(absl::Seconds(1));
  EXPECT_THAT(scheduler_->Of(wire::Frame::kGoodbye), SizeIs(1));
}

TEST_F(FetcherNodeTest, ADrainHasADeadline_Rule31) {
  Begin();
  Grant(1, "a.example", 1);
  Answer(1);   // a page that no parser acknowledges
  wire::Frame drain;
  drain.mutable_drain()->set_deadline_us(5'000'000);
  scheduler_->Say(std::move(drain));
  Tick(absl::Seconds(4));
  EXPECT_FALSE(node_->stopped());
  Tick(absl::Seconds(1));
  EXPECT_TRUE(node_->stopped());
}

}  // namespace
}  // namespace weft::test
