#include "storage/warc_pages.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/digest.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kBegan = absl::FromUnixMicros(1'767'323'001'000'042);

class WarcPagesTest : public ::testing::TestWithParam<WarcCompression> {
 protected:
  void SetUp() override { Open(1'000'000'000); }
  void Open(uint64_t roll_bytes) {
    WarcStoreOptions options = StoreOptions(directory_.path());
    options.compression = GetParam();
    options.roll_bytes = roll_bytes;
    store_ = WarcStore::Open(options, clock_, *random_, files_).value();
  }
  // "http://example.org/NUMBER"
  void Store(int number, absl::Time began = kBegan) {
    const Page page("http://example.org/" + std::to_string(number), std::string(300, 'x'));
    Exchange exchange = page.exchange();
    exchange.began = began;
    auto stored = store_->Append(exchange);
    ASSERT_TRUE(stored.ok()) << stored.status();
    places_.push_back(stored->place);
  }
  struct Found {
    std::vector<std::string> paths;
    std::vector<PageOnDisk> pages;
    int damaged = 0;
  };
  Found Read(absl::Time from = absl::UnixEpoch()) {
    Found found;
    auto pages = OpenWarcPages(directory_.path(), from);
    EXPECT_TRUE(pages.ok()) << pages.status();
    if (pages.ok()) ReadOn(**pages, found);
    return found;
  }
  static void ReadOn(StoredPages& pages, Found& found) {
    for (int i = 0; i < 1000; ++i) {
      auto page = pages.Next();
      if (absl::IsNotFound(page.status())) return;
      if (!page.ok()) {
        EXPECT_TRUE(absl::IsDataLoss(page.status())) << page.status();
        ++found.damaged;
        continue;
      }
      found.paths.push_back(page->url.substr(std::string("http://example.org/").size()));
      found.pages.push_back(*std::move(page));
    }
    ADD_FAILURE() << "it does not end";
  }

  TempDirectory directory_;
  StandingClock clock_;
  FailingFileOps files_;
  std::unique_ptr<Random> random_ = SeededRandom(7);
  std::unique_ptr<WarcStore> store_;
  std::vector<WarcPlace> places_;
};

INSTANTIATE_TEST_SUITE_P(, WarcPagesTest, kAllCompressions, CompressionName);

TEST_P(WarcPagesTest, ShowsPagesAsTheyWereStored) {
  Store(0);
  Store(1);
  ASSERT_TRUE(store_->Close().ok());
  const Found found = Read();
  ASSERT_THAT(found.paths, ElementsAre("0", "1"));
  EXPECT_EQ(found.pages[0].place, places_[0]);
  EXPECT_EQ(found.pages[1].place, places_[1]);
  EXPECT_EQ(found.pages[1].began, kBegan);
  EXPECT_EQ(found.pages[1].response, Page("", std::string(300, 'x')).block());
  EXPECT_EQ(found.pages[1].truncated, "");
}

TEST_P(WarcPagesTest, ShowsARevisitWithThePageThatItIsOf) {
  Store(0);
  const std::string digest = Sha1(std::string(300, 'x'));
  StoredBefore before{.url = "http://example.org/0", .began = kBegan, .payload_digest = digest, .place = places_[0]};
  const Page page("http://example.org/0", std::string(300, 'x'));
  Exchange exchange = page.exchange();
  exchange.began = kBegan + absl::Hours(1);
  exchange.before = &before;
  ASSERT_TRUE(store_->Append(exchange).value().revisit);
  ASSERT_TRUE(store_->Close().ok());
  const Found found = Read();
  ASSERT_THAT(found.paths, ElementsAre("0", "0"));
  EXPECT_EQ(found.pages[0].revisit_of, std::nullopt);
  EXPECT_EQ(found.pages[1].revisit_of, kBegan);
  EXPECT_EQ(found.pages[1].began, kBegan + absl::Hours(1));
  EXPECT_EQ(found.pages[1].response, exchange.response_head);
}

TEST_P(WarcPagesTest, ReadsAPlaceAgain) {
  Store(0);
  Store(1);
  ASSERT_TRUE(store_->Close().ok());
  auto pages = OpenWarcPages(directory_.path(), absl::UnixEpoch()).value();
  auto page = pages->ReadAt(places_[1]);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->url, "http://example.org/1");
  EXPECT_EQ(page->place, places_[1]);
  EXPECT_EQ(page->began, kBegan);
}

TEST_P(WarcPagesTest, LeavesOutWhatIsOlder) {
  Store(0, kBegan - absl::Seconds(1));
  Store(1, kBegan);
  ASSERT_TRUE(store_->Close().ok());
  EXPECT_THAT(Read(kBegan).paths, ElementsAre("1"));
}

TEST_P(WarcPagesTest, DoesNotOpenFilesThatWereNotWrittenSince) {
  Store(0);
  ASSERT_TRUE(store_->Close().ok());
  WriteFile(directory_ / places_[0].file, "no WARC file at all");
  const timespec written = absl::ToTimespec(kBegan);
  const timespec times[] = {written, written};
  ASSERT_EQ(utimensat(AT_FDCWD, (directory_ / places_[0].file).c_str(), times, 0), 0);
  EXPECT_EQ(Read(kBegan).damaged, 1);
  EXPECT_EQ(Read(kBegan + absl::Seconds(1)).damaged, 0);
}

TEST_P(WarcPagesTest, ReadsFileAfterFileWhenTheyRolledOver) {
  Open(/*roll_bytes=*/1);
  for (int i = 0; i < 4; ++i) Store(i);
  ASSERT_TRUE(store_->Close().ok());
  ASSERT_THAT(directory_.Names(), SizeIs(4));
  EXPECT_THAT(Read().paths, ElementsAre("0", "1", "2", "3"));
}

TEST_P(WarcPagesTest, ShowsOfAnOpenFileWhatIsDurable) {
  Store(0);
  Store(1);
  ASSERT_TRUE(store_->Sync().ok());
  Store(2);
  const Found found = Read();
  EXPECT_THAT(found.paths, ElementsAre("0", "1"));
  EXPECT_EQ(found.damaged, 0);
}

TEST_P(WarcPagesTest, ShowsOfAnOpenFileWhatWasSyncedWhenItsTurnComes) {
  Store(0);
  ASSERT_TRUE(store_->Sync().ok());
  auto pages = OpenWarcPages(directory_.path(), absl::UnixEpoch()).value();
  Store(1);
  ASSERT_TRUE(store_->Sync().ok());
  Found found;
  ReadOn(*pages, found);
  EXPECT_THAT(found.paths, ElementsAre("0", "1"));
}

TEST_P(WarcPagesTest, ReadsAFileThatWasFinishedAfterItWasListed) {
  Store(0);
  ASSERT_TRUE(store_->Sync().ok());
  auto pages = OpenWarcPages(directory_.path(), absl::UnixEpoch()).value();
  Store(1);
  ASSERT_TRUE(store_->Close().ok());
  Found found;
  ReadOn(*pages, found);
  EXPECT_THAT(found.paths, ElementsAre("0", "1"));
}

TEST_P(WarcPagesTest, AnOpenFileOfWhichNothingWasSyncedShowsNothing) {
  Store(0);
  const Found found = Read();
  EXPECT_THAT(found.paths, IsEmpty());
  EXPECT_EQ(found.damaged, 0);
}

TEST_P(WarcPagesTest, ATornTailIsDamageAndTheEnd) {
  Store(0);
  Store(1);
  ASSERT_TRUE(store_->Close().ok());
  const std::string bytes = ReadFile(directory_ / places_[0].file);
  WriteFile(directory_ / places_[0].file, bytes.substr(0, places_[1].offset + places_[1].length / 2));
  const Found found = Read();
  EXPECT_THAT(found.paths, ElementsAre("0"));
  EXPECT_GE(found.damaged, 1);
}

TEST_P(WarcPagesTest, GoesOnBehindDamage) {
  for (int i = 0; i < 3; ++i) Store(i);
  ASSERT_TRUE(store_->Close().ok());
  std::string bytes = ReadFile(directory_ / places_[0].file);
  bytes[places_[1].offset + places_[1].length - 20] ^= 0x55;   // in the body, or gzip's check of it
  WriteFile(directory_ / places_[0].file, bytes);
  const Found found = Read();
  EXPECT_THAT(found.paths, ElementsAre("0", "2"));
  EXPECT_GE(found.damaged, 1);
}

TEST_P(WarcPagesTest, ADirectoryWithoutAnIdIsNotOne) {
  TempDirectory other;
  EXPECT_TRUE(absl::IsNotFound(OpenWarcPages(other.path(), absl::UnixEpoch()).status()));
}

}  // namespace
}  // namespace weft
