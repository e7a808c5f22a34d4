// Ends of transfers that no loopback server can bring about, and the order in which reasons count.
#include "fetcher/transfer_end.h"

#include <errno.h>
#include <gtest/gtest.h>

namespace weft {
namespace {

// libcurl's numbers, which never change (libcurl-errors(3)).
constexpr int kCouldntConnect = 7;
constexpr int kOutOfMemory = 27;
constexpr int kTimedOut = 28;
constexpr int kTlsConnect = 35;
constexpr int kRecvError = 56;
constexpr int kProxy = 97;

TransferEnd End(int code) {
  TransferEnd end;
  end.code = code;
  end.peer = "192.0.2.1:80";
  end.timeout = absl::Seconds(60);
  end.connect_timeout = absl::Seconds(10);
  return end;
}

FetchResult Concluded(const TransferEnd& end) {
  FetchResult result;
  Conclude(end, result);
  return result;
}

TEST(TransferEnd, ConnectErrorsAreNamed) {
  const std::pair<int, std::string_view> cases[] = {{ECONNREFUSED, "connection refused by 192.0.2.1:80"},
                                                    {ECONNRESET, "connection reset by 192.0.2.1:80"},
                                                    {EHOSTUNREACH, "no route to 192.0.2.1:80"},
                                                    {ENETUNREACH, "no network reaches 192.0.2.1:80"},
                                                    {EMFILE, "no connection to 192.0.2.1:80: Too many open files"},
                                                    {0, "no connection to 192.0.2.1:80"}};
  for (const auto& [error, detail] : cases) {
    TransferEnd end = End(kCouldntConnect);
    end.os_error = error;
    EXPECT_EQ(Concluded(end).outcome, Outcome::kConnect);
    EXPECT_EQ(Concluded(end).detail, detail);
  }
}

TEST(TransferEnd, ConnectLimitNamesItself) {
  const FetchResult result = Concluded(End(kTimedOut));
  EXPECT_EQ(result.outcome, Outcome::kConnect);
  EXPECT_EQ(result.detail, "no connection to 192.0.2.1:80 within 10s");
}

TEST(TransferEnd, LowSpeedWithinTheBodyIsTruncation) {
  TransferEnd end = End(kTimedOut);
  end.sent = true;
  end.head_complete = true;
  end.body_bytes = 10;
  EXPECT_EQ(Concluded(end).outcome, Outcome::kResponse);
  EXPECT_EQ(Concluded(end).truncated, "time");
}

TEST(TransferEnd, TlsMessagesAreCutToTheirPoint) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"SSL certificate problem: certificate has expired", "TLS: certificate has expired"},
      {"SSL: no alternative certificate subject name matches target host name 'a'",
       "TLS: no alternative certificate subject name matches target host name 'a'"},
      {"error:0A00010B:SSL routines::wrong version number", "TLS: wrong version number"},
      {"", "TLS: handshake failed"}};
  for (const auto& [message, detail] : cases) {
    TransferEnd end = End(kTlsConnect);
    end.message = message;
    EXPECT_EQ(Concluded(end).outcome, Outcome::kTls);
    EXPECT_EQ(Concluded(end).detail, detail);
  }
}

TEST(TransferEnd, OurReasonCountsBeforeTheErrorItCaused) {
  TransferEnd end = End(kRecvError);
  end.stop = Stop::kCancelled;
  const FetchResult result = Concluded(end);
  EXPECT_EQ(result.outcome, Outcome::kTimeout);
  EXPECT_TRUE(result.not_sent);
}

TEST(TransferEnd, KeptConnectionThatDiedWithoutTimeToAskAgainWasSent) {
  TransferEnd end = End(42);
  end.stop = Stop::kStartBy;
  end.sent = true;
  const FetchResult result = Concluded(end);
  EXPECT_FALSE(result.not_sent);
  EXPECT_EQ(result.outcome, Outcome::kTruncatedEarly);
}

TEST(TransferEnd, HeaderLineBeyondTheLibrarysCapIsAProtocolError) {
  EXPECT_EQ(Concluded(End(kOutOfMemory)).outcome, Outcome::kProtocol);
}

TEST(TransferEnd, ProxyProblemsSaySo) {
  TransferEnd end = End(kProxy);
  end.message = "CONNECT tunnel failed, response 403";
  EXPECT_EQ(Concluded(end).outcome, Outcome::kConnect);
  EXPECT_EQ(Concluded(end).detail, "proxy: CONNECT tunnel failed, response 403");
}

}  // namespace
}  // namespace weft
