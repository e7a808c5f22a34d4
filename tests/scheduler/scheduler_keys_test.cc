// Whom the scheduler hears, with played nodes that show keys, and names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/scheduler/played_node.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_pool.h"
#include "tests/support/memory_kv.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class NoObserver : public SchedulerObserver {
 public:
  void OnUrlEnd(const UrlEnd&) override {}
  void OnNotice(const std::string&) override {}
};

class SchedulerKeysTest : public testing::Test {
 protected:
  void SetUp() override {
    settings_.set_scope_version(1);
    options_.nodes_die_with_us = true;
    options_.stop_when_finished = false;
    auto db = CrawlDb::Open(OpenMemoryKv(disk_), {}, *random_).value();
    scheduler_ = std::make_unique<SchedulerNode>(options_, settings_, std::move(db), suffixes_, clock_, *random_, bus_, pool_,
                                                 observer_);
    scheduler_->Start();
    keys_["a"] = {"one", true, true, false, false};
    keys_["b"] = {"two", true, true, false, false};
    scheduler_->SetKeys(keys_);
  }
  PlayedNode Node(const PeerId& name, const PeerKey& key, uint64_t process, const std::string& worker = "") {
    PlayedNode node(*scheduler_, bus_, name, key, process);
    node.more.set_machine("m1");
    node.more.set_worker(worker);
    return node;
  }
  void Revoke(const PeerKey& key) {
    keys_[key].revoked = true;
    scheduler_->SetKeys(keys_);
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

  std::unique_ptr<Random> random_ = SeededRandom(33);
  MemoryDisk disk_;
  ManualClock clock_;
  ManualPool pool_;
  RecordingBus bus_;
  NoObserver observer_;
  SchedulerOptions options_;
  wire::CrawlSettings settings_;
  NodeKeys keys_;
  std::shared_ptr<const PublicSuffixes> suffixes_ = PublicSuffixes::Load().value();
  std::unique_ptr<SchedulerNode> scheduler_;
};

TEST_F(SchedulerKeysTest, TheBusIsToldWhichKeysHold) {
  EXPECT_THAT(bus_.allowed, ElementsAre("a", "b"));
  Revoke("a");
  EXPECT_THAT(bus_.allowed, ElementsAre("b"));
}

TEST_F(SchedulerKeysTest, AStrangersFramesAreRefusedAndCounted) {
  PlayedNode stranger = Node("s", "unknown", 1);
  stranger.Register(true, true);
  EXPECT_FALSE(stranger.registered);
  EXPECT_THAT(scheduler_->Status().nodes(), IsEmpty());
  EXPECT_EQ(scheduler_->Status().refusals().frames(), 1u);
}

TEST_F(SchedulerKeysTest, AConnectionDoesNotChangeHands) {
  PlayedNode node = Node("n", "a", 1);
  node.Register(true, false);
  ASSERT_TRUE(node.registered);
  PlayedNode thief = Node("n", "b", 2);
  thief.Register(true, false);
  EXPECT_FALSE(thief.registered);
  EXPECT_EQ(scheduler_->Status().refusals().frames(), 1u);
}

TEST_F(SchedulerKeysTest, ARevokedNodeIsToldAndLosesItsPlaceAndItsResultsAreRefused) {
  PlayedNode node = Node("n", "a", 1);
  node.Register(true, true);
  scheduler_->AddSeeds({"https://a.example/"});
  Seconds(2, {&node});
  ASSERT_THAT(node.granted, SizeIs(1));
  Revoke("a");
  node.Hear();
  EXPECT_THAT(node.refused, HasSubstr("'one' was revoked"));
  EXPECT_THAT(scheduler_->Status().nodes(), IsEmpty());
  node.Fetched(node.granted[0]);
  Second({});
  EXPECT_EQ(scheduler_->Status().ledger().done(), 0u);
  EXPECT_GE(scheduler_->Status().refusals().frames(), 1u);
}

TEST_F(SchedulerKeysTest, WhatARevokedNodeHadLeasedIsLeasedToOthersOnceItsLeasesHaveEnded) {
  PlayedNode node = Node("n", "a", 1);
  node.Register(true, true);
  scheduler_->AddSeeds({"https://a.example/"});
  Seconds(2, {&node});
  ASSERT_THAT(node.granted, SizeIs(1));
  Revoke("a");
  PlayedNode other = Node("o", "b", 2);
  other.Register(true, true);
  // It beats on, and is not renewed.
  Seconds(5, {&node, &other});
  EXPECT_THAT(other.granted, IsEmpty());
  Seconds(15, {&node, &other});
  ASSERT_THAT(other.granted, SizeIs(1));
  EXPECT_EQ(other.granted[0].url(), "https://a.example/");
  other.Fetched(other.granted[0]);
  Seconds(2, {&other});
  EXPECT_EQ(scheduler_->Status().ledger().done(), 1u);
}

TEST_F(SchedulerKeysTest, WhoDoesNotParseReportsNoPages) {
  keys_["f"] = {"fetches", true, false, false, false};
  scheduler_->SetKeys(keys_);
  PlayedNode fetcher = Node("f", "f", 1);
  fetcher.Register(true, false);
  scheduler_->AddSeeds({"https://a.example/"});
  Seconds(2, {&fetcher});
  ASSERT_THAT(fetcher.granted, SizeIs(1));
  fetcher.Fetched(fetcher.granted[0]);
  Second({&fetcher});
  EXPECT_EQ(scheduler_->Status().ledger().done(), 0u);
  EXPECT_EQ(scheduler_->Status().refusals().frames(), 1u);
}

TEST_F(SchedulerKeysTest, ARevokedParserLeavesTheListThatFetchersGet) {
  PlayedNode parser = Node("p", "a", 1);
  parser.Register(false, true);
  PlayedNode fetcher = Node("f", "b", 2);
  fetcher.Register(true, false);
  Revoke("a");
  fetcher.Hear();
  EXPECT_THAT(fetcher.parsers, IsEmpty());
}

TEST_F(SchedulerKeysTest, OfSeveralThatAreRevokedAtOnceNoneIsToldOfTheOthers) {
  PlayedNode parser = Node("a", "a", 1);
  parser.Register(false, true);
  PlayedNode fetcher = Node("z", "b", 2);
  fetcher.Register(true, false);
  ASSERT_THAT(fetcher.registered, true);
  const size_t told = bus_.Of("z", wire::Frame::kPeers).size();
  keys_["a"].revoked = keys_["b"].revoked = true;
  scheduler_->SetKeys(keys_);
  EXPECT_EQ(bus_.Of("z", wire::Frame::kPeers).size(), told);
  EXPECT_THAT(bus_.Of("z", wire::Frame::kRegisterRefused), SizeIs(1));
}

TEST_F(SchedulerKeysTest, FetchersGetTheKeyThatAParserProved) {
  PlayedNode fetcher = Node("f", "b", 2);
  fetcher.Register(true, false);
  PlayedNode parser = Node("p", "a", 1);
  parser.Register(false, true);
  fetcher.Hear();
  ASSERT_THAT(fetcher.parsers, SizeIs(1));
  EXPECT_EQ(fetcher.parsers[0].public_key(), "a");
}

TEST_F(SchedulerKeysTest, ParsersGetTheKeysThatMayBringPagesAndEveryChange) {
  keys_["t"] = {"laptop", false, false, true, false};
  scheduler_->SetKeys(keys_);
  PlayedNode parser = Node("p", "a", 1);
  parser.Register(false, true);
  EXPECT_THAT(parser.allowed, ElementsAre("a", "b"));
  Revoke("b");
  parser.Hear();
  EXPECT_THAT(parser.allowed, ElementsAre("a"));
}

TEST_F(SchedulerKeysTest, ParsersGetTheKeysOfToolsApartFromThoseThatBringPages) {
  keys_["t"] = {"laptop", false, false, true, false};
  scheduler_->SetKeys(keys_);
  PlayedNode parser = Node("p", "a", 1);
  parser.Register(false, true);
  EXPECT_THAT(parser.tools, ElementsAre("t"));
  Revoke("t");
  parser.Hear();
  EXPECT_THAT(parser.tools, IsEmpty());
  EXPECT_THAT(parser.allowed, ElementsAre("a", "b"));
}

TEST_F(SchedulerKeysTest, TheNodesOfOneProcessShareAKey) {
  PlayedNode fetcher = Node("f", "a", 1);
  fetcher.Register(true, false);
  PlayedNode parser = Node("p", "a", 1);
  parser.Register(false, true);
  EXPECT_TRUE(fetcher.registered);
  EXPECT_TRUE(parser.registered);
  EXPECT_THAT(scheduler_->Status().nodes(), SizeIs(2));
}

TEST_F(SchedulerKeysTest, ASecondProcessWithTheSameKeyIsRefusedWhileTheFirstLives) {
  PlayedNode first = Node("1", "a", 1);
  first.Register(true, false);
  PlayedNode second = Node("2", "a", 2);
  second.Register(true, false);
  EXPECT_FALSE(second.registered);
  Seconds(2, {&first, &second});
  EXPECT_FALSE(second.registered);
  EXPECT_THAT(second.refused, HasSubstr("'one' is in use by another process"));
  EXPECT_THAT(first.refused, IsEmpty());
  EXPECT_THAT(scheduler_->Status().nodes(), SizeIs(1));
  EXPECT_EQ(scheduler_->Status().refusals().registrations(), 1u);
}

TEST_F(SchedulerKeysTest, AProcessThatDiedGivesWayToItsSuccessorWithinSeconds) {
  PlayedNode first = Node("1", "a", 1);
  first.Register(true, false);
  PlayedNode second = Node("2", "a", 2);
  second.Register(true, false);
  Seconds(5, {&second});
  EXPECT_TRUE(second.registered);
  EXPECT_THAT(second.refused, IsEmpty());
}

TEST_F(SchedulerKeysTest, WhatAWaitingParserTellsOfItsCrashesCountsAtOnce_Rule14) {
  const std::string page(16, 'p');
  PlayedNode first = Node("1", "a", 1);
  first.Register(false, true);
  PlayedNode second = Node("2", "a", 2);
  second.more.set_pages_dir_id(7);
  second.more.add_blamed()->set_key(page);
  second.more.mutable_blamed(0)->set_crashes(1);
  second.Register(false, true);
  ASSERT_FALSE(second.registered);
  PlayedNode other = Node("3", "b", 3);
  other.Register(false, true);
  wire::Frame asked;
  asked.mutable_suspect_page()->set_key(page);
  other.Say(std::move(asked));
  const std::vector<wire::Frame> leaves = other.Of(wire::Frame::kSuspectLeave);
  ASSERT_THAT(leaves, SizeIs(1));
  EXPECT_EQ(leaves[0].suspect_leave().crashes(), 1u);
}

TEST_F(SchedulerKeysTest, AProcessThatStoodStillIsToldThatItWasReplaced) {
  PlayedNode first = Node("1", "a", 1);
  first.Register(true, false);
  PlayedNode second = Node("2", "a", 2);
  second.Register(true, false);
  Seconds(5, {&second});
  ASSERT_TRUE(second.registered);
  first.Beat();
  EXPECT_THAT(first.refused, HasSubstr("used by another process now"));
  Second({&second});
  EXPECT_THAT(second.refused, IsEmpty());
}

TEST_F(SchedulerKeysTest, AProcessThatSaidGoodbyeDoesNotKeepOthersWaiting) {
  PlayedNode first = Node("1", "a", 1);
  first.Register(true, false);
  wire::Frame goodbye;
  goodbye.mutable_goodbye();
  first.Say(std::move(goodbye));
  PlayedNode second = Node("2", "a", 2);
  second.Register(true, false);
  EXPECT_TRUE(second.registered);
}

TEST_F(SchedulerKeysTest, ASecondWorkerOfTheSameNameIsRefusedAndTheFirstKeepsItsLeases) {
  PlayedNode first = Node("1", "", 1, "blue");
  first.Register(true, true);
  scheduler_->AddSeeds({"https://a.example/"});
  Seconds(2, {&first});
  ASSERT_THAT(first.granted, SizeIs(1));
  PlayedNode second = Node("2", "", 2, "blue");
  second.Register(true, true);
  EXPECT_FALSE(second.registered);
  Seconds(2, {&first, &second});
  EXPECT_THAT(second.refused, HasSubstr("the name 'blue' is in use by another worker, on m1; give this one another with --name"));
  EXPECT_FALSE(second.registered);
  EXPECT_THAT(second.granted, IsEmpty());
  EXPECT_THAT(scheduler_->Status().nodes(), SizeIs(1));
  first.Fetched(first.granted[0]);
  Seconds(2, {&first});
  EXPECT_EQ(scheduler_->Status().ledger().done(), 1u);
  EXPECT_THAT(first.refused, IsEmpty());
}

// Their nodes register in any order: neither may end up with a part of the name.
TEST_F(SchedulerKeysTest, OfTwoWorkersThatBeginAtOnceTheFirstHasEveryNode) {
  PlayedNode first_fetcher = Node("1f", "", 1, "blue");
  PlayedNode first_parser = Node("1p", "", 1, "blue");
  PlayedNode second_fetcher = Node("2f", "", 2, "blue");
  PlayedNode second_parser = Node("2p", "", 2, "blue");
  first_fetcher.Register(true, false);
  second_parser.Register(false, true);
  first_parser.Register(false, true);
  second_fetcher.Register(true, false);
  Seconds(5, {&first_fetcher, &first_parser, &second_fetcher, &second_parser});
  EXPECT_THAT(second_fetcher.refused, HasSubstr("the name 'blue' is in use"));
  EXPECT_THAT(second_parser.refused, HasSubstr("the name 'blue' is in use"));
  EXPECT_THAT(first_fetcher.refused, IsEmpty());
  EXPECT_THAT(first_parser.refused, IsEmpty());
  EXPECT_THAT(scheduler_->Status().nodes(), SizeIs(2));
}

TEST_F(SchedulerKeysTest, WhoRegistersAgainHasStillComeFirst) {
  PlayedNode first_fetcher = Node("1f", "", 1, "blue");
  PlayedNode first_parser = Node("1p", "", 1, "blue");
  PlayedNode second_parser = Node("2p", "", 2, "blue");
  first_fetcher.Register(true, false);
  second_parser.Register(false, true);
  first_fetcher.Register(true, false);
  first_parser.Register(false, true);
  Seconds(5, {&first_fetcher, &first_parser, &second_parser});
  EXPECT_THAT(first_parser.refused, IsEmpty());
  EXPECT_THAT(second_parser.refused, HasSubstr("the name 'blue' is in use"));
}

TEST_F(SchedulerKeysTest, ANameThatNobodyChoseIsNoReasonToRefuse) {
  for (const char* worker : {"m1/1", ""}) {
    PlayedNode first = Node(std::string("1") + worker, "", 1, worker);
    first.Register(true, false);
    PlayedNode second = Node(std::string("2") + worker, "", 2, worker);
    second.Register(true, false);
    EXPECT_TRUE(first.registered && second.registered) << worker;
  }
}

TEST_F(SchedulerKeysTest, AFetcherAndAParserMayBeOneWorkerByName) {
  PlayedNode fetcher = Node("f", "", 1, "blue");
  fetcher.Register(true, false);
  PlayedNode parser = Node("p", "", 2, "blue");
  parser.Register(false, true);
  EXPECT_TRUE(fetcher.registered && parser.registered);
}

TEST_F(SchedulerKeysTest, AWorkerThatIsStartedAgainTakesItsNameBackWhenTheOneThatDiedHasBeenSilent) {
  PlayedNode first = Node("1", "", 1, "blue");
  first.Register(true, false);
  PlayedNode second = Node("2", "", 2, "blue");
  second.Register(true, false);
  Seconds(5, {&second});
  EXPECT_TRUE(second.registered);
  first.Beat();
  EXPECT_THAT(first.refused, HasSubstr("the name 'blue' is another worker's now"));
  EXPECT_THAT(second.refused, IsEmpty());
}

// A token is not proof of another's name: its holder must not be able to throw a worker out that was cut off for a moment.
TEST_F(SchedulerKeysTest, UnderAnotherKeyANameIsTakenOnlyWhenItsHolderIsForgotten) {
  PlayedNode first = Node("1", "a", 1, "blue");
  first.Register(true, false);
  Seconds(1, {&first});
  PlayedNode second = Node("2", "b", 2, "blue");
  second.Register(true, false);
  Seconds(5, {&second});
  EXPECT_FALSE(second.registered);
  EXPECT_THAT(second.refused, IsEmpty());
  first.Beat();
  Second({&first, &second});
  EXPECT_THAT(first.refused, IsEmpty());
  EXPECT_THAT(second.refused, HasSubstr("in use by another worker"));

  PlayedNode third = Node("3", "b", 3, "blue");
  third.Register(true, false);
  Seconds(40, {&third});
  EXPECT_TRUE(third.registered);
}

TEST_F(SchedulerKeysTest, StatusNamesTheTokens) {
  PlayedNode node = Node("n", "a", 1);
  node.Register(true, false);
  ASSERT_THAT(scheduler_->Status().nodes(), SizeIs(1));
  EXPECT_EQ(scheduler_->Status().nodes(0).token(), "one");
}

TEST_F(SchedulerKeysTest, WhereNoKeyIsAskedForNodesWorkBesideThoseThatHaveOne) {
  PlayedNode keyless = Node("n", "", 1);
  keyless.Register(true, true);
  EXPECT_TRUE(keyless.registered);
  EXPECT_THAT(keyless.allowed, IsEmpty());
}

}  // namespace
}  // namespace weft::test
