#include "storage/url_record.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "storage/crawl_db_state.h"

namespace weft {
namespace {

UrlRecord DoneRecord() {
  UrlRecord r;
  r.state = UrlState::kDone;
  r.generation = 3;
  r.attempt = 2;
  r.depth = 7;
  r.redirect_hops = 1;
  r.own_key_redirects = 4;
  r.seed = true;
  r.sitemap_level = 2;
  r.origin_id = 0x0102030405060708;
  r.referrer = {1, 2};
  r.url = "https://example.com/a?b=c";
  r.status = 404;
  r.place = {99, "weft-1.warc.gz", 12345678901, 4321, std::string(20, '\xaa')};
  r.payload_digest = std::string(20, '\0');
  r.payload_bytes = 1 << 20;
  r.truncated = true;
  r.fetched_at = absl::FromUnixMicros(1700000000123456);
  r.mime = "text/html";
  r.commit = 77;
  return r;
}

std::string RandomBytes(Random& random, size_t most) {
  std::string bytes(random.Below(most), '\0');
  for (char& c : bytes) c = static_cast<char>(random.Next());
  return bytes;
}

UrlRecord RandomRecord(Random& random) {
  UrlRecord r;
  r.state = static_cast<UrlState>(1 + random.Below(4));
  r.reason = static_cast<Outcome>(random.Below(60));
  r.generation = static_cast<uint32_t>(random.Next() >> random.Below(64));
  r.attempt = static_cast<uint32_t>(random.Below(10));
  r.depth = static_cast<uint32_t>(random.Next() >> random.Below(64));
  r.redirect_hops = static_cast<uint32_t>(random.Below(11));
  r.own_key_redirects = static_cast<uint32_t>(random.Below(6));
  r.seed = random.Below(2) == 0;
  r.sitemap_level = static_cast<uint32_t>(random.Below(2) * random.Below(300));
  r.origin_id = random.Below(2) * random.Next();
  r.refused_host_id = random.Below(2) * random.Next();
  if (random.Below(2) == 0) r.referrer = {random.Next(), random.Next()};
  r.url = RandomBytes(random, 300);
  r.commit = random.Next() >> random.Below(64);
  if (r.state == UrlState::kPending) (random.Below(2) == 0 ? r.queue_position : r.due_us) = random.NextId();
  if (random.Below(4) == 0) r.lastmod_s = random.Next() >> random.Below(64);
  r.keeps_page = r.state == UrlState::kPending && random.Below(2) == 0;
  if (!r.has_page()) return r;
  if (random.Below(2) == 0) {
    if (r.state == UrlState::kDone) r.due_us = random.Below(2) * random.Next();
    r.recrawl_us = random.Next() >> random.Below(64);
    r.etag = RandomBytes(random, 257);
    r.last_modified = RandomBytes(random, 40);
  }
  if (random.Below(2) == 0) {
    r.changes = static_cast<uint32_t>(random.Next() >> random.Below(64));
    r.unchanged = static_cast<uint32_t>(random.Below(9));
    r.missed = static_cast<uint32_t>(random.Below(2));
    r.first_commit = random.Below(1000);
    r.first_fetched = absl::FromUnixMicros(static_cast<int64_t>(random.Below(uint64_t{1} << 60)));
    r.checked_at = absl::FromUnixMicros(static_cast<int64_t>(random.Below(uint64_t{1} << 60)));
  }
  r.status = static_cast<uint32_t>(random.Below(600));
  if (random.Below(2) == 0) r.place = {random.Next(), RandomBytes(random, 50), random.Next(), random.Next(), "digest", random.Below(2) == 0};
  r.payload_digest = RandomBytes(random, 21);
  r.payload_bytes = random.Next();
  r.truncated = random.Below(2) == 0;
  r.fetched_at = absl::FromUnixMicros(static_cast<int64_t>(random.Below(uint64_t{1} << 60)));
  r.mime = RandomBytes(random, 40);
  return r;
}

TEST(UrlRecord, DoneRecordRoundTrips) {
  auto decoded = DecodeUrlRecord(EncodeUrlRecord(DoneRecord()));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, DoneRecord());
}

TEST(UrlRecord, PendingRecordIsSmall) {
  UrlRecord r;
  r.url = "https://example.com/a";
  r.origin_id = 1;
  r.referrer = {1, 2};
  r.queue_position = 1;
  EXPECT_LE(EncodeUrlRecord(r).size(), 50 + r.url.size());
}

UrlRecord RecrawledRecord() {
  UrlRecord r = DoneRecord();
  r.due_us = 123456789;
  r.etag = "W/\"x\"";
  r.last_modified = "Sat, 21 Nov 2026 10:00:00 GMT";
  r.recrawl_us = 3600000000;
  r.changes = 3;
  r.unchanged = 400;
  r.missed = 1;
  r.first_fetched = absl::FromUnixSeconds(1600000000);
  r.checked_at = absl::FromUnixSeconds(1800000000);
  r.first_commit = 9;
  r.lastmod_s = 1700000000;
  return r;
}

TEST(UrlRecord, RecrawledRecordRoundTrips) {
  auto decoded = DecodeUrlRecord(EncodeUrlRecord(RecrawledRecord()));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, RecrawledRecord());
}

TEST(UrlRecord, APageIsKeptWhileItIsFetchedAgain) {
  UrlRecord r = RecrawledRecord();
  r.state = UrlState::kPending;
  r.keeps_page = true;
  r.due_us = 0;
  r.queue_position = 7;
  std::string bytes = EncodeUrlRecord(r);
  auto decoded = DecodeUrlRecord(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, r);
  EXPECT_TRUE(DecodeUrlRecordHead(bytes)->page);
}

TEST(UrlRecord, WithoutWhatIsNewItIsWrittenAsBefore) {
  EXPECT_EQ(EncodeUrlRecord(DoneRecord()).front(), 1);
  EXPECT_EQ(EncodeUrlRecord(RecrawledRecord()).front(), 2);
  // As a version 1 wrote it.
  UrlRecord r;
  r.state = UrlState::kRefused;
  r.reason = Outcome::kScope;
  r.url = "u";
  const std::string old("\x01\x04\x32\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01u", 15);
  EXPECT_EQ(EncodeUrlRecord(r), old);
  EXPECT_EQ(*DecodeUrlRecord(old), r);
}

TEST(UrlRecord, WhatAPageOnlyHasIsNoPartOfOthers) {
  std::string bytes = EncodeUrlRecord(RecrawledRecord());
  bytes[1] = static_cast<char>(UrlState::kFailed);
  EXPECT_EQ(DecodeUrlRecord(bytes).status().code(), absl::StatusCode::kDataLoss);
}

TEST(UrlRecord, LastCheckIsTheLaterOfFetchAndVisit) {
  UrlRecord r = DoneRecord();
  EXPECT_EQ(r.last_checked(), r.fetched_at);
  r.checked_at = r.fetched_at + absl::Hours(1);
  EXPECT_EQ(r.last_checked(), r.checked_at);
}

TEST(UrlRecord, RandomRecordsRoundTripWithTheirHeads) {
  uint64_t seed = 11;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  auto random = SeededRandom(seed);
  for (int i = 0; i < 2000; ++i) {
    UrlRecord record = RandomRecord(*random);
    std::string bytes = EncodeUrlRecord(record);
    auto decoded = DecodeUrlRecord(bytes);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    ASSERT_EQ(*decoded, record);
    ASSERT_EQ(*DecodeUrlRecordHead(bytes), HeadOf(record));
    ASSERT_EQ(*DecodeUrlOfRecord(bytes), record.url);
  }
}

TEST(UrlRecord, EveryTruncationIsDataLoss) {
  std::string bytes = EncodeUrlRecord(DoneRecord());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(DecodeUrlRecord(bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_EQ(DecodeUrlRecord(bytes + "x").status().code(), absl::StatusCode::kDataLoss);
}

TEST(UrlRecord, UnknownVersionOrStateIsDataLoss) {
  for (size_t at : {0u, 1u}) {
    std::string bytes = EncodeUrlRecord(DoneRecord());
    bytes[at] = '\xff';
    EXPECT_EQ(DecodeUrlRecord(bytes).status().code(), absl::StatusCode::kDataLoss) << at;
    EXPECT_EQ(DecodeUrlRecordHead(bytes).status().code(), absl::StatusCode::kDataLoss) << at;
    EXPECT_EQ(DecodeUrlOfRecord(bytes).status().code(), absl::StatusCode::kDataLoss) << at;
  }
}

TEST(UrlRecord, AnyBytesAreReadOrRefused) {
  uint64_t seed = 12;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  auto random = SeededRandom(seed);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = RandomBytes(*random, 200);
    if (i % 2 == 0) {   // damage a good one
      bytes = EncodeUrlRecord(RandomRecord(*random));
      bytes[random->Below(bytes.size())] = static_cast<char>(random->Next());
    }
    auto decoded = DecodeUrlRecord(bytes);
    if (!decoded.ok()) {
      ASSERT_EQ(decoded.status().code(), absl::StatusCode::kDataLoss);
      continue;
    }
    ++read;
    auto again = DecodeUrlRecord(EncodeUrlRecord(*decoded));
    ASSERT_TRUE(again.ok());
    ASSERT_EQ(*again, *decoded);
  }
  EXPECT_GT(read, 1000);
}

TEST(HostState, RoundTrips) {
  HostState host;
  host.host = "example.com";
  host.origins = {{"https://example.com", 5, 20, 21, 22, 23}, {"http://example.com:81", 0, 0, 0, 0, 0}};
  host.delay_us = 31;
  host.latency_us = 32;
  host.busiest_second = 33;
  host.shortest_gap_us = 34;
  host.refused_recorded = 6;
  host.not_before = 1;
  host.last_request = 2;
  host.crawl_delay_us = 3;
  host.failures = 4;
  host.throttles = 5;
  host.filed_at = 11;
  host.pages = 7;
  host.answers = 8;
  host.bytes = 9'000'000'000;
  host.asked_us = 10;
  auto decoded = DecodeHostState(EncodeHostState(host));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->host, host.host);
  ASSERT_EQ(decoded->origins.size(), 2u);
  EXPECT_EQ(decoded->origins[0].origin, "https://example.com");
  EXPECT_EQ(decoded->pending(), 5u);
  EXPECT_EQ(decoded->refused_recorded, 6u);
  EXPECT_EQ(decoded->not_before, 1u);
  EXPECT_EQ(decoded->last_request, 2u);
  EXPECT_EQ(decoded->crawl_delay_us, 3u);
  EXPECT_EQ(decoded->failures, 4u);
  EXPECT_EQ(decoded->throttles, 5u);
  EXPECT_EQ(decoded->filed_at, 11u);
  EXPECT_EQ(decoded->origins[0].head, 20u);
  EXPECT_EQ(decoded->origins[0].not_before, 21u);
  EXPECT_EQ(decoded->origins[0].failures, 22u);
  EXPECT_EQ(decoded->origins[0].robots_tries, 23u);
  EXPECT_EQ(decoded->delay_us, 31u);
  EXPECT_EQ(decoded->latency_us, 32u);
  EXPECT_EQ(decoded->busiest_second, 33u);
  EXPECT_EQ(decoded->shortest_gap_us, 34u);
  EXPECT_EQ(decoded->pages, 7u);
  EXPECT_EQ(decoded->answers, 8u);
  EXPECT_EQ(decoded->bytes, 9'000'000'000u);
  EXPECT_EQ(decoded->asked_us, 10u);
}

TEST(HostState, RecordsOfTheFirstVersionAreRead) {
  std::string bytes("\x01\x09", 2);
  bytes += "a.example";
  bytes += std::string("\x06\x01\x02\x03\x04\x05\x01\x11", 8);
  bytes += "https://a.example";
  bytes += "\x07";
  auto decoded = DecodeHostState(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->host, "a.example");
  EXPECT_EQ(decoded->throttles, 5u);
  EXPECT_EQ(decoded->pending(), 7u);
  EXPECT_EQ(decoded->origins[0].not_before, 0u);
  EXPECT_EQ(decoded->delay_us, 0u);
}

TEST(HostState, FurtherNumbersOfALaterProgramArePassedOver) {
  HostState host;
  host.host = "a.example";
  host.delay_us = 31;
  std::string bytes = EncodeHostState(host);
  // The list of further numbers is the last: its count, then each in one byte here.
  ASSERT_EQ(bytes[bytes.size() - 9], 8);
  bytes[bytes.size() - 9] = 9;
  bytes += "\x09";
  auto decoded = DecodeHostState(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->delay_us, 31u);
}

TEST(ShardCounts, WhatRecrawlsCountRoundTrips) {
  ShardCounts counts;
  counts.ledger.done = 7;
  counts.ledger.due_later = 1;
  counts.ledger.recrawl_changed = 2;
  counts.ledger.recrawl_unchanged = 3;
  counts.ledger.recrawl_missed = 4;
  auto decoded = DecodeShardCounts(EncodeShardCounts(counts));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->ledger.done, 7u);
  EXPECT_EQ(decoded->ledger.due_later, 1u);
  EXPECT_EQ(decoded->ledger.recrawl_changed, 2u);
  EXPECT_EQ(decoded->ledger.recrawl_unchanged, 3u);
  EXPECT_EQ(decoded->ledger.recrawl_missed, 4u);
}

TEST(ShardCounts, AnyBytesAreReadOrRefused) {
  uint64_t seed = 13;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  auto random = SeededRandom(seed);
  ShardCounts counts;
  counts.ledger.failed[Outcome::kDns] = 3;
  for (int i = 0; i < 5000; ++i) {
    std::string bytes = EncodeShardCounts(counts);
    if (i % 2 == 0) bytes = RandomBytes(*random, 100);
    if (!bytes.empty()) bytes[random->Below(bytes.size())] = static_cast<char>(random->Next());
    (void)DecodeHostState(bytes).ok();
    auto decoded = DecodeShardCounts(bytes);
    if (!decoded.ok()) continue;
    ASSERT_EQ(DecodeShardCounts(EncodeShardCounts(*decoded))->ledger.failed, decoded->ledger.failed);
  }
}

}  // namespace
}  // namespace weft
