// Where requests leave from, and that a shortage of local ports or descriptors makes downloads wait and none fail.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <set>

#include "tests/fetcher/transport_fixture.h"

namespace weft::test {
namespace {

using testing::HasSubstr;

TEST_F(TransportTest, RequestsOfAHostLeaveFromOneOfTheAddresses) {
  HttpTestServer server([](const HttpTestRequest&) { return HtmlPage("x"); });
  options_.egress.addresses = ParseAddressList("127.0.0.21,127.0.0.22,127.0.0.23").value();
  std::set<std::string> all;
  for (int host = 0; host < 12; ++host) {
    std::set<std::string> peers;
    for (int i = 0; i < 2; ++i) {
      const std::string url = fmt::format("http://h{}.test:{}/", host, server.port());
      ASSERT_EQ(Fetch(url).outcome, Outcome::kResponse);
      peers.insert(server.requests().back().peer);
    }
    EXPECT_EQ(peers.size(), 1u) << "host " << host;
    all.merge(peers);
  }
  EXPECT_EQ(all, (std::set<std::string>{"127.0.0.21", "127.0.0.22", "127.0.0.23"}));
}

TEST_F(TransportTest, WithoutAnAddressOfThePeersFamilyNothingIsConnected) {
  HttpTestServer server(HtmlPage("x"));
  options_.egress.addresses = ParseAddressList("::1").value();
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kConnect);
  EXPECT_THAT(result.detail, HasSubstr("no address to leave from is of the family of 127.0.0.1"));
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(TransportTest, AnAddressThatIsGoneFailsTheDownloadAndDoesNotWaitForPorts) {
  HttpTestServer server(HtmlPage("x"));
  options_.egress.addresses = ParseAddressList("192.0.2.77").value();
  const FetchResult result = Fetch(server.Url("/"));
  EXPECT_EQ(result.outcome, Outcome::kConnect);
  EXPECT_THAT(result.detail, HasSubstr("Cannot assign requested address"));
}

TEST_F(TransportTest, AnAddressCarriesAsManyAsItMayAndTheOthersWait) {
  HttpTestServer server([](const HttpTestRequest&) {
    return HttpScript().Wait(absl::Milliseconds(100)).Send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  });
  options_.egress.connections = 2;
  std::vector<RecordingSink> sinks(6);
  int most = 0;
  for (size_t i = 0; i < sinks.size(); ++i) transport().Start(Request(server.Url("/" + std::to_string(i))), &sinks[i]);
  RunUntil([&] {
    most = std::max(most, server.open_connections());
    return std::all_of(sinks.begin(), sinks.end(), [](const RecordingSink& sink) { return sink.ended; });
  });
  EXPECT_LE(most, 2);
  for (const RecordingSink& sink : sinks) EXPECT_EQ(sink.result.outcome, Outcome::kResponse) << sink.result.detail;
}

TEST_F(TransportTest, WhatStillWaitsWhenItsTimeToStartHasPassedIsNotSent) {
  HttpTestServer server([](const HttpTestRequest&) {
    return HttpScript().Wait(absl::Milliseconds(800)).Send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  });
  options_.egress.connections = 1;
  RecordingSink first;
  RecordingSink second;
  transport().Start(Request(server.Url("/1")), &first);
  FetchRequest late = Request(server.Url("/2"));
  late.start_by = SystemClock().SteadyNow() + absl::Milliseconds(300);
  transport().Start(late, &second);
  RunUntil([&] { return second.ended; });
  EXPECT_TRUE(second.result.not_sent);
  EXPECT_FALSE(first.ended);
  RunUntil([&] { return first.ended; });
  EXPECT_EQ(first.result.outcome, Outcome::kResponse);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(TransportTest, WhatWaitsCanBeCancelled) {
  HttpTestServer server(HttpScript().Hang());
  options_.egress.connections = 1;
  RecordingSink first;
  RecordingSink second;
  transport().Start(Request(server.Url("/1")), &first);
  const Transport::Handle handle = transport().Start(Request(server.Url("/2")), &second);
  RunUntil([&] { return server.requests().size() == 1; });
  transport().Cancel(handle);
  RunUntil([&] { return second.ended; });
  EXPECT_TRUE(second.result.not_sent);
}

// Lets this process open no more files for as long as it lives.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 3;  // fewer than are open: what is open stays so
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;

 private:
  rlimit before_{};
};

TEST_F(TransportTest, DownloadsWaitForDescriptorsAndComplete) {
  HttpTestServer server([](const HttpTestRequest&) { return HtmlPage("x"); });
  std::vector<std::string> told;
  options_.on_shortage = [&](const std::string& text) { told.push_back(text); };
  std::vector<RecordingSink> sinks(3);
  for (size_t i = 0; i < sinks.size(); ++i) transport().Start(Request(server.Url("/" + std::to_string(i))), &sinks[i]);
  {
    const NoMoreFiles none;
    RunUntil([&] { return !told.empty(); });
    for (const RecordingSink& sink : sinks) EXPECT_FALSE(sink.ended) << sink.result.detail;
  }
  RunUntil([&] { return std::all_of(sinks.begin(), sinks.end(), [](const RecordingSink& sink) { return sink.ended; }); });
  for (const RecordingSink& sink : sinks) EXPECT_EQ(sink.result.outcome, Outcome::kResponse) << sink.result.detail;
  ASSERT_EQ(told.size(), 1u) << "not once a download";
  EXPECT_THAT(told[0], HasSubstr("run short"));
}

}  // namespace
}  // namespace weft::test
