#include "storage/recrawl_interval.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

const RecrawlTerms kTerms{100, 1000, std::nullopt};

TEST(RecrawlInterval, BeginsAtTheShortest) { EXPECT_EQ(NextRecrawlInterval(0, Visit::kFirst, kTerms), 100u); }

TEST(RecrawlInterval, AChangeHalvesIt) {
  EXPECT_EQ(NextRecrawlInterval(800, Visit::kChanged, kTerms), 400u);
  EXPECT_EQ(NextRecrawlInterval(150, Visit::kChanged, kTerms), 100u);
}

TEST(RecrawlInterval, NoChangeMakesItHalfAsLongAgain) {
  EXPECT_EQ(NextRecrawlInterval(200, Visit::kUnchanged, kTerms), 300u);
  EXPECT_EQ(NextRecrawlInterval(900, Visit::kUnchanged, kTerms), 1000u);
}

TEST(RecrawlInterval, AMissedVisitDoublesIt) {
  EXPECT_EQ(NextRecrawlInterval(200, Visit::kMissed, kTerms), 400u);
  EXPECT_EQ(NextRecrawlInterval(1000, Visit::kMissed, kTerms), 1000u);
}

TEST(RecrawlInterval, WithoutOneItCountsFromTheShortest) {
  EXPECT_EQ(NextRecrawlInterval(0, Visit::kUnchanged, kTerms), 150u);
  EXPECT_EQ(NextRecrawlInterval(0, Visit::kChanged, kTerms), 100u);
}

TEST(RecrawlInterval, BoundsThatMovedHoldAtOnce) {
  EXPECT_EQ(NextRecrawlInterval(1'000'000, Visit::kUnchanged, kTerms), 1000u);
  EXPECT_EQ(NextRecrawlInterval(1'000'000, Visit::kChanged, kTerms), 500u);
  EXPECT_EQ(NextRecrawlInterval(5, Visit::kUnchanged, kTerms), 150u);
}

TEST(RecrawlInterval, StaysWithinItsBoundsWhateverHappens) {
  for (uint64_t before : {uint64_t{0}, uint64_t{1}, uint64_t{999}, UINT64_MAX}) {
    for (Visit visit : {Visit::kFirst, Visit::kChanged, Visit::kUnchanged, Visit::kMissed}) {
      const uint64_t next = NextRecrawlInterval(before, visit, kTerms);
      EXPECT_GE(next, 100u);
      EXPECT_LE(next, 1000u);
    }
  }
}

TEST(RecrawlInterval, BoundsThatCrossAreTheShortest) {
  EXPECT_EQ(NextRecrawlInterval(500, Visit::kUnchanged, {100, 50, std::nullopt}), 100u);
}

TEST(RecrawlInterval, FixedTimesBeatIt) {
  EXPECT_EQ(RecrawlWait(500, kTerms), 500u);
  EXPECT_EQ(RecrawlWait(500, {100, 1000, 7}), 7u);
  EXPECT_EQ(RecrawlWait(500, {100, 1000, 0}), 0u);
}

}  // namespace
}  // namespace weft
