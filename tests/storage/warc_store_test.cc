#include "storage/warc_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <thread>

#include "common/digest.h"
#include "storage/gzip_member.h"
#include "storage/warc_digest.h"
#include "storage/warc_format.h"
#include "storage/warc_place.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::SizeIs;
using Op = FailingFileOps::Op;

class WarcStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<WarcStore> Open(const WarcStoreOptions& options) {
    auto store = WarcStore::Open(options, clock_, *random_, files_);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? std::move(*store) : nullptr;
  }
  std::unique_ptr<WarcStore> Open() { return Open(StoreOptions(directory_.path())); }

  StoredExchange Stored(WarcStore& store, const Page& page) {
    auto stored = store.Append(page.exchange());
    EXPECT_TRUE(stored.ok()) << stored.status();
    return stored.value_or(StoredExchange{});
  }

  TempDirectory directory_;
  StandingClock clock_;
  std::unique_ptr<Random> random_ = SeededRandom(7);
  FailingFileOps files_;
};

TEST_F(WarcStoreTest, FileIsNamedByTimeSerialHostAndDirectoryAndOpenWhileWritten) {
  auto store = Open();
  Stored(*store, Page("http://example.org/"));
  const std::string name =
      fmt::format("weft-20260102030405678-00000-node1-{:08x}.warc.gz", static_cast<uint32_t>(store->pages_dir_id()));
  EXPECT_THAT(directory_.Names(), ElementsAre(name + ".open", name + ".synced"));
  ASSERT_TRUE(store->Close().ok());
  EXPECT_THAT(directory_.Names(), ElementsAre(name));
}

TEST(WarcFileName, TwoDirectoriesNameTheirFilesOfOneMomentApart) {
  const absl::Time now = absl::FromUnixMillis(1'767'323'045'678);
  const auto name = [&](std::string_view prefix, uint64_t id, WarcCompression compression) {
    return WarcFileName(prefix, now, 0, "node1", id, compression);
  };
  EXPECT_NE(name("weft", 1, WarcCompression::kGzip), name("weft", 2, WarcCompression::kGzip));
  EXPECT_EQ(name("weft", 0x12300000001, WarcCompression::kNone), "weft-20260102030405678-00000-node1-00000001.warc");
  EXPECT_EQ(name("news_1.a", 1, WarcCompression::kZstd), "news_1.a-20260102030405678-00000-node1-00000001.warc.zst");
}

TEST_F(WarcStoreTest, StrangeHostNamesMakeSafeFileNames) {
  WarcStoreOptions options = StoreOptions(directory_.path());
  options.host_name = "../a b\n";
  const auto place = Stored(*Open(options), Page("http://example.org/")).place;
  EXPECT_THAT(place.file, MatchesRegex("weft-20260102030405678-00000-[.][.]-a-b--[0-9a-f]+[.]warc[.]gz"));
}

TEST(WarcFileName, PrefixesThatAreNoFileNameAreNotUsed) {
  for (const std::string& prefix : {std::string(), std::string("../x"), std::string(".x"), std::string("-x"), std::string("a b"),
                                    std::string("a/b"), std::string("a\0b", 3), std::string(65, 'a')}) {
    EXPECT_FALSE(IsWarcPrefix(prefix)) << prefix;
    EXPECT_THAT(WarcFileName(prefix, absl::UnixEpoch(), 0, "h", 1, WarcCompression::kGzip), ::testing::StartsWith("weft-1970"));
  }
  EXPECT_TRUE(IsWarcPrefix(std::string(64, 'a')));
}

TEST_F(WarcStoreTest, NothingIsCreatedBeforeTheFirstPage) {
  auto store = Open();
  EXPECT_TRUE(store->Sync().ok());
  EXPECT_TRUE(store->Close().ok());
  EXPECT_THAT(directory_.Names(), SizeIs(0));
}

TEST_F(WarcStoreTest, WarcinfoComesFirstAndDescribesTheCrawler) {
  const auto place = Stored(*Open(), Page("http://example.org/")).place;
  const WarcContent content = ReadAllFrom(directory_ / place.file);
  ASSERT_THAT(content.records, SizeIs(3));
  const WarcRecord& info = content.records[0];
  EXPECT_EQ(info.version, "WARC/1.1");
  EXPECT_EQ(info.Get("WARC-Type"), "warcinfo");
  EXPECT_EQ(info.Get("WARC-Filename"), place.file);
  EXPECT_EQ(info.Get("WARC-Date"), "2026-01-02T03:04:05.678901Z");
  EXPECT_EQ(info.Get("Content-Type"), "application/warc-fields");
  EXPECT_EQ(info.block,
            "software: Weft/0.1.0\r\nformat: WARC File Format 1.1\r\n"
            "conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n"
            "hostname: node1\r\noperator: crawl@example.org\r\nrobots: obey\r\n"
            "http-header-user-agent: weft-test/1 (+https://example.org/)\r\n");
}

TEST_F(WarcStoreTest, RequestAndResponseAreOneCapture) {
  const Page page("http://example.org/a?b");
  const auto place = Stored(*Open(), page).place;
  const WarcContent content = ReadAllFrom(directory_ / place.file);
  ASSERT_THAT(content.records, SizeIs(3));
  const WarcRecord& response = content.records[1];
  const WarcRecord& request = content.records[2];
  EXPECT_EQ(response.Get("WARC-Type"), "response");
  EXPECT_EQ(response.block, page.block());
  EXPECT_EQ(response.Get("Content-Type"), "application/http;msgtype=response");
  EXPECT_EQ(request.Get("WARC-Type"), "request");
  EXPECT_EQ(request.block, "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
  EXPECT_EQ(request.Get("Content-Type"), "application/http;msgtype=request");
  EXPECT_EQ(request.Get("WARC-Concurrent-To"), response.Get("WARC-Record-ID"));
  EXPECT_EQ(response.Get("WARC-Concurrent-To"), request.Get("WARC-Record-ID"));
  for (const WarcRecord* record : {&response, &request}) {
    EXPECT_EQ(record->Get("WARC-Date"), "2026-01-02T03:03:21.000042Z");
    EXPECT_EQ(record->Get("WARC-Target-URI"), "http://example.org/a?b");
    EXPECT_EQ(record->Get("WARC-IP-Address"), "192.0.2.7");
    EXPECT_EQ(record->Get("WARC-Warcinfo-ID"), content.records[0].Get("WARC-Record-ID"));
    EXPECT_EQ(record->Get("WARC-Truncated"), "");
    EXPECT_EQ(CheckBlockDigest(*record), DigestVerdict::kMatches);
    EXPECT_TRUE(record->terminated);
  }
}

TEST_F(WarcStoreTest, RecordIdsAreDistinctVersionFourUuids) {
  auto store = Open();
  std::string file;
  for (int i = 0; i < 20; ++i) file = Stored(*store, Page("http://example.org/")).place.file;
  ASSERT_TRUE(store->Close().ok());
  std::set<std::string> ids;
  const std::regex form("<urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}>");
  for (const WarcRecord& record : ReadAllFrom(directory_ / file).records) {
    const std::string id(record.Get("WARC-Record-ID"));
    EXPECT_TRUE(std::regex_match(id, form)) << id;
    EXPECT_TRUE(ids.insert(id).second) << id;
  }
  EXPECT_EQ(ids.size(), 41u);
}

TEST_F(WarcStoreTest, ChunkedBytesAreKeptAndThePayloadIsDigested) {
  const Page page("http://example.org/");
  Exchange exchange = page.exchange();
  exchange.response_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  exchange.wire_body = "3\r\nabc\r\n0\r\n\r\n";
  exchange.payload = "abc";
  auto store = Open();
  const auto stored = store->Append(exchange);
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(stored->payload_digest, Sha1("abc"));
  const auto record = ReadWarcPlace(directory_.path(), stored->place);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->block, std::string(exchange.response_head) + std::string(exchange.wire_body));
  EXPECT_EQ(record->Get("WARC-Payload-Digest"), Sha1Label(Sha1("abc")));
  EXPECT_EQ(CheckPayloadDigest(*record), DigestVerdict::kMatches);
}

TEST_F(WarcStoreTest, TruncationIsMarkedWithAKnownReason) {
  auto store = Open();
  for (const auto& [given, written] : {std::pair{"length", "length"}, {"time", "time"}, {"disconnect", "disconnect"}, {"x\r\nY: z", "unspecified"}}) {
    const Page page("http://example.org/");
    Exchange exchange = page.exchange();
    exchange.truncated = given;
    const auto stored = store->Append(exchange);
    ASSERT_TRUE(stored.ok());
    EXPECT_EQ(ReadWarcPlace(directory_.path(), stored->place)->Get("WARC-Truncated"), written);
  }
}

TEST_F(WarcStoreTest, ValuesCannotBreakTheHead) {
  const Page page("http://example.org/a b<c>\r\nWARC-Type: x");
  Exchange exchange = page.exchange();
  exchange.ip = "1.2.3.4\r\nEvil: 1";
  auto store = Open();
  const auto stored = store->Append(exchange);
  ASSERT_TRUE(stored.ok());
  const auto record = ReadWarcPlace(directory_.path(), stored->place);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->Get("WARC-Target-URI"), "http://example.org/a%20b%3Cc%3E%0D%0AWARC-Type:%20x");
  EXPECT_EQ(record->Get("Evil"), "");
}

TEST_F(WarcStoreTest, EmptyBodiesAndMissingAddressesAreFine) {
  const Page page("http://example.org/", "");
  Exchange exchange = page.exchange();
  exchange.ip = "";
  auto store = Open();
  const auto stored = store->Append(exchange);
  ASSERT_TRUE(stored.ok());
  const auto record = ReadWarcPlace(directory_.path(), stored->place);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->block, exchange.response_head);
  EXPECT_EQ(record->Get("WARC-IP-Address"), "");
  EXPECT_EQ(stored->payload_digest, Sha1(""));
}

TEST_F(WarcStoreTest, PlacesAreReadWhileOpenAndAfterClosing) {
  for (const WarcCompression compression : {WarcCompression::kNone, WarcCompression::kGzip, WarcCompression::kZstd}) {
    WarcStoreOptions options = StoreOptions(directory_.path());
    options.compression = compression;
    auto store = Open(options);
    std::vector<std::pair<WarcPlace, std::string>> places;
    for (int i = 0; i < 5; ++i) {
      const Page page("http://example.org/" + std::to_string(i), std::string(static_cast<size_t>(i) * 1000, 'x'));
      places.emplace_back(Stored(*store, page).place, page.block());
    }
    for (const bool closed : {false, true}) {
      if (closed) {
        ASSERT_TRUE(store->Close().ok());
      }
      for (const auto& [place, block] : places) {
        EXPECT_EQ(place.pages_dir_id, store->pages_dir_id());
        const auto record = ReadWarcPlace(directory_.path(), place);
        ASSERT_TRUE(record.ok()) << record.status();
        EXPECT_EQ(record->block, block);
        EXPECT_EQ(record->offset, place.offset);
      }
    }
  }
}

TEST_F(WarcStoreTest, PlacesOfOtherBytesAreDataLoss) {
  auto store = Open();
  const WarcPlace place = Stored(*store, Page("http://example.org/")).place;
  for (WarcPlace wrong : {place, place, place, place}) {
    static int which = 0;
    switch (which++) {
      case 0: wrong.offset += 1; break;
      case 1: wrong.length -= 1; break;
      case 2: wrong.offset = 1u << 30; break;
      case 3: wrong.length = UINT64_MAX; break;
    }
    EXPECT_TRUE(absl::IsDataLoss(ReadWarcPlace(directory_.path(), wrong).status()));
  }
  for (const char* name : {"", "..", "../x.warc.gz", "/etc/passwd", "a/b"}) {
    WarcPlace wrong = place;
    wrong.file = name;
    EXPECT_TRUE(absl::IsInvalidArgument(ReadWarcPlace(directory_.path(), wrong).status())) << name;
  }
  WarcPlace gone = place;
  gone.file = "gone.warc.gz";
  EXPECT_TRUE(absl::IsNotFound(ReadWarcPlace(directory_.path(), gone).status()));
}

// The record still reads as one: only its digest knows.
TEST_F(WarcStoreTest, AChangedByteOfAPageIsDataLoss_Rule10) {
  WarcStoreOptions options = StoreOptions(directory_.path());
  options.compression = WarcCompression::kNone;
  auto store = Open(options);
  const WarcPlace place = Stored(*store, Page("http://example.org/", "a page of seven words and no more")).place;
  ASSERT_TRUE(store->Close().ok());
  std::string bytes = ReadFile(directory_ / place.file);
  const size_t word = bytes.find("seven");
  ASSERT_NE(word, bytes.npos);
  bytes[word] = 'S';
  std::filesystem::remove(directory_ / place.file);
  WriteFile(directory_ / place.file, bytes);
  const absl::Status status = ReadWarcPlace(directory_.path(), place).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), testing::HasSubstr("have changed since they were stored"));
}

TEST_F(WarcStoreTest, RecordDigestIsOfTheBytesOnDisk) {
  auto store = Open();
  Stored(*store, Page("http://example.org/1"));
  const WarcPlace place = Stored(*store, Page("http://example.org/2")).place;
  const std::string bytes = ReadFile(directory_ / (place.file + ".open"));
  EXPECT_EQ(place.record_digest, Sha1(std::string_view(bytes).substr(place.offset, place.length)));
}

TEST_F(WarcStoreTest, FilesRollOverAtTheirSize) {
  WarcStoreOptions options = StoreOptions(directory_.path());
  options.roll_bytes = 1;
  auto store = Open(options);
  std::set<std::string> files;
  for (int i = 0; i < 3; ++i) files.insert(Stored(*store, Page("http://example.org/")).place.file);
  EXPECT_EQ(files.size(), 3u);
  ASSERT_TRUE(store->Sync().ok());
  const std::vector<std::string> names = directory_.Names();
  EXPECT_EQ(std::count_if(names.begin(), names.end(), [](const std::string& name) { return name.ends_with(".gz"); }), 2);
  ASSERT_TRUE(store->Close().ok());
  for (const std::string& file : files) {
    const WarcContent content = ReadAllFrom(directory_ / file);
    EXPECT_THAT(content.records, SizeIs(3));
    EXPECT_EQ(content.records[0].Get("WARC-Filename"), file);
  }
}

TEST_F(WarcStoreTest, SeveralStoresShareADirectory) {
  auto one = Open();
  auto two = Open();
  EXPECT_EQ(one->pages_dir_id(), two->pages_dir_id());
  const std::string first = Stored(*one, Page("http://example.org/1")).place.file;
  const std::string second = Stored(*two, Page("http://example.org/2")).place.file;
  EXPECT_NE(first, second);
  ASSERT_TRUE(one->Close().ok());
  // The names of finished files are taken too: the clock stands still.
  auto three = Open();
  const std::string third = Stored(*three, Page("http://example.org/3")).place.file;
  EXPECT_NE(third, first);
  EXPECT_NE(third, second);
  ASSERT_TRUE(two->Close().ok());
  ASSERT_TRUE(three->Close().ok());
  EXPECT_EQ(directory_.Names().size(), 3u);
}

TEST_F(WarcStoreTest, DirectoryIdIsMadeOnceAndKept) {
  const uint64_t id = Open()->pages_dir_id();
  EXPECT_NE(id, 0u);
  EXPECT_THAT(ReadFile(directory_ / "pages-directory-id"), MatchesRegex("[0-9a-f]+\n"));
  random_ = SeededRandom(99);
  EXPECT_EQ(Open()->pages_dir_id(), id);
  TempDirectory other;
  EXPECT_NE(Open(StoreOptions(other / "deep/er"))->pages_dir_id(), id);
}

TEST_F(WarcStoreTest, WorksOnTheKernelsFiles) {
  auto store = WarcStore::Open(StoreOptions(directory_.path()), clock_, *random_);
  ASSERT_TRUE(store.ok()) << store.status();
  const Page page("http://example.org/");
  const WarcPlace place = Stored(**store, page).place;
  ASSERT_TRUE((*store)->Sync().ok());
  ASSERT_TRUE((*store)->Close().ok());
  EXPECT_THAT(directory_.Names(), ElementsAre(place.file));
  EXPECT_EQ(ReadWarcPlace(directory_.path(), place)->block, page.block());
}

TEST_F(WarcStoreTest, DamagedDirectoryIdIsAnError) {
  WriteFile(directory_ / "pages-directory-id", "hello\n");
  const auto store = WarcStore::Open(StoreOptions(directory_.path()), clock_, *random_);
  EXPECT_TRUE(absl::IsDataLoss(store.status())) << store.status();
}

TEST_F(WarcStoreTest, MembersOfEverySizeAreReadableGzip) {
  // igzip's output through zlib's reader; sizes around its inner buffers, compressible and not.
  auto store = Open();
  std::vector<std::pair<WarcPlace, std::string>> places;
  for (const size_t size : {0u, 1u, 100u, 4096u, 32768u, 65535u, 65536u, 300'000u, 3'000'000u}) {
    for (const bool noise : {false, true}) {
      std::string body(size, 'a');
      if (noise) for (char& c : body) c = static_cast<char>(random_->Next());
      const Page page("http://example.org/", body);
      places.emplace_back(Stored(*store, page).place, page.block());
    }
  }
  ASSERT_TRUE(store->Close().ok());
  for (const auto& [place, block] : places) {
    const auto record = ReadWarcPlace(directory_.path(), place);
    ASSERT_TRUE(record.ok()) << record.status();
    EXPECT_EQ(record->block, block);
  }
  EXPECT_THAT(ReadAllFrom(directory_ / places[0].first.file).problems, SizeIs(0));
}

TEST_F(WarcStoreTest, AppendsBesideSyncsOnAnotherThread) {
  WarcStoreOptions options = StoreOptions(directory_.path());
  options.roll_bytes = 20'000;
  auto store = Open(options);
  std::atomic<bool> done{false};
  std::thread syncer([&] {
    while (!done) EXPECT_TRUE(store->Sync().ok());
  });
  std::vector<WarcPlace> places;
  for (int i = 0; i < 300; ++i) places.push_back(Stored(*store, Page("http://example.org/" + std::to_string(i))).place);
  done = true;
  syncer.join();
  ASSERT_TRUE(store->Close().ok());
  for (const WarcPlace& place : places) EXPECT_TRUE(ReadWarcPlace(directory_.path(), place).ok());
  for (const std::string& name : directory_.Names()) EXPECT_TRUE(name.ends_with(".warc.gz")) << name;
}

}  // namespace
}  // namespace weft
