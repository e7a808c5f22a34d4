#include "fetcher/body_budget.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "common/random.h"
#include "fetcher/download.h"

namespace weft {
namespace {

constexpr uint64_t kChunk = kMaxPayloadBytes;

TEST(BodyBudgetTest, ADownloadBeginsWithOneChunkReserved) {
  BodyBudget budget(3 * kChunk);
  EXPECT_TRUE(budget.CanBegin());
  budget.Begin(1);
  EXPECT_EQ(budget.used(), kChunk);
  budget.Begin(2);
  budget.Begin(3);
  EXPECT_FALSE(budget.CanBegin());
}

TEST(BodyBudgetTest, TheOldestAlwaysGrowsAndOthersPause_Rule26) {
  BodyBudget budget(2 * kChunk);
  budget.Begin(1);
  budget.Begin(2);
  EXPECT_FALSE(budget.Grow(2));
  EXPECT_TRUE(budget.Grow(1));
  EXPECT_TRUE(budget.Grow(1));
}

TEST(BodyBudgetTest, APausedOneGoesOnWhenThereIsRoomAndOnlyOnceNamed) {
  BodyBudget budget(3 * kChunk);
  budget.Begin(1);
  budget.Begin(2);
  budget.Begin(3);
  EXPECT_FALSE(budget.Grow(2));
  EXPECT_FALSE(budget.Grow(3));
  EXPECT_EQ(budget.Resumable(), 0u);
  budget.End(1, /*chunks=*/1, /*kept=*/0);
  EXPECT_EQ(budget.Resumable(), 2u);
  EXPECT_TRUE(budget.Grow(2));
  EXPECT_EQ(budget.Resumable(), 0u);   // 3 is neither oldest, nor is there room
}

TEST(BodyBudgetTest, WhenTheOldestEndsTheNextMayGoOnHoweverTightMemoryIs) {
  BodyBudget budget(2 * kChunk);
  budget.Begin(1);
  budget.Begin(2);
  ASSERT_TRUE(budget.Grow(1));
  ASSERT_TRUE(budget.Grow(1));
  EXPECT_FALSE(budget.Grow(2));
  budget.End(1, 3, /*kept=*/3 * kChunk);
  EXPECT_GT(budget.used(), budget.limit());
  EXPECT_EQ(budget.Resumable(), 2u);
  EXPECT_TRUE(budget.Grow(2));
}

TEST(BodyBudgetTest, WhatIsKeptStaysUsedUntilItsRelease) {
  BodyBudget budget(2 * kChunk);
  budget.Begin(1);
  ASSERT_TRUE(budget.Grow(1));
  budget.End(1, 2, /*kept=*/kChunk + 5);
  EXPECT_EQ(budget.used(), kChunk + 5);
  budget.Release(kChunk + 5);
  EXPECT_EQ(budget.used(), 0u);
}

TEST(BodyBudgetTest, OneDownloadMayAlwaysBeginWhenNoneRuns) {
  BodyBudget budget(kChunk);
  budget.Begin(1);
  budget.End(1, 1, kChunk);
  EXPECT_TRUE(budget.CanBegin());
  budget.Begin(2);
  EXPECT_FALSE(budget.CanBegin());
}

TEST(BodyBudgetTest, ReleasingTooMuchDoesNotWrapAround) {
  BodyBudget budget(kChunk);
  budget.Release(100);
  EXPECT_EQ(budget.used(), 0u);
}

class DownloadTest : public testing::Test {
 protected:
  std::unique_ptr<Download> Begin(uint64_t id) {
    return std::make_unique<Download>(id, budget_, [this](Download& d, FetchResult) {
      chunks_ = d.TakeChunks();
      total_ = d.total();
    });
  }
  std::string Body() const {
    std::string all;
    for (const Payload& chunk : chunks_) all += *chunk;
    return all;
  }

  BodyBudget budget_{4 * kChunk};
  std::vector<Payload> chunks_;
  uint64_t total_ = 0;
};

TEST_F(DownloadTest, ABodyComesOutAsItCameInInChunksOfAtMostOnePayload) {
  auto random = SeededRandom(11);
  std::string sent;
  auto download = Begin(1);
  while (sent.size() < 3 * kChunk) {
    std::string piece(random->Below(16 * 1024), static_cast<char>('a' + random->Below(26)));
    ASSERT_EQ(download->OnBody(piece), FetchSink::Next::kContinue);
    sent += piece;
  }
  download->OnEnd({});
  EXPECT_EQ(Body(), sent);
  EXPECT_EQ(total_, sent.size());
  for (const Payload& chunk : chunks_) EXPECT_LE(chunk->size(), kChunk);
  download->Settle(0);
  EXPECT_EQ(budget_.used(), 0u);
}

TEST_F(DownloadTest, APauseTakesNothing) {
  budget_ = BodyBudget(2 * kChunk);
  auto oldest = Begin(1);
  auto download = Begin(2);
  std::string piece(16 * 1024, 'x');
  uint64_t taken = 0;
  while (download->OnBody(piece) == FetchSink::Next::kContinue) taken += piece.size();
  EXPECT_EQ(taken, kChunk);
  oldest->Settle(0);
  EXPECT_EQ(budget_.Resumable(), 2u);
  EXPECT_EQ(download->OnBody(piece), FetchSink::Next::kContinue);   // the same bytes again
  download->OnEnd({});
  EXPECT_EQ(total_, taken + piece.size());
  download->Settle(0);
  EXPECT_EQ(budget_.used(), 0u);
}

TEST_F(DownloadTest, AnEmptyBodyHasNoChunks) {
  auto download = Begin(1);
  download->OnEnd({});
  EXPECT_TRUE(chunks_.empty());
  download->Settle(0);
  EXPECT_EQ(budget_.used(), 0u);
}

// Whatever the order of events: somebody can always go on, and nothing leaks.
TEST(BodyBudgetTest, RandomDownloadsAllEndAndLeaveNothing) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto random = SeededRandom(seed);
    BodyBudget budget((1 + random->Below(6)) * kChunk);
    struct One {
      uint64_t reserved = 1;
      uint64_t wanted = 1;
      bool paused = false;
    };
    std::map<uint64_t, One> running;
    std::deque<uint64_t> kept;
    uint64_t next = 1;
    uint64_t ended = 0;
    for (int step = 0; step < 5000 && ended < 200; ++step) {
      if (next <= 200 && budget.CanBegin()) {
        running[next].wanted = 1 + random->Below(8);
        budget.Begin(next++);
      }
      for (uint64_t id = budget.Resumable(); id != 0; id = budget.Resumable()) {
        ASSERT_TRUE(running.contains(id));
        running[id].paused = false;
        if (budget.Grow(id)) {
          ++running[id].reserved;
        } else {
          running[id].paused = true;
          break;
        }
      }
      std::vector<uint64_t> ids;
      for (const auto& [id, one] : running) {
        if (!one.paused) ids.push_back(id);
      }
      if (ids.empty() && running.empty()) continue;
      ASSERT_FALSE(ids.empty()) << "all are paused";
      uint64_t id = ids[random->Below(ids.size())];
      One& one = running[id];
      if (one.reserved < one.wanted) {
        if (budget.Grow(id)) {
          ++one.reserved;
        } else {
          one.paused = true;
        }
        continue;
      }
      uint64_t bytes = one.reserved * kChunk - random->Below(kChunk);
      budget.End(id, one.reserved, bytes);
      kept.push_back(bytes);
      running.erase(id);
      ++ended;
      if (kept.size() > random->Below(4)) {
        budget.Release(kept.front());
        kept.pop_front();
      }
    }
    EXPECT_EQ(ended, 200u);
    for (uint64_t bytes : kept) budget.Release(bytes);
    EXPECT_EQ(budget.used(), 0u);
  }
}

}  // namespace
}  // namespace weft
