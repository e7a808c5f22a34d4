#include "storage/line_sorter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/random.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> All(LineSource& lines) {
  std::vector<std::string> all;
  std::string_view line;
  while (true) {
    const auto there = lines.Next(line);
    EXPECT_TRUE(there.ok()) << there.status();
    if (!there.ok() || !*there) return all;
    all.emplace_back(line);
  }
}

std::unique_ptr<LineSource> Lines(std::string text) { return FileLines(std::make_unique<MemorySource>(std::move(text))); }

TEST(FileLines, LinesOfEveryLength) {
  const std::string longest(300'000, 'x');
  EXPECT_THAT(All(*Lines("a\n\nbc\n" + longest + "\nd\n")), ElementsAre("a", "", "bc", longest, "d"));
  EXPECT_THAT(All(*Lines("")), IsEmpty());
}

TEST(FileLines, ALineWithoutAnEndIsDataLoss) {
  const auto lines = Lines("a\nb");
  std::string_view line;
  ASSERT_TRUE(*lines->Next(line));
  EXPECT_TRUE(absl::IsDataLoss(lines->Next(line).status()));
}

TEST(MergedLines, EachOfEqualOnesOnce) {
  std::vector<std::unique_ptr<LineSource>> sources;
  sources.push_back(Lines("a\nc\nc\n"));
  sources.push_back(Lines(""));
  sources.push_back(Lines("a\nb\nd\n"));
  EXPECT_THAT(All(*MergedLines(std::move(sources))), ElementsAre("a", "b", "c", "d"));
}

TEST(LineSorter, SortsByBytesAcrossRunsAndMerges) {
  constexpr uint64_t kSeed = 20260105;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (const uint64_t memory : {1ull << 30, 5000ull, 200ull}) {
    TempDirectory directory;
    LineSorter sorter({.directory = directory.path(), .memory_bytes = memory, .most_runs = 4});
    const auto random = SeededRandom(kSeed);
    std::set<std::string> want;  // std::string compares as bytes do
    for (int i = 0; i < 2000; ++i) {
      std::string line(random->Below(12), ' ');
      for (char& c : line) c = static_cast<char>(random->Below(255) + 11);  // no line end
      want.insert(line);
      ASSERT_TRUE(sorter.Add(line).ok());
    }
    const auto sorted = sorter.Finish();
    ASSERT_TRUE(sorted.ok()) << sorted.status();
    EXPECT_EQ(All(**sorted), std::vector<std::string>(want.begin(), want.end())) << memory;
    EXPECT_THAT(directory.Names(), IsEmpty()) << "its files have no names";
  }
}

TEST(LineSorter, AnErrorOfItsDirectoryIsTold) {
  LineSorter sorter({.directory = "/nonexistent", .memory_bytes = 10});
  EXPECT_FALSE(sorter.Add("a line that does not fit").ok());
}

}  // namespace
}  // namespace weft
