#include "scheduler/resubmit_desk.h"

#include "storage/acknowledged_note.h"
#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr uint64_t kDirectory = 70;

class ResubmitDeskTest : public DeskTest {
 protected:
  void SetUp() override { Open(); }
  // The scheduler is started again over the disk as it is.
  void Open() {
    desk_.reset();
    Build();
    desk_ = std::make_unique<ResubmitDesk>(*db_, *nodes_, *gate_, clock_, observer_);
    ASSERT_TRUE(desk_->Open().ok());
  }
  void Run(absl::Duration length, int commits, bool durable = true) {
    for (int i = 0; i < commits; ++i) Seed({fmt::format("https://h{}.example/", ++hosts_)});
    clock_.Advance(length);
    ASSERT_TRUE(desk_->NoteWall().ok());
    if (durable) {
      ASSERT_TRUE(db_->Sync().ok());
    }
  }
  // A parser of the directory; `seen` is what it tells of.
  void Register(const PeerId& peer, const Acknowledged& seen, uint64_t directory = kDirectory) {
    NodeEntry& node = Node(peer);
    node.registered = true;
    node.info.Clear();
    node.info.set_name(peer);
    node.info.set_parses(true);
    node.info.set_pages_dir_id(directory);
    node.info.set_pages_path("/pages");
    node.info.set_lineage(seen.lineage);
    node.info.set_incarnation(seen.incarnation);
    node.info.set_highest_commit(seen.commit);
    ASSERT_TRUE(desk_->OnRegister(node.info).ok());
    ASSERT_TRUE(desk_->Ask().ok());
  }
  // What a parser knows that has heard everything until now.
  Acknowledged All() const { return {db_->identity().lineage(), db_->incarnation(), db_->commit()}; }
  // From when on each request wants pages, as time since the epoch; in order.
  std::vector<absl::Time> Requests(const PeerId& peer) const {
    std::vector<absl::Time> from;
    for (const wire::Frame& frame : bus_.Of(peer, wire::Frame::kSubmitAgain)) {
      from.push_back(absl::FromUnixMicros(frame.submit_again().from_wall_us()));
    }
    return from;
  }
  void Over(const PeerId& peer, uint64_t recorded = 3, uint64_t unknown = 0) {
    wire::SubmitAgainOver over;
    over.set_recorded(recorded);
    over.set_unknown(unknown);
    ASSERT_TRUE(desk_->OnOver(peer, over).ok());
    ASSERT_TRUE(desk_->Ask().ok());
    gate_->Poke();
    pool_.RunAll();
  }

  std::unique_ptr<ResubmitDesk> desk_;
  int hosts_ = 0;
};

TEST_F(ResubmitDeskTest, AWholeReopenAsksNobody) {
  Register("p", {});
  Run(absl::Minutes(1), 3);
  Acknowledged seen = All();
  Open();
  Register("p", seen);
  EXPECT_THAT(Requests("p"), IsEmpty());
  EXPECT_THAT(observer_.notices, IsEmpty());
  EXPECT_FALSE(desk_->busy());
}

TEST_F(ResubmitDeskTest, ALostTailIsAskedForFromTheTimeItWasLastWhole) {
  Register("p", {});
  Run(absl::Hours(2), 3);
  const absl::Time last_known = clock_.WallNow();
  Acknowledged seen = All();
  seen.commit += 1;   // its sync was said to be done, and was not
  clock_.Advance(absl::Hours(5));
  Open();
  Register("p", seen);
  EXPECT_THAT(Requests("p"), ElementsAre(last_known - absl::Minutes(10)));
  ASSERT_THAT(observer_.notices, SizeIs(1));
  EXPECT_THAT(observer_.notices[0], HasSubstr("lost acknowledged writes"));
  EXPECT_TRUE(desk_->busy());
}

TEST_F(ResubmitDeskTest, NewCommitsDoNotHideIt) {
  Register("p", {});
  Run(absl::Hours(1), 3);
  Acknowledged seen = All();
  seen.commit += 1;
  Open();
  Run(absl::Hours(1), 30);
  Open();
  Run(absl::Hours(1), 30);
  Register("p", seen);
  EXPECT_THAT(Requests("p"), SizeIs(1));
}

TEST_F(ResubmitDeskTest, AParserThatWasAwayForOpeningsHasLostNothing) {
  Register("p", {});
  Run(absl::Hours(1), 3);
  Acknowledged seen = All();
  for (int i = 0; i < 3; ++i) {
    Open();
    Run(absl::Hours(1), 3);
  }
  Open();
  Register("p", seen);
  EXPECT_THAT(Requests("p"), IsEmpty());
}

TEST_F(ResubmitDeskTest, AParserThatRegistersAgainInOneOpeningHasLostNothing_Rule13) {
  Register("p", {});
  Run(absl::Hours(1), 3);
  Register("p", All());
  EXPECT_THAT(Requests("p"), IsEmpty());
  EXPECT_THAT(observer_.notices, IsEmpty());
}

class CopyPutBackTest : public ResubmitDeskTest {
 protected:
  // A copy is taken after the first opening; the crawl goes on with two more. To the desk that is as if all that came after
  // it were lost.
  void SetUp() override {
    ResubmitDeskTest::SetUp();
    Register("p", {});
    Run(absl::Hours(1), 3);
    copied_at_ = clock_.WallNow();
    for (int i = 0; i < 2; ++i) {
      Acknowledged before = All();
      Open();
      Register("p", before);
      Run(absl::Hours(1), 3, /*durable=*/false);
    }
    seen_ = All();
    disk_.CrashToSynced();
  }
  absl::Time copied_at_;
  Acknowledged seen_;
};

TEST_F(CopyPutBackTest, IsFoundByAnOpeningThatItDoesNotKnow) {
  Open();
  Register("p", seen_);
  EXPECT_THAT(Requests("p"), ElementsAre(copied_at_ - absl::Minutes(10)));
}

TEST_F(CopyPutBackTest, IsFoundLaterToo) {
  Open();
  Run(absl::Hours(1), 100);
  Open();
  Run(absl::Hours(1), 100);
  Register("p", seen_);
  EXPECT_THAT(Requests("p"), ElementsAre(copied_at_ - absl::Minutes(10)));
}

TEST_F(CopyPutBackTest, ADirectoryThatCameLaterSubmitsAll) {
  Open();
  Register("q", seen_, kDirectory + 1);
  EXPECT_THAT(Requests("q"), ElementsAre(absl::UnixEpoch()));
}

TEST_F(CopyPutBackTest, OneParserOfADirectoryIsAskedAndTheLossToldOfOnce) {
  Open();
  Register("p", seen_);
  Register("p2", seen_);
  EXPECT_THAT(Requests("p"), SizeIs(1));
  EXPECT_THAT(Requests("p2"), IsEmpty());
  EXPECT_THAT(observer_.notices, SizeIs(1));
}

TEST_F(CopyPutBackTest, AnotherOneIsAskedWhenThatOneGoes) {
  Open();
  Register("p", seen_);
  Register("p2", seen_);
  nodes_->Remove("p");
  EXPECT_FALSE(desk_->busy());
  ASSERT_TRUE(desk_->Ask().ok());
  EXPECT_THAT(Requests("p2"), SizeIs(1));
  EXPECT_TRUE(desk_->busy());
}

TEST_F(CopyPutBackTest, ACrashInBetweenAsksAgainFromTheSameTime) {
  Open();
  Register("p", seen_);
  ASSERT_TRUE(db_->Sync().ok());
  Acknowledged now = All();
  Run(absl::Hours(1), 3);
  bus_.sent.clear();
  Open();
  Register("p", now);   // it has heard of the new opening, and no more
  EXPECT_THAT(Requests("p"), ElementsAre(copied_at_ - absl::Minutes(10)));
}

TEST_F(CopyPutBackTest, WhatIsOverIsNotAskedForAgain) {
  Open();
  Register("p", seen_);
  Over("p");
  EXPECT_FALSE(desk_->busy());
  EXPECT_THAT(observer_.notices.back(), HasSubstr("3 pages were taken again from /pages"));
  Register("p2", seen_);   // the other parsers know of the same loss
  Acknowledged now = All();
  Open();
  Register("p", now);
  EXPECT_THAT(Requests("p"), SizeIs(1));
  EXPECT_THAT(Requests("p2"), IsEmpty());
}

TEST_F(CopyPutBackTest, WhatWasUnknownIsSubmittedAgainAfterAnotherDirectoryCameFurther) {
  Open();
  Register("p", seen_);
  Register("q", seen_, kDirectory + 1);
  Over("p", 3, /*unknown=*/2);
  EXPECT_THAT(Requests("p"), SizeIs(1));
  EXPECT_TRUE(desk_->busy()) << "the other still submits";
  Over("q", 5);
  EXPECT_THAT(Requests("p"), SizeIs(2));
  EXPECT_TRUE(desk_->busy());
  EXPECT_THAT(observer_.notices.back(), HasSubstr("5 pages were taken again"));
  Over("p", 2, /*unknown=*/1);
  EXPECT_THAT(Requests("p"), SizeIs(2));
  EXPECT_FALSE(desk_->busy());
  EXPECT_THAT(observer_.notices.back(), HasSubstr("5 pages were taken again")) << "3 and 2";
}

TEST_F(CopyPutBackTest, ADirectoryThatGoesDoesNotKeepTheOthersFromTheirEnd) {
  Open();
  Register("p", seen_);
  Register("q", seen_, kDirectory + 1);
  Over("p");
  EXPECT_THAT(observer_.notices.back(), Not(HasSubstr("were taken again")));
  nodes_->Remove("q");
  ASSERT_TRUE(desk_->Ask().ok());
  gate_->Poke();
  pool_.RunAll();
  EXPECT_THAT(observer_.notices.back(), HasSubstr("3 pages were taken again"));
}

TEST_F(CopyPutBackTest, NobodyWaitsForOneThatStandsStill) {
  Open();
  Register("p", seen_);
  clock_.Advance(absl::Seconds(9));
  EXPECT_TRUE(desk_->busy());
  desk_->Progress("p");
  clock_.Advance(absl::Seconds(9));
  EXPECT_TRUE(desk_->busy());
  clock_.Advance(absl::Seconds(2));
  EXPECT_FALSE(desk_->busy());
}

TEST_F(CopyPutBackTest, AnotherCopyPutBackLaterIsAnotherLoss) {
  Open();
  Register("p", seen_);
  Over("p");
  Run(absl::Hours(1), 3, /*durable=*/false);
  Acknowledged now = All();
  disk_.CrashToSynced();
  Open();
  Register("p", now);
  EXPECT_THAT(Requests("p"), SizeIs(2));
}

TEST_F(CopyPutBackTest, AnotherCrawlsPagesAreNotAskedFor) {
  Open();
  Acknowledged other = seen_;
  other.lineage += 1;
  Register("p", other);
  EXPECT_THAT(Requests("p"), IsEmpty());
}

TEST_F(CopyPutBackTest, AFetcherHasNothingToSubmit) {
  Open();
  wire::Register info;
  info.set_fetches(true);
  info.set_lineage(seen_.lineage);
  info.set_highest_commit(seen_.commit);
  ASSERT_TRUE(desk_->OnRegister(info).ok());
  EXPECT_THAT(observer_.notices, IsEmpty());
}

TEST_F(CopyPutBackTest, ASecondLossTakesNothingBackOfWhatTheFirstWants_Rule13) {
  Open();
  Register("p", seen_);
  ASSERT_TRUE(db_->Sync().ok());
  Run(absl::Hours(1), 3, /*durable=*/false);
  Acknowledged now = All();
  disk_.CrashToSynced();
  bus_.sent.clear();
  Open();
  Register("p", now);
  EXPECT_THAT(Requests("p"), ElementsAre(copied_at_ - absl::Minutes(10)));
}

TEST_F(CopyPutBackTest, WhoLeavesIsNotAsked_Rule13) {
  Open();
  Node("p").draining = true;
  Register("p", seen_);
  Register("p2", seen_);
  EXPECT_THAT(Requests("p"), IsEmpty());
  EXPECT_THAT(Requests("p2"), SizeIs(1));
}

}  // namespace
}  // namespace weft::test
