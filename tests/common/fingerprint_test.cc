#include "common/fingerprint.h"

#include <gtest/gtest.h>

#include <set>

namespace weft {
namespace {

// These values lie in CrawlDbs on disk: a change here makes every crawl unreadable.
TEST(Fingerprint, IsStable) {
  EXPECT_EQ(Fingerprinter(0).Of("http://example.org/").ToHex(), "13dab8d42ad2218070c0198247c2304a");
  EXPECT_EQ(Fingerprinter(1).Of("http://example.org/").ToHex(), "e97e4383cd1a8b69406228bc31a322f2");
  EXPECT_EQ(Fingerprinter(0x9E3779B97F4A7C15).Of("").ToHex(), "d142977a2cca554b4ca5176998171787");
  EXPECT_EQ(Fingerprinter(1).Short("example.org"), 0xded9b8def99d96beULL);
}

TEST(Fingerprint, DependsOnTheSeed) {
  EXPECT_NE(Fingerprinter(1).Of("a"), Fingerprinter(2).Of("a"));
  EXPECT_NE(Fingerprinter(1).Short("a"), Fingerprinter(2).Short("a"));
}

TEST(Fingerprint, BytesAreBigEndianAndReadBack) {
  const Fingerprint fingerprint{0x0102030405060708, 0x090a0b0c0d0e0f10};
  EXPECT_EQ(fingerprint.ToBytes(), "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10");
  EXPECT_EQ(Fingerprint::FromBytes(fingerprint.ToBytes()), fingerprint);
  EXPECT_EQ(fingerprint.ToHex(), "0102030405060708090a0b0c0d0e0f10");
}

TEST(Fingerprint, ByteOrderIsNumberOrder) {
  const Fingerprint small{0x7f, 0xffffffffffffffff};
  const Fingerprint large{0x80, 0};
  EXPECT_LT(small, large);
  EXPECT_LT(small.ToBytes(), large.ToBytes());
}

TEST(Fingerprint, FromOtherThanSixteenBytesIsEmpty) {
  EXPECT_TRUE(Fingerprint::FromBytes("").empty());
  EXPECT_TRUE(Fingerprint::FromBytes(std::string(15, 'a')).empty());
  EXPECT_TRUE(Fingerprint::FromBytes(std::string(17, 'a')).empty());
  EXPECT_FALSE(Fingerprint::FromBytes(std::string(16, 'a')).empty());
}

TEST(ShardOf, IsStable) {
  EXPECT_EQ(ShardOf("example.org"), 5);
  EXPECT_EQ(ShardOf("example.co.uk"), 43);
  EXPECT_EQ(ShardOf("192.0.2.1"), 16);
  EXPECT_EQ(ShardOf(""), 2);
}

TEST(ShardOf, UsesEveryShard) {
  std::set<uint16_t> seen;
  for (int i = 0; i < 2000; ++i) seen.insert(ShardOf("domain" + std::to_string(i) + ".example"));
  EXPECT_EQ(seen.size(), kShardCount);
  EXPECT_LT(*seen.rbegin(), kShardCount);
}

}  // namespace
}  // namespace weft
