// What a well-behaved exchange looks like: the bytes sent, the bytes received, kept connections, codings left alone.
#include <gmock/gmock.h>

#include "tests/fetcher/transport_fixture.h"

namespace weft::test {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(TransportTest, PageComesBackWithItsHeadAsReceived) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 404 Not  Here\r\nx-ODD:  v \r\nContent-Length: 5\r\n\r\nhello"));
  const FetchResult result = Fetch(server.Url("/a"));
  EXPECT_EQ(result.outcome, Outcome::kResponse);
  EXPECT_EQ(result.status, 404);
  EXPECT_EQ(result.response_head, "HTTP/1.1 404 Not  Here\r\nx-ODD:  v \r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(body(), "hello");
  EXPECT_EQ(result.truncated, "");
  EXPECT_EQ(result.detail, "");
  EXPECT_EQ(result.ip, "127.0.0.1");
  EXPECT_GT(result.took, absl::ZeroDuration());
  EXPECT_LT(absl::AbsDuration(SystemClock().WallNow() - result.began_wall), absl::Minutes(1));
}

TEST_F(TransportTest, RequestHeadIsWhatTheServerSaw) {
  HttpTestServer server(HtmlPage("x"));
  FetchRequest request = Request(server.Url("/a?b=c#fragment"));
  request.headers = {"If-None-Match: \"v1\"", "From: me@weft.example"};
  const FetchResult result = Fetch(request);
  ASSERT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(result.request_head, server.requests()[0].head);
  EXPECT_EQ(result.request_head, "GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                                     "\r\nUser-Agent: Weft/1.0 (+https://weft.example)\r\n"
                                     "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
                                     "Accept-Encoding: gzip, deflate, br, zstd\r\n"
                                     "If-None-Match: \"v1\"\r\nFrom: me@weft.example\r\n\r\n");
}

TEST_F(TransportTest, HeadersOfOneDownloadDoNotLeakIntoTheNext) {
  HttpTestServer server(HtmlPage("x"));
  FetchRequest request = Request(server.Url("/1"));
  request.headers = {"If-None-Match: \"v1\""};
  Fetch(request);
  EXPECT_THAT(Fetch(server.Url("/2")).request_head, Not(HasSubstr("If-None-Match")));
}

TEST_F(TransportTest, HeaderWithALineBreakIsNotSent) {
  HttpTestServer server(HtmlPage("x"));
  FetchRequest request = Request(server.Url("/"));
  request.headers = {"If-None-Match: \"v1\"\r\nEvil: yes"};
  EXPECT_THAT(Fetch(request).request_head, Not(HasSubstr("Evil")));
}

TEST_F(TransportTest, TargetIsSentAsItStands) {
  HttpTestServer server(HtmlPage("x"));
  // As the URL serialises, where libcurl's own parser would make something else of it.
  for (const std::string target : {"/a//b", "/%41|[]%zz", "/a?", "/?", "/a?b?c", "/a;p=1?x=%zz&y=|^{}", "//x", "/?..",
                                   "/:@!$&'()*+,;="}) {
    ASSERT_EQ(Url::Parse(server.Url(target))->path_and_query(), target);
    Fetch(server.Url(target));
    EXPECT_EQ(server.requests().back().target, target);
  }
}

TEST_F(TransportTest, ChunkedBodyKeepsItsChunks) {
  const std::string wire = Chunk("hello ") + Chunk("world") + Chunk("");
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire));
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kResponse);
  EXPECT_EQ(result.truncated, "");
  EXPECT_EQ(body(), wire);
}

TEST_F(TransportTest, ChunkedBodyWithTrailersEndsAndKeepsTheConnection) {
  const std::string wire = Chunk("hello") + "0\r\nX-Trailer: 1\r\n\r\n";
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire));
  const FetchResult result = Fetch(server.Url("/1"));
  EXPECT_EQ(body(), wire);
  EXPECT_THAT(result.response_head, Not(HasSubstr("X-Trailer")));
  Fetch(server.Url("/2"));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(TransportTest, CompressedBodyStaysCompressed) {
  const std::string wire = "\x1f\x8b not really gzip \xff";
  HttpTestServer server(Answer(200, "text/html", wire, "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(Fetch(server.Url("/")).outcome, Outcome::kResponse);
  EXPECT_EQ(body(), wire);
}

TEST_F(TransportTest, BodyUpToTheCloseOfTheConnectionIsWhole) {
  HttpTestServer server(HttpScript().Send("HTTP/1.0 200 OK\r\n\r\nuntil the end").Close());
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kResponse);
  EXPECT_EQ(result.truncated, "");
  EXPECT_EQ(body(), "until the end");
}

TEST_F(TransportTest, StatusWithoutABodyEndsAtTheHead) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 304 Not Modified\r\nETag: \"v\"\r\n\r\n"));
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kResponse);
  EXPECT_EQ(result.status, 304);
  EXPECT_EQ(body(), "");
}

TEST_F(TransportTest, InterimResponsesAreDropped) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n"
                                          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"));
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.response_head, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
}

TEST_F(TransportTest, RedirectIsNotFollowed) {
  HttpTestServer server(Answer(302, "text/html", "moved", "Location: /elsewhere\r\n"));
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.status, 302);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(TransportTest, CookiesAreNotKept) {
  HttpTestServer server(Answer(200, "text/html", "x", "Set-Cookie: a=b\r\n"));
  Fetch(server.Url("/1"));
  EXPECT_THAT(Fetch(server.Url("/2")).request_head, Not(HasSubstr("Cookie")));
}

TEST_F(TransportTest, BareLineFeedsInTheHeadAreKept) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\nContent-Length: 1\n\nx"));
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.response_head, "HTTP/1.1 200 OK\nContent-Length: 1\n\n");
  EXPECT_EQ(body(), "x");
}

TEST_F(TransportTest, ConnectionIsKept) {
  HttpTestServer server(HtmlPage("x"));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Fetch(server.Url("/")).outcome, Outcome::kResponse);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(TransportTest, KeptConnectionThatDiedIsReplaced) {
  HttpTestServer server([](const HttpTestRequest& request) {
    return request.target == "/1" ? HtmlPage("x") : request.connection == 1 ? HttpScript().Close() : HtmlPage("again");
  });
  Fetch(server.Url("/1"));
  const FetchResult result = Fetch(server.Url("/2"));
  EXPECT_EQ(result.outcome, Outcome::kResponse) << result.detail;
  EXPECT_EQ(body(), "again");
  EXPECT_EQ(server.connections(), 2);
  EXPECT_THAT(result.request_head, StartsWith("GET /2"));
  EXPECT_EQ(result.request_head.find("GET", 1), std::string::npos) << "only the request that was answered";
}

TEST_F(TransportTest, KeptConnectionToAnotherAddressIsNotUsed) {
  HttpTestServer first([](const HttpTestRequest&) { return HtmlPage("first"); }, "127.0.0.2");
  const std::string url = "http://host.example:" + std::to_string(first.port()) + "/";
  Fetch(Request(url, "127.0.0.2"));
  EXPECT_EQ(body(), "first");
  // The name moved to an address where nothing listens: the warm connection must not serve it.
  EXPECT_EQ(Fetch(Request(url, "127.0.0.3")).outcome, Outcome::kConnect);
  EXPECT_EQ(first.requests().size(), 1u);
}

TEST_F(TransportTest, HostsThatShareAnAddressDoNotShareAConnection) {
  HttpTestServer server(HtmlPage("x"));
  const std::string port = std::to_string(server.port());
  Fetch(Request("http://a.example:" + port + "/"));
  Fetch(Request("http://b.example:" + port + "/"));
  ASSERT_EQ(server.requests().size(), 2u);
  EXPECT_EQ(server.requests()[1].Header("Host"), "b.example:" + port);
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(TransportTest, Ipv6AddressIsPinned) {
  HttpTestServer server(HtmlPage("six"), "::1");
  const FetchResult result = Fetch(Request("http://host.example:" + std::to_string(server.port()) + "/", "::1"));
  EXPECT_EQ(result.outcome, Outcome::kResponse) << result.detail;
  EXPECT_EQ(result.ip, "::1");
}

TEST_F(TransportTest, ManyDownloadsRunAtOnce) {
  HttpTestServer server([](const HttpTestRequest& request) {
    return HttpScript().Wait(absl::Milliseconds(20)).Send(Answer(200, "text/plain", request.target).steps()[0].bytes);
  });
  std::vector<std::unique_ptr<RecordingSink>> sinks;
  for (int i = 0; i < 100; ++i) {
    sinks.push_back(std::make_unique<RecordingSink>());
    transport().Start(Request(server.Url("/" + std::to_string(i))), sinks.back().get());
  }
  RunUntil([&] {
    return std::all_of(sinks.begin(), sinks.end(), [](const auto& sink) { return sink->ended; });
  });
  for (size_t i = 0; i < sinks.size(); ++i) EXPECT_EQ(sinks[i]->body, "/" + std::to_string(i));
}

TEST_F(TransportTest, NextDownloadMayStartWhereTheLastOneEnds) {
  HttpTestServer server(HtmlPage("x"));
  std::vector<std::unique_ptr<RecordingSink>> sinks;
  std::function<void()> next = [&] {
    if (sinks.size() == 50) return;
    sinks.push_back(std::make_unique<RecordingSink>());
    sinks.back()->on_end = next;
    transport().Start(Request(server.Url("/")), sinks.back().get());
  };
  next();
  RunUntil([&] { return sinks.size() == 50 && sinks.back()->ended; });
  EXPECT_EQ(server.requests().size(), 50u);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(TransportTest, DownloadMayStartWithinABodyCallback) {
  HttpTestServer server(HtmlPage("x"));
  RecordingSink first;
  RecordingSink second;
  first.on_body = [&](std::string_view) {
    transport().Start(Request(server.Url("/2")), &second);
    return FetchSink::Next::kContinue;
  };
  transport().Start(Request(server.Url("/1")), &first);
  RunUntil([&] { return first.ended && second.ended; });
  EXPECT_EQ(second.result.outcome, Outcome::kResponse);
}

TEST_F(TransportTest, TransportMayBeDestroyedWhileDownloadsRun) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").Hang());
  RecordingSink sink;
  transport().Start(Request(server.Url("/")), &sink);
  RunUntil([&] { return sink.body == "half"; });
  transport_.reset();
  EXPECT_FALSE(sink.ended);
  RunUntil([&] { return server.open_connections() == 0; });
}

TEST_F(TransportTest, ConnectionsBeyondTheLimitAreNotKeptWarm) {
  options_.connections = 2;
  HttpTestServer server(HtmlPage("x"));
  const std::string port = std::to_string(server.port());
  for (const char* host : {"a", "b", "c", "d"}) Fetch(Request(std::string("http://") + host + ".example:" + port + "/"));
  After(absl::Milliseconds(50), [&] { loop_.Stop(); });
  loop_.Run();
  EXPECT_LE(server.open_connections(), 2);
}

TEST_F(TransportTest, EnvironmentProxyIsIgnored) {
  setenv("http_proxy", "http://127.0.0.1:1/", 1);
  HttpTestServer server(HtmlPage("x"));
  EXPECT_EQ(Fetch(server.Url("/")).outcome, Outcome::kResponse);
  unsetenv("http_proxy");
}

TEST_F(TransportTest, ConfiguredProxyGetsTheWholeUrl) {
  HttpTestServer proxy(HtmlPage("by proxy"));
  FetchRequest request = Request("http://host.example/a?b", "93.184.216.34");
  request.address = IpAddress();   // it is the proxy that looks it up
  request.proxy = proxy.Url("");
  const FetchResult result = Fetch(request);
  EXPECT_EQ(result.outcome, Outcome::kResponse) << result.detail;
  ASSERT_EQ(proxy.requests().size(), 1u);
  EXPECT_EQ(proxy.requests()[0].target, "http://host.example/a?b");
  EXPECT_EQ(result.ip, "") << "the proxy's own";
}

TEST_F(TransportTest, AProxysPasswordIsSentAndNotKept) {
  HttpTestServer proxy(HtmlPage("by proxy"));
  FetchRequest request = Request("http://host.example/", "93.184.216.34");
  request.proxy = proxy.Url("");
  request.proxy.insert(request.proxy.find("//") + 2, "me:secret@");
  const FetchResult result = Fetch(request);
  ASSERT_EQ(proxy.requests().size(), 1u);
  EXPECT_THAT(proxy.requests()[0].head, HasSubstr("Proxy-Authorization: Basic bWU6c2VjcmV0"));
  EXPECT_THAT(result.request_head, Not(HasSubstr("bWU6c2VjcmV0")));
  EXPECT_THAT(result.request_head, AllOf(StartsWith("GET http://host.example/ "), HasSubstr("\r\nHost: host.example\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(TransportTest, AProxyThatIsNotThereIsNamedWithoutItsPassword) {
  FetchRequest request = Request("http://host.example/", "93.184.216.34");
  request.proxy = "http://me:secret@127.0.0.1:1";
  const FetchResult result = Fetch(request);
  EXPECT_EQ(result.outcome, Outcome::kConnect);
  EXPECT_THAT(result.detail, AllOf(HasSubstr("the proxy http://…@127.0.0.1:1"), Not(HasSubstr("secret"))));
}

TEST_F(TransportTest, EachRequestHasItsOwnProxyOrNone) {
  HttpTestServer site([](const HttpTestRequest&) { return HtmlPage("site"); });
  HttpTestServer first([](const HttpTestRequest&) { return HtmlPage("first"); });
  HttpTestServer second([](const HttpTestRequest&) { return HtmlPage("second"); });
  FetchRequest request = Request(site.Url("/a?b"));
  const std::vector<std::pair<std::string, std::string>> steps = {
      {"", "site"}, {first.Url(""), "first"}, {second.Url(""), "second"}, {"", "site"}, {first.Url(""), "first"}};
  for (const auto& [proxy, answered_by] : steps) {
    request.proxy = proxy;
    ASSERT_EQ(Fetch(request).outcome, Outcome::kResponse);
    EXPECT_EQ(body(), answered_by);
  }
  for (const HttpTestRequest& asked : site.requests()) EXPECT_EQ(asked.target, "/a?b");
  for (const HttpTestRequest& asked : first.requests()) EXPECT_EQ(asked.target, site.Url("/a?b"));
}

}  // namespace
}  // namespace weft::test
