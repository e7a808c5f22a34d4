// Hosts that a rule sends to nodes with a tag.
#include "scheduler/host_routes.h"

#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class HostRoutesTest : public DeskTest {
 protected:
  void SetUp() override {
    settings_.add_rule("match=\\.eu/ tag=eu");
    settings_.set_delay_us(0);
    Build();
  }
  void AddTagged(const PeerId& peer, const std::string& tag, uint64_t credit = 100) {
    AddFetcher(peer, credit);
    Node(peer).info.add_tags(tag);
  }
  std::vector<std::string> HostsOf(const std::vector<wire::LeaseGrant>& grants) {
    std::vector<std::string> hosts;
    for (const wire::LeaseGrant& grant : grants) hosts.push_back(grant.host());
    std::sort(hosts.begin(), hosts.end());
    return hosts;
  }
  std::vector<wire::TagWait> Waits() {
    wire::StatusReply status;
    leases_->routes().FillWaits(*nodes_, status);
    return {status.tag_waits().begin(), status.tag_waits().end()};
  }
  std::vector<std::string> Notices() {
    leases_->routes().Watch(*nodes_);
    return leases_->routes().TakeNotices();
  }
};

TEST_F(HostRoutesTest, AHostGoesToANodeWithItsTagAndOthersToAny) {
  SeedHost("a.eu", 1);
  SeedHost("b.example", 1);
  AddTagged("f", "eu");
  EXPECT_THAT(HostsOf(Grant()), ElementsAre("a.eu", "b.example"));
}

TEST_F(HostRoutesTest, WhatNoNodeMayHaveWaitsAndHoldsUpNobody) {
  SeedHost("a.eu", 1);
  SeedHost("b.example", 1);
  SeedHost("c.eu", 1);
  AddTagged("f", "us");
  EXPECT_THAT(HostsOf(Grant()), ElementsAre("b.example"));
  EXPECT_EQ(frontier_->NextReady(Now()), nullptr) << "it is out of the way";
  EXPECT_EQ(frontier_->NextReadyTime(), std::nullopt) << "and wakes nobody";
  ASSERT_THAT(Waits(), SizeIs(1));
  EXPECT_EQ(Waits()[0].hosts(), 2u);
  EXPECT_FALSE(Waits()[0].node_there());
  EXPECT_THAT(Notices(), ElementsAre(HasSubstr("2 hosts wait for a node with the tag 'eu', and none is connected")));
  EXPECT_THAT(Notices(), IsEmpty()) << "it is told once";
}

TEST_F(HostRoutesTest, ItsPolitenessSaysWhatAHostWaitsFor) {
  SeedHost("a.eu", 1);
  AddFetcher("f");
  EXPECT_THAT(Grant(), IsEmpty());
  wire::PolitenessReply told;
  leases_->Describe("a.eu", told);
  EXPECT_THAT(told.in_the_way(), HasSubstr("a node with the tag 'eu'"));
  AddTagged("g", "eu");
  GrantOne();
  wire::PolitenessReply then;
  leases_->Describe("a.eu", then);
  EXPECT_EQ(then.in_the_way(), "");
}

TEST_F(HostRoutesTest, ItGoesOnWhenSuchANodeComes) {
  SeedHost("a.eu", 2);
  AddFetcher("f");
  EXPECT_THAT(Grant(), IsEmpty());
  Notices();
  AddTagged("g", "eu");
  EXPECT_THAT(Notices(), ElementsAre(HasSubstr("a node with the tag 'eu' is connected")));
  const wire::LeaseGrant grant = GrantOne();
  EXPECT_EQ(grant.host(), "a.eu");
  EXPECT_THAT(grant.urls(), SizeIs(2));
  EXPECT_THAT(bus_.Of("g", wire::Frame::kLeaseGrant), SizeIs(1));
  EXPECT_THAT(Waits(), IsEmpty());
}

TEST_F(HostRoutesTest, ANodeWithoutRoomIsWaitedForWithoutANotice) {
  SeedHost("a.eu", 1);
  SeedHost("c.eu", 1);
  AddTagged("g", "eu", 1);
  AddFetcher("f");
  EXPECT_THAT(Grant(), SizeIs(1));
  ASSERT_THAT(Waits(), SizeIs(1));
  EXPECT_TRUE(Waits()[0].node_there());
  EXPECT_THAT(Notices(), IsEmpty());
  EXPECT_THAT(Grant(), IsEmpty());
  Beat("g", 2);
  EXPECT_THAT(Grant(), SizeIs(1));
}

TEST_F(HostRoutesTest, WhatIsFoundOfAWaitingHostWaitsWithIt) {
  SeedHost("a.eu", 1);
  AddFetcher("f");
  EXPECT_THAT(Grant(), IsEmpty());
  Seed({"https://a.eu/later"});
  EXPECT_EQ(frontier_->NextReady(Now()), nullptr);
  EXPECT_THAT(Grant(), IsEmpty());
  EXPECT_EQ(Waits()[0].hosts(), 1u);
  AddTagged("g", "eu");
  EXPECT_THAT(GrantOne().urls(), SizeIs(2));
}

TEST_F(HostRoutesTest, AHostWithSomethingOutWaitsToo) {
  SeedHost("a.eu", 1);
  AddTagged("g", "eu");
  AddFetcher("f");
  const wire::LeaseGrant grant = GrantOne();
  Release("g", Asked(grant));
  Seed({"https://a.eu/later"});
  nodes_->Remove("g");
  EXPECT_THAT(Grant(), IsEmpty());
  EXPECT_EQ(Waits()[0].hosts(), 1u);
  TakePage(Page(grant.urls(0)));
  Flush();
  EXPECT_THAT(Grant(), IsEmpty());
  AddTagged("h", "eu");
  EXPECT_THAT(UrlsOf(GrantOne()), ElementsAre("https://a.eu/later"));
}

TEST_F(HostRoutesTest, ATagIsOfTheHostWhateverTheSchemeAndPort) {
  SeedHost("a.eu:8080", 1, "http");
  AddFetcher("f");
  EXPECT_THAT(Grant(), IsEmpty());
  EXPECT_THAT(Waits(), SizeIs(1));
}

TEST_F(HostRoutesTest, InOneProcessTagsArePassedOver) {
  options_.nodes_die_with_us = true;
  Build();
  SeedHost("a.eu", 1);
  AddFetcher("f");
  EXPECT_THAT(Grant(), SizeIs(1));
}

}  // namespace
}  // namespace weft::test
