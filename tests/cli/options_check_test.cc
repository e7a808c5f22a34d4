#include "cli/options_check.h"

#include <gmock/gmock.h>

#include "cli/options_names.h"
#include "common/status.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RegexCheck, NamesThePatternAndTheReason) {
  EXPECT_TRUE(CheckRegex(R"(\.pdf$)").ok());
  EXPECT_THAT(ErrorText(CheckRegex("a(b")), HasSubstr("'a(b'"));
  EXPECT_THAT(ErrorText(CheckRegex("a(?=b)")), HasSubstr("RE2"));
}

TEST(NetworkCheck, TakesAddressesAndNetworks) {
  EXPECT_TRUE(CheckNetwork("127.0.0.0/8").ok());
  EXPECT_TRUE(CheckNetwork("fd00::/8").ok());
  EXPECT_TRUE(CheckNetwork("10.1.2.3").ok());
  EXPECT_THAT(ErrorText(CheckNetwork("127.0.0.0/33")), HasSubstr("is not a network"));
  EXPECT_FALSE(CheckNetwork("example.com").ok());
}

TEST(ResolveCheck, TakesHostPortAddress) {
  EXPECT_TRUE(CheckResolve("example.com:443:127.0.0.1").ok());
  EXPECT_TRUE(CheckResolve("example.com:443:[::1]").ok());
  EXPECT_TRUE(CheckResolve("*:443:127.0.0.1").ok());
  EXPECT_TRUE(CheckResolve("example.com:*:127.0.0.1").ok());
  EXPECT_TRUE(CheckResolve("example.com:443:::1").ok());
  for (const char* bad : {"example.com", "example.com:443", "example.com:0:127.0.0.1", "example.com:x:127.0.0.1",
                          "example.com:443:elsewhere", ":443:127.0.0.1", "a b:443:127.0.0.1", "x:70000:127.0.0.1"}) {
    EXPECT_THAT(ErrorText(CheckResolve(bad)), HasSubstr("HOST:PORT:ADDR")) << bad;
  }
}

TEST(ProxyCheck, TakesProxyUrlsAndHidesPasswords) {
  EXPECT_TRUE(CheckProxy("http://127.0.0.1:3128").ok());
  EXPECT_TRUE(CheckProxy("socks5h://user:secret@proxy.example:1080").ok());
  EXPECT_THAT(ErrorText(CheckProxy("ftp://user:secret@proxy.example/")), Not(HasSubstr("secret")));
  EXPECT_FALSE(CheckProxy("ftp://proxy.example/").ok());
  EXPECT_FALSE(CheckProxy("proxy.example").ok());
}

TEST(HeaderCheck, RefusesWhatWouldSpoilTheRequest) {
  EXPECT_TRUE(CheckHeader("Authorization: Bearer abc").ok());
  EXPECT_TRUE(CheckHeader("X-Empty:").ok());
  EXPECT_FALSE(CheckHeader("no colon").ok());
  EXPECT_FALSE(CheckHeader(": value").ok());
  EXPECT_FALSE(CheckHeader("Bad Name: x").ok());
  EXPECT_FALSE(CheckHeader("X-A: 1\r\nX-B: 2").ok());
  EXPECT_FALSE(CheckHeader("Host: other.example").ok());
  EXPECT_FALSE(CheckHeader("transfer-encoding: chunked").ok());
  EXPECT_THAT(ErrorText(CheckHeader("User-Agent: x")), HasSubstr("--user-agent"));
}

TEST(UserAgentCheck, WantsAProductFirst) {
  EXPECT_TRUE(CheckUserAgent("MyBot/1.0 (+https://example.org)").ok());
  EXPECT_FALSE(CheckUserAgent("(nobody)").ok());
  EXPECT_FALSE(CheckUserAgent("Bot\nX: y").ok());
}

TEST(ContactCheck, TakesUrlsAndMailAddresses) {
  EXPECT_TRUE(CheckContactText("you@example.org").ok());
  EXPECT_TRUE(CheckContactText("https://example.org/bot").ok());
  EXPECT_TRUE(CheckContactText("mailto:you@example.org").ok());
  for (const char* bad : {"me", "@example.org", "you@", "a@b@c", "you@example.org)", "two words@example.org",
                          "ftp://example.org/", "https://example.org/\n"}) {
    EXPECT_FALSE(CheckContactText(bad).ok()) << bad;
  }
}

TEST(EndpointCheck, TellsLoopbackFromWhatOthersReach) {
  for (const char* good : {"tcp://127.0.0.1:7700", "tcp://127.5.5.5:1", "tcp://[::1]:7700", "tcp://localhost:7700"}) {
    EXPECT_TRUE(CheckNodeEndpoint(good).ok()) << good;
    EXPECT_TRUE(IsLoopbackEndpoint(good)) << good;
  }
  for (const char* far : {"tcp://0.0.0.0:7700", "tcp://10.0.0.1:7700", "tcp://example.com:7700", "tcp://*:7700",
                          "tcp://[::]:7700"}) {
    EXPECT_FALSE(IsLoopbackEndpoint(far)) << far;
    EXPECT_THAT(ErrorText(LeavesThisMachine(far)), HasSubstr("--join")) << far;
  }
  for (const char* address : {"tcp://127.0.0.1:7700", "tcp://[::1]:7700", "tcp://0.0.0.0:7700", "tcp://10.0.0.1:7700", "tcp://*:7700", "tcp://eth0:7700"}) {
    EXPECT_TRUE(CheckListenEndpoint(address).ok()) << address;
  }
  for (const char* name : {"tcp://localhost:7700", "tcp://example.com:7700"}) {
    EXPECT_THAT(ErrorText(CheckListenEndpoint(name)), HasSubstr("is a host's name")) << name;
  }
  for (const char* bad : {"127.0.0.1:7700", "tcp://127.0.0.1", "tcp://127.0.0.1:x", "tcp://127.0.0.1:70000", "tcp://", "tcp://:7700"}) {
    EXPECT_THAT(ErrorText(CheckListenEndpoint(bad)), HasSubstr("tcp://HOST:PORT")) << bad;
  }
}

TEST(EndpointCheck, AnyFreePortIsForListeningOnly) {
  EXPECT_TRUE(CheckListenEndpoint("tcp://127.0.0.1:*").ok());
  EXPECT_TRUE(CheckListenEndpoint("tcp://127.0.0.1:0").ok());
  EXPECT_FALSE(CheckNodeEndpoint("tcp://127.0.0.1:*").ok());
  EXPECT_FALSE(CheckNodeEndpoint("tcp://127.0.0.1:0").ok());
}

TEST(Masks, HideValuesAndKeepNames) {
  EXPECT_EQ(MaskHeader("Cookie: secret"), "Cookie: …");
  EXPECT_EQ(MaskProxy("http://user:secret@proxy:1"), "http://…@proxy:1");
  EXPECT_EQ(MaskProxy("http://proxy:1"), "http://proxy:1");
}

TEST(NearestName, FindsTyposAndGivesUpOnOthers) {
  const std::vector<std::string> names = {"delay", "max-pages", "max-depth", "connections", "host-connections"};
  EXPECT_EQ(NearestName("dealy", names), "delay");
  EXPECT_EQ(NearestName("maxpages", names), "max-pages");
  EXPECT_EQ(NearestName("max_depth", names), "max-depth");
  EXPECT_EQ(NearestName("connection", names), "connections");
  EXPECT_EQ(NearestName("zzzzz", names), "");
  EXPECT_EQ(NearestName("", names), "");
  EXPECT_EQ(NearestName(std::string(100'000, 'x'), names), "");
}

}  // namespace
}  // namespace weft
