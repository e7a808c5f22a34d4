#include "storage/seen_urls.h"

#include <absl/container/flat_hash_map.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "common/random.h"

namespace weft::test {
namespace {

using Kind = SeenAnswer::Kind;

constexpr uint64_t kMiB = 1 << 20;

Fingerprint KeyOf(uint64_t number) {
  static const Fingerprinter fingerprinter(99);
  return fingerprinter.Of(std::to_string(number));
}

std::unique_ptr<SeenUrls> NewSet(uint64_t memory) { return SeenUrls::Create(memory).value(); }

std::vector<std::string> Saved(const SeenUrls& set) {
  std::vector<std::string> segments(set.segments());
  for (size_t i = 0; i < segments.size(); ++i) set.SaveSegment(i, segments[i]);
  return segments;
}

TEST(SeenNote, LinkThatIsAsDeepOrDeeperChangesNothing) {
  const SeenNote note = SeenNote::NearestDepth(3);
  EXPECT_FALSE(note.LinkChangesNothing(2));
  EXPECT_TRUE(note.LinkChangesNothing(3));
  EXPECT_TRUE(note.LinkChangesNothing(UINT32_MAX - 3));
  EXPECT_TRUE(SeenNote::NearestDepth(0).LinkChangesNothing(0));
  EXPECT_TRUE(SeenNote::NearestDepth(60).LinkChangesNothing(60));
}

TEST(SeenNote, DepthBeyondWhatItHoldsAsksTheRecord) {
  for (uint32_t depth : {61u, 62u, 63u, 255u, UINT32_MAX}) {
    EXPECT_EQ(SeenNote::NearestDepth(depth), SeenNote::Ask()) << depth;
    EXPECT_FALSE(SeenNote::NearestDepth(depth).settled()) << depth;
  }
  EXPECT_FALSE(SeenNote::Ask().LinkChangesNothing(UINT32_MAX));
}

TEST(SeenNote, BitsThatAreNoNoteAskTheRecord) {
  for (int bits : {0, 1, 64, 128, 255}) EXPECT_EQ(SeenNote::FromBits(static_cast<uint8_t>(bits)), SeenNote::Ask());
}

TEST(SeenUrls, KeysThatDifferInAnyKeptBitAreTwo) {
  auto set = NewSet(kMiB);
  const Fingerprint key = KeyOf(1);
  set->Put(key, SeenNote::Settled());
  for (int bit = 0; bit < 96; ++bit) {
    Fingerprint other = key;
    (bit < 64 ? other.lo : other.hi) ^= uint64_t{1} << (bit % 64);
    EXPECT_EQ(set->Check(other).kind, Kind::kNew) << bit;
  }
}

TEST(SeenUrls, ZeroFingerprintIsNotThereUntilItIsPut) {
  auto set = NewSet(kMiB);
  EXPECT_EQ(set->Check(Fingerprint{}).kind, Kind::kNew);
  set->Put(Fingerprint{}, SeenNote::Ask());
  EXPECT_EQ(set->Check(Fingerprint{}).kind, Kind::kKnown);
}

// Against a map, over growth from one segment to many, with notes that change; `memory` decides how far it stays exact.
void AgreesWithAMap(uint64_t seed, uint64_t memory, uint64_t keys, bool complete) {
  SCOPED_TRACE(testing::Message() << "seed " << seed << ", memory " << memory);
  auto random = SeededRandom(seed);
  auto set = NewSet(memory);
  absl::flat_hash_map<Fingerprint, SeenNote> model;
  uint64_t maybe_new = 0;
  uint64_t asked_new = 0;
  for (uint64_t step = 0; step < keys * 2; ++step) {
    const Fingerprint key = KeyOf(seed << 32 | random->Below(keys));
    const SeenAnswer answer = set->Check(key);
    auto known = model.find(key);
    if (known != model.end()) {
      ASSERT_NE(answer.kind, Kind::kNew) << "step " << step;
      if (complete) {
        ASSERT_EQ(answer.kind, Kind::kKnown) << "step " << step;
      }
      if (answer.kind == Kind::kKnown) {
        ASSERT_EQ(answer.note, known->second) << "step " << step;
      }
    } else {
      ASSERT_NE(answer.kind, Kind::kKnown) << "step " << step;
      ++asked_new;
      maybe_new += answer.kind == Kind::kMaybe ? 1 : 0;
    }
    const SeenNote note = SeenNote::FromBits(static_cast<uint8_t>(1 + random->Below(63)));
    set->Put(key, note);
    model.insert_or_assign(key, note);
  }
  EXPECT_EQ(set->complete(), complete);
  if (complete) {
    EXPECT_EQ(set->size(), model.size());
    EXPECT_EQ(maybe_new, 0u);
  }
  EXPECT_LE(set->memory_bytes(), std::max(memory, SeenUrls::kLeastMemory) * 3);  // with what growing borrows
  EXPECT_LT(maybe_new, asked_new / 2) << "the filter answers nothing";
}

TEST(SeenUrls, AgreesWithAMapWhileItGrowsInOneSegment) { AgreesWithAMap(1, kMiB, 30'000, true); }
TEST(SeenUrls, AgreesWithAMapWhenItSpreadsOverSegments) { AgreesWithAMap(2, 16 * kMiB, 150'000, true); }
TEST(SeenUrls, AgreesWithAMapOverManySmallSets) {
  for (uint64_t seed = 10; seed < 40 && !testing::Test::HasFailure(); ++seed) AgreesWithAMap(seed, kMiB, 1 + seed * 7, true);
}
TEST(SeenUrls, KnowsNothingItWasNotToldWhenItsBudgetIsUsedUp) { AgreesWithAMap(3, 64 << 10, 12'000, false); }
TEST(SeenUrls, KnowsNothingItWasNotToldWhenTheBudgetOfManySegmentsIsUsedUp) { AgreesWithAMap(4, 6 * kMiB, 450'000, false); }

TEST(SeenUrls, BatchAnswersAsOneByOne) {
  for (uint64_t memory : {uint64_t{64} << 10, 16 * kMiB}) {
    auto set = NewSet(memory);
    for (uint64_t i = 0; i < 20'000; ++i) set->Put(KeyOf(i * 2), SeenNote::NearestDepth(static_cast<uint32_t>(i % 50)));
    std::vector<Fingerprint> keys;
    for (uint64_t i = 0; i < 1000; ++i) keys.push_back(KeyOf(i));
    std::vector<SeenAnswer> answers(keys.size());
    // Of a set that is full checks move entries about, but no answer changes.
    set->Check(keys, answers);
    for (size_t i = 0; i < keys.size(); ++i) {
      EXPECT_EQ(answers[i].kind, set->Check(keys[i]).kind) << i;
      EXPECT_EQ(answers[i].note, set->Check(keys[i]).note) << i;
    }
  }
}

TEST(SeenUrls, HoldsAUrlInSeventeenBytesOnAverage) {
  auto set = NewSet(64 * kMiB);
  double worst = 0;
  double sum = 0;
  int samples = 0;
  for (uint64_t i = 1; i <= 600'000; ++i) {
    set->Put(KeyOf(i), SeenNote::Ask());
    if (i < 300'000 || i % 20'000 != 0) continue;
    const double bytes = static_cast<double>(set->memory_bytes()) / static_cast<double>(i);
    worst = std::max(worst, bytes);
    sum += bytes;
    ++samples;
  }
  EXPECT_LT(sum / samples, 17.5);
  EXPECT_LT(worst, 19.0);
}

TEST(SeenUrls, FilterIsSeldomWrongWhenItHoldsFourTimesTheTable) {
  auto set = NewSet(kMiB);
  uint64_t keys = 0;
  while (set->complete()) set->Put(KeyOf(keys++), SeenNote::Ask());
  for (const uint64_t all = keys * 4; keys < all; ++keys) set->Put(KeyOf(keys), SeenNote::Ask());
  int maybe = 0;
  for (uint64_t i = 0; i < 20'000; ++i) maybe += set->Check(KeyOf((uint64_t{1} << 40) + i)).kind != Kind::kNew ? 1 : 0;
  EXPECT_LT(maybe, 600);
}

TEST(SeenUrls, FullSetKeepsWhatIsAskedForOften) {
  auto set = NewSet(64 << 10);
  const Fingerprint popular = KeyOf(1u << 30);
  set->Put(popular, SeenNote::Settled());
  for (uint64_t i = 0; i < 50'000; ++i) {
    set->Put(KeyOf(i), SeenNote::Ask());
    if (i % 50 == 0 && set->Check(popular).kind == Kind::kMaybe) set->Put(popular, SeenNote::Settled());
  }
  ASSERT_FALSE(set->complete());
  int known = 0;
  for (uint64_t i = 50'000; i < 60'000; ++i) {
    set->Put(KeyOf(i), SeenNote::Ask());
    if (i % 50 == 0) known += set->Check(popular).kind == Kind::kKnown ? 1 : 0;
  }
  EXPECT_GT(known, 190) << "of 200";
}

TEST(SeenUrls, SavedSegmentsGiveTheSameSetUnderAnyBudgetThatHoldsIt) {
  for (uint64_t keys : {0u, 10u, 5'000u, 120'000u}) {
    auto set = NewSet(16 * kMiB);
    for (uint64_t i = 0; i < keys; ++i) set->Put(KeyOf(i), SeenNote::NearestDepth(static_cast<uint32_t>(i % 60)));
    for (uint64_t memory : {6 * kMiB, 16 * kMiB, 100 * kMiB}) {
      auto loaded = NewSet(memory);
      loaded->Reserve(set->size());
      for (const std::string& segment : Saved(*set)) ASSERT_TRUE(loaded->LoadSegment(segment).ok());
      EXPECT_EQ(loaded->size(), keys);
      EXPECT_TRUE(loaded->complete());
      for (uint64_t i = 0; i < keys; ++i) {
        const SeenAnswer answer = loaded->Check(KeyOf(i));
        ASSERT_EQ(answer.kind, Kind::kKnown);
        ASSERT_EQ(answer.note, SeenNote::NearestDepth(static_cast<uint32_t>(i % 60)));
      }
    }
  }
}

TEST(SeenUrls, SavedSetThatIsLargerThanTheBudgetBecomesAFilter) {
  auto set = NewSet(16 * kMiB);
  for (uint64_t i = 0; i < 100'000; ++i) set->Put(KeyOf(i), SeenNote::Ask());
  auto loaded = NewSet(64 << 10);
  for (const std::string& segment : Saved(*set)) ASSERT_TRUE(loaded->LoadSegment(segment).ok());
  EXPECT_FALSE(loaded->complete());
  for (uint64_t i = 0; i < 100'000; ++i) ASSERT_NE(loaded->Check(KeyOf(i)).kind, Kind::kNew);
}

TEST(SeenUrls, FullSetIsSavedWithItsFilterForTheSameBudgetAlone) {
  for (const auto& [memory, keys] : {std::pair{uint64_t{64} << 10, 20'000u}, std::pair{6 * kMiB, 450'000u}}) {
    auto set = NewSet(memory);
    for (uint64_t i = 0; i < keys; ++i) set->Put(KeyOf(i), SeenNote::Ask());
    ASSERT_FALSE(set->complete());
    const std::vector<std::string> saved = Saved(*set);
    auto loaded = NewSet(memory);
    loaded->Reserve(set->size());
    for (const std::string& segment : saved) ASSERT_TRUE(loaded->LoadSegment(segment).ok());
    for (uint64_t i = 0; i < keys; ++i) ASSERT_NE(loaded->Check(KeyOf(i)).kind, Kind::kNew);
    auto other = NewSet(memory * 2);
    EXPECT_EQ(other->LoadSegment(saved[0]).code(), absl::StatusCode::kFailedPrecondition);
  }
}

TEST(SeenUrls, SegmentThatIsCutShortAnywhereIsDataLoss) {
  auto set = NewSet(kMiB);
  for (uint64_t i = 0; i < 20; ++i) set->Put(KeyOf(i), SeenNote::Ask());
  const std::string whole = Saved(*set)[0];
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(NewSet(kMiB)->LoadSegment(whole.substr(0, size)).code(), absl::StatusCode::kDataLoss) << size;
  }
}

}  // namespace
}  // namespace weft::test
