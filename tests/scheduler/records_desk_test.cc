#include "scheduler/records_desk.h"

#include "scheduler/status_report.h"
#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class RecordsDeskTest : public DeskTest {
 protected:
  void SetUp() override {
    Build();
    Open(&reading_);
  }
  void Open(WorkPool* pool) { desk_ = std::make_unique<RecordsDesk>(db_, pool, *nodes_); }
  void Ask(const PeerId& tool, uint64_t pinned = 0) {
    Node(tool);
    wire::RecordsRequest request;
    request.set_limit(10);
    request.set_pinned_commit(pinned);
    wire::RecordsReply reply;
    reply.set_robots_token("weft");
    desk_->Ask(tool, request, reply);
  }
  std::vector<wire::RecordsReply> Replies(const PeerId& tool) const {
    std::vector<wire::RecordsReply> replies;
    for (const wire::Frame& frame : bus_.Of(tool, wire::Frame::kRecordsReply)) replies.push_back(frame.records_reply());
    return replies;
  }

  ManualPool reading_;
  std::unique_ptr<RecordsDesk> desk_;
};

TEST_F(RecordsDeskTest, ASliceIsReadOnItsPoolAndHasWhatWasTheLastCommitWhenItWasAskedFor) {
  SeedHost("a.example", 1);
  Ask("t");
  const uint64_t then = db_->commit();
  EXPECT_THAT(Replies("t"), IsEmpty()) << "not on the loop";
  SeedHost("b.example", 1);
  ASSERT_GT(db_->commit(), then);
  reading_.RunAll();
  ASSERT_THAT(Replies("t"), SizeIs(1));
  EXPECT_EQ(Replies("t")[0].pinned_commit(), then);
  EXPECT_EQ(Replies("t")[0].robots_token(), "weft") << "what is told beside the records";
}

TEST_F(RecordsDeskTest, WhatWasPinnedStays) {
  SeedHost("a.example", 1);
  Ask("t", 1);
  reading_.RunAll();
  EXPECT_EQ(Replies("t").at(0).pinned_commit(), 1u);
}

TEST_F(RecordsDeskTest, WhereThePoolIsFullItIsReadLater) {
  reading_.full = true;
  Ask("t");
  reading_.full = false;
  EXPECT_EQ(reading_.waiting(), 0u);
  desk_->OnTick();
  reading_.RunAll();
  EXPECT_THAT(Replies("t"), SizeIs(1));
}

TEST_F(RecordsDeskTest, SoManyWaitAndNoMore) {
  reading_.full = true;
  for (size_t i = 0; i < RecordsDesk::kMostWaiting + 5; ++i) Ask(fmt::format("t{}", i));
  reading_.full = false;
  desk_->OnTick();
  EXPECT_EQ(reading_.waiting(), RecordsDesk::kMostWaiting);
}

TEST_F(RecordsDeskTest, WithoutAPoolItIsReadAtOnce) {
  Open(nullptr);
  Ask("t");
  EXPECT_THAT(Replies("t"), SizeIs(1));
}

TEST_F(RecordsDeskTest, ASliceThatIsReadAfterTheDeskIsSentToNobody) {
  Ask("t");
  desk_.reset();
  reading_.RunAll();
  EXPECT_THAT(Replies("t"), IsEmpty());
}

}  // namespace
}  // namespace weft::test
