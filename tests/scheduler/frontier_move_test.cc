// URLs that move ahead in their queue (--order popular) while the frontier hands it out.
#include "scheduler/frontier.h"

#include "tests/storage/crawl_db_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = AttemptEnd::Kind;

class FrontierMove : public CrawlDbTest {
 protected:
  void SetUp() override {
    CrawlDbTest::SetUp();
    db_->SetPopular(true);
    frontier_ = std::make_unique<Frontier>(*db_);
  }
  void TearDown() override {
    frontier_.reset();
    CrawlDbTest::TearDown();
  }
  static std::string U(int i) { return fmt::format("https://a.example/{:03}", i); }
  void AdmitSome(int count) {
    for (int i = 0; i < count; ++i) Admit(U(i));
    frontier_->TakeInserts();
  }
  // Takes from the host, if it is ready, and notes it as out.
  std::vector<std::string> TakeSome(size_t limit) {
    std::vector<std::string> urls;
    FrontierHost* host = frontier_->NextReady(0);
    if (host == nullptr) return urls;
    auto origin = frontier_->PickOrigin(*host, 0);
    EXPECT_TRUE(origin.ok()) << origin.status();
    if (!origin.ok() || *origin == nullptr) return urls;
    auto taken = frontier_->Take(*host, **origin, limit);
    EXPECT_TRUE(taken.ok()) << taken.status();
    for (QueuedUrl& url : *taken) {
      urls.push_back(url.record.url);
      OutUrl out;
      out.host_id = host->id;
      out.shard = host->shard;
      out.origin = (*origin)->origin;
      out.position = url.position;
      frontier_->MarkOut(url.key, out);
    }
    return urls;
  }
  // As the scheduler does: nothing that is out.
  void MoveUp(const std::string& url, int step) {
    const Candidate c = MakeCandidate(url);
    ASSERT_EQ(frontier_->FindOut(c.key), nullptr);
    const Preference wanted{c.key, c.shard, step};
    auto answers = db_->Prefer({&wanted, 1}, 0);
    ASSERT_TRUE(answers.ok());
    Preferred& answer = answers->front();
    if (answer.kind == Preferred::Kind::kMoved) frontier_->MoveUp(answer.host_id, answer.origin, std::move(answer.url));
  }
  void Done(const std::string& url) {
    Commit(End(url, Kind::kDone));
    frontier_->Forget(MakeCandidate(url).key);
  }
  // As a lease's end does.
  void PutHeads() {
    HostState state = *Host("a.example");
    frontier_->FillHeads(state);
    ASSERT_TRUE(db_->PutPoliteness(state, 0).ok());
  }

  std::unique_ptr<Frontier> frontier_;
};

TEST_F(FrontierMove, WhatMovesIsHandedOutNext) {
  AdmitSome(6);
  EXPECT_THAT(TakeSome(2), ElementsAre(U(0), U(1)));
  MoveUp(U(4), 1);
  EXPECT_THAT(TakeSome(2), ElementsAre(U(4), U(2)));
  EXPECT_THAT(TakeSome(9), ElementsAre(U(3), U(5)));
}

TEST_F(FrontierMove, MoreStepsGoFirstAndNothingGoesTwice) {
  AdmitSome(6);
  TakeSome(1);
  MoveUp(U(5), 1);
  MoveUp(U(3), 2);
  MoveUp(U(5), 3);
  EXPECT_THAT(TakeSome(9), ElementsAre(U(5), U(3), U(1), U(2), U(4)));
  EXPECT_THAT(TakeSome(9), IsEmpty());
}

TEST_F(FrontierMove, AHostThatIsNotInMemoryFindsItInTheStore) {
  AdmitSome(3);
  MoveUp(U(2), 1);
  EXPECT_THAT(TakeSome(9), ElementsAre(U(2), U(0), U(1)));
}

TEST_F(FrontierMove, WhatHasMovedBehindTheHandOutIsNotReadPastAgain) {
  for (int i = 0; i < 200; ++i) Admit(U(i));
  frontier_->TakeInserts();
  for (const std::string& url : TakeSome(100)) Done(url);
  const FrontierOrigin& origin = frontier_->Find(Host("a.example")->id)->origins.front();
  const uint64_t cursor = origin.cursor;
  MoveUp(U(150), 1);
  EXPECT_EQ(origin.cursor, cursor);
  EXPECT_THAT(TakeSome(2), ElementsAre(U(150), U(100)));
}

TEST_F(FrontierMove, AQueueThatSeemedEmptyIsReadyAgain) {
  AdmitSome(2);
  TakeSome(9);
  EXPECT_THAT(TakeSome(9), IsEmpty());
  frontier_->Return(MakeCandidate(U(1)).key);
  MoveUp(U(1), 1);
  EXPECT_THAT(TakeSome(9), ElementsAre(U(1)));
}

TEST_F(FrontierMove, WhatIsReadAgainKeepsWhatHasMoved) {
  AdmitSome(6);
  TakeSome(3);
  MoveUp(U(5), 1);
  frontier_->ReadAgain(Host("a.example")->id, "https://a.example");
  EXPECT_THAT(TakeSome(9), ElementsAre(U(5), U(3), U(4)));
}

TEST_F(FrontierMove, AnInsertBetweenKeepsWhatHasMoved) {
  AdmitSome(6);
  TakeSome(3);
  MoveUp(U(5), 1);
  Admit(U(7), 0);
  frontier_->TakeInserts();
  EXPECT_THAT(TakeSome(9), ElementsAre(U(5), U(7), U(3), U(4)));
}

TEST_F(FrontierMove, AReturnedOneKeepsWhatHasMoved) {
  AdmitSome(6);
  TakeSome(3);
  MoveUp(U(5), 1);
  frontier_->Return(MakeCandidate(U(0)).key);
  EXPECT_THAT(TakeSome(9), ElementsAre(U(5), U(0), U(3), U(4)));
}

TEST_F(FrontierMove, AHeadIsNotRaisedOverWhatHasMoved_Rule6) {
  AdmitSome(6);
  for (const std::string& url : TakeSome(3)) Done(url);
  MoveUp(U(5), 1);
  PutHeads();
  frontier_ = std::make_unique<Frontier>(*db_);
  frontier_->Load(0);
  EXPECT_THAT(TakeSome(9), ElementsAre(U(5), U(3), U(4)));
}

TEST_F(FrontierMove, ManyMovesAreBoundedInMemoryAndLoseNothing) {
  constexpr int kCount = 1500;
  for (int i = 0; i < kCount; ++i) Admit(U(i));
  frontier_->TakeInserts();
  std::set<std::string> seen;
  for (const std::string& url : TakeSome(10)) seen.insert(url);
  const FrontierOrigin& origin = frontier_->Find(Host("a.example")->id)->origins.front();
  size_t most = 0;
  for (int i = 10; i < kCount; ++i) {
    MoveUp(U(i), 1);
    most = std::max(most, origin.window.size());
  }
  EXPECT_LE(most, 1025u);
  for (int round = 0; round < 400; ++round) {
    for (const std::string& url : TakeSome(10)) EXPECT_TRUE(seen.insert(url).second) << url;
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(kCount));
}

// Moves, inserts, hand-outs, ends, returns and restarts in any order: everything is handed out until it has ended, and
// nothing that is out is handed out again.
TEST_F(FrontierMove, WhateverHappensEachIsHandedOutUntilItEnds) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    auto random = SeededRandom(seed);
    std::set<std::string> waiting, out;
    int next = static_cast<int>(seed) * 1000;
    const auto any = [&random](const std::set<std::string>& of) {
      return *std::next(of.begin(), static_cast<std::ptrdiff_t>(random->Below(of.size())));
    };
    const auto step = [&](uint64_t what) {
      if (what < 25) {
        const std::string url = U(next++);
        Admit(url, static_cast<uint32_t>(random->Below(4)));
        waiting.insert(url);
        frontier_->TakeInserts();
      } else if (what < 50 && !waiting.empty()) {
        MoveUp(any(waiting), 1 + static_cast<int>(random->Below(4)));
      } else if (what < 70) {
        for (const std::string& url : TakeSome(1 + random->Below(4))) {
          EXPECT_EQ(waiting.erase(url), 1u) << url << " is out already";
          out.insert(url);
        }
      } else if (what < 80 && !out.empty()) {
        const std::string url = any(out);
        Done(url);
        out.erase(url);
      } else if (what < 92 && !out.empty()) {
        const std::string url = any(out);
        frontier_->Return(MakeCandidate(url).key);
        out.erase(url);
        waiting.insert(url);
      } else if (what < 96 && Host("a.example") != nullptr) {
        PutHeads();
      } else if (what < 98 && Host("a.example") != nullptr) {
        frontier_->ReadAgain(Host("a.example")->id, "https://a.example");
      } else if (what == 99) {
        frontier_ = std::make_unique<Frontier>(*db_);
        frontier_->Load(0);
        waiting.insert(out.begin(), out.end());
        out.clear();
      }
    };
    for (int i = 0; i < 1500; ++i) step(random->Below(100));
    for (int i = 0; i < 1000 && !(waiting.empty() && out.empty()); ++i) {
      step(60);
      while (!out.empty()) step(75);
    }
    EXPECT_THAT(waiting, IsEmpty());
    EXPECT_EQ(db_->ledger().pending, 0u);
    frontier_ = std::make_unique<Frontier>(*db_);
    frontier_->Load(0);
  }
  CheckPlaces();
}

}  // namespace
}  // namespace weft::test
