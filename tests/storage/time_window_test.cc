#include "storage/time_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "common/random.h"

namespace weft::test {
namespace {

using Window = TimeWindow<uint64_t>;
using Entry = Window::Entry;
using testing::ElementsAre;
using testing::IsEmpty;

// The family on disk, and how often it is read.
struct Disk {
  std::map<uint16_t, std::set<Entry>> shards;
  mutable int reads = 0;
  mutable size_t largest_read = 0;

  absl::StatusOr<std::vector<Entry>> operator()(uint16_t shard, const Entry& from, size_t limit) const {
    ++reads;
    std::vector<Entry> found;
    auto family = shards.find(shard);
    if (family == shards.end()) return found;
    for (auto it = family->second.lower_bound(from); it != family->second.end() && found.size() < limit; ++it) {
      found.push_back(*it);
    }
    largest_read = std::max(largest_read, found.size());
    return found;
  }
};

TEST(TimeWindow, TheFirstOfAllShardsComesFirst) {
  Disk disk;
  disk.shards[3] = {{20, 1}, {30, 2}};
  disk.shards[60] = {{10, 9}};
  Window window(4);
  auto first = window.First(disk);
  ASSERT_TRUE(first.ok() && *first);
  EXPECT_EQ((*first)->shard, 60);
  EXPECT_EQ((*first)->entry, (Entry{10, 9}));
}

TEST(TimeWindow, AnEmptyFamilyIsAskedForOnce) {
  Disk disk;
  Window window(4);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(*window.First(disk), std::nullopt);
  EXPECT_EQ(disk.reads, kShardCount);
}

TEST(TimeWindow, ThroughGivesWhatIsDueInOrder) {
  Disk disk;
  disk.shards[1] = {{5, 1}, {6, 2}, {7, 3}};
  Window window(4);
  EXPECT_THAT(*window.Through(1, 6, 10, disk), ElementsAre(Entry{5, 1}, Entry{6, 2}));
  EXPECT_THAT(*window.Through(1, 6, 1, disk), ElementsAre(Entry{5, 1}));
  EXPECT_THAT(*window.Through(1, 4, 10, disk), IsEmpty());
}

TEST(TimeWindow, AFailedReadIsToldAndTriedAgain) {
  bool broken = true;
  auto read = [&](uint16_t, const Entry&, size_t) -> absl::StatusOr<std::vector<Entry>> {
    if (broken) return absl::DataLossError("gone");
    return std::vector<Entry>{};
  };
  Window window(4);
  EXPECT_FALSE(window.First(read).ok());
  broken = false;
  EXPECT_TRUE(window.First(read).ok());
}

// Against a set that holds everything: whatever is inserted, erased and taken, the first is the same.
TEST(TimeWindow, AgreesWithASetThatHoldsAll) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    std::unique_ptr<Random> dice = SeededRandom(seed);
    Disk disk;
    for (uint64_t i = 0; i < dice->Below(60); ++i) disk.shards[static_cast<uint16_t>(dice->Below(3))].insert({dice->Below(50), i});
    Window window(1 + dice->Below(5));
    uint64_t next = 1000;
    for (int step = 0; step < 600; ++step) {
      const uint16_t shard = static_cast<uint16_t>(dice->Below(3));
      const uint64_t choice = dice->Below(3);
      if (choice == 0) {
        const Entry entry = {dice->Below(100), next++};
        disk.shards[shard].insert(entry);
        window.Insert(shard, entry);
      } else if (choice == 1 && !disk.shards[shard].empty()) {
        auto it = disk.shards[shard].begin();
        std::advance(it, static_cast<std::ptrdiff_t>(dice->Below(disk.shards[shard].size())));
        window.Erase(shard, *it);
        disk.shards[shard].erase(it);
      }
      std::optional<Entry> expected;
      for (const auto& [s, entries] : disk.shards) {
        if (!entries.empty()) expected = std::min(expected.value_or(*entries.begin()), *entries.begin());
      }
      auto first = window.First(disk);
      ASSERT_TRUE(first.ok());
      ASSERT_EQ(first->has_value(), expected.has_value()) << step;
      if (expected) {
        ASSERT_EQ((*first)->entry, *expected) << step;
      }
      ASSERT_LE(window.size(), 3u * 2 * 5 + 3);
    }
    EXPECT_LE(disk.largest_read, 6u);
  }
}

}  // namespace
}  // namespace weft::test
