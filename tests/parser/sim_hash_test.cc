#include "parser/sim_hash.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/digest.h"
#include "parser/link_extractor.h"
#include "tests/common/conformance.h"

namespace weft {
namespace {

std::string Words(int count, uint64_t seed, std::string_view vocabulary = "w") {
  std::mt19937_64 random(seed);
  std::string text;
  for (int i = 0; i < count; ++i) {
    std::string word(vocabulary);
    for (uint64_t r = random() % 100'000; r > 0; r /= 26) word += static_cast<char>('a' + r % 26);
    text += word + " ";
  }
  return text;
}

uint64_t Slow(const std::vector<uint64_t>& features) {
  uint64_t value = 0;
  for (unsigned bit = 0; bit < 64; ++bit) {
    int64_t sum = 0;
    for (uint64_t feature : features) sum += (feature >> bit & 1) != 0 ? 1 : -1;
    value |= uint64_t{sum > 0} << bit;
  }
  return value;
}

// The recipe of the vectors: the last eight bytes of MD5.
uint64_t Md5Feature(std::string_view text) {
  const std::string digest = DigestByName("md5", text).value();
  uint64_t feature = 0;
  for (size_t i = 8; i < 16; ++i) feature = feature << 8 | static_cast<uint8_t>(digest[i]);
  return feature;
}

nlohmann::json Vectors() {
  std::ifstream in(test::ConformanceFile("simhash/vectors.json"));
  return nlohmann::json::parse(in);
}

std::vector<uint64_t> PageSketches(std::string_view html) {
  std::vector<uint64_t> values;
  const auto url = Url::Parse("http://a.example/").value();
  LinkExtractor::Input input;
  input.html = html;
  input.url = &url;
  input.content_type = "text/html; charset=utf-8";
  input.want_sim_hash = true;
  for (auto make : {NewLinearExtractor, NewGumboExtractor}) values.push_back(make()->Extract(input).sim_hash);
  return values;
}

TEST(FeatureSumTest, IsTheMajorityOfEachBitForAnyNumberOfFeatures) {
  const uint64_t seed = 20261121;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  std::vector<uint64_t> features;
  FeatureSum sum;
  for (int i = 0; i < 1000; ++i) {
    features.push_back(random() & random());  // bits are rather not set: sums far from the middle too
    sum.Add(features.back());
    ASSERT_EQ(sum.Majority(), Slow(features)) << i;
  }
}

TEST(FeatureSumTest, OneFeatureThousandsOfTimesOutweighsTheRest) {
  FeatureSum sum;
  for (int i = 0; i < 5000; ++i) sum.Add(0x00ff00ff12345678);
  for (int i = 0; i < 4000; ++i) sum.Add(~uint64_t{0x00ff00ff12345678});
  EXPECT_EQ(sum.Majority(), 0x00ff00ff12345678);
}

TEST(FeatureSumTest, GivesTheValuesOfThirdPartyVectors) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  const auto vectors = Vectors();
  ASSERT_FALSE(vectors["values"].empty());
  for (const auto& vector : vectors["values"]) {
    FeatureSum sum;
    for (const auto& feature : vector["features"]) sum.Add(Md5Feature(feature.get<std::string>()));
    EXPECT_EQ(sum.Majority(), vector["value"].get<uint64_t>());
  }
}

TEST(SimHashTest, TextsThatOthersCallAlikeAreNearerThanOtherTexts) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  const auto vectors = Vectors();
  for (const auto& pair : vectors["distance"]) {
    const auto a = pair["a"].get<std::string>();
    const auto b = pair["b"].get<std::string>();
    if (a.find(' ') == a.npos) continue;  // a few signs without spaces: too little for words
    EXPECT_LT(SimHashDistance(SimHashOf(a), SimHashOf(b)), SimHashDistance(SimHashOf(a), SimHashOf(Words(16, 7)))) << a;
  }
}

TEST(SimHashTest, APageWithAWordChangedIsANearDuplicateAndAnotherPageIsNot) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const std::string text = Words(1000, seed);
    EXPECT_LE(SimHashDistance(SimHashOf(text), SimHashOf(text + "more")), 3);
    EXPECT_GT(SimHashDistance(SimHashOf(text), SimHashOf(Words(1000, seed + 1000))), 10);
  }
}

TEST(SimHashTest, PagesThatShareHalfTheirTextAreNoNearDuplicates) {
  const std::string frame = Words(150, 1, "frame");
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    EXPECT_GT(SimHashDistance(SimHashOf(frame + Words(150, seed)), SimHashOf(frame + Words(150, seed + 500))), 3);
  }
}

TEST(SimHashTest, NumbersMakeNoDifference) {
  EXPECT_EQ(SimHashOf("June 2026: events of day 17 in room b12 begin at 10 h"),
            SimHashOf("June 1999: events of day 3 in room 7a begin at 23 h"));
  EXPECT_NE(SimHashOf("June: events of the day in this room begin at noon"),
            SimHashOf("July: concerts of the night in that hall end at noon"));
}

TEST(SimHashTest, TooFewWordsAreNoText) {
  EXPECT_EQ(SimHashOf(""), 0u);
  EXPECT_EQ(SimHashOf("Loading please wait"), 0u);
  EXPECT_NE(SimHashOf("Loading, please wait a moment"), 0u);
}

TEST(SimHashTest, DependsOnTheBytesOfThePieceAlone) {
  // However near the document's end, and whatever stands behind the piece.
  for (size_t size = 1; size <= 300; ++size) {
    const std::string text = Words(100, size).substr(0, size);
    std::string longer = text + "followed by something else, of which nothing must be taken in at all, never ever";
    SimHash inside(longer);
    inside.Add(std::string_view(longer).substr(0, size));
    EXPECT_EQ(inside.Value(), SimHashOf(text)) << size;
  }
}

TEST(SimHashTest, WhereAWordLiesMakesNoDifference) {
  const std::string text = Words(40, 3) + std::string(70, 'x') + " " + Words(40, 4);
  const uint64_t value = SimHashOf(text);
  for (size_t shift = 1; shift <= 130; ++shift) EXPECT_EQ(SimHashOf(std::string(shift, ' ') + text), value) << shift;
}

TEST(SimHashTest, TextWithoutSpacesIsToldApart) {
  std::string one, other;
  for (int i = 0; i < 100; ++i) {
    one += fmt::format("日本語の文{}", std::string(static_cast<size_t>(i % 7), 'a'));
    other += fmt::format("別の文章で{}", std::string(static_cast<size_t>(i % 5), 'b'));
  }
  EXPECT_GT(SimHashDistance(SimHashOf(one), SimHashOf(other)), 3);
}

TEST(SimHashTest, BothExtractorsAnswerAlike) {
  const std::string words = Words(80, 5);
  const std::vector<std::string> pages = {
      "<!doctype html><title>t</title><body><p>" + words + "<p>more of it<br>and more",
      "<body><script>if (a < b) document.write('<p>x')</script>" + words + "<style>p { color: red }</style><b>end of it all",
      "<body><template><p>hidden in a template</template><svg><title>of a picture</title></svg>" + words,
      "<body><textarea>typed by someone</textarea>" + words + "<!-- a comment with some words --><p>x &amp; y, &nbsp;z",
      "<table><tr><td>" + words + "<td>cells of it<form><table><td>inside"};
  for (const std::string& page : pages) {
    const auto values = PageSketches(page);
    EXPECT_NE(values[0], 0u) << page;
    EXPECT_EQ(values[0], values[1]) << page;
  }
}

TEST(SimHashTest, ScriptsStylesAndMarkupAreNoText) {
  const std::string words = Words(80, 6);
  const auto plain = PageSketches("<body><p>" + words);
  EXPECT_EQ(plain, PageSketches("<body class='some classes of it'><script>var many = words, of, a, program;</script><style>a b c "
                                "d e { }</style><p id=other>" + words + "<!-- and a comment that says much -->"));
}

}  // namespace
}  // namespace weft
