#include "cli/line_splitter.h"

#include <gmock/gmock.h>

#include <vector>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kLongest = 5;

// The lines of `text`, fed `step` bytes at a time; "(too long)" for one that was passed over.
std::vector<std::string> Split(std::string_view text, size_t step) {
  std::vector<std::string> lines;
  const auto on_line = [&](std::optional<std::string_view> line) {
    lines.emplace_back(line ? *line : std::string_view("(too long)"));
  };
  LineSplitter splitter(kLongest);
  for (size_t at = 0; at < text.size(); at += step) splitter.Feed(text.substr(at, step), on_line);
  splitter.Finish(on_line);
  return lines;
}

TEST(LineSplitter, GivesTheSameLinesHoweverTheBytesCome) {
  for (size_t step = 1; step < 20; ++step) {
    EXPECT_THAT(Split("a\n\nbcd\nx", step), ElementsAre("a", "", "bcd", "x")) << step;
  }
}

TEST(LineSplitter, ALineAtTheLimitIsGivenAndALongerOnePassedOver) {
  for (size_t step = 1; step < 20; ++step) {
    EXPECT_THAT(Split("12345\n123456\n1\n1234567890123\n12345", step),
                ElementsAre("12345", "(too long)", "1", "(too long)", "12345"))
        << step;
  }
}

TEST(LineSplitter, ALastLineMayBeTooLongToo) {
  for (size_t step = 1; step < 20; ++step) EXPECT_THAT(Split("1\n123456", step), ElementsAre("1", "(too long)")) << step;
}

TEST(LineSplitter, NothingAndANewlineAtTheEndAreNoFurtherLines) {
  EXPECT_THAT(Split("", 1), IsEmpty());
  EXPECT_THAT(Split("a\n", 1), ElementsAre("a"));
  EXPECT_THAT(Split("\n", 1), ElementsAre(""));
}

TEST(LineSplitter, KeepsOtherControlBytes) {
  EXPECT_THAT(Split(std::string_view("a\0\r\nb", 5), 2), ElementsAre(std::string("a\0\r", 3), "b"));
}

}  // namespace
}  // namespace weft
