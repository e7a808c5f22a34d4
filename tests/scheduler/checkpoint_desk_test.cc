#include "scheduler/checkpoint_desk.h"

#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class FakePlace : public CheckpointPlace {
 public:
  absl::StatusOr<CheckpointMade> Make(const CrawlDb& db, const std::string& to) override {
    asked.push_back(to);
    if (!trouble.ok()) return trouble;
    return CheckpointMade{to.empty() ? "/auto" : to, 2048, db.commit()};
  }
  std::vector<std::string> asked;
  absl::Status trouble;
};

class CheckpointDeskTest : public DeskTest {
 protected:
  void SetUp() override {
    Build();
    options_.checkpoints = &place_;
    options_.checkpoint_pool = &copies_;
    Open();
  }
  void Open() { desk_ = std::make_unique<CheckpointDesk>(options_, db_, *nodes_, clock_, observer_); }
  void Ask(const PeerId& tool, const std::string& to = "") {
    Node(tool);
    wire::CheckpointRequest request;
    request.set_to(to);
    desk_->Ask(tool, request);
  }
  std::vector<wire::CheckpointReply> Replies(const PeerId& tool) const {
    std::vector<wire::CheckpointReply> replies;
    for (const wire::Frame& frame : bus_.Of(tool, wire::Frame::kCheckpointReply)) replies.push_back(frame.checkpoint_reply());
    return replies;
  }
  wire::CheckpointStatus Status() const {
    wire::CheckpointStatus status;
    desk_->FillStatus(status);
    return status;
  }

  FakePlace place_;
  ManualPool copies_;
  std::unique_ptr<CheckpointDesk> desk_;
};

TEST_F(CheckpointDeskTest, ItIsMadeOnItsPoolAndTheAskerIsTold) {
  SeedHost("a.example", 1);
  Ask("t", "/copy");
  EXPECT_THAT(place_.asked, IsEmpty()) << "not on the loop";
  EXPECT_TRUE(Status().running());
  EXPECT_THAT(Replies("t"), IsEmpty());
  copies_.RunAll();
  EXPECT_THAT(place_.asked, ElementsAre("/copy"));
  ASSERT_THAT(Replies("t"), SizeIs(1));
  EXPECT_EQ(Replies("t")[0].path(), "/copy");
  EXPECT_EQ(Replies("t")[0].commit(), db_->commit());
  EXPECT_FALSE(Status().running());
  EXPECT_EQ(Status().path(), "/copy");
  EXPECT_THAT(observer_.notices.back(), HasSubstr("checkpoint /copy: 2.0 KiB"));
}

TEST_F(CheckpointDeskTest, OneAtATimeAndAskersOfOnePlaceShareTheNext) {
  Ask("t", "/a");
  Ask("u");
  Ask("v");
  EXPECT_EQ(copies_.waiting(), 1u);
  copies_.RunAll();
  EXPECT_THAT(place_.asked, ElementsAre("/a", ""));
  EXPECT_THAT(Replies("u"), SizeIs(1));
  EXPECT_THAT(Replies("v"), SizeIs(1));
}

TEST_F(CheckpointDeskTest, MadeEverySoOften) {
  options_.checkpoint_every = absl::Minutes(10);
  Open();
  clock_.Advance(absl::Minutes(9));
  desk_->OnTick();
  EXPECT_EQ(copies_.waiting(), 0u);
  clock_.Advance(absl::Minutes(1));
  desk_->OnTick();
  copies_.RunAll();
  desk_->OnTick();
  EXPECT_THAT(place_.asked, ElementsAre(""));
  clock_.Advance(absl::Minutes(10));
  desk_->OnTick();
  EXPECT_EQ(copies_.waiting(), 1u);
}

TEST_F(CheckpointDeskTest, TroubleIsToldAndTheNextOneIsTried) {
  options_.checkpoint_every = absl::Minutes(10);
  Open();
  place_.trouble = absl::ResourceExhaustedError("disk full");
  Ask("t");
  copies_.RunAll();
  EXPECT_THAT(Replies("t")[0].problem(), HasSubstr("disk full"));
  EXPECT_THAT(Status().problem(), HasSubstr("disk full"));
  EXPECT_THAT(observer_.notices.back(), HasSubstr("no checkpoint was made: "));
  place_.trouble = absl::OkStatus();
  clock_.Advance(absl::Minutes(10));
  desk_->OnTick();
  copies_.RunAll();
  EXPECT_EQ(Status().problem(), "");
}

TEST_F(CheckpointDeskTest, AFullPoolIsTriedAgain) {
  copies_.full = true;
  Ask("t");
  copies_.full = false;
  desk_->OnTick();
  copies_.RunAll();
  EXPECT_THAT(Replies("t"), SizeIs(1));
}

TEST_F(CheckpointDeskTest, OneThatEndsAfterItsSchedulerTellsNobody) {
  Ask("t");
  desk_.reset();
  copies_.RunAll();
  EXPECT_THAT(place_.asked, SizeIs(1));
  EXPECT_THAT(Replies("t"), IsEmpty());
}

TEST_F(CheckpointDeskTest, WhereNoneCanBeMadeThatIsSaid) {
  options_.checkpoints = nullptr;
  Ask("t");
  EXPECT_THAT(Replies("t")[0].problem(), HasSubstr("runs in one process"));
}

}  // namespace
}  // namespace weft::test
