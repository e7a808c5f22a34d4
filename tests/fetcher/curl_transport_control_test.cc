// What the caller may do: pin and guard addresses, bound the start, pause, resume, cancel.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include <gmock/gmock.h>

#include "tests/fetcher/transport_fixture.h"

namespace weft::test {
namespace {

using testing::HasSubstr;

TEST_F(TransportTest, SpecialAddressIsRefusedThoughPinned) {
  HttpTestServer server(HtmlPage("secret"));
  options_.allowed_private.clear();
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kAddress);
  EXPECT_THAT(result.detail, HasSubstr("address not allowed: 127.0.0.1"));
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(TransportTest, PinnedAddressIsConnectedToWhateverTheUrlSays) {
  HttpTestServer server([](const HttpTestRequest&) { return HtmlPage("here"); }, "127.0.0.4");
  const std::string port = std::to_string(server.port());
  // A literal host that is not the pinned address: the pin holds.
  const FetchResult result = Fetch(Request("http://127.0.0.1:" + port + "/", "127.0.0.4"));
  EXPECT_EQ(result.outcome, Outcome::kResponse) << result.detail;
  EXPECT_EQ(result.ip, "127.0.0.4");
}

TEST_F(TransportTest, NothingIsSentAfterTheStartLimit) {
  HttpTestServer server(HtmlPage("x"));
  FetchRequest request = Request(server.Url("/"));
  request.start_by = SystemClock().SteadyNow() - absl::Milliseconds(1);
  const FetchResult result = Fetch(request);
  EXPECT_TRUE(result.not_sent);
  EXPECT_EQ(result.outcome, Outcome::kTimeout);
  EXPECT_EQ(result.request_head, "");
  EXPECT_EQ(server.requests().size(), 0u);
}

// A clock that is moved by hand on top of the machine's.
class ShiftedClock : public Clock {
 public:
  absl::Time WallNow() const override { return SystemClock().WallNow(); }
  absl::Time SteadyNow() const override { return SystemClock().SteadyNow() + shift; }
  absl::Duration shift = absl::ZeroDuration();
};

TEST_F(TransportTest, StartLimitIsCheckedAgainOnceConnected) {
  HttpTestServer server(HtmlPage("x"));
  ShiftedClock clock;
  transport_ = NewCurlTransport(loop_, clock, options_);
  FetchRequest request = Request(server.Url("/"));
  request.start_by = clock.SteadyNow() + absl::Seconds(1);
  RecordingSink sink;
  transport().Start(request, &sink);
  clock.shift = absl::Seconds(2);  // the machine slept between Start and the connection
  RunUntil([&] { return sink.ended; });
  EXPECT_TRUE(sink.result.not_sent);
  EXPECT_EQ(server.requests().size(), 0u);
}

TEST_F(TransportTest, StartLimitHoldsOnAKeptConnection) {
  HttpTestServer server(HtmlPage("x"));
  ShiftedClock clock;
  transport_ = NewCurlTransport(loop_, clock, options_);
  Fetch(server.Url("/1"));
  FetchRequest request = Request(server.Url("/2"));
  request.start_by = clock.SteadyNow() + absl::Seconds(1);
  RecordingSink sink;
  transport().Start(request, &sink);
  clock.shift = absl::Seconds(2);
  RunUntil([&] { return sink.ended; });
  EXPECT_TRUE(sink.result.not_sent);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(TransportTest, PausedBytesAreGivenAgainAfterResume) {
  const std::string text(300'000, 'p');
  HttpTestServer server(HtmlPage(text));
  RecordingSink sink;
  bool open = false;
  std::string refused;
  sink.on_body = [&](std::string_view bytes) {
    if (open) return FetchSink::Next::kContinue;
    refused = bytes;
    return FetchSink::Next::kPause;
  };
  const Transport::Handle handle = transport().Start(Request(server.Url("/")), &sink);
  RunUntil([&] { return !refused.empty(); });
  EXPECT_EQ(sink.body, "");
  open = true;
  transport().Resume(handle);
  RunUntil([&] { return sink.ended; });
  EXPECT_EQ(sink.body, text);
  EXPECT_EQ(sink.result.outcome, Outcome::kResponse);
  EXPECT_EQ(sink.result.truncated, "");
}

TEST_F(TransportTest, PauseMayComeAgainAndAgain) {
  HttpTestServer server(HtmlPage(std::string(500'000, 'p')));
  RecordingSink sink;
  Transport::Handle handle = 0;
  bool take = false;
  sink.on_body = [&](std::string_view) {
    take = !take;
    if (take) return FetchSink::Next::kContinue;
    transport().Resume(handle);
    return FetchSink::Next::kPause;
  };
  handle = transport().Start(Request(server.Url("/")), &sink);
  RunUntil([&] { return sink.ended; });
  EXPECT_EQ(sink.body.size(), 500'000u);
  EXPECT_EQ(sink.result.truncated, "");
}

TEST_F(TransportTest, TimeInAPauseIsNotCounted) {
  options_.timeout = absl::Milliseconds(150);
  HttpTestServer server(HtmlPage("late but whole"));
  RecordingSink sink;
  bool open = false;
  sink.on_body = [&](std::string_view) { return open ? FetchSink::Next::kContinue : FetchSink::Next::kPause; };
  const Transport::Handle handle = transport().Start(Request(server.Url("/")), &sink);
  After(absl::Milliseconds(400), [&] {
    open = true;
    transport().Resume(handle);
  });
  RunUntil([&] { return sink.ended; });
  EXPECT_EQ(sink.body, "late but whole");
  EXPECT_EQ(sink.result.truncated, "");
}

TEST_F(TransportTest, LimitRunsOnAfterAPause) {
  options_.timeout = absl::Milliseconds(150);
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").Hang());
  RecordingSink sink;
  bool open = false;
  sink.on_body = [&](std::string_view) { return open ? FetchSink::Next::kContinue : FetchSink::Next::kPause; };
  const Transport::Handle handle = transport().Start(Request(server.Url("/")), &sink);
  After(absl::Milliseconds(300), [&] {
    open = true;
    transport().Resume(handle);
  });
  RunUntil([&] { return sink.ended; });
  EXPECT_EQ(sink.result.truncated, "time");
  EXPECT_EQ(sink.body, "half");
}

TEST_F(TransportTest, CancelBeforeAnythingIsSent) {
  HttpTestServer server(HtmlPage("x"));
  RecordingSink sink;
  const Transport::Handle handle = transport().Start(Request(server.Url("/")), &sink);
  transport().Cancel(handle);
  RunUntil([&] { return sink.ended; });
  EXPECT_TRUE(sink.result.not_sent);
  EXPECT_EQ(sink.result.outcome, Outcome::kTimeout);
  EXPECT_EQ(server.requests().size(), 0u);
}

// An orderly close would leave the kernel sending what the network has not taken yet, when the lease is long over (rule 16).
TEST_F(TransportTest, CancelThrowsAwayWhatWasNotDelivered) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  ASSERT_EQ(bind(listener, address, size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, address, &size), 0);
  RecordingSink sink;
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/";
  const Transport::Handle handle = transport().Start(Request(url), &sink);
  const auto readable = [](int fd) {
    pollfd one{fd, POLLIN, 0};
    return poll(&one, 1, 0) > 0;
  };
  RunUntil([&] { return readable(listener); });
  const int peer = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  RunUntil([&] { return readable(peer); });
  char request[4096];
  EXPECT_GT(recv(peer, request, sizeof request, 0), 0);
  transport().Cancel(handle);
  RunUntil([&] { return sink.ended && readable(peer); });
  EXPECT_EQ(recv(peer, request, sizeof request, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
  close(peer);
  close(listener);
}

TEST_F(TransportTest, CancelWithinTheBodyTellsWhatCame) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").Hang());
  RecordingSink sink;
  const Transport::Handle handle = transport().Start(Request(server.Url("/")), &sink);
  RunUntil([&] { return sink.body == "half"; });
  transport().Cancel(handle);
  RunUntil([&] { return sink.ended; });
  EXPECT_EQ(sink.result.outcome, Outcome::kTimeout);
  EXPECT_FALSE(sink.result.not_sent);
  EXPECT_EQ(sink.result.status, 200);
  EXPECT_EQ(sink.result.truncated, "time");
  RunUntil([&] { return server.open_connections() == 0; });
}

TEST_F(TransportTest, CancelFromWithinTheBodyIsTheLastThingHeard) {
  HttpTestServer server(HttpScript().Send("HTTP/1.1 200 OK\r\n\r\n").SendForever(std::string(4096, 'b')));
  RecordingSink sink;
  Transport::Handle handle = 0;
  sink.on_body = [&](std::string_view) {
    transport().Cancel(handle);
    return FetchSink::Next::kContinue;
  };
  handle = transport().Start(Request(server.Url("/")), &sink);
  RunUntil([&] { return sink.ended; });
  EXPECT_EQ(sink.calls, 1);
  EXPECT_EQ(sink.result.outcome, Outcome::kTimeout);
}

TEST_F(TransportTest, CancelOfAnotherFromWithinTheBody) {
  HttpTestServer server([](const HttpTestRequest& request) {
    return request.target == "/hang" ? HttpScript().Hang() : HtmlPage("x");
  });
  RecordingSink hanging;
  RecordingSink sink;
  const Transport::Handle other = transport().Start(Request(server.Url("/hang")), &hanging);
  sink.on_body = [&](std::string_view) {
    transport().Cancel(other);
    return FetchSink::Next::kContinue;
  };
  transport().Start(Request(server.Url("/")), &sink);
  RunUntil([&] { return sink.ended && hanging.ended; });
  EXPECT_EQ(hanging.result.outcome, Outcome::kTimeout);
  EXPECT_EQ(sink.result.outcome, Outcome::kResponse);
}

TEST_F(TransportTest, CancelWhilePaused) {
  HttpTestServer server(HtmlPage("x"));
  RecordingSink sink;
  bool paused = false;
  sink.on_body = [&](std::string_view) {
    paused = true;
    return FetchSink::Next::kPause;
  };
  const Transport::Handle handle = transport().Start(Request(server.Url("/")), &sink);
  RunUntil([&] { return paused; });
  transport().Cancel(handle);
  RunUntil([&] { return sink.ended; });
  EXPECT_EQ(sink.result.outcome, Outcome::kTimeout);
}

TEST_F(TransportTest, UnknownHandlesAreIgnored) {
  HttpTestServer server(HtmlPage("x"));
  transport().Cancel(12345);
  transport().Resume(12345);
  EXPECT_EQ(Fetch(server.Url("/")).outcome, Outcome::kResponse);
}

}  // namespace
}  // namespace weft::test
