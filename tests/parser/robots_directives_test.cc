#include "parser/robots_directives.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace weft {

void PrintTo(const RobotsDirectives& found, std::ostream* out) {
  *out << (found.noindex ? "noindex " : "index ") << (found.nofollow ? "nofollow" : "follow");
}

namespace {

constexpr RobotsDirectives kNothing;
constexpr RobotsDirectives kNoindex{.noindex = true, .nofollow = false};
constexpr RobotsDirectives kNofollow{.noindex = false, .nofollow = true};
constexpr RobotsDirectives kBoth{.noindex = true, .nofollow = true};

const absl::Time kNow = absl::FromCivil(absl::CivilDay(2020, 6, 1), absl::UTCTimeZone());

RobotsDirectives Tag(std::string_view value) { return ReadRobotsTag(value, "weft", kNow); }
RobotsDirectives Meta(std::string_view content) { return ReadMetaRobots(content, kNow); }

TEST(RobotsDirectives, AreNamesWithCommasInAnyCase) {
  EXPECT_EQ(Tag("noindex"), kNoindex);
  EXPECT_EQ(Tag("NoFollow"), kNofollow);
  EXPECT_EQ(Tag(" noindex ,\tnofollow "), kBoth);
  EXPECT_EQ(Tag("none"), kBoth);
  EXPECT_EQ(Meta("NOINDEX,NOFOLLOW"), kBoth);
  EXPECT_EQ(Meta("None"), kBoth);
}

TEST(RobotsDirectives, WhatRestrictsNeitherIsNothing) {
  for (const char* text : {"", ",", "all", "index, follow", "noarchive, nosnippet, notranslate, noimageindex", "nofollows", "no follow",
                           "max-snippet: 20, max-image-preview:large, max-video-preview:-1", "indexifembedded"}) {
    EXPECT_EQ(Tag(text), kNothing) << text;
    EXPECT_EQ(Meta(text), kNothing) << text;
  }
}

TEST(RobotsDirectives, TheStrictestWins) {
  EXPECT_EQ(Tag("index, noindex, follow"), kNoindex);
  EXPECT_EQ(Tag("nofollow, all"), kNofollow);
  EXPECT_EQ(Tag("follow, weft: nofollow"), kNofollow);
  EXPECT_EQ(Tag("noindex, weft: index"), kNoindex);
}

TEST(RobotsDirectives, BlanksMayStandForCommas) {
  EXPECT_EQ(Tag("noindex nofollow"), kBoth);
  EXPECT_EQ(Meta("noindex\nnofollow"), kBoth);
}

TEST(RobotsDirectives, BehindANameTheyAreForThatRobot) {
  EXPECT_EQ(Tag("weft: nofollow"), kNofollow);
  EXPECT_EQ(Tag("WEFT : noindex, nofollow"), kBoth);
  EXPECT_EQ(Tag("otherbot: noindex, nofollow"), kNothing);
  EXPECT_EQ(Tag("weftbot: nofollow"), kNothing);
  EXPECT_EQ(Tag("*: nofollow"), kNofollow);
}

TEST(RobotsDirectives, ANameHoldsUpToTheNextName) {
  EXPECT_EQ(Tag("noindex, otherbot: nofollow"), kNoindex);
  EXPECT_EQ(Tag("otherbot: noindex, nofollow, weft: noindex"), kNoindex);
  EXPECT_EQ(Tag("weft: noindex, otherbot: nofollow"), kNoindex);
  EXPECT_EQ(Tag("otherbot: max-snippet: 3, nofollow"), kNothing);
  EXPECT_EQ(Tag("weft: max-snippet: 3, nofollow"), kNofollow);
}

TEST(RobotsDirectives, AMetaElementKnowsNoNames) {
  EXPECT_EQ(Meta("otherbot: noindex, nofollow"), kNofollow);
  EXPECT_EQ(Meta("max-snippet:5, noindex"), kNoindex);
}

TEST(RobotsDirectives, WithoutANameOfOursOnlyWhatIsForAllCounts) {
  EXPECT_EQ(ReadRobotsTag("nofollow", "", kNow), kNofollow);
  EXPECT_EQ(ReadRobotsTag(": nofollow", "", kNow), kNothing);
  EXPECT_EQ(ReadRobotsTag("weft: nofollow", "", kNow), kNothing);
}

TEST(RobotsDirectives, AMomentThatHasPassedIsNoindex) {
  for (const char* date : {"25 Jun 2010 15:00:00 PST", "Fri, 25 Jun 2010 15:00:00 GMT", "Friday, 25-Jun-10 15:00:00 UTC",
                           "25-Jun-2010 15:00:00 EST", "2010-06-25", "2010-06-25T15:00:00+00:00", "2010-06-25T15:00:00Z",
                           "2010-06-25T15:00:00", "2010-06-25 15:00:00", "25 Jun 2010 15:00:00", "25 Jun 2010",
                           "2020-05-31T17:00:00-07:00"}) {
    const std::string text = "unavailable_after: " + std::string(date);
    EXPECT_EQ(Tag(text), kNoindex) << date;
    EXPECT_EQ(Meta(text), kNoindex) << date;
    EXPECT_EQ(Tag("Unavailable_After:" + std::string(date) + " , nofollow"), kBoth) << date;
    EXPECT_EQ(Tag("weft: " + text + ", otherbot: nofollow"), kNoindex) << date;
    EXPECT_EQ(Tag("otherbot: " + text + ", nofollow"), kNothing) << date;
    EXPECT_EQ(Tag(text + ", otherbot: nofollow"), kNoindex) << date;
  }
}

TEST(RobotsDirectives, ACommaInADateEndsNothing) {
  EXPECT_EQ(Tag("unavailable_after: 25 Jun 2010, 15:00:00 GMT, nofollow"), kBoth);
  EXPECT_EQ(Tag("unavailable_after: Fri, 25 Jun 2010, 15:00:00 GMT"), kNoindex);
}

TEST(RobotsDirectives, AMomentToComeIsNothingYet) {
  for (const char* date : {"25 Jun 2030 15:00:00 PST", "Friday, 25-Jun-30 15:00:00 UTC", "2030-06-25", "2020-05-31T17:00:01-07:00"}) {
    EXPECT_EQ(Tag("unavailable_after: " + std::string(date)), kNothing) << date;
    EXPECT_EQ(Tag("unavailable_after: " + std::string(date) + ", nofollow"), kNofollow) << date;
  }
}

TEST(RobotsDirectives, WhatIsNoDateIsIgnored) {
  EXPECT_EQ(Tag("unavailable_after: soon"), kNothing);
  EXPECT_EQ(Tag("unavailable_after:"), kNothing);
  EXPECT_EQ(Tag("unavailable_after: soon, nofollow"), kNofollow);
  EXPECT_EQ(Tag("unavailable_after, nofollow"), kNofollow);
  EXPECT_EQ(Tag("unavailable_after: Friday"), kNothing);
}

TEST(RobotsDirectives, EveryFieldOfAResponseCountsAndBeginsAnew) {
  const auto read = [](const std::string& fields) {
    return ReadRobotsTags(HttpHead::ParseResponse("HTTP/1.1 200 OK\r\n" + fields + "\r\n").value(), "weft", kNow);
  };
  EXPECT_EQ(read("X-Robots-Tag: otherbot: noindex\r\nx-robots-tag: nofollow\r\n"), kNofollow);
  EXPECT_EQ(read("X-Robots-Tag: noindex\r\nA: b\r\nX-ROBOTS-TAG: weft: nofollow\r\n"), kBoth);
  EXPECT_EQ(read("X-Robots: noindex\r\n"), kNothing);
}

TEST(RobotsDirectives, AnyBytesTakeLinearTime) {
  for (const char* piece : {":", ",", "a:", "unavailable_after:", "unavailable_after:Fri,", "noindex ", "max-", "\xFF,:"}) {
    std::string text;
    while (text.size() < 4'000'000) text += piece;
    Tag(text);
    Meta(text);
  }
}

}  // namespace
}  // namespace weft
