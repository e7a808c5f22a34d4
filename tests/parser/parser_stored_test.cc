// A parser that is asked to submit again what its pages directory has stored (rule 13), and what it knows of that.
#include "parser/parser_node.h"
#include "tests/parser/parser_node_fixture.h"
#include "tests/parser/stored_pages_script.h"
#include "tests/storage/warc_test_support.h"

namespace weft::test {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class ParserStoredTest : public ParserNodeTest {
 protected:
  void SetUp() override { Register(); }
  void Ask(std::unique_ptr<StoredPages> pages) {
    parts_.stored = std::move(pages);
    wire::Frame frame;
    frame.mutable_submit_again()->set_from_wall_us(7'000'000);
    scheduler_->Say(std::move(frame));
  }
  void Read() {
    for (int i = 0; i < 20; ++i) Work();
  }
  void Answer(const wire::StoredAck& ack) {
    wire::Frame frame;
    *frame.mutable_stored_ack() = ack;
    scheduler_->Say(std::move(frame));
    Read();
  }
  wire::SubmitAgainOver Over() {
    auto frames = scheduler_->Of(wire::Frame::kSubmitAgainOver);
    EXPECT_THAT(frames, SizeIs(1));
    return frames.empty() ? wire::SubmitAgainOver() : frames[0].submit_again_over();
  }
  std::unique_ptr<ScriptedPages> script_ = std::make_unique<ScriptedPages>();
};

TEST_F(ParserStoredTest, SubmitsAStoredPageAsAnArrivedOneWithItsPlace) {
  script_->Add("https://a.example/", "/1\n/2\n");
  Ask(std::move(script_));
  Read();
  EXPECT_THAT(parts_.asked_from, ElementsAre(absl::FromUnixSeconds(7)));
  ASSERT_THAT(Results(), SizeIs(1));
  const wire::PageResult result = Results()[0];
  EXPECT_EQ(result.stored_number(), 1u);
  EXPECT_FALSE(result.has_epoch());
  EXPECT_EQ(result.ticket().url(), "https://a.example/");
  EXPECT_EQ(result.ticket().key(), Fingerprinter(3).Of("https://a.example/").ToBytes());
  EXPECT_EQ(result.status(), 200u);
  EXPECT_EQ(result.mime(), "text/html");
  EXPECT_EQ(result.payload_bytes(), 6u);
  EXPECT_EQ(result.place().file(), "f.warc.gz");
  EXPECT_EQ(result.place().length(), 50u);
  EXPECT_EQ(result.wall_us(), 1000 * 1'000'000);
  EXPECT_EQ(static_cast<Outcome>(result.outcome()), Outcome::kResponse);
  EXPECT_THAT(LinksOf(result), ElementsAre("https://a.example/1", "https://a.example/2"));
}

TEST_F(ParserStoredTest, NothingIsStoredAgain) {
  script_->Add("https://a.example/", "/1\n");
  Ask(std::move(script_));
  Read();
  EXPECT_THAT(parts_.store.appended, IsEmpty());
}

TEST_F(ParserStoredTest, SaysWhenItIsOver) {
  script_->Add("https://a.example/1").Add("https://a.example/2").AddDamage();
  Ask(std::move(script_));
  Read();
  EXPECT_THAT(scheduler_->Of(wire::Frame::kSubmitAgainOver), IsEmpty());
  wire::StoredAck ack;
  ack.add_recorded(1);
  ack.add_passed(2);
  Answer(ack);
  EXPECT_EQ(Over().recorded(), 1u);
  EXPECT_EQ(Over().damaged(), 1u);
  EXPECT_EQ(Over().problem(), "");
}

TEST_F(ParserStoredTest, SaysWhyNothingCanBeRead) {
  Ask(nullptr);
  EXPECT_EQ(Over().problem(), "no pages directory");
}

TEST_F(ParserStoredTest, LinksOfAStoredPageAreNotKnownAsRecorded) {
  script_->Add("https://a.example/", "/1\n");
  Ask(std::move(script_));
  Read();
  wire::StoredAck ack;
  ack.add_unknown(1);
  ack.set_commit(20);
  Answer(ack);
  SendPage(Page("https://a.example/again"), "/1\n");
  Work();
  EXPECT_THAT(LinksOf(Results().back()), ElementsAre("https://a.example/1"));
}

TEST_F(ParserStoredTest, TheAnswersCommitIsToldAtTheNextRegistration_Rule13) {
  script_->Add("https://a.example/", "/1\n");
  Ask(std::move(script_));
  Read();
  wire::StoredAck ack;
  ack.add_recorded(1);
  ack.set_commit(20);
  Answer(ack);
  scheduler_->Restart(1002);
  Register();
  EXPECT_EQ(scheduler_->Of(wire::Frame::kRegister).back().register_().highest_commit(), 20u);
}

TEST_F(ParserStoredTest, ManyLinksComeBeforeTheirPageAndNameItsUrl) {
  std::string body;
  for (int i = 0; i < 2500; ++i) body += fmt::format("/{}\n", i);
  script_->Add("https://a.example/", body);
  Ask(std::move(script_));
  Read();
  auto batches = scheduler_->Of(wire::Frame::kLinkBatch);
  ASSERT_THAT(batches, SizeIs(1));
  EXPECT_TRUE(batches[0].link_batch().stored());
  EXPECT_EQ(batches[0].link_batch().ticket().url(), "https://a.example/");
  EXPECT_EQ(batches[0].link_batch().links_size() + Results().at(0).links_size(), 2500);
}

TEST_F(ParserStoredTest, APageThatBroughtParsersDownIsNotParsed_Rule14) {
  parts_.crashes[Fingerprinter(3).Of("https://a.example/bad").ToBytes()] = 3;
  script_->Add("https://a.example/bad", "/1\n").Add("https://a.example/good", "/2\n");
  Ask(std::move(script_));
  Read();
  ASSERT_THAT(Results(), SizeIs(2));
  EXPECT_EQ(static_cast<Outcome>(Results()[0].outcome()), Outcome::kParserCrash);
  EXPECT_THAT(LinksOf(Results()[0]), IsEmpty());
  EXPECT_THAT(parts_.named, ElementsAre(Fingerprinter(3).Of("https://a.example/good").ToBytes(), ""));
}

TEST_F(ParserStoredTest, ANewSchedulersLifeIsNotToldOfTheOldOnesRequest) {
  script_->Add("https://a.example/");
  Ask(std::move(script_));
  scheduler_->Restart(1002);
  Register();
  Read();
  EXPECT_THAT(Results(), IsEmpty());
}

TEST_F(ParserStoredTest, ADrainEndsIt) {
  script_->Add("https://a.example/");
  Ask(std::move(script_));
  node_->Drain(absl::Seconds(5));
  Read();
  EXPECT_THAT(Results(), IsEmpty());
  EXPECT_THAT(scheduler_->Of(wire::Frame::kGoodbye), SizeIs(1));
}

// ---- what a registration tells ----

class ParserNoteTest : public ParserNodeTest {
 protected:
  void SetUp() override {
    options_.note = &note_;
    Make();
  }
  void TearDown() override { node_.reset(); }
  wire::Register Registration() { return scheduler_->Of(wire::Frame::kRegister).back().register_(); }
  void Acknowledge(uint64_t commit) {
    wire::Frame frame;
    frame.mutable_ended_ack()->set_commit(commit);
    scheduler_->Say(std::move(frame));
  }
  Acknowledged OnDisk() const { return AcknowledgedNote(directory_.path()).last(); }

  TempDirectory directory_;
  AcknowledgedNote note_{directory_.path()};
};

TEST_F(ParserNoteTest, ANewProcessTellsWhatTheDirectoryKnows) {
  note_.Take({12, 4, 55});
  Make();
  EXPECT_EQ(Registration().lineage(), 12u);
  EXPECT_EQ(Registration().incarnation(), 4u);
  EXPECT_EQ(Registration().highest_commit(), 55u);
}

TEST_F(ParserNoteTest, IsWrittenOnThePoolOnceASecondAtMost) {
  Register();
  Acknowledge(20);
  Tick();
  ASSERT_EQ(pool_.waiting(), 1u);
  pool_.RunAll();
  EXPECT_EQ(OnDisk(), (Acknowledged{12, 1, 20}));
  Acknowledge(21);
  Tick(absl::Milliseconds(500));
  EXPECT_EQ(pool_.waiting(), 0u);
  Tick(absl::Milliseconds(500));
  pool_.RunAll();
  EXPECT_EQ(OnDisk(), (Acknowledged{12, 1, 21}));
}

// Until it is acknowledged that the new opening has recorded what is missing.
TEST_F(ParserNoteTest, TheOldOpeningIsToldOfUntilTheNewOneAcknowledges) {
  Register();
  Acknowledge(20);
  Reopened(2, 1, 10);
  EXPECT_EQ(note_.last(), (Acknowledged{12, 1, 20}));
  Acknowledge(11);
  EXPECT_EQ(note_.last(), (Acknowledged{12, 2, 11}));
}

TEST_F(ParserNoteTest, AnOlderAcknowledgementTakesNothingBack_Rule13) {
  Register();
  Acknowledge(20);
  Acknowledge(19);
  scheduler_->Restart(1002);
  Register();
  EXPECT_EQ(Registration().highest_commit(), 20u);
}

}  // namespace
}  // namespace weft::test
