// What the transport's tests share: a loop, a transport that may go to the loopback network, and a sink that records.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/event_loop.h"
#include "fetcher/curl_transport.h"
#include "tests/support/http_test_server.h"

namespace weft::test {

// Keeps what it is given. `on_body` and `on_end` may be replaced before the start.
class RecordingSink : public FetchSink {
 public:
  Next OnBody(std::string_view bytes) override {
    ++calls;
    const Next next = on_body ? on_body(bytes) : Next::kContinue;
    if (next != Next::kPause) body += bytes;
    return next;
  }
  void OnEnd(FetchResult end) override {
    EXPECT_FALSE(ended) << "OnEnd called twice";
    ended = true;
    result = std::move(end);
    if (on_end) on_end();
  }

  std::function<Next(std::string_view)> on_body;
  std::function<void()> on_end;
  std::string body;
  FetchResult result;
  int calls = 0;
  bool ended = false;
};

inline IpAddress Address(std::string_view text) { return IpAddress::Parse(text).value(); }

class TransportTest : public testing::Test {
 protected:
  TransportTest() {
    options_.user_agent = "Weft/1.0 (+https://weft.example)";
    options_.allowed_private = {Cidr::Parse("127.0.0.0/8").value(), Cidr::Parse("::1").value()};
    options_.timeout = absl::Seconds(5);
    options_.connect_timeout = absl::Seconds(5);
  }

  Transport& transport() {
    if (!transport_) transport_ = NewCurlTransport(loop_, SystemClock(), options_);
    return *transport_;
  }

  static FetchRequest Request(const std::string& url, std::string_view address = "127.0.0.1") {
    FetchRequest request;
    request.url = Url::Parse(url).value();
    request.address = Address(address);
    request.max_body = 1 << 20;
    return request;
  }

  // Runs the loop until `done`, or fails after some seconds.
  void RunUntil(const std::function<bool()>& done) {
    bool late = false;
    const uint64_t guard = loop_.At(SystemClock().SteadyNow() + absl::Seconds(10), [&] { late = true; });
    bool stopped = false;  // a second Stop would end the next Run
    const uint64_t poller = loop_.AddPoller([&] {
      if (!stopped && (late || done())) {
        stopped = true;
        loop_.Stop();
      }
      return false;
    });
    loop_.Run();
    loop_.RemovePoller(poller);
    loop_.CancelTimer(guard);
    ASSERT_FALSE(late) << "nothing came within 10 s";
  }

  void After(absl::Duration wait, std::function<void()> callback) {
    loop_.At(SystemClock().SteadyNow() + wait, std::move(callback));
  }

  // One download from start to end.
  FetchResult Fetch(const FetchRequest& request) {
    sink_ = std::make_unique<RecordingSink>();
    transport().Start(request, sink_.get());
    EXPECT_FALSE(sink_->ended) << "the sink was called from within Start";
    RunUntil([&] { return sink_->ended; });
    return sink_->result;
  }
  FetchResult Fetch(const std::string& url) { return Fetch(Request(url)); }
  const std::string& body() const { return sink_->body; }

  CurlTransportOptions options_;
  EventLoop loop_{"test", SystemClock()};
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<RecordingSink> sink_;
};

}  // namespace weft::test
