#include "parser/near_duplicates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>
#include <vector>

#include "parser/sim_hash.h"

namespace weft {
namespace {

// Every pair is looked at, until nothing changes.
std::map<uint64_t, uint64_t> Slowly(const std::vector<uint64_t>& sketches) {
  std::map<uint64_t, uint64_t> least;
  for (const uint64_t sketch : sketches) least[sketch] = sketch;
  for (bool changed = true; changed;) {
    changed = false;
    for (auto& [a, cluster_a] : least) {
      for (const auto& [b, cluster_b] : least) {
        if (SimHashDistance(a, b) > 3 || cluster_b >= cluster_a) continue;
        cluster_a = cluster_b;
        changed = true;
      }
    }
  }
  return least;
}

TEST(NearDuplicates, AreTheSameAsBySlowSearch) {
  const unsigned seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  for (int round = 0; round < 10; ++round) {
    std::vector<uint64_t> sketches;
    while (sketches.size() < 300) {
      uint64_t sketch = random() | 1;
      // A walk of few bits at a time: chains of near ones, and jumps just too far.
      for (uint64_t steps = random() % 8; steps > 0; --steps) {
        for (uint64_t bits = random() % 6; bits > 0; --bits) sketch ^= uint64_t{1} << random() % 64;
        if (sketch != 0) sketches.push_back(sketch);
      }
    }
    NearDuplicates clusters;
    for (const uint64_t sketch : sketches) clusters.Add(sketch);
    clusters.Finish();
    for (const auto& [sketch, cluster] : Slowly(sketches)) EXPECT_EQ(clusters.ClusterOf(sketch), cluster) << "seed " << seed;
  }
}

TEST(NearDuplicates, AnyThreeBitsAreFound) {
  for (int a = 0; a < 64; a += 3) {
    for (int b = 0; b < 64; b += 7) {
      for (int c = 0; c < 64; c += 5) {
        const uint64_t one = 0x0123456789abcdef;
        const uint64_t other = one ^ (uint64_t{1} << a) ^ (uint64_t{1} << b) ^ (uint64_t{1} << c);
        NearDuplicates clusters;
        clusters.Add(one);
        clusters.Add(other);
        clusters.Finish();
        EXPECT_EQ(clusters.ClusterOf(std::max(one, other)), std::min(one, other)) << a << " " << b << " " << c;
      }
    }
  }
}

TEST(NearDuplicates, DoNotDependOnTheOrderAndKeepEachSketchOnce) {
  std::mt19937_64 random(5);
  std::vector<uint64_t> some(500);
  for (uint64_t& sketch : some) sketch = random();
  NearDuplicates forward, backward;
  for (int round = 0; round < 40; ++round) {
    for (const uint64_t sketch : some) forward.Add(sketch);
  }
  std::reverse(some.begin(), some.end());
  for (const uint64_t sketch : some) backward.Add(sketch);
  EXPECT_LT(forward.sketches(), 6000u);
  forward.Finish();
  backward.Finish();
  EXPECT_EQ(forward.sketches(), 500u);
  for (const uint64_t sketch : some) EXPECT_EQ(forward.ClusterOf(sketch), backward.ClusterOf(sketch));
}

TEST(NearDuplicates, ThePageWithoutTextIsAlone) {
  NearDuplicates clusters;
  clusters.Add(0);
  clusters.Add(3);
  clusters.Finish();
  EXPECT_EQ(clusters.ClusterOf(3), 3u);
  EXPECT_EQ(clusters.ClusterOf(12345), 12345u);
}

}  // namespace
}  // namespace weft
