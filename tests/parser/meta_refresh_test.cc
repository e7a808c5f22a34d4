#include "parser/meta_refresh.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

constexpr std::string_view kInvalid = "(invalid)";

std::string_view Target(std::string_view content) { return ParseMetaRefresh(content).value_or(kInvalid); }

TEST(MetaRefresh, NeedsATime) {
  EXPECT_EQ(Target(""), kInvalid);
  EXPECT_EQ(Target("x;url=u"), kInvalid);
  EXPECT_EQ(Target("-1;url=u"), kInvalid);
  EXPECT_EQ(Target("5x;url=u"), kInvalid);
  EXPECT_EQ(Target(" 5;url=u"), "u");
  EXPECT_EQ(Target(".5;url=u"), "u");
  EXPECT_EQ(Target("5.5.5,url=u"), "u");
}

TEST(MetaRefresh, ATimeAloneLoadsThePageAgain) {
  EXPECT_EQ(Target("5"), "");
  EXPECT_EQ(Target("5 ; "), "");
}

TEST(MetaRefresh, SeparatesBySemicolonCommaOrSpace) {
  EXPECT_EQ(Target("5;u.html"), "u.html");
  EXPECT_EQ(Target("5,x"), "x");
  EXPECT_EQ(Target("5 x"), "x");
  EXPECT_EQ(Target("5 ; x"), "x");
}

TEST(MetaRefresh, TakesTheUrlPrefixInAnyCaseWithSpaces) {
  EXPECT_EQ(Target("0; URL = x y"), "x y");
  EXPECT_EQ(Target("0;uRl=x"), "x");
}

TEST(MetaRefresh, ABrokenPrefixIsPartOfTheUrl) {
  EXPECT_EQ(Target("0;urn:x"), "urn:x");
  EXPECT_EQ(Target("0;url x"), "url x");
  EXPECT_EQ(Target("0;u'x"), "u'x");
}

TEST(MetaRefresh, QuotesEndTheUrl) {
  EXPECT_EQ(Target("0;url='x' y"), "x");
  EXPECT_EQ(Target("0;url=\"x"), "x");
  EXPECT_EQ(Target("0;'x'y"), "x");
}

}  // namespace
}  // namespace weft
