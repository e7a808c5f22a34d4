#include "parser/text_language.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kEnglish =
    "A crawler visits pages, follows the links that it finds there, and stores what it was given by the servers that it asked.";
constexpr const char* kGerman =
    "Ein Sammler besucht Seiten, folgt den Verweisen, die er dort findet, und bewahrt auf, was ihm die Server gegeben haben.";

TEST(DetectLanguages, AnswersThreeLetters) {
  EXPECT_THAT(DetectLanguages(kEnglish), ElementsAre("eng"));
  EXPECT_THAT(DetectLanguages(kGerman), ElementsAre("deu"));
  EXPECT_THAT(DetectLanguages("これは日本語の文章です。リンクをたどって、ページを保存します。"), ElementsAre("jpn"));
}

TEST(DetectLanguages, TheMainOneIsFirst) {
  std::string text;
  for (int i = 0; i < 5; ++i) text += std::string(kGerman) + " ";
  text += std::string(kEnglish) + " " + kEnglish;
  const auto found = DetectLanguages(text);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front(), "deu");
  EXPECT_THAT(found, Contains("eng"));
}

TEST(DetectLanguages, OfTooLittleNothingIsSaid) {
  EXPECT_THAT(DetectLanguages(""), IsEmpty());
  EXPECT_THAT(DetectLanguages("12345 67890"), IsEmpty());
}

TEST(DetectLanguages, AnyBytesAndAnyTagAreTaken) {
  DetectLanguages("\xff\xfe\x80 text", "\xff\xff");
  DetectLanguages(std::string(1'000'000, 'a'), std::string(100'000, 'x'));
  EXPECT_THAT(DetectLanguages(kEnglish, "de-AT"), ElementsAre("eng"));
}

}  // namespace
}  // namespace weft
