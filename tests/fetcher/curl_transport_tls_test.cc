// https: certificates are checked, and what is wrong with them is said.
#include <gmock/gmock.h>

#include "tests/fetcher/transport_fixture.h"
#include "tests/support/tls_test_server.h"

namespace weft::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kPage[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";

class TransportTlsTest : public TransportTest {
 protected:
  FetchResult FetchFrom(const TlsTestServer& server, const std::string& host = "host.example") {
    return Fetch(Request("https://" + host + ":" + std::to_string(server.port()) + "/"));
  }
};

TEST_F(TransportTlsTest, TrustedCertificateIsAccepted) {
  TlsTestServer server({}, kPage);
  options_.ca_file = server.ca_file();
  const FetchResult result = FetchFrom(server);
  EXPECT_EQ(result.outcome, Outcome::kResponse) << result.detail;
  EXPECT_EQ(body(), "secret");
  EXPECT_THAT(result.request_head, StartsWith("GET / HTTP/1.1\r\n"));
}

TEST_F(TransportTlsTest, TellsVersionAndCipherOfEveryExchangeOfAConnection) {
  TlsTestServer server({}, kPage);
  options_.ca_file = server.ca_file();
  for (int i = 0; i < 2; ++i) {
    const FetchResult result = FetchFrom(server);
    EXPECT_EQ(result.tls_version, "tls/1.3");
    EXPECT_THAT(result.cipher_suite, StartsWith("TLS_"));
  }
}

TEST_F(TransportTlsTest, WithoutTlsThereIsNoneToTell) {
  HttpTestServer server(HttpScript().Send(kPage).Close());
  server.AnswerAnything();
  const FetchResult result = Fetch("http://127.0.0.1:" + std::to_string(server.port()) + "/");
  EXPECT_EQ(result.outcome, Outcome::kResponse) << result.detail;
  EXPECT_EQ(result.tls_version, "");
  EXPECT_EQ(result.cipher_suite, "");
}

TEST_F(TransportTlsTest, UnknownCertificateIsRefused) {
  TlsTestServer server({}, kPage);
  const FetchResult result = FetchFrom(server);
  EXPECT_EQ(result.outcome, Outcome::kTls);
  EXPECT_EQ(result.detail, "TLS: self-signed certificate");
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(TransportTlsTest, ExpiredCertificateIsRefused) {
  TlsTestServer server({.host = "host.example", .expired = true}, kPage);
  options_.ca_file = server.ca_file();
  const FetchResult result = FetchFrom(server);
  EXPECT_EQ(result.outcome, Outcome::kTls);
  EXPECT_EQ(result.detail, "TLS: certificate has expired");
}

TEST_F(TransportTlsTest, CertificateOfAnotherHostIsRefused) {
  TlsTestServer server({}, kPage);
  options_.ca_file = server.ca_file();
  const FetchResult result = FetchFrom(server, "other.example");
  EXPECT_EQ(result.outcome, Outcome::kTls);
  EXPECT_THAT(result.detail, HasSubstr("other.example"));
}

TEST_F(TransportTlsTest, HandshakeWithAPlainServerFails) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 400 Bad Request\r\n\r\n").Close());
  server.AnswerAnything();
  const FetchResult result = Fetch("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  EXPECT_EQ(result.outcome, Outcome::kTls);
  EXPECT_EQ(result.detail, "TLS: wrong version number");
}

TEST_F(TransportTlsTest, HandshakeThatHangsIsEndedByTheConnectLimit) {
  options_.connect_timeout = absl::Milliseconds(150);
  HttpTestServer server(HttpScript().Hang());
  const FetchResult result = Fetch("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  EXPECT_EQ(result.outcome, Outcome::kTls);
  EXPECT_EQ(result.detail, "TLS: handshake not finished within 150ms");
}

}  // namespace
}  // namespace weft::test
