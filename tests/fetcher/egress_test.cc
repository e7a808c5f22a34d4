// Which address a host leaves from, and how many downloads an address carries while ports are short.
#include "fetcher/egress.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "common/status.h"

namespace weft::test {
namespace {

using testing::HasSubstr;

const absl::Time kStart = absl::UnixEpoch() + absl::Hours(1);

EgressOptions Addresses(std::string_view text) { return {.addresses = ParseAddressList(text).value(), .connections = 0}; }
std::string HostNumber(int number) { return fmt::format("host{}.example", number); }

TEST(Egress, WithoutAddressesTheSystemChooses) {
  const Egress egress({});
  ASSERT_TRUE(egress.PlaceFor("a.example", false).has_value());
  EXPECT_EQ(egress.AddressOf(*egress.PlaceFor("a.example", false)), nullptr);
}

TEST(Egress, EveryHostKeepsToOneAddressAndEachGetsItsShare) {
  const Egress egress(Addresses("192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4"));
  std::map<size_t, int> hosts;
  for (int i = 0; i < 4000; ++i) {
    const auto place = egress.PlaceFor(HostNumber(i), true);
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(egress.PlaceFor(HostNumber(i), true), place);
    ++hosts[*place];
  }
  ASSERT_EQ(hosts.size(), 4u);
  for (const auto& [place, count] : hosts) EXPECT_NEAR(count, 1000, 150) << place;
}

TEST(Egress, AFurtherAddressTakesItsShareAndMovesNobodyElse) {
  const Egress three(Addresses("192.0.2.1,192.0.2.2,192.0.2.3"));
  const Egress four(Addresses("192.0.2.4,192.0.2.1,192.0.2.2,192.0.2.3"));
  int moved = 0;
  for (int i = 0; i < 4000; ++i) {
    const IpAddress before = *three.AddressOf(*three.PlaceFor(HostNumber(i), true));
    const IpAddress after = *four.AddressOf(*four.PlaceFor(HostNumber(i), true));
    if (before == after) continue;
    ++moved;
    EXPECT_EQ(after.ToString(), "192.0.2.4") << HostNumber(i);
  }
  EXPECT_NEAR(moved, 1000, 150);
}

TEST(Egress, FamiliesStayApart) {
  const Egress both(Addresses("192.0.2.1,2001:db8::1"));
  EXPECT_EQ(both.PlaceFor("a.example", true), 0u);
  EXPECT_EQ(both.PlaceFor("a.example", false), 1u);
  const Egress v4(Addresses("192.0.2.1"));
  EXPECT_EQ(v4.PlaceFor("a.example", false), std::nullopt);
}

TEST(Egress, AnAddressCarriesNoMoreThanItsLimit) {
  EgressOptions options = Addresses("192.0.2.1,2001:db8::1");
  options.connections = 2;
  Egress egress(options);
  EXPECT_TRUE(egress.HasRoom(0, kStart));
  egress.Took(0);
  egress.Took(0);
  EXPECT_FALSE(egress.HasRoom(0, kStart));
  EXPECT_TRUE(egress.HasRoom(1, kStart));
  egress.Gave(0);
  EXPECT_TRUE(egress.HasRoom(0, kStart));
}

TEST(Egress, AShortageLowersWhatIsCarriedThenItGrowsAgain) {
  Egress egress({});
  for (int i = 0; i < 100; ++i) egress.Took(0);
  egress.RanShort(0, kStart);
  for (int i = 0; i < 30; ++i) egress.Gave(0);
  EXPECT_FALSE(egress.HasRoom(0, kStart)) << "it rests";
  EXPECT_TRUE(egress.HasRoom(0, kStart + Egress::kRest)) << "70 of 75";
  for (int i = 0; i < 5; ++i) egress.Took(0);
  EXPECT_FALSE(egress.HasRoom(0, kStart + Egress::kRest)) << "75 of 75";
  EXPECT_TRUE(egress.HasRoom(0, kStart + 2 * Egress::kRest)) << "75 of 82";
}

TEST(Egress, WhatFailsInOneShortageCountsOnce) {
  Egress egress({});
  for (int i = 0; i < 100; ++i) egress.Took(0);
  for (int i = 0; i < 50; ++i) {
    egress.RanShort(0, kStart);
    egress.Gave(0);
  }
  EXPECT_TRUE(egress.HasRoom(0, kStart + Egress::kRest)) << "50 of 75, though 50 found no port";
}

TEST(Egress, OneIsAlwaysCarried) {
  Egress egress({});
  absl::Time now = kStart;
  for (int i = 0; i < 10; ++i) {
    egress.RanShort(0, now);
    now += Egress::kRest;
    EXPECT_TRUE(egress.HasRoom(0, now));
  }
}

TEST(HasSourceFor, KnowsWhatThisMachineCanLeaveFrom) {
  const IpAddress loopback = IpAddress::Parse("127.0.0.1").value();
  const IpAddress ours = IpAddress::Parse("127.0.0.9").value();
  const IpAddress foreign = IpAddress::Parse("192.0.2.77").value();  // RFC 5737: nobody's
  EXPECT_TRUE(HasSourceFor(loopback, nullptr));
  EXPECT_TRUE(HasSourceFor(loopback, &ours));
  EXPECT_FALSE(HasSourceFor(loopback, &foreign));
}

TEST(CheckSource, NamesAnAddressThatIsNotThisMachines) {
  EXPECT_TRUE(CheckSource(IpAddress::Parse("127.0.0.9").value()).ok());
  EXPECT_THAT(ErrorText(CheckSource(IpAddress::Parse("192.0.2.77").value())),
              HasSubstr("--egress 192.0.2.77: no address of this machine"));
}

}  // namespace
}  // namespace weft::test
