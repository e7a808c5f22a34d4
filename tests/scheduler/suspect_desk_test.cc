#include "scheduler/suspect_desk.h"

#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kPage(16, 'p');
const std::string kOther(16, 'o');

// A parser's process: one node, its pages directory, and what that knows of crashes.
struct Parser {
  PeerId peer;
  uint64_t directory = 0;
  uint64_t process = 0;
};

class SuspectDeskTest : public DeskTest {
 protected:
  void Register(const Parser& parser, const std::map<std::string, uint32_t>& blamed = {}) {
    NodeEntry& node = Node(parser.peer);
    node.registered = true;
    node.info = InfoOf(parser, blamed);
    desk_.OnRegister(node.info);
  }
  // As Register, while its twin is in the way.
  void Wait(const Parser& parser, const std::map<std::string, uint32_t>& blamed) { desk_.OnWaiting(InfoOf(parser, blamed)); }
  void Ask(const Parser& parser, const std::string& key = kPage) { Say(parser, key, false); }
  void Over(const Parser& parser, const std::string& key = kPage) { Say(parser, key, true); }
  void Lose(const Parser& parser) {
    nodes_->Remove(parser.peer);
    desk_.OnTick();
  }
  // Crashes as told with each leave, in order.
  std::vector<uint32_t> Leaves(const Parser& parser) const {
    std::vector<uint32_t> crashes;
    for (const wire::Frame& frame : bus_.Of(parser.peer, wire::Frame::kSuspectLeave)) crashes.push_back(frame.suspect_leave().crashes());
    return crashes;
  }

  SuspectDesk desk_{*nodes_table()};
  const Parser a_{"a", 1, 10}, b_{"b", 2, 20}, c_{"c", 3, 30};

 private:
  static wire::Register InfoOf(const Parser& parser, const std::map<std::string, uint32_t>& blamed) {
    wire::Register info;
    info.set_parses(true);
    info.set_node_id(std::hash<std::string>{}(parser.peer));
    info.set_pages_dir_id(parser.directory);
    info.set_process(parser.process);
    for (const auto& [key, crashes] : blamed) {
      wire::BlamedPage* page = info.add_blamed();
      page->set_key(key);
      page->set_crashes(crashes);
    }
    return info;
  }
  NodeTable* nodes_table() {
    if (!nodes_) Build();
    return nodes_.get();
  }
  void SetUp() override {}
  void Say(const Parser& parser, const std::string& key, bool over) {
    wire::SuspectPage page;
    page.set_key(key);
    page.set_over(over);
    desk_.OnSuspect(parser.peer, Node(parser.peer).info, page);
  }
};

TEST_F(SuspectDeskTest, APageThatNobodyReadsMayBeReadAtOnce_Rule14) {
  Register(a_);
  Ask(a_);
  EXPECT_THAT(Leaves(a_), ElementsAre(0));
  EXPECT_EQ(bus_.Of("a", wire::Frame::kSuspectLeave)[0].suspect_leave().key(), kPage);
}

TEST_F(SuspectDeskTest, WhatDirectoriesKnowIsAddedUp_Rule14) {
  Register(a_, {{kPage, 1}, {kOther, 5}});
  Register(b_, {{kPage, 2}});
  Register(b_, {{kPage, 2}});  // told again in a new session
  Ask(b_);
  EXPECT_THAT(Leaves(b_), ElementsAre(3));
}

TEST_F(SuspectDeskTest, OneAtATimeReadsAPage_Rule14) {
  Register(a_), Register(b_), Register(c_);
  Ask(a_), Ask(b_), Ask(c_, kOther);
  EXPECT_THAT(Leaves(b_), IsEmpty());
  EXPECT_THAT(Leaves(c_), SizeIs(1));
  Over(a_);
  EXPECT_THAT(Leaves(b_), ElementsAre(0));
}

TEST_F(SuspectDeskTest, AParserThatIsLostIsCountedBeforeItsDirectoryTells_Rule14) {
  Register(a_), Register(b_);
  Ask(a_), Ask(b_);
  Lose(a_);
  EXPECT_THAT(Leaves(b_), ElementsAre(1));
}

TEST_F(SuspectDeskTest, WhatWasReadToItsEndIsNotBlamed_Rule14) {
  Register(a_), Register(b_);
  Ask(a_), Over(a_);
  Lose(a_);
  Ask(b_);
  EXPECT_THAT(Leaves(b_), ElementsAre(0));
}

TEST_F(SuspectDeskTest, ANextPageSaysThatTheOneBeforeIsOver_Rule14) {
  Register(a_), Register(b_);
  Ask(a_), Ask(a_, kOther);
  Ask(b_);
  EXPECT_THAT(Leaves(b_), ElementsAre(0));
}

TEST_F(SuspectDeskTest, WhoOnlyWaitedIsNotBlamed_Rule14) {
  Register(a_), Register(b_), Register(c_);
  Ask(a_), Ask(b_), Ask(c_);
  Lose(b_);
  Over(a_);
  EXPECT_THAT(Leaves(c_), ElementsAre(0));
}

TEST_F(SuspectDeskTest, ACrashThatItsDirectoryTellsOfCountsOnce_Rule14) {
  Register(a_), Register(b_);
  Ask(a_);
  Lose(a_);
  Register({"a2", a_.directory, 11}, {{kPage, 1}});
  Ask(b_);
  EXPECT_THAT(Leaves(b_), ElementsAre(1));
}

TEST_F(SuspectDeskTest, AnotherProcessOfTheDirectoryTellsThatTheFirstHasCrashed_Rule14) {
  Register(a_), Register(b_);
  Ask(a_), Ask(b_);
  EXPECT_THAT(Leaves(b_), IsEmpty());
  Register({"a2", a_.directory, 11}, {{kPage, 1}});
  EXPECT_THAT(Leaves(b_), ElementsAre(1));
}

TEST_F(SuspectDeskTest, ACrashCountsThoughItsDirectoryHasNotKeptIt_Rule14) {
  Register(a_, {{kPage, 1}}), Register(b_);
  Ask(a_);
  Register({"a2", a_.directory, 11}, {{kPage, 1}});  // that of before
  Ask(b_);
  EXPECT_THAT(Leaves(b_), ElementsAre(2));
}

TEST_F(SuspectDeskTest, AProcessThatWasOnlyCutOffIsNotBlamed_Rule14) {
  Register(a_), Register(b_);
  Ask(a_);
  Lose(a_);
  Register(a_);
  Ask(b_);
  EXPECT_THAT(Leaves(b_), ElementsAre(0));
}

// A machine that begins anew waits for its dead twin to give way, and may be cut off and forgotten before that.
TEST_F(SuspectDeskTest, WhatADirectoryTellsCountsThoughItsParserIsNeverLetIn_Rule14) {
  Wait({"a2", 1, 11}, {{kPage, 2}});
  Register(b_);
  Ask(b_);
  EXPECT_THAT(Leaves(b_), ElementsAre(2));
}

TEST_F(SuspectDeskTest, ACrashThatBothTheTwinAndItsSuccessorTellOfCountsOnce_Rule14) {
  Register(a_);
  Ask(a_);
  Wait({"a2", 1, 11}, {{kPage, 1}});
  Lose(a_);
  Register(b_);
  Ask(b_);
  EXPECT_THAT(Leaves(b_), ElementsAre(1));
  Register({"a2", 1, 11}, {{kPage, 1}});
  EXPECT_EQ(desk_.CrashesOn(kPage), 1u);
}

TEST_F(SuspectDeskTest, WhatIsNoKeyIsNotCounted) {
  Register(a_, {{"short", 7}});
  Ask(a_, "short");
  EXPECT_THAT(Leaves(a_), IsEmpty());
  EXPECT_EQ(desk_.CrashesOn("short"), 0u);
}

}  // namespace
}  // namespace weft::test
