#include "common/node_tags.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(NodeTagsTest, AreAListWithCommasEachOnce) {
  EXPECT_THAT(ParseTags("eu,render,eu").value(), ElementsAre("eu", "render"));
  EXPECT_THAT(ParseTags("").value(), IsEmpty());
}

TEST(NodeTagsTest, OfOtherCharactersOrTooLongAreRefused) {
  for (const std::string& bad : {std::string("EU"), std::string("a b"), std::string("a,,b"), std::string("ä"), std::string(33, 'x')}) {
    EXPECT_FALSE(ParseTags(bad).ok()) << bad;
  }
  EXPECT_TRUE(ParseTags(std::string(32, 'x')).ok());
}

TEST(NodeTagsTest, ANodeHasSixteenAtMost) {
  std::string tags = "t0";
  for (int i = 1; i < 16; ++i) tags += fmt::format(",t{}", i);
  EXPECT_TRUE(ParseTags(tags).ok());
  EXPECT_FALSE(ParseTags(tags + ",more").ok());
}

}  // namespace
}  // namespace weft::test
