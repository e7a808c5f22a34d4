#include "parser/character_references.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

std::string InText(std::string_view raw) { return DecodeCharacterReferences(raw, ReferenceContext::kText); }
std::string InAttribute(std::string_view raw) { return DecodeCharacterReferences(raw, ReferenceContext::kAttribute); }

TEST(CharacterReferences, ResolvesNamesByTheLongestMatch) {
  EXPECT_EQ(InText("&not;&notin;&notit;&CounterClockwiseContourIntegral;"), "\u00AC\u2209\u00ACit;\u2233");
  EXPECT_EQ(InText("&nGt;&fjlig;"), "\u226B\u20D2" "fj");
}

TEST(CharacterReferences, LeavesWhatIsNoReference) {
  EXPECT_EQ(InText("&;&x;&bogus;& &&#;&#x;&#xg;&"), "&;&x;&bogus;& &&#;&#x;&#xg;&");
}

TEST(CharacterReferences, OldNamesDoWithoutSemicolonButNotBeforeALetterInAnAttribute) {
  EXPECT_EQ(InText("&ampx&copy=1"), "&x\u00A9=1");
  EXPECT_EQ(InAttribute("&ampx&copy=1&copy;&amp"), "&ampx&copy=1\u00A9&");
}

TEST(CharacterReferences, ResolvesNumbersByTheStandardsTable) {
  EXPECT_EQ(InText("&#65;&#x42&#X43;&#128;&#x9f;"), "ABC\u20AC\u0178");
  EXPECT_EQ(InText("&#0;&#xD800;&#x110000;&#99999999999999999999;"), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(CharacterReferences, NulBecomesTheReplacementCharacter) {
  EXPECT_EQ(InText(std::string_view("a\0b", 3)), "a\uFFFD" "b");
}

}  // namespace
}  // namespace weft
