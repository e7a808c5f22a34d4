#include "scheduler/anchor_list.h"

#include "tests/storage/crawl_db_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class AnchorListTest : public CrawlDbTest {
 protected:
  void Append(const std::vector<std::string>& urls) {
    absl::Status status = AppendAnchors(*db_, urls);
    ASSERT_TRUE(status.ok()) << status;
  }
  std::vector<std::string> Read() {
    auto urls = ReadAnchors(*db_);
    EXPECT_TRUE(urls.ok()) << urls.status();
    return urls.ok() ? *urls : std::vector<std::string>();
  }
};

TEST_F(AnchorListTest, ANewCrawlHasNone) { EXPECT_THAT(Read(), IsEmpty()); }

TEST_F(AnchorListTest, ChunksAreReadBackInOrder) {
  Append({"https://a.example/", "https://b.example/x?y"});
  Append({});
  Append({"https://c.example/"});
  EXPECT_THAT(Read(), ElementsAre("https://a.example/", "https://b.example/x?y", "https://c.example/"));
}

TEST_F(AnchorListTest, TheyOutliveARestart) {
  Append({"https://a.example/"});
  Reopen();
  Append({"https://b.example/"});
  Reopen();
  EXPECT_THAT(Read(), ElementsAre("https://a.example/", "https://b.example/"));
}

TEST_F(AnchorListTest, MoreThanNineChunksKeepTheirOrder) {
  std::vector<std::string> all;
  for (int i = 0; i < 25; ++i) {
    all.push_back(fmt::format("https://{}.example/", i));
    Append({all.back()});
  }
  EXPECT_EQ(Read(), all);
}

TEST_F(AnchorListTest, EachChunkCostsAFewWritesWhateverIsThereAlready) {
  for (int i = 0; i < 50; ++i) Append({fmt::format("https://{}.example/", i)});
  uint64_t before = disk_.writes();
  Append(std::vector<std::string>(1000, "https://x.example/"));
  EXPECT_LE(disk_.writes() - before, 2u);
}

// A crash between the two writes of an append: the chunk that nobody counts is written over.
TEST_F(AnchorListTest, AnInterruptedAppendIsAsIfItHadNotBeen) {
  Append({"https://a.example/"});
  disk_.FailWrite(2);
  EXPECT_FALSE(AppendAnchors(*db_, {"https://lost.example/"}).ok());
  Reopen();
  EXPECT_THAT(Read(), ElementsAre("https://a.example/"));
  Append({"https://b.example/"});
  EXPECT_THAT(Read(), ElementsAre("https://a.example/", "https://b.example/"));
}

TEST_F(AnchorListTest, ADamagedCountIsToldAndNotTakenForNone) {
  for (const char* damaged : {"x", "", "-1", "99999999999999999999999", "1x"}) {
    ASSERT_TRUE(db_->PutMeta(kMetaAnchorChunks, damaged).ok());
    EXPECT_EQ(ReadAnchors(*db_).status().code(), absl::StatusCode::kDataLoss) << "'" << damaged << "'";
    EXPECT_FALSE(AppendAnchors(*db_, {"https://a.example/"}).ok()) << "'" << damaged << "'";
  }
}

TEST_F(AnchorListTest, AMissingChunkIsToldAndNotSkipped) {
  Append({"https://a.example/"});
  ASSERT_TRUE(db_->PutMeta(kMetaAnchorChunks, "2").ok());
  EXPECT_EQ(ReadAnchors(*db_).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace weft::test
