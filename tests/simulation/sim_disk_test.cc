#include <gtest/gtest.h>

#include "tests/support/sim_page_store.h"

namespace weft::test {
namespace {

Exchange Of(std::string_view url) {
  Exchange exchange;
  exchange.url = url;
  exchange.response_head = "HTTP/1.1 200 OK\r\n\r\n";
  exchange.wire_body = exchange.payload = "body";
  return exchange;
}

class PageDisk : public testing::Test {
 protected:
  SimClock clock;
  SimPageDisk disk{clock, 42};
  SimPageStore store{disk};
};

TEST_F(PageDisk, ARecordIsDurableOnlyAfterASync) {
  WarcPlace place = store.Append(Of("http://a.example/")).value().place;
  EXPECT_EQ(disk.SyncedAt(place), "");
  ASSERT_TRUE(store.Sync().ok());
  EXPECT_EQ(disk.SyncedAt(place), "http://a.example/");
  EXPECT_EQ(disk.copies("http://a.example/"), 1u);
}

TEST_F(PageDisk, ACrashKeepsWhatWasSyncedAndLosesSomeOfTheRest) {
  auto random = SeededRandom(3);
  WarcPlace synced = store.Append(Of("http://a.example/")).value().place;
  ASSERT_TRUE(store.Sync().ok());
  std::vector<WarcPlace> rest;
  for (int i = 0; i < 50; ++i) rest.push_back(store.Append(Of("http://b.example/")).value().place);
  disk.Crash(*random);
  EXPECT_EQ(disk.SyncedAt(synced), "http://a.example/");
  EXPECT_EQ(disk.SyncedAt(rest.back()), "");
}

TEST_F(PageDisk, AFailedSyncLosesWhatWasNotSyncedAndBeginsANewFile) {
  WarcPlace lost = store.Append(Of("http://a.example/")).value().place;
  disk.FailNextSync();
  EXPECT_FALSE(store.Sync().ok());
  EXPECT_EQ(disk.SyncedAt(lost), "");
  WarcPlace next = store.Append(Of("http://a.example/")).value().place;
  EXPECT_NE(next.file, lost.file);
  ASSERT_TRUE(store.Sync().ok());
  EXPECT_EQ(disk.SyncedAt(next), "http://a.example/");
}

TEST_F(PageDisk, IsFullForAWhile) {
  disk.FullFor(absl::Seconds(5));
  EXPECT_EQ(store.Append(Of("http://a.example/")).status().code(), absl::StatusCode::kResourceExhausted);
  clock.After(absl::Seconds(6), kWorld, [] {});
  clock.RunNext();
  EXPECT_TRUE(store.Append(Of("http://a.example/")).ok());
}

}  // namespace
}  // namespace weft::test
