// RFC 9309 2.3: what an answer for robots.txt means.
#include "fetcher/robots_fetch.h"

#include <gtest/gtest.h>

#include "fetcher/robots_rules.h"

namespace weft {
namespace {

class RobotsFetchTest : public testing::Test {
 protected:
  static FetchResult Response(int status, const std::string& fields = "") {
    FetchResult result;
    result.outcome = Outcome::kResponse;
    result.status = status;
    result.response_head = "HTTP/1.1 " + std::to_string(status) + " X\r\n" + fields + "\r\n";
    return result;
  }
  RobotsAnswer Read(const FetchResult& result, std::string_view body = "", int hops = 0) {
    return ReadRobotsAnswer(result, body, asked_, hops);
  }
  Url asked_ = Url::Parse("https://a.example/robots.txt").value();
};

TEST_F(RobotsFetchTest, Status2xxGivesTheRules) {
  for (int status : {200, 203, 206}) {
    RobotsAnswer answer = Read(Response(status), "User-agent: *\nDisallow: /x\n");
    EXPECT_EQ(answer.state.kind(), wire::RobotsState::RULES) << status;
    EXPECT_EQ(answer.state.body(), "User-agent: *\nDisallow: /x\n");
    EXPECT_EQ(answer.outcome, Outcome::kNone);
  }
}

TEST_F(RobotsFetchTest, RulesAreUsedForADayAtMost_2_4) {
  RobotsAnswer answer = Read(Response(200), "");
  EXPECT_EQ(answer.state.fresh_us(), absl::ToInt64Microseconds(absl::Hours(24)));
  EXPECT_EQ(Read(Response(404)).state.fresh_us(), absl::ToInt64Microseconds(absl::Hours(24)));
}

TEST_F(RobotsFetchTest, Status4xxAllowsAll_2_3_1_3) {
  for (int status : {400, 401, 403, 404, 410, 451}) {
    EXPECT_EQ(Read(Response(status), "User-agent: *\nDisallow: /").state.kind(), wire::RobotsState::ALLOW_ALL)
        << status;
  }
}

TEST_F(RobotsFetchTest, Status5xxIsUnreachable_2_3_1_4) {
  for (int status : {500, 502, 503, 504, 599}) {
    RobotsAnswer answer = Read(Response(status, "Retry-After: 30\r\n"), "User-agent: *\nAllow: /");
    EXPECT_EQ(answer.state.kind(), wire::RobotsState::UNREACHABLE) << status;
    EXPECT_EQ(answer.outcome, Outcome::kRobotsUnreachable);
    EXPECT_EQ(answer.retry_after, absl::Seconds(30));
  }
}

TEST_F(RobotsFetchTest, AThrottledAnswerIsNoPermission) {
  RobotsAnswer answer = Read(Response(429, "Retry-After: 7\r\n"));
  EXPECT_EQ(answer.state.kind(), wire::RobotsState::UNREACHABLE);
  EXPECT_EQ(answer.retry_after, absl::Seconds(7));
}

TEST_F(RobotsFetchTest, NoResponseNamesTheHostsFailure_Rule8) {
  for (Outcome outcome : {Outcome::kDns, Outcome::kConnect, Outcome::kTls, Outcome::kTimeout, Outcome::kProtocol}) {
    FetchResult result;
    result.outcome = outcome;
    RobotsAnswer answer = Read(result);
    EXPECT_EQ(answer.state.kind(), wire::RobotsState::UNREACHABLE);
    EXPECT_EQ(answer.outcome, outcome);
    EXPECT_EQ(answer.state.reason(), OutcomeName(outcome));
  }
  FetchResult refused;
  refused.outcome = Outcome::kAddress;
  EXPECT_EQ(Read(refused).outcome, Outcome::kRobotsUnreachable);
}

TEST_F(RobotsFetchTest, RedirectsAreFollowedRelativeToWhatWasAsked_2_3_1_2) {
  for (int status : {301, 302, 303, 307, 308}) {
    RobotsAnswer answer = Read(Response(status, "Location: /other\r\n"));
    ASSERT_TRUE(answer.redirect.has_value()) << status;
    EXPECT_EQ(answer.redirect->href(), "https://a.example/other");
  }
  RobotsAnswer away = Read(Response(301, "Location: http://b.example/r.txt\r\n"));
  ASSERT_TRUE(away.redirect.has_value());
  EXPECT_EQ(away.redirect->href(), "http://b.example/r.txt");
}

TEST_F(RobotsFetchTest, FiveRedirectsAreFollowedThenItIsUnavailable_2_3_1_2) {
  EXPECT_TRUE(Read(Response(301, "Location: /5\r\n"), "", 4).redirect.has_value());
  RobotsAnswer answer = Read(Response(301, "Location: /6\r\n"), "", 5);
  EXPECT_FALSE(answer.redirect.has_value());
  EXPECT_EQ(answer.state.kind(), wire::RobotsState::ALLOW_ALL);
}

TEST_F(RobotsFetchTest, ARedirectToNowhereIsUnavailable) {
  for (const char* fields : {"", "Location: ftp://a.example/\r\n", "Location: https://[\r\n"}) {
    RobotsAnswer answer = Read(Response(302, fields));
    EXPECT_FALSE(answer.redirect.has_value()) << fields;
    EXPECT_EQ(answer.state.kind(), wire::RobotsState::ALLOW_ALL) << fields;
  }
}

TEST_F(RobotsFetchTest, TheTransferCodingIsUndone) {
  RobotsAnswer answer = Read(Response(200, "Transfer-Encoding: chunked\r\n"),
                             "10\r\nUser-agent: *\nDi\r\nc\r\nsallow: /x\n \r\n0\r\n\r\n");
  EXPECT_EQ(answer.state.body(), "User-agent: *\nDisallow: /x\n ");
}

TEST_F(RobotsFetchTest, ALongFileIsCutAtALine) {
  std::string body = "User-agent: *\n";
  while (body.size() < kMaxRobotsBytes + 100'000) body += "Disallow: /private-" + std::to_string(body.size()) + "\n";
  RobotsAnswer answer = Read(Response(200), body);
  EXPECT_LE(answer.state.body().size(), kMaxRobotsBytes);
  EXPECT_GT(answer.state.body().size(), kMaxRobotsBytes - 100);
  EXPECT_EQ(answer.state.body().back(), '\n');
}

TEST_F(RobotsFetchTest, AFileOfOneEndlessLineIsBoundedToo) {
  EXPECT_LE(Read(Response(200), std::string(2 * kMaxRobotsBytes, 'x')).state.body().size(), kMaxRobotsBytes);
}

// What is missing at its end may be what forbids: a part is not the file.
TEST_F(RobotsFetchTest, AFileThatBrokeOffIsUnreachableAndNotTakenForWhole_2_3_1_4) {
  for (const char* how : {"disconnect", "time"}) {
    FetchResult result = Response(200, "Content-Length: 100\r\n");
    result.truncated = how;
    RobotsAnswer answer = Read(result, "User-agent: *\nDisallow: /x\n");
    EXPECT_EQ(answer.state.kind(), wire::RobotsState::UNREACHABLE) << how;
    EXPECT_EQ(answer.outcome, Outcome::kRobotsUnreachable);
  }
}

TEST_F(RobotsFetchTest, AFileThatWasCutForItsLengthIsUsed_2_5) {
  FetchResult result = Response(200);
  result.truncated = "length";
  EXPECT_EQ(Read(result, "User-agent: *\n" + std::string(1 << 20, 'x')).state.kind(), wire::RobotsState::RULES);
}

TEST_F(RobotsFetchTest, AnAnswerThatIsNoHttpIsUnreachable) {
  FetchResult result = Response(200);
  result.response_head = "garbage";
  EXPECT_EQ(Read(result, "").state.kind(), wire::RobotsState::UNREACHABLE);
}

}  // namespace
}  // namespace weft
