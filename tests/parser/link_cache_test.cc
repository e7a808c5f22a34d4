#include "parser/link_cache.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

Fingerprint F(uint64_t n) { return {n, n + 1}; }

TEST(LinkCacheTest, KnowsWhatWasAdded) {
  LinkCache cache(100);
  cache.Use(1, 1);
  EXPECT_FALSE(cache.Contains(F(1)));
  cache.Add({F(1), F(2)});
  EXPECT_TRUE(cache.Contains(F(1)));
  EXPECT_TRUE(cache.Contains(F(2)));
  EXPECT_FALSE(cache.Contains(F(3)));
}

TEST(LinkCacheTest, AnotherLineageOrScopeEmptiesIt_Rule3) {
  LinkCache cache(100);
  cache.Use(1, 1);
  cache.Add({F(1)});
  cache.Use(1, 1);   // a plain restart of the scheduler
  EXPECT_TRUE(cache.Contains(F(1)));
  cache.Use(1, 2);
  EXPECT_FALSE(cache.Contains(F(1)));
  cache.Add({F(1)});
  cache.Use(2, 2);
  EXPECT_FALSE(cache.Contains(F(1)));
}

TEST(LinkCacheTest, TheOlderHalfIsEmptiedToo_Rule3) {
  LinkCache cache(10);
  cache.Use(1, 1);
  for (uint64_t n = 0; n < 8; ++n) cache.Add({F(n)});
  cache.Use(1, 2);
  for (uint64_t n = 0; n < 8; ++n) EXPECT_FALSE(cache.Contains(F(n))) << n;
  EXPECT_EQ(cache.size(), 0u);
}

TEST(LinkCacheTest, NeverHoldsMoreThanItsEntries) {
  for (size_t entries : {2u, 3u, 10u, 101u}) {
    LinkCache cache(entries);
    cache.Use(1, 1);
    for (uint64_t n = 0; n < 1000; ++n) {
      cache.Add({F(n)});
      ASSERT_LE(cache.size(), entries);
      ASSERT_TRUE(cache.Contains(F(n)));
    }
  }
}

TEST(LinkCacheTest, TheRecentHalfStays) {
  LinkCache cache(100);
  cache.Use(1, 1);
  for (uint64_t n = 0; n < 1000; ++n) cache.Add({F(n)});
  for (uint64_t n = 950; n < 1000; ++n) EXPECT_TRUE(cache.Contains(F(n))) << n;
  EXPECT_FALSE(cache.Contains(F(0)));
}

TEST(LinkCacheTest, RepeatsTakeNoRoom) {
  LinkCache cache(100);
  cache.Use(1, 1);
  cache.Add({F(1)});
  for (int i = 0; i < 1000; ++i) cache.Add({F(2)});
  EXPECT_TRUE(cache.Contains(F(1)));
  EXPECT_EQ(cache.size(), 2u);
}

}  // namespace
}  // namespace weft
