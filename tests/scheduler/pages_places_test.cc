#include "scheduler/pages_places.h"

#include "tests/storage/crawl_db_fixture.h"

namespace weft::test {
namespace {

using PagesPlacesTest = CrawlDbTest;

TEST_F(PagesPlacesTest, ANewCrawlHasNone) {
  auto places = ReadPagesPlaces(*db_);
  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_TRUE(places->empty());
}

TEST_F(PagesPlacesTest, TheyOutliveARestart) {
  const PagesPlaces places = {{7, {"m1", "/disk/P1"}}, {0xfeedfeedfeedfeed, {"m2", "/disk/P2"}}};
  ASSERT_TRUE(WritePagesPlaces(*db_, places).ok());
  Reopen();
  auto read = ReadPagesPlaces(*db_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, places);
}

TEST_F(PagesPlacesTest, WhenADirectoryWasHeardLastOutlivesARestart) {
  PagesPlaces places = {{7, {"m1", "/disk/P1"}}};
  places[7].heard = absl::FromUnixSeconds(1'767'300'000);
  ASSERT_TRUE(WritePagesPlaces(*db_, places).ok());
  Reopen();
  EXPECT_EQ(ReadPagesPlaces(*db_)->at(7).heard, absl::FromUnixSeconds(1'767'300'000));
}

TEST_F(PagesPlacesTest, WhatIsNoListIsDataLoss) {
  ASSERT_TRUE(db_->PutMeta("pages-places", "\xff\xff\xff").ok());
  EXPECT_EQ(ReadPagesPlaces(*db_).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace weft::test
