#include "scheduler/link_scores.h"

#include <gtest/gtest.h>

#include "common/random.h"

namespace weft {
namespace {

constexpr uint16_t kShard = 7;

// All fall into one set.
Fingerprint InOneSet(uint64_t n) { return {n << 7, 5 + (n << 20)}; }

TEST(LinkScores, WhatIsAddedIsTheScoreUntilItIsTaken) {
  LinkScores scores;
  EXPECT_EQ(scores.ScoreOf({1, 1}), 0u);
  scores.Add({1, 1}, kShard, 30);
  scores.Add({1, 1}, kShard, 12);
  scores.Add({2, 2}, kShard, 5);
  EXPECT_EQ(scores.ScoreOf({1, 1}), 42u);
  EXPECT_EQ(scores.Take({1, 1}), 42u);
  EXPECT_EQ(scores.ScoreOf({1, 1}), 0u);
  EXPECT_EQ(scores.Take({1, 1}), 0u);
  EXPECT_EQ(scores.ScoreOf({2, 2}), 5u);
}

TEST(LinkScores, StepsBeginAtAQuarterOfAPageAndGrowByFour) {
  EXPECT_EQ(LinkScores::StepOf(0), 0);
  uint32_t from = kPageWorth / 4;
  for (int step = 1; step < LinkScores::kMostSteps; ++step, from *= 4) {
    EXPECT_EQ(LinkScores::StepOf(from - 1), step - 1);
    EXPECT_EQ(LinkScores::StepOf(from), step);
  }
  EXPECT_EQ(LinkScores::StepOf(LinkScores::kMostScore), LinkScores::kMostSteps);
}

TEST(LinkScores, AStepIsToldUntilItIsNotedAndThenTheNextOneIs) {
  LinkScores scores;
  const Fingerprint key{1, 1};
  EXPECT_EQ(scores.Add(key, kShard, kPageWorth / 4 - 1).step, 0);
  EXPECT_EQ(scores.Add(key, kShard, 1).step, 1);
  EXPECT_EQ(scores.Add(key, kShard, 1).step, 1) << "nobody has noted it";
  scores.NoteStep(key, 1);
  EXPECT_EQ(scores.Add(key, kShard, 1).step, 0);
  EXPECT_EQ(scores.Add(key, kShard, kPageWorth).step, 2);
  scores.NoteStep(key, LinkScores::kMostSteps);
  EXPECT_EQ(scores.Add(key, kShard, LinkScores::kMostScore).step, 0);
}

TEST(LinkScores, TheShardIsKnownOnceItWasTold) {
  LinkScores scores;
  const Fingerprint key{1, 1};
  EXPECT_EQ(scores.Add(key, LinkScores::kNoShard, kPageWorth).shard, LinkScores::kNoShard);
  EXPECT_EQ(scores.Add(key, kShard, 1).shard, kShard);
  EXPECT_EQ(scores.Add(key, LinkScores::kNoShard, 1).shard, kShard);
}

TEST(LinkScores, ScoresStopAtTheirMost) {
  LinkScores scores;
  for (int i = 0; i < 3; ++i) scores.Add({1, 1}, kShard, UINT32_MAX);
  EXPECT_EQ(scores.ScoreOf({1, 1}), LinkScores::kMostScore);
}

TEST(LinkScores, MemoryIsWhatWasGivenHoweverMuchComes) {
  LinkScores scores(64 * 1024);
  EXPECT_EQ(scores.bytes(), 64u * 1024);
  auto random = SeededRandom(4);
  for (int i = 0; i < 100'000; ++i) scores.Add({random->NextId(), random->NextId()}, kShard, 10);
  EXPECT_EQ(scores.bytes(), 64u * 1024);
  EXPECT_EQ(LinkScores(100 * 1024).bytes(), 64u * 1024) << "whole powers of two";
  EXPECT_EQ(LinkScores(0).bytes(), 64u);
}

TEST(LinkScores, InAFullSetTheLeastMakesRoom) {
  LinkScores scores;
  for (uint64_t n = 1; n <= 8; ++n) scores.Add(InOneSet(n), kShard, static_cast<uint32_t>(n == 3 ? 1 : 100 * n));
  scores.Add(InOneSet(9), kShard, 50);
  EXPECT_EQ(scores.ScoreOf(InOneSet(3)), 0u);
  for (uint64_t n : {1, 2, 4, 5, 6, 7, 8, 9}) EXPECT_GT(scores.ScoreOf(InOneSet(n)), 0u) << n;
  EXPECT_EQ(scores.Add(InOneSet(10), kShard, 1).step, 0) << "a newcomer has nothing of whose place it takes";
  EXPECT_EQ(scores.ScoreOf(InOneSet(9)), 0u);
  EXPECT_EQ(scores.ScoreOf(InOneSet(10)), 1u);
}

TEST(LinkScores, ScoresAgeByHalfOnceInSoManyAdditions) {
  LinkScores scores(4 * 64);   // four sets
  const Fingerprint old{9u << 7, 0};
  scores.Add(old, kShard, 1000);
  const auto round = [&scores] {
    for (uint32_t i = 0; i < 4 * LinkScores::kAdditionsPerSet; ++i) scores.Add({1u << 7, 1}, kShard, 1);
  };
  round();
  EXPECT_EQ(scores.ScoreOf(old), 500u);
  for (int i = 0; i < 10; ++i) round();
  EXPECT_EQ(scores.ScoreOf(old), 0u) << "and its slot is free";
}

TEST(LinkScores, UrlsAreToldApartByMoreThanTheirSet) {
  LinkScores scores;
  scores.Add({1u << 7, 5}, kShard, 10);
  EXPECT_EQ(scores.ScoreOf({2u << 7, 5}), 0u);
  EXPECT_EQ(scores.ScoreOf({1u << 7, 6}), 0u);
}

}  // namespace
}  // namespace weft
