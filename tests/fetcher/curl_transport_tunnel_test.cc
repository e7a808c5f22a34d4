// https through a proxy: a tunnel to the site, of which nothing but the site's own exchange is seen.
#include <gmock/gmock.h>

#include "tests/fetcher/transport_fixture.h"
#include "tests/support/tls_test_server.h"
#include "tests/support/tunnel_proxy.h"

namespace weft::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kPage[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";

class TransportTunnelTest : public TransportTest {
 protected:
  FetchResult FetchThrough(const std::string& proxy) {
    FetchRequest request = Request("https://host.example/page");
    request.address = IpAddress();  // it is the proxy that looks it up
    request.proxy = proxy;
    return Fetch(request);
  }

  TlsTestServer site_{{}, kPage};
};

TEST_F(TransportTunnelTest, ThePageAndNothingOfTheTunnelIsTold) {
  TunnelProxy proxy(site_.port());
  options_.ca_file = site_.ca_file();
  const FetchResult result = FetchThrough(proxy.Url());
  EXPECT_EQ(result.outcome, Outcome::kResponse) << result.detail;
  EXPECT_EQ(body(), "secret");
  EXPECT_THAT(result.request_head, StartsWith("GET /page HTTP/1.1\r\nHost: host.example\r\n"));
  EXPECT_EQ(result.response_head, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
  EXPECT_EQ(result.tls_version, "tls/1.3");
  EXPECT_EQ(result.ip, "") << "the proxy's own";
  ASSERT_THAT(proxy.heads(), SizeIs(1));
  EXPECT_THAT(proxy.heads()[0], StartsWith("CONNECT host.example:443 HTTP/1.1\r\n"));
}

TEST_F(TransportTunnelTest, WhoWeAreIsForTheSite) {
  TunnelProxy proxy(site_.port());
  options_.ca_file = site_.ca_file();
  const FetchResult result = FetchThrough(proxy.Url());
  EXPECT_THAT(result.request_head, HasSubstr("User-Agent: Weft/1.0"));
}

TEST_F(TransportTunnelTest, APasswordIsTheProxysAndNotTheSites) {
  TunnelProxy proxy(site_.port());
  options_.ca_file = site_.ca_file();
  std::string url = proxy.Url();
  url.insert(url.find("//") + 2, "me:secret@");
  const FetchResult result = FetchThrough(url);
  EXPECT_EQ(result.outcome, Outcome::kResponse) << result.detail;
  ASSERT_THAT(proxy.heads(), SizeIs(1));
  EXPECT_THAT(proxy.heads()[0], HasSubstr("Proxy-Authorization: Basic bWU6c2VjcmV0"));
  EXPECT_THAT(result.request_head, Not(HasSubstr("Authorization")));
}

TEST_F(TransportTunnelTest, TheSitesCertificateIsCheckedBehindIt) {
  TunnelProxy proxy(site_.port());
  const FetchResult result = FetchThrough(proxy.Url());
  EXPECT_EQ(result.outcome, Outcome::kTls);
  EXPECT_EQ(result.detail, "TLS: self-signed certificate");
  EXPECT_EQ(site_.requests(), 0);
}

TEST_F(TransportTunnelTest, AProxyThatOpensNoneIsNoAnswerOfTheSite) {
  TunnelProxy proxy(site_.port(), "HTTP/1.1 403 not you\r\nContent-Length: 4\r\n\r\nno!\n");
  options_.ca_file = site_.ca_file();
  const FetchResult result = FetchThrough(proxy.Url());
  EXPECT_EQ(result.outcome, Outcome::kConnect);
  EXPECT_THAT(result.detail, AllOf(HasSubstr("proxy"), HasSubstr("403")));
  EXPECT_EQ(result.response_head, "");
  EXPECT_EQ(body(), "");
}

TEST_F(TransportTunnelTest, AProxyThatAsksForAPasswordIsNoAnswerOfTheSite) {
  TunnelProxy proxy(site_.port(), "HTTP/1.1 407 who are you\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n");
  options_.ca_file = site_.ca_file();
  const FetchResult result = FetchThrough(proxy.Url());
  EXPECT_EQ(result.outcome, Outcome::kConnect);
  EXPECT_THAT(result.detail, AllOf(HasSubstr("proxy"), HasSubstr("407")));
}

}  // namespace
}  // namespace weft::test
