#include "scheduler/node_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/recording_bus.h"

namespace weft::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class NodeTableTest : public testing::Test {
 protected:
  NodeEntry& Fetcher(const PeerId& peer, uint64_t id, uint64_t limit, uint64_t granted = 0) {
    NodeEntry& node = *nodes_.FindOrAdd(peer, now_);
    node.registered = true;
    node.info.set_fetches(true);
    node.info.set_node_id(id);
    node.lease_limit = limit;
    node.leases_granted = granted;
    node.heartbeat_received = now_;
    return node;
  }
  NodeEntry& Parser(const PeerId& peer, uint64_t id) {
    NodeEntry& node = *nodes_.FindOrAdd(peer, now_);
    node.registered = true;
    node.info.set_parses(true);
    node.info.set_node_id(id);
    node.info.set_pages_endpoint("tcp://" + peer);
    return node;
  }

  absl::Time now_ = absl::FromUnixSeconds(1000);
  RecordingBus bus_;
  NodeTable nodes_{bus_, 5};
};

TEST_F(NodeTableTest, TheEmptiestFetcherIsChosen) {
  Fetcher("a", 1, 10, 8);
  Fetcher("b", 2, 9, 1);
  EXPECT_EQ(nodes_.FetcherWithCredit(now_)->info.node_id(), 2u);
}

TEST_F(NodeTableTest, ATagIsLookedForAndCountsItsOwnCreditAlone) {
  Fetcher("a", 1, 10);
  Fetcher("b", 2, 5, 2).info.add_tags("eu");
  Fetcher("c", 3, 2).info.add_tags("eu");
  EXPECT_EQ(nodes_.FetcherWithCredit(now_)->info.node_id(), 1u);
  EXPECT_EQ(nodes_.FetcherWithCredit(now_, "eu")->info.node_id(), 2u);
  EXPECT_EQ(nodes_.FetcherWithCredit(now_, "us"), nullptr);
  EXPECT_EQ(nodes_.CreditFor("eu", now_), 5u);
}

TEST_F(NodeTableTest, AfterAReconnectTheLivelierConnectionIsTheNode) {
  Fetcher("old", 7, 1);
  now_ += absl::Seconds(2);
  Fetcher("new", 7, 1);
  EXPECT_EQ(nodes_.FindWorking(7)->link.peer(), "new");
  EXPECT_EQ(nodes_.FindWorking(8), nullptr);
}

TEST_F(NodeTableTest, ARateOfANodeThatCountsAnewIsNoLeap) {
  NodeEntry& node = Fetcher("a", 1, 1);
  const auto told = [&](uint64_t pages) {
    wire::Heartbeat beat;
    beat.set_pages(pages);
    node.NoteLoad(beat, now_ += absl::Seconds(1));
  };
  for (uint64_t i = 0; i <= 100; ++i) told(1000 + 20 * i);
  EXPECT_NEAR(node.pages_per_s, 20, 0.1);
  told(3);
  EXPECT_NEAR(node.pages_per_s, 20, 0.1);
  told(23);
  EXPECT_NEAR(node.pages_per_s, 20, 0.1);
}

TEST_F(NodeTableTest, WhatAParserTellsOfItsStoreIsKeptAndItsWordsAreBounded) {
  NodeEntry& node = Parser("p", 1);
  wire::Heartbeat beat;
  beat.mutable_store()->set_url("s3://bucket");
  beat.mutable_store()->set_stored(3);
  std::string words(2000, 'x');
  words.replace(1023, 2, "\xC3\xA4");  // cut in two
  beat.mutable_store()->set_trouble(words);
  beat.mutable_refusals()->set_malformed(5);
  node.NoteLoad(beat, now_);
  EXPECT_EQ(node.store.url(), "s3://bucket");
  EXPECT_EQ(node.store.stored(), 3u);
  EXPECT_EQ(node.refusals.malformed(), 5u);
  EXPECT_EQ(node.store.trouble(), std::string(1023, 'x') + "\xEF\xBF\xBD");
  node.NoteLoad({}, now_);
  EXPECT_EQ(node.store.url(), "") << "the newest counts";
}

TEST_F(NodeTableTest, NoCreditNoChoice) {
  Fetcher("a", 1, 10, 10);
  Fetcher("b", 2, 3, 4);
  Parser("p", 3).lease_limit = 100;
  EXPECT_EQ(nodes_.FetcherWithCredit(now_), nullptr);
}

TEST_F(NodeTableTest, ANewSessionCountsItsLeasesFromTheBeginning_Rule25) {
  NodeEntry& node = Fetcher("a", 1, 100, 100);
  node.BeginSession();
  EXPECT_EQ(nodes_.FetcherWithCredit(now_), nullptr) << "what it said before counts no more";
  node.registered = true;
  node.heartbeat_received = now_;
  node.lease_limit = std::max<uint64_t>(node.lease_limit, 4);   // as with its next heartbeat
  EXPECT_EQ(nodes_.FetcherWithCredit(now_), &node);
  EXPECT_EQ(nodes_.CreditFor("", now_), 4u);
}

TEST_F(NodeTableTest, SilentDrainingAndUnregisteredFetchersAreNotChosen) {
  Fetcher("a", 1, 10).heartbeat_received = now_ - absl::Seconds(1);
  Fetcher("b", 2, 10).draining = true;
  Fetcher("c", 3, 10).registered = false;
  EXPECT_EQ(nodes_.FetcherWithCredit(now_), nullptr);
  nodes_.ExtendSilence(absl::Seconds(1));   // it was we who stood still
  EXPECT_EQ(nodes_.FetcherWithCredit(now_)->info.node_id(), 1u);
}

TEST_F(NodeTableTest, FetchersHearOfLiveParsersOnly) {
  Fetcher("f", 1, 10);
  Parser("p", 2);
  Parser("q", 3).draining = true;
  nodes_.PushParsers();
  std::vector<wire::Frame> told = bus_.Of("f", wire::Frame::kPeers);
  ASSERT_THAT(told, SizeIs(1));
  ASSERT_EQ(told[0].peers().parsers_size(), 1);
  EXPECT_EQ(told[0].peers().parsers(0).endpoint(), "tcp://p");
  EXPECT_THAT(bus_.Of("p", wire::Frame::kPeers), IsEmpty());
}

TEST_F(NodeTableTest, WhatIsForAGoneNodeIsDropped) {
  nodes_.Send("nobody", wire::Frame());
  EXPECT_THAT(bus_.sent, IsEmpty());
}

TEST_F(NodeTableTest, StrangersCannotFillItWithoutBound) {
  for (int i = 0; i < 10'000; ++i) nodes_.FindOrAdd(std::to_string(i), now_);
  EXPECT_LE(nodes_.nodes().size(), 4096u);
  EXPECT_EQ(nodes_.FindOrAdd("one more", now_), nullptr);
  EXPECT_NE(nodes_.FindOrAdd("17", now_), nullptr);
}

}  // namespace
}  // namespace weft::test
