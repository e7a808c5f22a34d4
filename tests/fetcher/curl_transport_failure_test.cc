// What bad servers and full hands do: each way for a download to end early, and what is said about it.
#include <gmock/gmock.h>

#include "tests/fetcher/transport_fixture.h"

namespace weft::test {
namespace {

using testing::HasSubstr;

constexpr std::string_view kHeadOfTen = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";

class TransportFailureTest : public TransportTest {
 protected:
  TransportFailureTest() { options_.timeout = absl::Milliseconds(200); }
};

TEST_F(TransportFailureTest, RefusedConnection) {
  const uint16_t port = UnusedPort();
  const FetchResult result = Fetch("http://127.0.0.1:" + std::to_string(port) + "/");
  EXPECT_EQ(result.outcome, Outcome::kConnect);
  EXPECT_EQ(result.detail, "connection refused by 127.0.0.1:" + std::to_string(port));
  EXPECT_FALSE(result.not_sent);
}

TEST_F(TransportFailureTest, NoAnswerAtAll) {
  HttpTestServer server(HttpScript().Hang());
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kTimeout);
  EXPECT_EQ(result.detail, "no answer within 200ms");
  EXPECT_GE(result.took, absl::Milliseconds(200));
  EXPECT_LT(result.took, absl::Seconds(2));
}

TEST_F(TransportFailureTest, HangWithinTheHeaders) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\nContent-").Hang());
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kTimeout);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.response_head, "");
}

TEST_F(TransportFailureTest, HangAfterAnInterimResponse) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 103 Early Hints\r\n\r\n").Hang());
  EXPECT_EQ(Fetch(server.Url("/")).outcome, Outcome::kTimeout);
}

TEST_F(TransportFailureTest, HangBeforeTheBody) {
  HttpTestServer server(HttpScript().Send(std::string(kHeadOfTen)).Hang());
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kTimeout);
  EXPECT_EQ(result.detail, "headers but no body within 200ms");
}

TEST_F(TransportFailureTest, HangWithinTheBodyKeepsWhatCame) {
  HttpTestServer server(HttpScript().Send(std::string(kHeadOfTen) + "half").Hang());
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kResponse);
  EXPECT_EQ(result.truncated, "time");
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(body(), "half");
}

TEST_F(TransportFailureTest, SlowDripIsCutInTime) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\n\r\n").Drip(std::string(10'000, 'x'), 1, absl::Milliseconds(10)));
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.truncated, "time");
  EXPECT_LT(result.took, absl::Seconds(2));
  EXPECT_GT(body().size(), 2u);
}

TEST_F(TransportFailureTest, DripWithinTheLimitIsWhole) {
  options_.timeout = absl::Seconds(5);
  const std::string text = "slowly but surely";
  HttpTestServer server(HttpScript().Drip(Answer(200, "text/plain", text).steps()[0].bytes, 7, absl::Milliseconds(2)));
  EXPECT_EQ(Fetch(server.Url("/")).truncated, "");
  EXPECT_EQ(body(), text);
}

TEST_F(TransportFailureTest, CloseBeforeAnyByte) {
  HttpTestServer server(HttpScript().Close());
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kTruncatedEarly);
  EXPECT_EQ(result.detail,
            "connection closed by 127.0.0.1:" + std::to_string(server.port()) + " before the headers were complete");
}

TEST_F(TransportFailureTest, CloseWithinTheHeaders) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n").Close());
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kTruncatedEarly);
  EXPECT_EQ(result.status, 0);
}

TEST_F(TransportFailureTest, CloseWithinTheStatusLine) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 20").Close());
  EXPECT_EQ(Fetch(server.Url("/")).outcome, Outcome::kTruncatedEarly);
}

TEST_F(TransportFailureTest, ResetBeforeAnyByte) {
  HttpTestServer server(HttpScript().Reset());
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kTruncatedEarly);
  EXPECT_THAT(result.detail, HasSubstr("connection reset by"));
}

TEST_F(TransportFailureTest, CloseWithinAnAnnouncedBody) {
  HttpTestServer server(HttpScript().Send(std::string(kHeadOfTen) + "half").Close());
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kResponse);
  EXPECT_EQ(result.truncated, "disconnect");
  EXPECT_EQ(body(), "half");
}

TEST_F(TransportFailureTest, ResetWithinTheBody) {
  HttpTestServer server(
      HttpScript().Send(std::string(kHeadOfTen) + "half").Wait(absl::Milliseconds(20)).Reset());
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kResponse);
  EXPECT_EQ(result.truncated, "disconnect");
}

TEST_F(TransportFailureTest, CloseWithinAChunk) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel").Close());
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kResponse);
  EXPECT_EQ(result.truncated, "disconnect");
}

TEST_F(TransportFailureTest, CloseBetweenChunks) {
  HttpTestServer server(
      HttpScript().Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + Chunk("hello")).Close());
  EXPECT_EQ(Fetch(server.Url("/")).truncated, "disconnect");
}

TEST_F(TransportFailureTest, BrokenChunkedCoding) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello").Hang());
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kProtocol);
  EXPECT_EQ(result.detail, "broken chunked coding");
}

TEST_F(TransportFailureTest, GarbageIsNotHttp) {
  HttpTestServer server(HttpScript().Send("SSH-2.0-OpenSSH_9.2\r\n").Hang());
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kProtocol);
  EXPECT_EQ(result.detail, "the answer is not HTTP/1.x");
  EXPECT_EQ(body(), "");
}

TEST_F(TransportFailureTest, BodyWithoutAHeadIsRefused) {
  HttpTestServer server(HttpScript().Send("<html>as in 1991</html>").Close());
  EXPECT_EQ(Fetch(server.Url("/")).outcome, Outcome::kProtocol);
  EXPECT_EQ(body(), "");
}

TEST_F(TransportFailureTest, SwitchedProtocolIsRefused) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nnoise").Hang());
  EXPECT_EQ(Fetch(server.Url("/")).outcome, Outcome::kProtocol);
}

TEST_F(TransportFailureTest, BrokenContentLengthIsRefused) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello").Hang());
  EXPECT_EQ(Fetch(server.Url("/")).outcome, Outcome::kProtocol);
}

TEST_F(TransportFailureTest, EndlessHeaderFields) {
  options_.timeout = absl::Seconds(5);
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\n").SendForever("X-Pad: 1\r\n"));
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kProtocol);
  EXPECT_EQ(result.detail, "more headers than are accepted");
}

TEST_F(TransportFailureTest, HeaderBytesAreLimitedInAll) {
  options_.max_header_bytes = 10'000;
  const std::string field = "X-Pad: " + std::string(900, 'p') + "\r\n";
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 12; ++i) head += field;
  HttpTestServer server(HttpScript().Send(head + "Content-Length: 0\r\n\r\n"));
  EXPECT_EQ(Fetch(server.Url("/")).outcome, Outcome::kProtocol);
}

TEST_F(TransportFailureTest, AThousandFieldsAreAccepted) {
  std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
  for (int i = 0; i < 999; ++i) head += "X-Pad: 1\r\n";
  HttpTestServer server(HttpScript().Send(head + "\r\n"));
  EXPECT_EQ(Fetch(server.Url("/")).outcome, Outcome::kResponse);
}

TEST_F(TransportFailureTest, EndlessHeaderLine) {
  options_.timeout = absl::Seconds(5);
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\nX-Pad: ").SendForever(std::string(4096, 'p')));
  EXPECT_EQ(Fetch(server.Url("/")).outcome, Outcome::kProtocol);
}

TEST_F(TransportFailureTest, EndlessInterimResponses) {
  options_.timeout = absl::Seconds(5);
  HttpTestServer server(HttpScript().SendForever("HTTP/1.1 103 Early Hints\r\n\r\n"));
  EXPECT_EQ(Fetch(server.Url("/")).outcome, Outcome::kProtocol);
}

TEST_F(TransportFailureTest, EndlessBodyIsCutAtTheLimit) {
  options_.timeout = absl::Seconds(5);
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\n\r\n").SendForever(std::string(4096, 'b')));
  FetchRequest request = Request(server.Url("/"));
  request.max_body = 100'000;
  const FetchResult result = Fetch(request);
  EXPECT_EQ(result.outcome, Outcome::kResponse);
  EXPECT_EQ(result.truncated, "length");
  EXPECT_EQ(body().size(), 100'000u);
}

TEST_F(TransportFailureTest, BodyOfExactlyTheLimitIsWhole) {
  HttpTestServer server(HtmlPage(std::string(1000, 'x')));
  FetchRequest request = Request(server.Url("/"));
  request.max_body = 1000;
  EXPECT_EQ(Fetch(request).truncated, "");
  EXPECT_EQ(body().size(), 1000u);
}

TEST_F(TransportFailureTest, SinkThatHasEnoughEndsTheDownload) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\n\r\n").SendForever(std::string(4096, 'b')));
  RecordingSink sink;
  sink.on_body = [](std::string_view) { return FetchSink::Next::kStop; };
  transport().Start(Request(server.Url("/")), &sink);
  RunUntil([&] { return sink.ended; });
  EXPECT_EQ(sink.result.outcome, Outcome::kResponse);
  EXPECT_EQ(sink.result.truncated, "length");
  EXPECT_EQ(sink.calls, 1);
}

}  // namespace
}  // namespace weft::test
