#include "tests/support/sim_transport.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace weft::test {
namespace {

struct Sink : FetchSink {
  Next OnBody(std::string_view bytes) override {
    ++pieces;
    if (answer == Next::kContinue) body += bytes;
    return answer;
  }
  void OnEnd(FetchResult end) override {
    ended = true;
    result = std::move(end);
  }
  Next answer = Next::kContinue;
  std::string body;
  int pieces = 0;
  bool ended = false;
  FetchResult result;
};

struct Tap : RequestTap {
  void OnRequest(const SeenRequest&) override { log += 'r'; }
  void OnResponseOver(const SeenRequest&) override { log += 'o'; }
  void OnAnswered(const SeenRequest&, const WebAnswer&, const FetchResult&) override { log += 'a'; }
  std::string log;
};

// The kinds of answers are looked up in the web, so each test finds a page that suits it.
class TransportTest : public testing::Test {
 protected:
  TransportTest() : web(3, Options()) {
    transport = std::make_unique<SimTransport>(clock, node_clock, life, "fetcher", web, &tap, 1, SimTransportOptions{},
                                               [](absl::AnyInvocable<void()> event) { event(); });
  }
  static WebOptions Options() {
    WebOptions options;
    options.troubled_hosts = 0;
    options.large_pages = 4;
    return options;
  }
  void RunAll() {
    while (clock.RunNext()) {
    }
  }
  FetchRequest For(WebPage::Kind kind) {
    FetchRequest request;
    for (const WebPage& page : web.pages()) {
      if (page.kind == kind && (kind != WebPage::Kind::kLarge || page.filler > 500'000)) {
        request.url = Url::Parse(web.KeyOf(page)).value();
        break;
      }
    }
    request.max_body = 8 << 20;
    return request;
  }

  SimClock clock;
  SimNodeClock node_clock{clock, absl::Seconds(500), absl::ZeroDuration(), 50};
  Life life = clock.Begin();
  SyntheticWeb web;
  Tap tap;
  Sink sink;
  std::unique_ptr<SimTransport> transport;
};

TEST_F(TransportTest, BringsAPage) {
  transport->Start(For(WebPage::Kind::kHtml), &sink);
  EXPECT_FALSE(sink.ended);
  RunAll();
  ASSERT_TRUE(sink.ended);
  EXPECT_EQ(sink.result.outcome, Outcome::kResponse);
  EXPECT_EQ(sink.result.status, 200);
  EXPECT_GT(sink.result.ended_steady, absl::UnixEpoch() + absl::Seconds(500));
  EXPECT_EQ(tap.log, "roa");
}

TEST_F(TransportTest, SendsNothingAfterStartBy) {
  FetchRequest request = For(WebPage::Kind::kHtml);
  request.start_by = node_clock.SteadyNow() + absl::Milliseconds(1);
  transport->Start(request, &sink);
  RunAll();
  EXPECT_TRUE(sink.result.not_sent);
  EXPECT_EQ(tap.log, "");
}

TEST_F(TransportTest, GivesTheRefusedPieceAgainAfterResume) {
  sink.answer = FetchSink::Next::kPause;
  Transport::Handle handle = transport->Start(For(WebPage::Kind::kLarge), &sink);
  clock.After(absl::Seconds(1), kWorld, [&] {
    EXPECT_EQ(sink.pieces, 1);
    sink.answer = FetchSink::Next::kContinue;
    transport->Resume(handle);
  });
  RunAll();
  EXPECT_TRUE(sink.ended);
  EXPECT_EQ(sink.result.truncated, "");
  EXPECT_GT(sink.body.size(), 500'000u);
}

TEST_F(TransportTest, APausedBodyEndsAtTheTimeout) {
  sink.answer = FetchSink::Next::kPause;
  transport->Start(For(WebPage::Kind::kLarge), &sink);
  RunAll();
  EXPECT_EQ(sink.result.truncated, "time");
}

TEST_F(TransportTest, CutsAtMaxBody) {
  FetchRequest request = For(WebPage::Kind::kLarge);
  request.max_body = 100'000;
  transport->Start(request, &sink);
  RunAll();
  EXPECT_EQ(sink.result.truncated, "length");
  EXPECT_EQ(sink.body.size(), 100'000u);
}

TEST_F(TransportTest, CancelEndsTheDownloadWithWhatWasReceived) {
  Transport::Handle handle = transport->Start(For(WebPage::Kind::kLarge), &sink);
  clock.After(absl::Milliseconds(150), kWorld, [&] {
    transport->Cancel(handle);
    EXPECT_TRUE(sink.ended);
  });
  RunAll();
  EXPECT_EQ(sink.result.outcome, Outcome::kTimeout);
  EXPECT_FALSE(sink.result.not_sent);
}

TEST_F(TransportTest, ACrashClosesTheConnection) {
  transport->Start(For(WebPage::Kind::kLarge), &sink);
  clock.After(absl::Milliseconds(50), kWorld, [&] {
    clock.End(life);
    transport.reset();
  });
  RunAll();
  EXPECT_FALSE(sink.ended);
  EXPECT_EQ(tap.log, "ro");
}

// A fetcher that is told new settings makes another transport; what the first had yet to do is over.
TEST_F(TransportTest, OneThatIsReplacedInTheMiddleOfALifeDoesNothingMore) {
  transport->Start(For(WebPage::Kind::kHtml), &sink);
  transport.reset();
  RunAll();
  EXPECT_EQ(tap.log, "");
  EXPECT_FALSE(sink.ended);
}

}  // namespace
}  // namespace weft::test
