#include "storage/warc_copier.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/warc_check.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WarcCopying : public ::testing::TestWithParam<WarcCompression> {
 protected:
  WarcCopying() {
    WarcStoreOptions options = StoreOptions(directory_.path());
    options.compression = GetParam();
    const auto random = SeededRandom(7);
    StandingClock clock;
    auto store = *WarcStore::Open(options, clock, *random);
    for (int i = 0; i < 3; ++i) {
      const Page page(fmt::format("http://a.example/{}", i), fmt::format("body {}", i));
      stored_.push_back(*store->Append(page.exchange()));
    }
    EXPECT_TRUE(store->Close().ok());
  }

  // One directory, wherever its place says that it is.
  class Files : public PagesFiles {
   public:
    explicit Files(const std::string& directory) : directory_(directory) {}
    absl::StatusOr<std::string> ReadBytes(uint64_t, const std::string& file, uint64_t offset, uint64_t length) override {
      if (++reads > most) return absl::UnavailableError("its node is gone");
      return ReadPagesBytes(directory_, file, offset, length);
    }
    int reads = 0;
    int most = 1'000'000;

   private:
    const std::string directory_;
  };

  TempDirectory directory_;
  Files files_{directory_.path()};
  std::vector<StoredExchange> stored_;
};

TEST_P(WarcCopying, AnExchangeComesWhole) {
  WarcCopier copier;
  std::string out;
  const auto second = copier.Copy(files_, stored_[1].place, out);
  ASSERT_TRUE(second.ok()) << second.status();
  const auto first = copier.Copy(files_, stored_[0].place, out);
  ASSERT_TRUE(first.ok()) << first.status();
  std::vector<std::string> found;
  const WarcContent content = ReadAllOf(out);
  for (const WarcRecord& record : content.records) {
    EXPECT_TRUE(record.compressed);
    found.push_back(fmt::format("{} {}", record.Get("WARC-Type"), record.Get("WARC-Target-URI")));
  }
  EXPECT_THAT(found, ElementsAre("warcinfo ", "response http://a.example/1", "request http://a.example/1",
                                 "response http://a.example/0", "request http://a.example/0"));
  EXPECT_EQ(content.records[1].offset, second->begin);
  EXPECT_EQ(content.records[1].length, second->size);
  EXPECT_EQ(content.records[3].offset, first->begin);
  EXPECT_THAT(content.records[1].block, HasSubstr("body 1"));
  const auto reader = WarcReader::OverSource(std::make_unique<MemorySource>(out));
  EXPECT_TRUE(CheckWarc(*reader, [](const WarcVerdict&) {}).good());
}

TEST_P(WarcCopying, OfARecordThatHasChangedNothingIsCopied) {
  WarcCopier copier;
  std::string out;
  WarcPlace other = stored_[1].place;
  other.record_digest[0] = static_cast<char>(other.record_digest[0] ^ 1);
  EXPECT_TRUE(absl::IsDataLoss(copier.Copy(files_, other, out).status()));
  EXPECT_EQ(out, "");
}

TEST_P(WarcCopying, OfAnExchangeWhoseNodeGoesWhileItIsCopiedNothingIsCopied) {
  std::string whole;
  ASSERT_TRUE(WarcCopier().Copy(files_, stored_[1].place, whole).ok());
  const int reads = files_.reads;
  WarcCopier copier;
  for (files_.most = 0; files_.most < reads; ++files_.most) {
    files_.reads = 0;
    std::string out = "before";
    EXPECT_TRUE(absl::IsUnavailable(copier.Copy(files_, stored_[1].place, out).status())) << files_.most;
    EXPECT_EQ(out, "before");
  }
  files_.reads = 0;
  std::string out;
  ASSERT_TRUE(copier.Copy(files_, stored_[1].place, out).ok());
  EXPECT_EQ(out, whole) << "its warcinfo was not copied before";
}

INSTANTIATE_TEST_SUITE_P(Forms, WarcCopying, kAllCompressions, CompressionName);

}  // namespace
}  // namespace weft
