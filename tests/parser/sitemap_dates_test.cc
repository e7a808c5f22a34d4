#include "parser/sitemap_dates.h"

#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

std::string Read(std::string_view text) {
  const auto moment = ParseSitemapDate(text);
  return moment ? absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", *moment, absl::UTCTimeZone()) : "none";
}

TEST(SitemapDates, W3cDates) {
  EXPECT_EQ(Read("2004"), "2004-01-01T00:00:00Z");
  EXPECT_EQ(Read("2004-10"), "2004-10-01T00:00:00Z");
  EXPECT_EQ(Read(" 2004-10-09\n"), "2004-10-09T00:00:00Z");
}

TEST(SitemapDates, W3cDatesWithTimeAndZone) {
  EXPECT_EQ(Read("2004-10-01T18:23:17+00:00"), "2004-10-01T18:23:17Z");
  EXPECT_EQ(Read("2004-10-01T18:23Z"), "2004-10-01T18:23:00Z");
  EXPECT_EQ(Read("2004-10-01T18:23:17.123-0530"), "2004-10-01T23:53:17Z");
  EXPECT_EQ(Read("2004-10-01 18:23:17 +02:00"), "2004-10-01T16:23:17Z");
}

TEST(SitemapDates, Rfc822Dates) {
  EXPECT_EQ(Read("Thu, 05 Jan 2017 12:34:50 GMT"), "2017-01-05T12:34:50Z");
  EXPECT_EQ(Read("5 Jan 17 13:34 +0100"), "2017-01-05T12:34:00Z");
  EXPECT_EQ(Read("Thursday, 05-January-98 12:34:50 EST"), "1998-01-05T17:34:50Z");
}

TEST(SitemapDates, ATimeWithoutAZoneIsNoMoment) {
  EXPECT_EQ(Read("2004-10-01T18:23:17"), "none");
  EXPECT_EQ(Read("05 Jan 17 13:34:55"), "none");
}

TEST(SitemapDates, WhatIsNoDate) {
  for (const char* text : {"", "today", "2004-13-01", "2004-02-30", "2004-1-1-1", "20041001", "2004-10-01T25:00Z",
                           "2004-10-01T10:61Z", "Thu, 32 Jan 2017 12:00 GMT", "1 Foo 2017 12:00 GMT", "1 Jan 201 12:00 GMT",
                           "2004-10-01T18:23:17+99:00", "0x10", "-2004"}) {
    EXPECT_EQ(Read(text), "none") << text;
  }
  EXPECT_EQ(Read(std::string(100'000, ' ') + std::string(100'000, '9')), "none");
}

}  // namespace
}  // namespace weft
