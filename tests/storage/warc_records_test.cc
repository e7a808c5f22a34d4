// What the records of an exchange say: revisits, metadata, TLS. Each file is also put to our own check of the standard's rules.
#include "storage/warc_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/digest.h"
#include "storage/cdxj_beside.h"
#include "storage/cdxj_indexer.h"
#include "storage/warc_check.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kUrl[] = "https://example.org/a";

class WarcRecordsTest : public ::testing::TestWithParam<WarcCompression> {
 protected:
  void SetUp() override {
    WarcStoreOptions options = StoreOptions(directory_.path());
    options.compression = GetParam();
    options.index = true;
    options.part_of = "weft-000000000000000c";
    options.from = "crawl@example.org";
    store_ = WarcStore::Open(options, clock_, *random_, files_).value();
    before_.url = kUrl;
    before_.began = absl::FromUnixMicros(1'767'000'000'123'456);
    before_.payload_digest = digest_;
    before_.place = {9, "old.warc.gz", 100, 200, std::string(20, 'r')};
  }
  StoredExchange Stored(const Exchange& exchange) {
    auto stored = store_->Append(exchange);
    EXPECT_TRUE(stored.ok()) << stored.status();
    return stored.value_or(StoredExchange{});
  }
  // Everything in the one file, behind the warcinfo.
  std::vector<WarcRecord> Records() {
    EXPECT_TRUE(store_->Close().ok());
    std::vector<WarcRecord> records;
    for (const std::string& name : directory_.Names()) {
      if (name.ends_with(kCdxjSuffix)) continue;
      path_ = directory_ / name;
      WarcContent content = ReadAllFrom(path_);
      EXPECT_THAT(content.problems, IsEmpty());
      records = std::move(content.records);
    }
    EXPECT_GT(records.size(), 1u);
    auto reader = WarcReader::Open(path_).value();
    const WarcTally tally = CheckWarc(*reader, [](const WarcVerdict& verdict) {
      EXPECT_THAT(verdict.problems, IsEmpty()) << verdict.type;
      EXPECT_THAT(verdict.notes, IsEmpty()) << verdict.type;
    });
    EXPECT_EQ(tally.unpaired, 0u);
    info_ = std::move(records.front());
    records.erase(records.begin());
    return records;
  }
  static std::vector<std::string> Lines(LineSource& source) {
    std::vector<std::string> lines;
    std::string_view line;
    while (source.Next(line).value_or(false)) lines.emplace_back(line);
    return lines;
  }

  TempDirectory directory_;
  StandingClock clock_;
  FailingFileOps files_;
  std::unique_ptr<Random> random_ = SeededRandom(7);
  std::unique_ptr<WarcStore> store_;
  std::string digest_ = Sha1("<html>hello</html>");
  StoredBefore before_;
  std::string path_;
  WarcRecord info_;
};
INSTANTIATE_TEST_SUITE_P(Forms, WarcRecordsTest, kAllCompressions, CompressionName);

TEST_P(WarcRecordsTest, WarcinfoNamesTheCrawlAndWhoAsks) {
  Stored(Page(kUrl).exchange());
  Records();
  EXPECT_THAT(info_.block, HasSubstr("isPartOf: weft-000000000000000c\r\n"));
  EXPECT_THAT(info_.block, HasSubstr("http-header-from: crawl@example.org\r\n"));
}

TEST_P(WarcRecordsTest, EveryRecordNamesItsWarcinfo) {
  const Page page(kUrl);
  Exchange exchange = page.exchange();
  ExchangeNotes notes;
  exchange.notes = &notes;
  Stored(exchange);
  const auto records = Records();
  ASSERT_THAT(records, SizeIs(3));
  for (const WarcRecord& record : records) EXPECT_EQ(record.Get("WARC-Warcinfo-ID"), info_.Get("WARC-Record-ID"));
}

TEST_P(WarcRecordsTest, MetadataTellsHowThePageWasFound) {
  const Page page(kUrl);
  Exchange exchange = page.exchange();
  ExchangeNotes notes;
  notes.via = "https://example.org/ <x>\r\nstatus: 1";
  notes.depth = 3;
  notes.took = absl::Microseconds(1'234'567);
  notes.charset = "windows-1252";
  exchange.notes = &notes;
  Stored(exchange);
  const auto records = Records();
  ASSERT_THAT(records, SizeIs(3));
  const WarcRecord& metadata = records[2];
  EXPECT_EQ(metadata.Get("WARC-Type"), "metadata");
  EXPECT_EQ(metadata.Get("Content-Type"), "application/warc-fields");
  EXPECT_EQ(metadata.Get("WARC-Concurrent-To"), records[0].Get("WARC-Record-ID"));
  EXPECT_EQ(metadata.Get("WARC-Target-URI"), kUrl);
  EXPECT_EQ(metadata.Get("WARC-Date"), records[0].Get("WARC-Date"));
  EXPECT_EQ(metadata.block,
            "via: https://example.org/%20%3Cx%3E%0D%0Astatus:%201\r\ndepth: 3\r\nfetchTimeMs: 1234\r\ncharset: windows-1252\r\n");
}

TEST_P(WarcRecordsTest, WhatIsNotKnownIsNotTold) {
  const Page page(kUrl);
  Exchange exchange = page.exchange();
  ExchangeNotes notes;
  notes.depth = 0;
  exchange.notes = &notes;
  Stored(exchange);
  EXPECT_EQ(Records()[2].block, "depth: 0\r\nfetchTimeMs: 0\r\n");
}

TEST_P(WarcRecordsTest, WithoutNotesThereIsNoMetadata) {
  Stored(Page(kUrl).exchange());
  EXPECT_THAT(Records(), SizeIs(2));
}

TEST_P(WarcRecordsTest, TlsIsToldOfTheExchangeAndItsVerdictInTheMetadata) {
  const Page page(kUrl);
  Exchange exchange = page.exchange();
  ExchangeNotes notes;
  exchange.notes = &notes;
  exchange.tls_version = "tls/1.3";
  exchange.cipher_suite = "TLS_AES_256_GCM_SHA384";
  Stored(exchange);
  const auto records = Records();
  for (const size_t i : {0u, 1u}) {
    EXPECT_EQ(records[i].Get("WARC-Protocol"), "tls/1.3");
    EXPECT_EQ(records[i].Get("WARC-Cipher-Suite"), "TLS_AES_256_GCM_SHA384");
  }
  EXPECT_THAT(records[2].block, HasSubstr("certificate: verified\r\n"));
}

TEST_P(WarcRecordsTest, WithoutTlsNothingIsToldOfIt) {
  const Page page(kUrl);
  Exchange exchange = page.exchange();
  ExchangeNotes notes;
  exchange.notes = &notes;
  Stored(exchange);
  const auto records = Records();
  EXPECT_EQ(records[0].Get("WARC-Protocol"), "");
  EXPECT_EQ(records[0].Get("WARC-Cipher-Suite"), "");
  EXPECT_THAT(records[2].block, Not(HasSubstr("certificate")));
}

TEST_P(WarcRecordsTest, TheSamePayloadAgainIsARevisitWithoutIt) {
  const Page page(kUrl);
  Exchange exchange = page.exchange();
  exchange.before = &before_;
  const StoredExchange stored = Stored(exchange);
  EXPECT_TRUE(stored.revisit);
  EXPECT_EQ(stored.place, before_.place) << "what is read is the page that was stored before";
  EXPECT_EQ(stored.payload_digest, digest_);
  const auto records = Records();
  ASSERT_THAT(records, SizeIs(2));
  const WarcRecord& revisit = records[0];
  EXPECT_EQ(revisit.Get("WARC-Type"), "revisit");
  EXPECT_EQ(revisit.Get("WARC-Profile"), "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest");
  EXPECT_EQ(revisit.Get("WARC-Refers-To-Target-URI"), kUrl);
  EXPECT_EQ(revisit.Get("WARC-Refers-To-Date"), "2025-12-29T09:20:00.123456Z");
  EXPECT_EQ(revisit.Get("WARC-Payload-Digest"), Sha1Label(digest_));
  EXPECT_EQ(revisit.Get("WARC-Truncated"), "length");
  EXPECT_EQ(revisit.block, exchange.response_head);
  EXPECT_EQ(records[1].Get("WARC-Type"), "request");
  EXPECT_EQ(records[1].Get("WARC-Concurrent-To"), revisit.Get("WARC-Record-ID"));
}

TEST_P(WarcRecordsTest, AnotherPayloadIsAResponse) {
  const Page page(kUrl, "<html>other</html>");
  Exchange exchange = page.exchange();
  exchange.before = &before_;
  const StoredExchange stored = Stored(exchange);
  EXPECT_FALSE(stored.revisit);
  EXPECT_NE(stored.place, before_.place);
  const auto records = Records();
  EXPECT_EQ(records[0].Get("WARC-Type"), "response");
  EXPECT_EQ(records[0].Get("WARC-Profile"), "");
  EXPECT_EQ(records[0].block, page.block());
}

TEST_P(WarcRecordsTest, AnEmptyPayloadIsNoRevisit) {
  const Page page(kUrl, "");
  Exchange exchange = page.exchange();
  digest_ = Sha1("");
  before_.payload_digest = digest_;
  exchange.before = &before_;
  EXPECT_FALSE(Stored(exchange).revisit);
}

TEST_P(WarcRecordsTest, ACutPayloadIsNoRevisit) {
  const Page page(kUrl);
  Exchange exchange = page.exchange();
  exchange.before = &before_;
  exchange.truncated = "length";
  EXPECT_FALSE(Stored(exchange).revisit);
  EXPECT_EQ(Records()[0].block, page.block());
}

TEST_P(WarcRecordsTest, NotModifiedIsARevisitOfThePageThatIsThere) {
  const Page page(kUrl, "");
  Exchange exchange = page.exchange();
  exchange.response_head = "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n";
  before_.not_modified = true;
  exchange.before = &before_;
  const StoredExchange stored = Stored(exchange);
  EXPECT_TRUE(stored.revisit);
  EXPECT_EQ(stored.place, before_.place);
  const WarcRecord revisit = Records()[0];
  EXPECT_EQ(revisit.Get("WARC-Profile"), "http://netpreserve.org/warc/1.1/revisit/server-not-modified");
  EXPECT_EQ(revisit.Get("WARC-Refers-To-Target-URI"), kUrl);
  EXPECT_EQ(revisit.Get("WARC-Refers-To-Date"), "2025-12-29T09:20:00.123456Z");
  EXPECT_EQ(revisit.Get("WARC-Payload-Digest"), Sha1Label(digest_)) << "that of the page that it speaks of";
  EXPECT_EQ(revisit.Get("WARC-Truncated"), "");
  EXPECT_EQ(revisit.block, exchange.response_head);
}

TEST_P(WarcRecordsTest, TheIndexBesideIsWhatTheIndexerMakesOfTheFile) {
  const Page page(kUrl), other("https://example.org/b", "other");
  ExchangeNotes notes;
  Exchange exchange = page.exchange();
  exchange.notes = &notes;
  Stored(exchange);
  exchange.before = &before_;
  Stored(exchange);
  before_.not_modified = true;
  exchange.response_head = "HTTP/1.1 304 Not Modified\r\n\r\n";
  exchange.wire_body = exchange.payload = {};
  Stored(exchange);
  Stored(other.exchange());
  Records();
  CdxjIndexer indexer({.directory = directory_.path(), .memory_bytes = 1 << 20});
  ASSERT_TRUE(indexer.ReadWarc(path_).ok());
  const auto beside = Lines(**OpenCdxjBeside(path_));
  EXPECT_EQ(beside, Lines(**indexer.Finish()));
  EXPECT_THAT(beside, ElementsAre(HasSubstr("text/html"), HasSubstr("\"mime\":\"warc/revisit\",\"status\":\"200\""),
                                  HasSubstr("\"mime\":\"warc/revisit\",\"status\":\"304\""), HasSubstr("/b")));
}

}  // namespace
}  // namespace weft
