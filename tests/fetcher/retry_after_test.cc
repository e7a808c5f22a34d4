#include "fetcher/retry_after.h"

#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

absl::Duration Read(const std::string& fields) {
  // The views of the head point into these bytes.
  std::string bytes = "HTTP/1.1 503 Service Unavailable\r\n" + fields + "\r\n";
  return ReadRetryAfter(HttpHead::ParseResponse(bytes).value());
}

const absl::Time kExample = absl::FromCivil(absl::CivilSecond(1994, 11, 6, 8, 49, 37), absl::UTCTimeZone());

TEST(RetryAfterTest, Seconds) {
  EXPECT_EQ(Read("Retry-After: 120\r\n"), absl::Seconds(120));
  EXPECT_EQ(Read("retry-after:0\r\n"), absl::ZeroDuration());
  EXPECT_EQ(Read("Retry-After: 007 \r\n"), absl::Seconds(7));
}

TEST(RetryAfterTest, AtMostTheLongestThatIsObeyed) {
  EXPECT_EQ(Read("Retry-After: 86400\r\n"), absl::Hours(24));
  EXPECT_EQ(Read("Retry-After: 86401\r\n"), kMaxRetryAfter);
  EXPECT_EQ(Read("Retry-After: 18446744073709551615\r\n"), kMaxRetryAfter);
  EXPECT_EQ(Read("Retry-After: 99999999999999999999999999\r\n"), kMaxRetryAfter);
  EXPECT_EQ(Read("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 2094 08:49:37 GMT\r\n"),
            kMaxRetryAfter);
}

TEST(RetryAfterTest, DatesAreReadAgainstTheResponsesOwnDate_Rule24) {
  EXPECT_EQ(Read("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:51:37 GMT\r\n"),
            absl::Minutes(2));
  EXPECT_EQ(Read("Date: Sunday, 06-Nov-94 08:49:37 GMT\r\nRetry-After: Sun Nov  6 08:51:37 1994\r\n"),
            absl::Minutes(2));
}

TEST(RetryAfterTest, APastDateIsNoWait) {
  EXPECT_EQ(Read("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:36 GMT\r\n"),
            absl::ZeroDuration());
}

TEST(RetryAfterTest, ADateWithoutAUsableDateCountsAsAbsent) {
  EXPECT_EQ(Read("Retry-After: Sun, 06 Nov 2094 08:49:37 GMT\r\n"), absl::ZeroDuration());
  EXPECT_EQ(Read("Date: yesterday\r\nRetry-After: Sun, 06 Nov 2094 08:49:37 GMT\r\n"), absl::ZeroDuration());
}

TEST(RetryAfterTest, MissingOrInvalidIsNoWait) {
  for (const char* value : {"", "soon", "-5", "+5", "1.5", "5s", "0x10", "1e3", "5, 6"}) {
    EXPECT_EQ(Read(std::string("Retry-After: ") + value + "\r\n"), absl::ZeroDuration()) << value;
  }
  EXPECT_EQ(Read(""), absl::ZeroDuration());
}

// RFC 9110 5.6.7.
TEST(HttpDateTest, TheThreeForms) {
  EXPECT_EQ(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), kExample);
  EXPECT_EQ(ParseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT"), kExample);
  EXPECT_EQ(ParseHttpDate("Sun Nov  6 08:49:37 1994"), kExample);
  EXPECT_EQ(ParseHttpDate("Sun Nov 16 08:49:37 1994"), kExample + absl::Hours(240));
}

TEST(HttpDateTest, NothingElse) {
  for (const char* text : {"", "1994-11-06T08:49:37Z", "06 Nov 1994", "Sun, 06 Nov 1994 08:49:37 PST", "784111777",
                           "Sun, 31 Feb 1994 08:49:37 GMT", "infinite-future", "infinite-past",
                           "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT trailing"}) {
    EXPECT_EQ(ParseHttpDate(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace weft
