// The scheduler's beginning after a crash, its standstills and its end, with played nodes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/scheduler/played_node.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_pool.h"
#include "tests/support/memory_kv.h"

namespace weft::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Body = wire::Frame;

class NoticesOnly : public SchedulerObserver {
 public:
  void OnUrlEnd(const UrlEnd&) override {}
  void OnNotice(const std::string& text) override { notices.push_back(text); }

  std::vector<std::string> notices;
};

class SchedulerLifeTest : public testing::Test {
 protected:
  SchedulerLifeTest() {
    settings_.set_scope_version(1);
    options_.stop_when_finished = false;
    Start();
    scheduler_->AddSeeds({"https://a.example/1", "https://a.example/2"});
    pool_.RunAll();
  }
  // Another process over the same disk. Without a stop before it, it comes after a crash.
  void Start() {
    scheduler_.reset();
    auto db = CrawlDb::Open(OpenMemoryKv(disk_), {}, *random_).value();
    scheduler_ = std::make_unique<SchedulerNode>(options_, settings_, std::move(db), suffixes_, clock_, *random_, bus_, pool_,
                                                 observer_);
    scheduler_->Start();
  }
  std::vector<std::string> Warnings() const {
    const wire::StatusReply status = scheduler_->Status();
    return {status.warnings().begin(), status.warnings().end()};
  }
  // Of the life that there is; `name` is new in each life.
  PlayedNode& Node(const PeerId& name) { return nodes_.emplace_back(*scheduler_, bus_, name, "", nodes_.size() + 1); }
  PlayedNode& Fetcher(const PeerId& name) {
    PlayedNode& node = Node(name);
    node.Register(/*fetches=*/true, /*parses=*/false);
    node.Beat();
    return node;
  }
  PlayedNode& Parser(const PeerId& name) {
    PlayedNode& node = Node(name);
    node.Register(false, true);
    return node;
  }
  // A parser that comes from a history which this one is a copy from.
  PlayedNode& Submitting(const PeerId& name) {
    PlayedNode& node = Node(name);
    node.more.set_lineage(scheduler_->db().identity().lineage());
    node.more.set_incarnation(4711);
    node.more.set_highest_commit(1000);
    node.Register(false, true);
    return node;
  }
  // One second, in which these nodes beat.
  void Second(const std::vector<PlayedNode*>& alive) {
    clock_.Advance(absl::Seconds(1));
    for (PlayedNode* node : alive) node->Beat();
    scheduler_->OnTick();
    pool_.RunAll();
    for (PlayedNode* node : alive) node->Hear();
  }
  void Seconds(int count, const std::vector<PlayedNode*>& alive) {
    for (int i = 0; i < count; ++i) Second(alive);
  }
  // How long until this fetcher is lent a host.
  int SecondsToALease(PlayedNode& fetcher) {
    int seconds = 0;
    for (; fetcher.granted.empty() && seconds < 60; ++seconds) Second({&fetcher});
    return seconds;
  }
  static void GiveBack(PlayedNode& fetcher) {
    for (const wire::Frame& frame : fetcher.Of(Body::kLeaseGrant)) {
      wire::Frame release;
      *release.mutable_lease_release()->mutable_epoch() = frame.lease_grant().epoch();
      release.mutable_lease_release()->set_last_request_age_us(-1);
      for (const wire::UrlTicket& ticket : frame.lease_grant().urls()) release.mutable_lease_release()->add_unused(ticket.key());
      fetcher.Say(std::move(release));
    }
  }
  static void SayGoodbye(PlayedNode& node) {
    wire::Frame frame;
    frame.mutable_goodbye();
    node.Say(std::move(frame));
  }
  // Lease and grace: until then a fetcher of the life before may be asking.
  int LeaseSeconds() const {
    return static_cast<int>(absl::ToInt64Seconds(absl::Ceil(options_.lease + options_.lease_grace, absl::Seconds(1))));
  }

  std::unique_ptr<Random> random_ = SeededRandom(33);
  MemoryDisk disk_;
  ManualClock clock_;
  ManualPool pool_;
  RecordingBus bus_;
  NoticesOnly observer_;
  SchedulerOptions options_;
  wire::CrawlSettings settings_;
  std::shared_ptr<const PublicSuffixes> suffixes_ = PublicSuffixes::Load().value();
  std::unique_ptr<SchedulerNode> scheduler_;
  std::deque<PlayedNode> nodes_;
};

// ---- after a crash ----

TEST_F(SchedulerLifeTest, AfterACrashNoHostIsLentBeforeTheLeasesOfTheLifeBeforeAreOver_Rule18) {
  PlayedNode& before = Fetcher("f");
  ASSERT_LE(SecondsToALease(before), 1);
  Start();
  PlayedNode& after = Fetcher("g");
  EXPECT_GE(SecondsToALease(after), LeaseSeconds());
  EXPECT_THAT(after.granted, SizeIs(2));
}

TEST_F(SchedulerLifeTest, AfterAnOrderlyEndHostsAreLentAtOnceButNotAfterACrashThatFollows_Rule18) {
  scheduler_->Stop(StopReason::kInterrupted);
  for (int i = 0; i < 3; ++i) Second({});
  ASSERT_TRUE(scheduler_->stopped());
  Start();
  PlayedNode& before = Fetcher("f");
  EXPECT_LE(SecondsToALease(before), 1);
  Start();
  PlayedNode& after = Fetcher("g");
  EXPECT_GE(SecondsToALease(after), LeaseSeconds());
}

TEST_F(SchedulerLifeTest, ItsStatusSaysWhyNothingIsAskedAfterACrash) {
  PlayedNode& before = Fetcher("f");
  EXPECT_THAT(Warnings(), IsEmpty());
  ASSERT_LE(SecondsToALease(before), 1);
  Start();
  EXPECT_THAT(Warnings(), ElementsAre(HasSubstr("no host is asked for another"), HasSubstr("no worker is connected: weft worker --join")));
  PlayedNode& after = Fetcher("g");
  EXPECT_THAT(Warnings(), ElementsAre(HasSubstr("no host is asked for another")));
  EXPECT_GE(SecondsToALease(after), LeaseSeconds());
  EXPECT_THAT(Warnings(), IsEmpty());
}

TEST_F(SchedulerLifeTest, AnEndThatLeasesOutliveIsNoOrderlyOne_Rule18) {
  options_.drain = absl::Seconds(5);
  Start();
  PlayedNode& before = Fetcher("f");
  ASSERT_LT(SecondsToALease(before), 60);
  scheduler_->Stop(StopReason::kInterrupted);
  for (int i = 0; i < 9; ++i) Second({});   // it never says that it has ended
  ASSERT_TRUE(scheduler_->stopped());
  Start();
  PlayedNode& after = Fetcher("g");
  EXPECT_GE(SecondsToALease(after), LeaseSeconds());
}

TEST_F(SchedulerLifeTest, AfterACrashNoHostIsPermittedEither_Rule18) {
  Start();
  PlayedNode& fetcher = Fetcher("f");
  const auto permitted = [&fetcher] {
    wire::Frame wanted;
    wanted.mutable_host_permit_wanted()->set_permit_id(7);
    wanted.mutable_host_permit_wanted()->set_host("other.example");
    fetcher.Say(std::move(wanted));
    return fetcher.Of(Body::kHostPermit).back().host_permit().granted();
  };
  EXPECT_FALSE(permitted());
  Seconds(LeaseSeconds(), {&fetcher});
  EXPECT_TRUE(permitted());
}

TEST_F(SchedulerLifeTest, WhatAFetcherHoldsOfTheLifeBeforeIsNotLentAgain_Rule18) {
  PlayedNode& before = Fetcher("f");
  ASSERT_LE(SecondsToALease(before), 1);
  Start();
  PlayedNode& after = Node("g");
  *after.more.add_holding() = before.granted[0];
  after.Register(true, false);
  EXPECT_LT(SecondsToALease(after), 60);
  ASSERT_THAT(after.granted, SizeIs(1));
  EXPECT_EQ(after.granted[0].url(), before.granted[1].url());
}

// ---- standing still ----

TEST_F(SchedulerLifeTest, WhenItStoodStillNobodyElseIsForgottenAndNoLeaseEnds_Rule30) {
  PlayedNode& fetcher = Fetcher("f");
  ASSERT_LE(SecondsToALease(fetcher), 1);
  PlayedNode& parser = Parser("p");
  PlayedNode& other = Fetcher("g");
  clock_.Advance(absl::Minutes(5));
  scheduler_->OnTick();   // before it has read what came meanwhile
  fetcher.Beat();
  parser.Beat();
  EXPECT_THAT(parser.Of(Body::kRegistered), SizeIs(1)) << "it is known still, and need not register again";
  Seconds(3, {&fetcher, &other});
  EXPECT_THAT(other.granted, IsEmpty()) << "the host is still lent to the first one";
}

TEST_F(SchedulerLifeTest, AStandstillWhileItStopsTakesNoTimeFromItsNodes_Rule30) {
  PlayedNode& fetcher = Fetcher("f");
  scheduler_->Stop(StopReason::kInterrupted);
  clock_.Advance(absl::Minutes(5));
  for (int i = 0; i < 3; ++i) {
    scheduler_->OnTick();
    pool_.RunAll();
  }
  EXPECT_FALSE(scheduler_->stopped());
  SayGoodbye(fetcher);
  for (int i = 0; i < 3; ++i) Second({});
  EXPECT_TRUE(scheduler_->stopped());
}

TEST_F(SchedulerLifeTest, AStandstillDoesNotLetFetchWhatIsBeingSubmitted_Rule30) {
  PlayedNode& parser = Submitting("p");
  PlayedNode& fetcher = Fetcher("f");
  Second({&parser, &fetcher});
  clock_.Advance(absl::Minutes(5));
  fetcher.Beat();
  scheduler_->OnTick();
  fetcher.Hear();
  EXPECT_THAT(fetcher.granted, IsEmpty());
}

TEST_F(SchedulerLifeTest, ATickThatIsALittleLateChangesNoDeadline_Rule30) {
  PlayedNode& fetcher = Fetcher("f");
  ASSERT_LE(SecondsToALease(fetcher), 1);
  PlayedNode& other = Fetcher("g");
  for (int i = 0; i < 10; ++i) {
    clock_.Advance(absl::Seconds(2));
    other.Beat();
    scheduler_->OnTick();
  }
  other.Hear();
  EXPECT_THAT(other.granted, SizeIs(2)) << "the first one is dead";
}

// ---- its end ----

TEST_F(SchedulerLifeTest, ItTellsFetchersToEndBeforeTheParsersThatTheyNeed_Rule31) {
  PlayedNode& fetcher = Fetcher("f");
  PlayedNode& parser = Parser("p");
  scheduler_->Stop(StopReason::kInterrupted);
  Second({&fetcher, &parser});
  EXPECT_THAT(fetcher.Of(Body::kDrain), SizeIs(1));
  EXPECT_THAT(parser.Of(Body::kDrain), IsEmpty());
  GiveBack(fetcher);
  SayGoodbye(fetcher);
  Second({&parser});
  EXPECT_THAT(parser.Of(Body::kDrain), SizeIs(1));
  EXPECT_FALSE(scheduler_->stopped());
  SayGoodbye(parser);
  for (int i = 0; i < 3; ++i) Second({});
  EXPECT_TRUE(scheduler_->stopped());
}

TEST_F(SchedulerLifeTest, ItEndsAtItsDeadlineWhoeverHasNot_Rule31) {
  options_.drain = absl::Seconds(5);
  Start();
  PlayedNode& fetcher = Fetcher("f");
  PlayedNode& parser = Parser("p");
  scheduler_->Stop(StopReason::kInterrupted);
  Seconds(5, {&fetcher, &parser});
  EXPECT_FALSE(scheduler_->stopped());
  Seconds(5, {&fetcher, &parser});
  EXPECT_TRUE(scheduler_->stopped());
  EXPECT_EQ(scheduler_->db().ledger().pending, 2u) << "to be fetched by the next run";
}

TEST_F(SchedulerLifeTest, WhoRegistersWhileItStopsIsToldToEnd_Rule31) {
  Fetcher("f");
  scheduler_->Stop(StopReason::kInterrupted);
  PlayedNode& late = Fetcher("g");
  EXPECT_THAT(late.Of(Body::kDrain), SizeIs(1));
  EXPECT_THAT(late.granted, IsEmpty());
}

// ---- lost writes ----

TEST_F(SchedulerLifeTest, WhileLostPagesAreSubmittedNothingIsFetched_Rule13) {
  PlayedNode& parser = Submitting("p");
  ASSERT_THAT(observer_.notices, Contains(HasSubstr("lost acknowledged writes")));
  ASSERT_THAT(parser.Of(Body::kSubmitAgain), SizeIs(1));
  PlayedNode& fetcher = Fetcher("f");
  Seconds(5, {&parser, &fetcher});
  EXPECT_THAT(fetcher.granted, IsEmpty());
  wire::Frame over;
  over.mutable_submit_again_over();
  parser.Say(std::move(over));
  Seconds(2, {&parser, &fetcher});
  EXPECT_THAT(fetcher.granted, SizeIs(2));
}

TEST_F(SchedulerLifeTest, AParserLearnsOfThisOpeningOnlyWhenItsRegistrationIsDurable_Rule13) {
  PlayedNode& parser = Parser("p");
  EXPECT_THAT(parser.Of(Body::kEndedAck), IsEmpty());
  Second({&parser});
  ASSERT_THAT(parser.Of(Body::kEndedAck), SizeIs(1));
  EXPECT_GT(parser.Of(Body::kEndedAck)[0].ended_ack().commit(), 0u);
}

// ---- what was lost ----

TEST_F(SchedulerLifeTest, FromWhenOnPagesAreMissingIsNotedAllTheWhile_Rule13) {
  const uint64_t incarnation = scheduler_->db().incarnation();
  const uint64_t commit = scheduler_->db().commit();
  Seconds(1800, {});
  const absl::Time crashed = clock_.WallNow();
  Start();
  PlayedNode& parser = Node("p");
  parser.more.set_lineage(scheduler_->db().identity().lineage());
  parser.more.set_incarnation(incarnation);
  parser.more.set_highest_commit(commit + 1000);
  parser.Register(false, true);
  const std::vector<wire::Frame> asked = parser.Of(Body::kSubmitAgain);
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_GT(absl::FromUnixMicros(asked[0].submit_again().from_wall_us()), crashed - absl::Minutes(11));
}

TEST_F(SchedulerLifeTest, WhatWasSubmittedIsOnRecordBeforeNoMoreOfItIsWanted_Rule13) {
  PlayedNode& parser = Submitting("p");
  ASSERT_THAT(parser.Of(Body::kSubmitAgain), SizeIs(1));
  wire::Frame page;
  page.mutable_page_result()->mutable_ticket()->set_url("https://a.example/1");
  page.mutable_page_result()->set_stored_number(1);
  page.mutable_page_result()->set_status(200);
  page.mutable_page_result()->set_outcome(static_cast<uint32_t>(Outcome::kResponse));
  parser.Say(std::move(page));
  wire::Frame over;
  over.mutable_submit_again_over()->set_recorded(1);
  parser.Say(std::move(over));
  EXPECT_EQ(scheduler_->Status().ledger().done(), 1u);
}

// ---- who takes pages ----

TEST_F(SchedulerLifeTest, FetchersLearnAtOnceWhichParserLeaves_Rule28) {
  PlayedNode& fetcher = Fetcher("f");
  PlayedNode& parser = Parser("p");
  Parser("q");
  fetcher.Hear();
  ASSERT_THAT(fetcher.parsers, SizeIs(2));
  SayGoodbye(parser);
  fetcher.Hear();
  ASSERT_THAT(fetcher.parsers, SizeIs(1));
  EXPECT_EQ(fetcher.parsers[0].endpoint(), "tcp://q");
}

TEST_F(SchedulerLifeTest, FetchersLearnWhichParserIsDead_Rule28) {
  PlayedNode& fetcher = Fetcher("f");
  Parser("p");
  PlayedNode& other = Parser("q");
  Seconds(static_cast<int>(absl::ToInt64Seconds(options_.dead_after)) + 2, {&fetcher, &other});
  ASSERT_THAT(fetcher.parsers, SizeIs(1));
  EXPECT_EQ(fetcher.parsers[0].endpoint(), "tcp://q");
}

}  // namespace
}  // namespace weft::test
