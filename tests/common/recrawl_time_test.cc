#include "common/recrawl_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

absl::Time Utc(std::string_view text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M:%S", std::string(text), &time, &error)) << error;
  return time;
}

absl::Time Next(std::string_view rule, std::string_view after) {
  return RecrawlTime::Parse(rule).value().After(Utc(after));
}

TEST(RecrawlTime, DailyIsTodayUntilThen) {
  EXPECT_EQ(Next("daily 03:00", "2026-11-21 02:59:59"), Utc("2026-11-21 03:00:00"));
}

TEST(RecrawlTime, DailyIsTomorrowFromThenOn) {
  EXPECT_EQ(Next("daily 03:00", "2026-11-21 03:00:00"), Utc("2026-11-22 03:00:00"));
  EXPECT_EQ(Next("daily 23:59", "2026-12-31 23:59:30"), Utc("2027-01-01 23:59:00"));
}

TEST(RecrawlTime, WeeklyIsTheNextSuchDay) {
  // 2026-11-21 is a Saturday.
  EXPECT_EQ(Next("weekly mon 03:00", "2026-11-21 12:00:00"), Utc("2026-11-23 03:00:00"));
  EXPECT_EQ(Next("weekly sat 13:00", "2026-11-21 12:00:00"), Utc("2026-11-21 13:00:00"));
  EXPECT_EQ(Next("weekly sat 12:00", "2026-11-21 12:00:00"), Utc("2026-11-28 12:00:00"));
  EXPECT_EQ(Next("weekly sun 00:00", "2026-11-21 12:00:00"), Utc("2026-11-22 00:00:00"));
}

TEST(RecrawlTime, MonthlyIsTheNextSuchDay) {
  EXPECT_EQ(Next("monthly 1 03:00", "2026-11-21 12:00:00"), Utc("2026-12-01 03:00:00"));
  EXPECT_EQ(Next("monthly 21 12:01", "2026-11-21 12:00:00"), Utc("2026-11-21 12:01:00"));
  EXPECT_EQ(Next("monthly 5 00:00", "2026-12-05 00:00:00"), Utc("2027-01-05 00:00:00"));
}

TEST(RecrawlTime, AMonthWithoutTheDayHasItOnItsLast) {
  EXPECT_EQ(Next("monthly 31 03:00", "2026-02-10 00:00:00"), Utc("2026-02-28 03:00:00"));
  EXPECT_EQ(Next("monthly 31 03:00", "2028-02-10 00:00:00"), Utc("2028-02-29 03:00:00"));
  EXPECT_EQ(Next("monthly 31 03:00", "2026-02-28 03:00:00"), Utc("2026-03-31 03:00:00"));
}

TEST(RecrawlTime, EachTimeLiesAfterTheOneBefore) {
  for (const char* rule : {"daily 00:00", "weekly wed 06:30", "monthly 30 12:00"}) {
    const RecrawlTime time = RecrawlTime::Parse(rule).value();
    absl::Time at = Utc("2027-12-30 00:00:00");
    for (int i = 0; i < 100; ++i) {
      const absl::Time next = time.After(at);
      ASSERT_GT(next, at) << rule;
      ASSERT_LE(next - at, absl::Hours(24 * 32)) << rule;
      at = next;
    }
  }
}

TEST(RecrawlTime, WhatIsNoTimeIsTold) {
  for (const char* bad : {"", "daily", "03:00", "daily 3:00", "daily 24:00", "daily 03:60", "daily 03:0x", "weekly 03:00",
                          "weekly monday 03:00", "monthly 0 03:00", "monthly 32 03:00", "monthly +1 03:00",
                          "daily 1 03:00", "hourly 03:00", "daily -1:00"}) {
    EXPECT_THAT(ErrorText(RecrawlTime::Parse(bad).status()), HasSubstr("expected \"daily 03:00\"")) << bad;
  }
}

}  // namespace
}  // namespace weft
