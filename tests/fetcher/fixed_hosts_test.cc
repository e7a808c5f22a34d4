#include "fetcher/fixed_hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

using testing::HasSubstr;

IpAddress Address(std::string_view text) { return IpAddress::Parse(text).value(); }

// The first address for host and port, or "none".
std::string Find(const FixedHosts& hosts, std::string_view host, uint16_t port, bool literal = false) {
  const std::vector<IpAddress>* found = hosts.Find(host, port, literal);
  return found == nullptr ? "none" : found->at(0).ToString();
}

std::string ErrorOf(const std::string& entry) {
  const absl::StatusOr<FixedHosts> hosts = FixedHosts::Parse({entry});
  return hosts.ok() ? "no error" : std::string(hosts.status().message());
}

TEST(FixedHosts, HostAndPortMustMatch) {
  const FixedHosts hosts = FixedHosts::Parse({"Example.com:80:192.0.2.1"}).value();
  EXPECT_EQ(Find(hosts, "example.com", 80), "192.0.2.1");
  EXPECT_EQ(Find(hosts, "example.com", 443), "none");
  EXPECT_EQ(Find(hosts, "www.example.com", 80), "none");
}

TEST(FixedHosts, StarMatchesAnyHostOrPort) {
  const FixedHosts hosts = FixedHosts::Parse({"a.example:*:192.0.2.1", "*:8080:192.0.2.2"}).value();
  EXPECT_EQ(Find(hosts, "a.example", 1), "192.0.2.1");
  EXPECT_EQ(Find(hosts, "b.example", 8080), "192.0.2.2");
  EXPECT_EQ(Find(hosts, "b.example", 80), "none");
}

TEST(FixedHosts, FirstMatchCounts) {
  const FixedHosts hosts = FixedHosts::Parse({"*:*:192.0.2.1", "a.example:80:192.0.2.2"}).value();
  EXPECT_EQ(Find(hosts, "a.example", 80), "192.0.2.1");
}

TEST(FixedHosts, StarIsNotForLiteralAddresses) {
  const FixedHosts hosts = FixedHosts::Parse({"*:*:192.0.2.1", "[::1]:80:192.0.2.2"}).value();
  EXPECT_EQ(Find(hosts, "198.51.100.1", 80, true), "none");
  EXPECT_EQ(Find(hosts, "[::1]", 80, true), "192.0.2.2");
}

TEST(FixedHosts, SeveralAddressesAndIpv6) {
  const FixedHosts hosts = FixedHosts::Parse({"a:80:[2001:db8::1],192.0.2.1", "b:80:2001:db8::2"}).value();
  EXPECT_THAT(*hosts.Find("a", 80, false), testing::ElementsAre(Address("2001:db8::1"), Address("192.0.2.1")));
  EXPECT_EQ(Find(hosts, "b", 80), "2001:db8::2");
}

TEST(FixedHosts, ErrorsNameTheEntryAndWhatIsWrong) {
  EXPECT_EQ(ErrorOf("example.com"), "--resolve example.com: expected HOST:PORT:ADDRESS");
  EXPECT_EQ(ErrorOf("example.com:80"), "--resolve example.com:80: expected HOST:PORT:ADDRESS");
  EXPECT_THAT(ErrorOf(":80:192.0.2.1"), HasSubstr("the host is empty"));
  EXPECT_THAT(ErrorOf("a:http:192.0.2.1"), HasSubstr("port \"http\" is neither 1 to 65535 nor *"));
  EXPECT_THAT(ErrorOf("a:0:192.0.2.1"), HasSubstr("port \"0\""));
  EXPECT_THAT(ErrorOf("a:65536:192.0.2.1"), HasSubstr("port \"65536\""));
  EXPECT_THAT(ErrorOf("a:80:b.example"), HasSubstr("\"b.example\" is not an IP address"));
  EXPECT_THAT(ErrorOf("a:80:"), HasSubstr("\"\" is not an IP address"));
  EXPECT_THAT(ErrorOf("[::1:80:192.0.2.1"), HasSubstr("expected HOST:PORT:ADDRESS"));
}

}  // namespace
}  // namespace weft
