#include "scheduler/rate_record.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

constexpr CrawlTime kMs = 1000;

TEST(RateRecord, CountsWithinOneLease) {
  RateRecord record;
  EXPECT_EQ(record.Add(1, {0, 400 * kMs, 800 * kMs, 1200 * kMs}, 2000 * kMs), 3u);
  EXPECT_EQ(record.Add(2, {}, 2000 * kMs), 0u);
}

TEST(RateRecord, CountsAcrossLeasesOfOneHost) {
  RateRecord record;
  for (CrawlTime i = 0; i < 5; ++i) EXPECT_EQ(record.Add(1, {i * 100 * kMs}, i * 100 * kMs), i + 1);
  EXPECT_EQ(record.Add(2, {500 * kMs}, 500 * kMs), 1u) << "another host";
  EXPECT_EQ(record.Add(1, {1000 * kMs}, 1000 * kMs), 5u) << "the first one is a whole second ago";
  record.Add(1, {9000 * kMs}, 9000 * kMs);
  EXPECT_EQ(record.Add(1, {20'000 * kMs}, 20'000 * kMs), 1u) << "and all of them are forgotten";
}

TEST(RateRecord, ForgetsHostsThatRest) {
  RateRecord record(/*most_hosts=*/10);
  for (uint64_t host = 0; host < 1000; ++host) record.Add(host, {host * 500 * kMs}, host * 500 * kMs);
  EXPECT_LE(record.hosts(), 10u);
}

}  // namespace
}  // namespace weft
