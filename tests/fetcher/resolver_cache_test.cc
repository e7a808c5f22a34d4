#include "fetcher/resolver_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

const absl::Time kStart = absl::UnixEpoch();

ResolverCache::Answer One(uint8_t last) { return std::vector<IpAddress>{IpAddress::V4({192, 0, 2, last})}; }

TEST(ResolverCache, AnswerHoldsUntilItExpires) {
  ResolverCache cache(10);
  cache.Store("a", One(1), kStart + absl::Seconds(5));
  ASSERT_NE(cache.Find("a", kStart + absl::Seconds(4)), nullptr);
  EXPECT_EQ((*cache.Find("a", kStart))->at(0), IpAddress::V4({192, 0, 2, 1}));
  EXPECT_EQ(cache.Find("a", kStart + absl::Seconds(5)), nullptr);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(ResolverCache, FailuresAreKeptToo) {
  ResolverCache cache(10);
  cache.Store("a", absl::NotFoundError("no such host"), kStart + absl::Seconds(5));
  ASSERT_NE(cache.Find("a", kStart), nullptr);
  EXPECT_FALSE(cache.Find("a", kStart)->ok());
}

TEST(ResolverCache, NewerAnswerReplacesTheOlder) {
  ResolverCache cache(10);
  cache.Store("a", One(1), kStart + absl::Seconds(5));
  cache.Store("a", One(2), kStart + absl::Seconds(9));
  EXPECT_EQ((*cache.Find("a", kStart + absl::Seconds(8)))->at(0), IpAddress::V4({192, 0, 2, 2}));
  EXPECT_EQ(cache.size(), 1u);
}

TEST(ResolverCache, UsedLongestAgoGoesFirst) {
  ResolverCache cache(2);
  cache.Store("a", One(1), kStart + absl::Hours(1));
  cache.Store("b", One(2), kStart + absl::Hours(1));
  cache.Find("a", kStart);
  cache.Store("c", One(3), kStart + absl::Hours(1));
  EXPECT_NE(cache.Find("a", kStart), nullptr);
  EXPECT_EQ(cache.Find("b", kStart), nullptr);
  EXPECT_NE(cache.Find("c", kStart), nullptr);
}

TEST(ResolverCache, NeverHoldsMoreThanItsCapacity) {
  ResolverCache cache(3);
  for (int i = 0; i < 100; ++i) cache.Store(std::to_string(i), One(1), kStart + absl::Hours(1));
  EXPECT_EQ(cache.size(), 3u);
}

TEST(ResolverCache, CapacityZeroKeepsNothing) {
  ResolverCache cache(0);
  cache.Store("a", One(1), kStart + absl::Hours(1));
  EXPECT_EQ(cache.Find("a", kStart), nullptr);
}

}  // namespace
}  // namespace weft
