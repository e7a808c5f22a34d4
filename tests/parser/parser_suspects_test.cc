// Pages that a parser was lost with: read one after the other, with the scheduler's leave (rule 14).
#include "tests/parser/parser_node_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class SuspectPagesTest : public ParserNodeTest {
 protected:
  void SetUp() override { Register(); }
  // One that another parser, or a worker, was lost with.
  std::string SendSuspect(const std::string& url, bool by_fetcher = true) {
    wire::Page page = Page(url);
    if (by_fetcher) page.set_crashes(1);
    if (!by_fetcher) page.mutable_ticket()->set_suspect(true);
    const std::string key = page.ticket().key();
    SendPage(std::move(page), "/1\n");
    return key;
  }
  void Leave(const std::string& key, uint32_t crashes) {
    wire::Frame frame;
    frame.mutable_suspect_leave()->set_key(key);
    frame.mutable_suspect_leave()->set_crashes(crashes);
    scheduler_->Say(std::move(frame));
    Work();
  }
  // "KEY asks" or "KEY over", in order.
  std::vector<std::string> Asked() {
    std::vector<std::string> asked;
    for (const wire::Frame& frame : scheduler_->Of(wire::Frame::kSuspectPage)) {
      asked.push_back(frame.suspect_page().key() + (frame.suspect_page().over() ? " over" : " asks"));
    }
    return asked;
  }
};

TEST_F(SuspectPagesTest, AreReadWithLeaveOneAfterTheOther_Rule14) {
  const std::string first = SendSuspect("https://a.example/");
  const std::string second = SendSuspect("https://b.example/", /*by_fetcher=*/false);
  Work();
  EXPECT_THAT(Asked(), ElementsAre(first + " asks"));
  EXPECT_THAT(parts_.named, IsEmpty());
  Leave(first, 0);
  EXPECT_THAT(parts_.named, ElementsAre(first, ""));
  EXPECT_THAT(Asked(), ElementsAre(first + " asks", first + " over", second + " asks"));
  Leave(second, 2);
  ASSERT_THAT(Results(), SizeIs(2));
  EXPECT_THAT(LinksOf(Results()[1]), SizeIs(1));
}

TEST_F(SuspectPagesTest, OthersDoNotWaitForThem_Rule14) {
  SendSuspect("https://a.example/");
  SendPage(Page("https://b.example/"), "x");
  Work();
  EXPECT_THAT(Results(), SizeIs(1));
}

TEST_F(SuspectPagesTest, ThatCrashedThreeParsersOnWhateverMachineAreStoredUnread_Rule14) {
  const std::string key = SendSuspect("https://a.example/");
  Work();
  Leave(key, 3);
  ASSERT_THAT(Results(), SizeIs(1));
  EXPECT_EQ(static_cast<Outcome>(Results()[0].outcome()), Outcome::kParserCrash);
  EXPECT_THAT(parts_.named, IsEmpty());
  EXPECT_THAT(parts_.store.appended, SizeIs(1));
}

TEST_F(SuspectPagesTest, AreAskedForAgainInANewSession_Rule14) {
  const std::string key = SendSuspect("https://a.example/");
  Work();
  const uint64_t session = scheduler_->nodes_session();
  scheduler_->frames.clear();
  scheduler_->Restart(1003);
  wire::Frame unknown;
  unknown.set_version(kProtocolVersion);
  unknown.set_session(1003);
  unknown.set_peer_session(session);
  unknown.mutable_session_unknown();
  scheduler_->SkipWhatWasSent();
  scheduler_->SayRaw(std::move(unknown));
  EXPECT_THAT(Asked(), IsEmpty());  // it is not registered
  Register();
  EXPECT_THAT(Asked(), ElementsAre(key + " asks"));
  Leave(key, 1);
  EXPECT_THAT(Results(), SizeIs(1));
}

TEST_F(SuspectPagesTest, AreHandedInBeforeAGoodbye_Rule31) {
  const std::string key = SendSuspect("https://a.example/");
  Work();
  node_->Drain(absl::Seconds(20));
  Tick();
  EXPECT_THAT(scheduler_->Of(wire::Frame::kGoodbye), IsEmpty());
  Leave(key, 0);
  AckResult(Results().at(0));
  Tick();
  EXPECT_THAT(scheduler_->Of(wire::Frame::kGoodbye), SizeIs(1));
}

TEST_F(ParserNodeTest, ItsRegistrationTellsWhatItsDirectoryBlames_Rule14) {
  parts_.crashes["page"] = 2;
  Make();
  const wire::Register info = scheduler_->Of(wire::Frame::kRegister).back().register_();
  ASSERT_THAT(info.blamed(), SizeIs(1));
  EXPECT_EQ(info.blamed(0).key(), "page");
  EXPECT_EQ(info.blamed(0).crashes(), 2u);
}

TEST_F(ParserNodeTest, APageThatThisDirectoryBlamesIsReadWithLeave_Rule14) {
  Register();
  wire::Page page = Page("https://a.example/");
  parts_.crashes[page.ticket().key()] = 1;
  SendPage(std::move(page), "/1\n");
  Work();
  EXPECT_THAT(Results(), IsEmpty());
  EXPECT_THAT(scheduler_->Of(wire::Frame::kSuspectPage), SizeIs(1));
}

}  // namespace
}  // namespace weft::test
