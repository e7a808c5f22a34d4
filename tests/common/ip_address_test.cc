#include "common/ip_address.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "common/status.h"

namespace weft {
namespace {

IpAddress Address(std::string_view text) {
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
  EXPECT_TRUE(address.ok()) << text << ": " << address.status();
  return address.value_or(IpAddress());
}

Cidr Network(std::string_view text) {
  const absl::StatusOr<Cidr> network = Cidr::Parse(text);
  EXPECT_TRUE(network.ok()) << text << ": " << network.status();
  return network.value_or(Cidr());
}

struct Edges {
  const char* first;
  const char* last;
  const char* before;  // "" where a neighbour is special too
  const char* after;
};

void ExpectSpecial(const Edges& range) {
  EXPECT_TRUE(Address(range.first).IsSpecial()) << range.first;
  EXPECT_TRUE(Address(range.last).IsSpecial()) << range.last;
  for (std::string_view outside : {range.before, range.after}) {
    if (outside.empty()) continue;
    EXPECT_FALSE(Address(outside).IsSpecial()) << outside;
  }
}

TEST(IpAddressSpecial, EveryIpv4RangeWithItsNeighbours) {
  const Edges ranges[] = {
      {"0.0.0.0", "0.255.255.255", "", "1.0.0.0"},
      {"10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
      {"100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"},
      {"127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"},
      {"169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"},
      {"172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"},
      {"192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"},
      {"192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"},
      {"192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0"},
      {"192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0"},
      {"192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"},
      {"192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"},
      {"192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0"},
      {"198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"},
      {"198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"},
      {"203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"},
      {"224.0.0.0", "239.255.255.255", "223.255.255.255", ""},
      {"240.0.0.0", "255.255.255.255", "", ""},
  };
  for (const Edges& range : ranges) ExpectSpecial(range);
}

TEST(IpAddressSpecial, EveryIpv6RangeWithItsNeighbours) {
  const Edges ranges[] = {
      {"::", "::1", "", ""},
      {"::2", "::fffe:ffff:ffff", "", ""},
      {"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "", ""},
      {"100::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "2000::"},
      {"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"},
      {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
      {"2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", "2620:4f:7fff::", "2620:4f:8001::"},
      {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3ffe:ffff::", "3fff:1000::"},
      {"4000::", "5f00::1", "", ""},
      {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", ""},
      {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", ""},
      {"fec0::", "feff::", "", ""},
      {"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", ""},
  };
  for (const Edges& range : ranges) ExpectSpecial(range);
  EXPECT_FALSE(Address("2606:4700:4700::1111").IsSpecial());
}

TEST(IpAddressSpecial, EmbeddedIpv4IsJudged) {
  for (const char* text : {"::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::192.168.1.1", "2002:7f00:1::",
      "2002:a00:1::1"}) {
    EXPECT_TRUE(Address(text).IsSpecial()) << text;
  }
  for (const char* text : {"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"}) {
    EXPECT_FALSE(Address(text).IsSpecial()) << text;
  }
}

TEST(IpAddress, EmbeddedUnwrapsTheThreeForms) {
  EXPECT_EQ(Address("::ffff:192.0.2.1").Embedded(), Address("192.0.2.1"));
  EXPECT_EQ(Address("64:ff9b::192.0.2.1").Embedded(), Address("192.0.2.1"));
  EXPECT_EQ(Address("2002:c000:201::").Embedded(), Address("192.0.2.1"));
  EXPECT_EQ(Address("2001:db8::1").Embedded(), Address("2001:db8::1"));
  EXPECT_EQ(Address("192.0.2.1").Embedded(), Address("192.0.2.1"));
}

TEST(IpAddress, ParsesAndFormats) {
  EXPECT_EQ(Address("192.0.2.1").ToString(), "192.0.2.1");
  EXPECT_EQ(Address("2001:DB8:0:0::1").ToString(), "2001:db8::1");
  EXPECT_EQ(Address("[::1]").ToString(), "::1");
  EXPECT_TRUE(Address("1.2.3.4").is_v4());
  EXPECT_FALSE(Address("::1.2.3.4").is_v4());
}

TEST(IpAddress, RefusesEverythingElse) {
  using std::string_view_literals::operator""sv;
  for (std::string_view text : {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "01.2.3.4"sv, "256.1.1.1"sv, "0x7f.0.0.1"sv,
      "[1.2.3.4]"sv,
                                "fe80::1%eth0"sv, "::1]"sv, "[::1"sv, "1.2.3.4 "sv, "1.2.3.4\0x"sv, "localhost"sv}) {
    EXPECT_FALSE(IpAddress::Parse(text).ok()) << text;
  }
  EXPECT_EQ(IpAddress::Parse("x").status().message(),
            "'x': expected an IP address such as 192.0.2.1 or 2001:db8::1");
}

TEST(IpAddress, LoopbackInAllItsForms) {
  for (const char* text : {"127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(Address(text).IsLoopback()) << text;
  }
  for (const char* text : {"128.0.0.1", "::2", "10.0.0.1", "::"}) EXPECT_FALSE(Address(text).IsLoopback()) << text;
}

TEST(IpAddress, FromSocketAddresses) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
  EXPECT_EQ(*IpAddress::FromSockaddr(reinterpret_cast<const sockaddr*>(&v4)), Address("192.0.2.7"));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr);
  EXPECT_EQ(*IpAddress::FromSockaddr(reinterpret_cast<const sockaddr*>(&v6)), Address("2001:db8::7"));
  sockaddr other{};
  other.sa_family = AF_UNIX;
  EXPECT_FALSE(IpAddress::FromSockaddr(&other).ok());
  EXPECT_FALSE(IpAddress::FromSockaddr(nullptr).ok());
}

TEST(Cidr, ContainsItsAddressesOnly) {
  EXPECT_TRUE(Network("10.0.0.0/8").Contains(Address("10.255.0.1")));
  EXPECT_FALSE(Network("10.0.0.0/8").Contains(Address("11.0.0.0")));
  EXPECT_TRUE(Network("192.0.2.128/25").Contains(Address("192.0.2.255")));
  EXPECT_FALSE(Network("192.0.2.128/25").Contains(Address("192.0.2.127")));
  EXPECT_TRUE(Network("fd00::/8").Contains(Address("fdff::1")));
  EXPECT_FALSE(Network("fd00::/8").Contains(Address("fc00::1")));
  EXPECT_TRUE(Network("0.0.0.0/0").Contains(Address("255.1.2.3")));
  EXPECT_FALSE(Network("0.0.0.0/0").Contains(Address("::1")));
}

TEST(Cidr, AnAddressAloneIsItself) {
  EXPECT_EQ(Network("127.0.0.1").ToString(), "127.0.0.1/32");
  EXPECT_EQ(Network("[::1]").ToString(), "::1/128");
  EXPECT_FALSE(Network("127.0.0.1").Contains(Address("127.0.0.2")));
}

TEST(Cidr, ClearsHostBits) {
  EXPECT_EQ(Network("10.1.2.3/8").ToString(), "10.0.0.0/8");
  EXPECT_EQ(Network("192.0.2.255/25").ToString(), "192.0.2.128/25");
  EXPECT_EQ(Network("fdff::1/9").ToString(), "fd80::/9");
}

TEST(Cidr, DefaultHoldsNoHost) { EXPECT_FALSE(Cidr().Contains(Address("10.0.0.1"))); }

TEST(Cidr, RefusesEverythingElse) {
  for (const char* text : {"", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8", "10/8",
      "10.0.0.0/ 8",
                           "10.0.0.0/0008", "/8"}) {
    EXPECT_FALSE(Cidr::Parse(text).ok()) << text;
  }
  EXPECT_EQ(Cidr::Parse("10/8").status().message(),
            "'10/8': expected a network such as 10.0.0.0/8, fd00::/8 or 127.0.0.1");
}

TEST(AddressAllowed, SpecialAddressesNeedAnAllowedNetwork) {
  const std::vector<Cidr> allowed = {Network("10.0.0.0/8"), Network("::1")};
  EXPECT_TRUE(AddressAllowed(Address("8.8.8.8"), {}));
  EXPECT_FALSE(AddressAllowed(Address("10.0.0.1"), {}));
  EXPECT_TRUE(AddressAllowed(Address("10.0.0.1"), allowed));
  EXPECT_TRUE(AddressAllowed(Address("::1"), allowed));
  EXPECT_FALSE(AddressAllowed(Address("127.0.0.1"), allowed));
}

TEST(AddressAllowed, MappedAddressesAreTheirIpv4HostOthersAreNot) {
  const std::vector<Cidr> allowed = {Network("10.0.0.0/8")};
  EXPECT_TRUE(AddressAllowed(Address("::ffff:10.0.0.1"), allowed));
  EXPECT_FALSE(AddressAllowed(Address("2002:a00:1::"), allowed));
  EXPECT_FALSE(AddressAllowed(Address("64:ff9b::10.0.0.1"), allowed));
  EXPECT_TRUE(AddressAllowed(Address("64:ff9b::10.0.0.1"), {Network("64:ff9b::/96")}));
}

TEST(AddressList, TakesBothFamiliesAndSaysWhatIsWrong) {
  const auto both = ParseAddressList("192.0.2.1, 2001:db8::1");
  ASSERT_TRUE(both.ok());
  ASSERT_EQ(both->size(), 2u);
  EXPECT_TRUE((*both)[0].is_v4());
  EXPECT_FALSE((*both)[1].is_v4());
  EXPECT_THAT(ErrorText(ParseAddressList("192.0.2.1,").status()), testing::HasSubstr("'' is not an address"));
  EXPECT_THAT(ErrorText(ParseAddressList("eth0").status()), testing::HasSubstr("'eth0' is not an address"));
  EXPECT_THAT(ErrorText(ParseAddressList("192.0.2.1,192.0.2.1").status()), testing::HasSubstr("192.0.2.1 is there twice"));
}

}  // namespace
}  // namespace weft
