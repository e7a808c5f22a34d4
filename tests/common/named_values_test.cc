#include "common/named_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string ErrorOf(std::string_view text) {
  auto values = ParseNamedValues(text);
  return values.ok() ? "" : ErrorText(values.status());
}

TEST(NamedValues, PairsStandInTheOrderOfTheText) {
  EXPECT_THAT(ParseNamedValues("  match=/news/\tpriority=10 ").value(),
              ElementsAre(Pair("match", "/news/"), Pair("priority", "10")));
}

TEST(NamedValues, NothingIsNoPair) { EXPECT_THAT(ParseNamedValues(" ").value(), IsEmpty()); }

TEST(NamedValues, AValueMayHoldEqualsSigns) {
  EXPECT_THAT(ParseNamedValues("match=[?]id=7").value(), ElementsAre(Pair("match", "[?]id=7")));
}

TEST(NamedValues, QuotesHoldSpacesAndEscapes) {
  EXPECT_THAT(ParseNamedValues(R"(a="x \"y\" \\ \d" b="")").value(),
              ElementsAre(Pair("a", R"(x "y" \ \d)"), Pair("b", "")));
}

TEST(NamedValues, ABackslashOutsideQuotesIsItself) {
  EXPECT_THAT(ParseNamedValues(R"(match=\.pdf$)").value(), ElementsAre(Pair("match", R"(\.pdf$)")));
}

TEST(NamedValues, WhatIsNoPairIsTold) {
  EXPECT_THAT(ErrorOf("match"), HasSubstr("NAME=VALUE"));
  EXPECT_THAT(ErrorOf("=x"), HasSubstr("NAME=VALUE"));
  EXPECT_THAT(ErrorOf("a b=c"), HasSubstr("NAME=VALUE"));
  EXPECT_THAT(ErrorOf("a=\"b"), HasSubstr("not closed"));
  EXPECT_THAT(ErrorOf("a=\"b\"c=d"), HasSubstr("a space is missing"));
  EXPECT_THAT(ErrorOf("a=1 a=2"), HasSubstr("a is given twice"));
}

TEST(NamedValues, WhatIsWrittenIsReadAgain) {
  for (const std::string value : {"plain", "", "two words", "\"quoted\"", "back\\slash", "back \\ slash", "\\\"", "a\"b", "\n"}) {
    NamedValues values = {{"name", value}, {"other", "x"}};
    EXPECT_EQ(ParseNamedValues(FormatNamedValues(values)).value(), values) << value;
  }
}

}  // namespace
}  // namespace weft
