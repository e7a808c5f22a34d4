#include "fetcher/ares_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <string>

#include "common/clock.h"
#include "tests/support/dns_test_server.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using Answer = absl::StatusOr<std::vector<IpAddress>>;

// A clock that is moved by hand on top of the machine's.
class ShiftedClock : public Clock {
 public:
  absl::Time WallNow() const override { return SystemClock().WallNow(); }
  absl::Time SteadyNow() const override { return SystemClock().SteadyNow() + shift; }
  absl::Duration shift = absl::ZeroDuration();
};

class AresResolverTest : public testing::Test {
 protected:
  // A resolver that asks `server` alone.
  Resolver& Use(const DnsTestServer& server) {
    options_.servers = server.endpoint();
    resolver_ = NewAresResolver(loop_, clock_, options_).value();
    return *resolver_;
  }

  Answer Resolve(const std::string& host, uint16_t port = 80) {
    std::optional<Answer> answer;
    resolver_->Resolve(host, port, [&](Answer got) { answer = std::move(got); });
    RunUntil([&] { return answer.has_value(); });
    return answer.value_or(absl::UnknownError("nothing came"));
  }

  // For what it does to the cache and the server; any answer will do.
  void Ask(const std::string& host) { EXPECT_FALSE(absl::IsUnknown(Resolve(host).status())); }

  static std::vector<std::string> Texts(const Answer& answer) {
    std::vector<std::string> texts;
    if (!answer.ok()) return {answer.status().ToString()};
    for (const IpAddress& address : *answer) texts.push_back(address.ToString());
    return texts;
  }

  void RunUntil(const std::function<bool()>& done) {
    if (done()) return;
    bool late = false;
    bool stopped = false;  // a second Stop would end the next Run
    const uint64_t guard = loop_.At(SystemClock().SteadyNow() + absl::Seconds(10), [&] { late = true; });
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

  ShiftedClock clock_;  // the resolver's; the loop runs on the machine's
  AresResolverOptions options_;
  EventLoop loop_{"test", SystemClock()};
  std::unique_ptr<Resolver> resolver_;
};

DnsReply Addresses(std::vector<std::string> addresses, uint32_t ttl = 300) {
  DnsReply reply;
  reply.addresses = std::move(addresses);
  reply.ttl = ttl;
  return reply;
}

DnsReply Failure(int rcode) {
  DnsReply reply;
  reply.rcode = rcode;
  return reply;
}

TEST_F(AresResolverTest, AnswersIpv4First) {
  DnsTestServer server([](const std::string&, DnsType) { return Addresses({"2001:db8::1", "192.0.2.1", "192.0.2.2"}); });
  Use(server);
  EXPECT_THAT(Texts(Resolve("host.example")), ElementsAre("192.0.2.1", "192.0.2.2", "2001:db8::1"));
  EXPECT_THAT(server.questions(), UnorderedElementsAre("A host.example", "AAAA host.example"));
}

TEST_F(AresResolverTest, AliasIsFollowed) {
  DnsTestServer server([](const std::string&, DnsType) {
    DnsReply reply = Addresses({"192.0.2.1"});
    reply.alias = "cdn.example.net";
    return reply;
  });
  Use(server);
  EXPECT_THAT(Texts(Resolve("host.example")), ElementsAre("192.0.2.1"));
}

TEST_F(AresResolverTest, HostWithIpv6AloneIsAnswered) {
  DnsTestServer server([](const std::string&, DnsType) { return Addresses({"2001:db8::1"}); });
  Use(server);
  EXPECT_THAT(Texts(Resolve("host.example")), ElementsAre("2001:db8::1"));
}

TEST_F(AresResolverTest, NoSuchNameIsNotFound) {
  DnsTestServer server([](const std::string&, DnsType) { return Failure(3); });
  Use(server);
  const Answer answer = Resolve("nowhere.example");
  EXPECT_TRUE(absl::IsNotFound(answer.status()));
  EXPECT_EQ(answer.status().message(), "no such host: nowhere.example");
}

TEST_F(AresResolverTest, NameWithoutAddressesIsNotFound) {
  DnsTestServer server([](const std::string&, DnsType) { return DnsReply(); });
  Use(server);
  EXPECT_TRUE(absl::IsNotFound(Resolve("mail.example").status()));
}

TEST_F(AresResolverTest, ServerFailureIsUnavailable) {
  DnsTestServer server([](const std::string&, DnsType) { return Failure(2); });
  Use(server);
  EXPECT_TRUE(absl::IsUnavailable(Resolve("host.example").status()));
}

TEST_F(AresResolverTest, SilentServerIsUnavailableInTime) {
  DnsTestServer server([](const std::string&, DnsType) {
    DnsReply reply;
    reply.silent = true;
    return reply;
  });
  options_.timeout = absl::Milliseconds(200);
  Use(server);
  const absl::Time began = SystemClock().SteadyNow();
  EXPECT_TRUE(absl::IsUnavailable(Resolve("host.example").status()));
  EXPECT_LT(SystemClock().SteadyNow() - began, absl::Seconds(2));
}

TEST_F(AresResolverTest, LostQuestionIsAskedAgain) {
  int asked = 0;
  DnsTestServer server([&](const std::string&, DnsType) {
    DnsReply reply = Addresses({"192.0.2.1", "2001:db8::1"});
    reply.silent = ++asked <= 2;
    return reply;
  });
  options_.timeout = absl::Milliseconds(700);
  Use(server);
  EXPECT_THAT(Texts(Resolve("host.example")), ElementsAre("192.0.2.1", "2001:db8::1"));
}

TEST_F(AresResolverTest, SameNameAtOnceIsAskedOnce) {
  DnsTestServer server([](const std::string&, DnsType) { return Addresses({"192.0.2.1"}); });
  Resolver& resolver = Use(server);
  int answers = 0;
  for (int i = 0; i < 20; ++i) resolver.Resolve("host.example", 80, [&](Answer answer) { answers += answer.ok(); });
  RunUntil([&] { return answers == 20; });
  EXPECT_EQ(server.questions().size(), 2u);
}

TEST_F(AresResolverTest, AnswerIsKeptForItsTimeToLive) {
  DnsTestServer server([](const std::string&, DnsType) { return Addresses({"192.0.2.1"}, 600); });
  Use(server);
  Ask("host.example");
  clock_.shift = absl::Seconds(590);
  Ask("host.example");
  EXPECT_EQ(server.questions().size(), 2u);
  clock_.shift = absl::Seconds(601);
  Ask("host.example");
  EXPECT_EQ(server.questions().size(), 4u);
}

TEST_F(AresResolverTest, TimeToLiveOfAnAliasCounts) {
  DnsTestServer server([](const std::string&, DnsType) {
    DnsReply reply = Addresses({"192.0.2.1"}, 3000);
    reply.alias = "cdn.example.net";
    reply.alias_ttl = 60;
    return reply;
  });
  Use(server);
  Ask("host.example");
  clock_.shift = absl::Seconds(61);
  Ask("host.example");
  EXPECT_EQ(server.questions().size(), 4u);
}

TEST_F(AresResolverTest, TimeToLiveStaysWithinItsBounds) {
  DnsTestServer server([](const std::string& name, DnsType) { return Addresses({"192.0.2.1"}, name == "short.example" ? 0 : 1'000'000); });
  Use(server);
  Ask("short.example");
  Ask("long.example");
  clock_.shift = absl::Seconds(29);
  Ask("short.example");
  EXPECT_EQ(server.questions().size(), 4u) << "min_ttl";
  clock_.shift = absl::Seconds(3601);
  Ask("long.example");
  EXPECT_EQ(server.questions().size(), 6u) << "max_ttl";
}

TEST_F(AresResolverTest, FailureIsRememberedForAWhile) {
  DnsTestServer server([](const std::string&, DnsType) { return Failure(3); });
  Use(server);
  Ask("nowhere.example");
  const size_t asked = server.questions().size();
  EXPECT_TRUE(absl::IsNotFound(Resolve("nowhere.example").status()));
  EXPECT_EQ(server.questions().size(), asked);
  clock_.shift = absl::Seconds(31);
  Ask("nowhere.example");
  EXPECT_GT(server.questions().size(), asked);
}

TEST_F(AresResolverTest, LiteralAddressesAreAnsweredAsThemselves) {
  DnsTestServer server([](const std::string&, DnsType) { return Failure(3); });
  Use(server);
  EXPECT_THAT(Texts(Resolve("192.0.2.7")), ElementsAre("192.0.2.7"));
  EXPECT_THAT(Texts(Resolve("[2001:db8::7]")), ElementsAre("2001:db8::7"));
  EXPECT_THAT(server.questions(), IsEmpty());
}

TEST_F(AresResolverTest, LocalhostIsNotAskedFor) {
  DnsTestServer server([](const std::string&, DnsType) { return Addresses({"192.0.2.66"}); });
  Use(server);
  for (const char* host : {"localhost", "localhost.", "app.localhost"}) {
    EXPECT_THAT(Texts(Resolve(host)), ElementsAre("127.0.0.1", "::1")) << host;
  }
  EXPECT_THAT(server.questions(), IsEmpty());
}

TEST_F(AresResolverTest, FixedAddressesComeFirst) {
  DnsTestServer server([](const std::string&, DnsType) { return Addresses({"192.0.2.66"}); });
  options_.fixed = {"host.example:80:127.0.0.9", "localhost:*:127.0.0.8"};
  Use(server);
  EXPECT_THAT(Texts(Resolve("host.example", 80)), ElementsAre("127.0.0.9"));
  EXPECT_THAT(Texts(Resolve("localhost", 80)), ElementsAre("127.0.0.8"));
  EXPECT_THAT(server.questions(), IsEmpty());
  EXPECT_THAT(Texts(Resolve("host.example", 443)), ElementsAre("192.0.2.66"));
}

TEST_F(AresResolverTest, BadFixedEntryIsAnError) {
  options_.fixed = {"host.example"};
  const auto resolver = NewAresResolver(loop_, clock_, options_);
  EXPECT_TRUE(absl::IsInvalidArgument(resolver.status()));
  EXPECT_THAT(std::string(resolver.status().message()), HasSubstr("--resolve host.example"));
}

TEST_F(AresResolverTest, NoSearchDomainIsApplied) {
  DnsTestServer server([](const std::string&, DnsType) { return Failure(3); });
  Use(server);
  Ask("intranet");
  for (const std::string& question : server.questions()) EXPECT_THAT(question, testing::EndsWith(" intranet"));
}

TEST_F(AresResolverTest, HostsFileIsRead) {
  std::ifstream hosts("/etc/hosts");
  std::string name;
  std::string expected;
  for (std::string line; std::getline(hosts, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string address;
    std::string host;
    if (!(words >> address >> host) || host.find("localhost") != std::string::npos) continue;
    if (!IpAddress::Parse(address).ok()) continue;
    name = host;
    expected = IpAddress::Parse(address)->ToString();
    break;
  }
  if (name.empty()) GTEST_SKIP() << "/etc/hosts names nothing but localhost";
  DnsTestServer server([](const std::string&, DnsType) { return Failure(3); });
  Use(server);
  EXPECT_THAT(Texts(Resolve(name)), testing::Contains(expected));
  EXPECT_THAT(server.questions(), IsEmpty());
}

TEST_F(AresResolverTest, ManyNamesWaitTheirTurn) {
  DnsTestServer server([](const std::string&, DnsType) { return Addresses({"192.0.2.1"}); });
  options_.in_flight = 4;
  Resolver& resolver = Use(server);
  int answers = 0;
  for (int i = 0; i < 100; ++i) {
    resolver.Resolve("h" + std::to_string(i) + ".example", 80, [&](Answer answer) { answers += answer.ok(); });
  }
  EXPECT_LE(server.questions().size(), 8u);
  RunUntil([&] { return answers == 100; });
}

TEST_F(AresResolverTest, CallbackMayAskAnew) {
  DnsTestServer server([](const std::string&, DnsType) { return Addresses({"192.0.2.1"}); });
  Resolver& resolver = Use(server);
  int answers = 0;
  std::function<void(int)> ask = [&](int n) {
    resolver.Resolve("h" + std::to_string(n) + ".example", 80, [&, n](Answer answer) {
      answers += answer.ok();
      if (n < 9) ask(n + 1);
    });
  };
  ask(0);
  RunUntil([&] { return answers == 10; });
}

TEST_F(AresResolverTest, ResolverMayBeDestroyedWhileNamesAreAskedFor) {
  DnsTestServer server([](const std::string&, DnsType) {
    DnsReply reply;
    reply.silent = true;
    return reply;
  });
  Resolver& resolver = Use(server);
  bool called = false;
  resolver.Resolve("host.example", 80, [&](const Answer&) { called = true; });
  RunUntil([&] { return !server.questions().empty(); });
  resolver_.reset();
  loop_.Stop();
  loop_.Run();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace weft::test
