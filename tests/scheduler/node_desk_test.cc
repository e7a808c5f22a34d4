// Nodes that leave by name: drained, or given up.
#include "scheduler/node_desk.h"

#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class NodeDeskTest : public DeskTest {
 protected:
  void SetUp() override {
    Build();
    desk_ = std::make_unique<NodeDesk>(options_, *nodes_, *leases_, *db_, clock_);
    NodeEntry& tool = Node("tool");
    tool.registered = true;
    tool.info.set_tool(true);
  }
  void AddPart(const PeerId& peer, const std::string& worker, uint64_t id, bool fetches) {
    NodeEntry& node = Node(peer);
    node.registered = true;
    node.info.set_fetches(fetches);
    node.info.set_parses(!fetches);
    node.info.set_node_id(id);
    node.info.set_worker(worker);
    node.info.set_name(worker + (fetches ? "/fetcher" : "/parser-0"));
    node.info.set_machine("m1");
  }
  void AddWorker(const std::string& worker, uint64_t id) {
    AddPart(worker + "f", worker, id, true);
    AddPart(worker + "p", worker, id + 1, false);
  }
  void Drain(const std::string& name, absl::Duration deadline = absl::Seconds(20)) {
    wire::NodeRequest request;
    request.set_what(wire::NodeRequest::DRAIN);
    request.set_name(name);
    request.set_deadline_us(absl::ToInt64Microseconds(deadline));
    desk_->Drain("tool", request);
  }
  wire::NodeReply Forget(const std::string& name) {
    wire::NodeRequest request;
    request.set_what(wire::NodeRequest::FORGET);
    request.set_name(name);
    EXPECT_TRUE(desk_->Forget("tool", request, places_).ok());
    return Replies().back();
  }
  std::vector<wire::NodeReply> Replies() const {
    std::vector<wire::NodeReply> replies;
    for (const wire::Frame& frame : bus_.Of("tool", wire::Frame::kNodeReply)) replies.push_back(frame.node_reply());
    return replies;
  }
  size_t DrainsTo(const PeerId& peer) const { return bus_.Of(peer, wire::Frame::kDrain).size(); }

  PagesPlaces places_;
  std::unique_ptr<NodeDesk> desk_;
};

TEST_F(NodeDeskTest, TheFetcherIsDrainedBeforeTheParserThatItNeeds) {
  AddWorker("w1", 1);
  AddWorker("w2", 3);
  Drain("w1");
  EXPECT_EQ(DrainsTo("w1f"), 1u);
  EXPECT_EQ(DrainsTo("w1p"), 0u);
  desk_->OnTick();
  EXPECT_EQ(DrainsTo("w1f"), 1u) << "once is enough";
  Node("w1f").said_goodbye = true;
  desk_->OnTick();
  EXPECT_EQ(DrainsTo("w1p"), 1u);
  EXPECT_THAT(Replies(), IsEmpty());
  Node("w1p").said_goodbye = true;
  desk_->OnTick();
  ASSERT_THAT(Replies(), SizeIs(1));
  EXPECT_THAT(Replies()[0].nodes(), ElementsAre("w1/fetcher", "w1/parser-0"));
  EXPECT_THAT(Replies()[0].late(), IsEmpty());
  EXPECT_EQ(DrainsTo("w2f") + DrainsTo("w2p"), 0u);
}

TEST_F(NodeDeskTest, AFetcherThatIsToLeaveIsGivenNoLease) {
  SeedHost("a.example", 3);
  AddFetcher("w1f");
  NodeEntry& fetcher = Node("w1f");
  fetcher.info.set_name("w1/fetcher");
  Drain("w1/fetcher");
  EXPECT_THAT(Grant(), IsEmpty());
}

TEST_F(NodeDeskTest, WhoRegistersAgainIsToldAgain) {
  AddWorker("w1", 1);
  Drain("w1");
  Node("w1f").BeginSession();
  Node("w1f").registered = true;
  desk_->OnTick();
  EXPECT_EQ(DrainsTo("w1f"), 2u);
}

TEST_F(NodeDeskTest, AtTheDeadlineItIsSaidWhoHasNotEnded) {
  AddWorker("w1", 1);
  Drain("w1", absl::Seconds(5));
  clock_.Advance(absl::Seconds(7));
  desk_->OnTick();
  EXPECT_EQ(DrainsTo("w1p"), 1u);
  ASSERT_THAT(Replies(), SizeIs(1));
  EXPECT_THAT(Replies()[0].late(), ElementsAre("w1/fetcher", "w1/parser-0"));
}

TEST_F(NodeDeskTest, AStandstillOfOurOwnIsNoTimeOfADrain_Rule30) {
  AddWorker("w1", 1);
  Drain("w1", absl::Seconds(5));
  clock_.Advance(absl::Minutes(5));
  desk_->ExtendDeadlines(absl::Minutes(5));
  desk_->OnTick();
  EXPECT_EQ(DrainsTo("w1p"), 0u) << "its fetcher still has its five seconds";
  EXPECT_THAT(Replies(), IsEmpty());
}

TEST_F(NodeDeskTest, AMachineStandsForAllOfItsWorkers) {
  AddWorker("w1", 1);
  AddWorker("w2", 3);
  Drain("m1");
  EXPECT_EQ(DrainsTo("w1f"), 1u);
  EXPECT_EQ(DrainsTo("w2f"), 1u);
}

TEST_F(NodeDeskTest, AnUnknownNameIsSaidToBeOne) {
  Drain("nobody");
  ASSERT_THAT(Replies(), SizeIs(1));
  EXPECT_THAT(Replies()[0].problem(), HasSubstr("no node is called 'nobody'"));
  EXPECT_THAT(Forget("nobody").problem(), HasSubstr("no node or pages directory is called 'nobody'"));
}

TEST_F(NodeDeskTest, WhoIsAliveIsNotForgotten) {
  AddWorker("w1", 1);
  places_[7] = {"m1", "/p", "w1"};
  EXPECT_THAT(Forget("w1").problem(), HasSubstr("it is alive"));
  EXPECT_NE(nodes_->Find("w1f"), nullptr);
  EXPECT_FALSE(places_[7].forgotten);
}

TEST_F(NodeDeskTest, AForgottenNodesLeasesReturnWhenItCanAskNoMore_Rule16) {
  SeedHost("a.example", 3);
  AddFetcher("w1f");
  Node("w1f").info.set_worker("w1");
  ASSERT_THAT(GrantOne().urls(), SizeIs(3));
  clock_.Advance(options_.dead_after + absl::Milliseconds(1));
  EXPECT_THAT(Forget("w1").problem(), HasSubstr("try again in 4s")) << "it may be cut off only";
  EXPECT_EQ(leases_->leases(), 1u);
  clock_.Advance(options_.lease + options_.lease_grace - options_.dead_after);
  const wire::NodeReply reply = Forget("w1");
  EXPECT_EQ(reply.problem(), "");
  EXPECT_EQ(reply.leases(), 1u);
  EXPECT_EQ(nodes_->Find("w1f"), nullptr);
  EXPECT_EQ(leases_->leases(), 0u);
  AddFetcher("w2f");
  clock_.Advance(absl::Seconds(5));
  Beat("w2f", 100);
  EXPECT_THAT(GrantOne().urls(), SizeIs(3));
}

TEST_F(NodeDeskTest, WhatAForgottenNodeHadAskedAndNotHandedInIsAskedAgain) {
  SeedHost("a.example", 3);
  AddFetcher("w1f");
  Node("w1f").info.set_worker("w1");
  Release("w1f", Asked(GrantOne()));
  clock_.Advance(options_.lease + options_.lease_grace + absl::Seconds(1));
  EXPECT_EQ(Forget("w1").problem(), "");
  AddFetcher("w2f");
  EXPECT_THAT(GrantOne().urls(), SizeIs(3));
}

TEST_F(NodeDeskTest, PagesOfAForgottenMachineAreMarkedAndThatIsDurable) {
  places_[7] = {"m9", "/p", "w9"};
  places_[8] = {"m1", "/q", "w1"};
  EXPECT_THAT(Forget("m9").pages(), ElementsAre("m9:/p"));
  EXPECT_TRUE(places_[7].forgotten);
  EXPECT_FALSE(places_[8].forgotten);
  EXPECT_EQ(ReadPagesPlaces(*db_).value(), places_);
}

}  // namespace
}  // namespace weft::test
