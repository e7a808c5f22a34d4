#include "parser/markup_index.h"

#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace weft {

void PrintTo(VectorWidth width, std::ostream* out) { *out << VectorWidthName(width); }

namespace {

struct Places {
  std::vector<size_t> markup;
  std::vector<size_t> delimiters;
  std::vector<size_t> quotes;
  bool operator==(const Places&) const = default;
};

bool IsIn(char c, std::string_view set) { return set.find(c) != set.npos; }

// Byte by byte, from the definitions.
Places Expected(std::string_view html) {
  Places places;
  for (size_t i = 0; i < html.size(); ++i) {
    const char next = i + 1 < html.size() ? html[i + 1] : '\0';
    const bool begins = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || IsIn(next, "/!?");
    if (html[i] == '<' && begins) places.markup.push_back(i);
    if (IsIn(html[i], " \t\n\f\r/=>")) places.delimiters.push_back(i);
    if (html[i] == '"') places.quotes.push_back(i);
  }
  return places;
}

Places Indexed(std::string_view html, VectorWidth width) {
  MarkupIndex index(html, width);
  Places places;
  for (size_t i = index.NextMarkup(0); i < html.size(); i = index.NextMarkup(i + 1)) places.markup.push_back(i);
  for (size_t i = index.NextDelimiter(0); i < html.size(); i = index.NextDelimiter(i + 1)) places.delimiters.push_back(i);
  for (size_t i = index.NextDoubleQuote(0); i < html.size(); i = index.NextDoubleQuote(i + 1)) places.quotes.push_back(i);
  return places;
}

// The document in memory of exactly its size, so that a read behind it is one behind an allocation.
std::unique_ptr<char[]> Exactly(std::string_view html) {
  std::unique_ptr<char[]> bytes(new char[html.size() + 1]);
  html.copy(bytes.get() + 1, html.size());  // and not aligned
  return bytes;
}

class MarkupIndexTest : public testing::TestWithParam<VectorWidth> {
 protected:
  void SetUp() override {
    if (!HasVectorWidth(GetParam())) GTEST_SKIP() << "this machine has no " << VectorWidthName(GetParam());
  }
  void Compare(std::string_view html) {
    const std::unique_ptr<char[]> bytes = Exactly(html);
    const std::string_view document(bytes.get() + 1, html.size());
    EXPECT_EQ(Indexed(document, GetParam()), Expected(html)) << "of " << html.size() << " bytes";
  }
};

TEST_P(MarkupIndexTest, FindsEveryByteThatFollowsEveryOther) {
  for (int first = 0; first < 256; ++first) {
    std::string html;
    for (int second = 0; second < 256; ++second) {
      html += static_cast<char>(first);
      html += static_cast<char>(second);
    }
    Compare(html);
  }
}

TEST_P(MarkupIndexTest, FindsMarkupAcrossBlocksAndWindows) {
  for (const size_t edge : {size_t{64}, size_t{128}, size_t{4096}, size_t{8192}}) {
    for (size_t at = edge - 3; at <= edge + 3; ++at) Compare(std::string(at, '.') + "<a href=\"x\">" + std::string(100, '.'));
  }
}

TEST_P(MarkupIndexTest, FindsTheEndOfDocumentsOfEveryLength) {
  for (size_t length = 0; length < 200; ++length) {
    Compare(std::string(length, '<'));
    Compare(std::string(length, '.') + "<b");
    Compare(std::string(length, '.') + "<");
    Compare(std::string(length, '>'));
  }
  for (const size_t length : {size_t{4095}, size_t{4096}, size_t{4097}, size_t{4160}, size_t{4161}}) Compare(std::string(length, '='));
}

TEST_P(MarkupIndexTest, FindsNothingInNoDocument) { EXPECT_EQ(MarkupIndex({}, GetParam()).NextMarkup(0), 0u); }

TEST_P(MarkupIndexTest, IsRightOnRandomBytes) {
  const uint32_t seed = 20211;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  constexpr std::string_view kCommon = "<<<>>/!?==\"\"' \n\t\r\fabzAZ@[`{\x80\xff\x0b\x0d";
  for (int round = 0; round < 300; ++round) {
    std::string html(random() % 10'000, '\0');
    for (char& c : html) c = random() % 4 == 0 ? static_cast<char>(random()) : kCommon[random() % kCommon.size()];
    Compare(html);
  }
}

TEST_P(MarkupIndexTest, AnswersFromAnyPlaceInAnyOrder) {
  const std::string html = std::string(9000, '.') + "<a x=\"1\">" + std::string(9000, '.') + "<b>";
  MarkupIndex index(html, GetParam());
  EXPECT_EQ(index.NextMarkup(9001), 18009u);
  EXPECT_EQ(index.NextMarkup(0), 9000u);
  EXPECT_EQ(index.NextDoubleQuote(0), 9005u);
  EXPECT_EQ(index.NextDoubleQuote(9008), html.size());
  EXPECT_EQ(index.NextMarkup(html.size()), html.size());
}

INSTANTIATE_TEST_SUITE_P(Widths, MarkupIndexTest,
                         testing::Values(VectorWidth::kPlain, VectorWidth::kSse2, VectorWidth::kAvx2, VectorWidth::kAvx512),
                         [](const auto& param) { return std::string(VectorWidthName(param.param)); });

}  // namespace
}  // namespace weft
