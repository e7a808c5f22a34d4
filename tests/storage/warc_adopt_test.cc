// WARC files that are taken into another pages directory, and what becomes of revisits that name a record by file and offset.
#include "storage/warc_adopt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "common/status.h"
#include "storage/known_payloads.h"
#include "storage/pages_directory.h"
#include "storage/warc_format.h"
#include "storage/warc_pages.h"
#include "storage/warc_place.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kFirst[] = "https://example.org/a";
constexpr char kSecond[] = "https://example.org/b?print=1";

class WarcAdoptTest : public ::testing::Test {
 protected:
  // A file with a page, and another with a revisit that names the first's record.
  void Crawl(WarcCompression compression, uint64_t roll_bytes = 1) {
    WarcStoreOptions options = StoreOptions(from_.path());
    options.compression = compression;
    options.dedup = WarcDedup::kAll;
    options.roll_bytes = roll_bytes;
    KnownPayloads known;
    options.payloads = &known;
    const auto store = WarcStore::Open(options, clock_, *random_).value();
    const ExchangeNotes notes;
    for (const Page* page : {&first_, &second_}) {
      Exchange exchange = page->exchange();
      exchange.notes = &notes;
      const auto stored = store->Append(exchange);
      ASSERT_TRUE(stored.ok()) << stored.status();
      ASSERT_TRUE(store->Sync().ok());
      store->Committed({exchange.url, exchange.began, stored->place, stored->payload_digest, exchange.payload.size()});
      refers_ = stored->place.refers;
    }
    ASSERT_TRUE(store->Close().ok());
    ASSERT_TRUE(refers_);
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> paths;
    for (const std::string& name : from_.Names()) {
      if (IsWarcFileName(name)) paths.push_back(from_ / name);
    }
    return paths;
  }
  std::map<std::string, AdoptedWarc> Adopt(const std::vector<std::string>& files) {
    WarcAdoption adoption(to_.path());
    std::map<std::string, AdoptedWarc> all;
    for (const std::string& file : files) {
      EXPECT_TRUE(adoption.Look(file, [&](std::string_view uri) {
                              uris_.emplace_back(uri);
                              return absl::OkStatus();
                            }).ok());
    }
    EXPECT_TRUE(adoption.Take([&](const std::string& path, const absl::StatusOr<AdoptedWarc>& adopted) {
                          EXPECT_TRUE(adopted.ok()) << adopted.status();
                          if (adopted.ok()) all[path] = *adopted;
                          return absl::OkStatus();
                        }).ok());
    return all;
  }
  // URL and whole response of each page that can be taken from the directory.
  std::map<std::string, std::string> Pages() {
    std::map<std::string, std::string> found;
    EXPECT_TRUE(OpenPagesDirectory(to_.path(), *random_, PosixFileOps()).ok());
    const auto pages = OpenWarcPages(to_.path(), absl::UnixEpoch()).value();
    while (true) {
      const auto page = pages->Next();
      if (absl::IsNotFound(page.status())) return found;
      if (page.ok()) found[page->url] = page->response;
    }
  }
  void ExpectBoth() {
    const auto pages = Pages();
    ASSERT_THAT(pages, SizeIs(2));
    EXPECT_EQ(pages.at(kFirst), first_.block());
    EXPECT_EQ(pages.at(kSecond), second_.block());
  }

  TempDirectory from_, to_;
  StandingClock clock_;
  std::unique_ptr<Random> random_ = SeededRandom(7);
  std::string body_ = "<html>" + std::string(4000, 'x') + "</html>";
  Page first_{kFirst, body_};
  Page second_{kSecond, body_};
  bool refers_ = false;
  std::vector<std::string> uris_;
};

TEST_F(WarcAdoptTest, FilesThatStayAsTheyAreAreLinkedAndTheirRevisitsHold) {
  Crawl(WarcCompression::kGzip);
  const std::vector<std::string> files = Files();
  ASSERT_THAT(files, SizeIs(2));
  for (const auto& [path, adopted] : Adopt(files)) EXPECT_FALSE(adopted.rewritten) << path;
  ExpectBoth();
  EXPECT_THAT(uris_, ElementsAre(kFirst, kSecond));
  for (const auto& [path, adopted] : Adopt(files)) EXPECT_FALSE(adopted.rewritten) << "a second time: " << path;
  ExpectBoth();
}

TEST_F(WarcAdoptTest, WrittenAnewARevisitHasTheBodyThatItNamed) {
  for (const uint64_t roll_bytes : {uint64_t{1}, uint64_t{1} << 30}) {
    SCOPED_TRACE(roll_bytes);
    for (const std::string& file : Files()) std::filesystem::remove(file);
    std::filesystem::remove_all(to_.path());
    std::filesystem::create_directory(to_.path());
    Crawl(WarcCompression::kZstd, roll_bytes);
    uint64_t made_whole = 0;
    for (const auto& [path, adopted] : Adopt(Files())) {
      EXPECT_TRUE(adopted.rewritten);
      EXPECT_EQ(adopted.bodiless, 0u);
      made_whole += adopted.made_whole;
    }
    EXPECT_EQ(made_whole, 1u);
    ExpectBoth();
  }
}

TEST_F(WarcAdoptTest, AFileAloneGetsTheBodyFromTheOneBesideIt) {
  Crawl(WarcCompression::kGzip);
  const std::vector<std::string> files = Files();
  const auto all = Adopt({files.back()});
  EXPECT_TRUE(all.at(files.back()).rewritten);
  EXPECT_EQ(all.at(files.back()).made_whole, 1u);
  const auto pages = Pages();
  ASSERT_THAT(pages, SizeIs(1));
  EXPECT_EQ(pages.at(kSecond), second_.block());
}

TEST_F(WarcAdoptTest, ANameThatIsTakenIsNoReasonToReadAnotherFilesRecord) {
  Crawl(WarcCompression::kGzip);
  const std::vector<std::string> files = Files();
  WriteFile(to_ / files.front().substr(files.front().rfind('/') + 1), "something else");
  const auto all = Adopt(files);
  EXPECT_FALSE(all.at(files.front()).rewritten);
  EXPECT_TRUE(all.at(files.back()).rewritten);
  ExpectBoth();
}

// Files of two machines: each calls its first one alike.
TEST_F(WarcAdoptTest, OfTwoFilesOfOneNameARevisitMeansTheOneBesideIt) {
  Crawl(WarcCompression::kGzip);
  std::vector<std::string> files = Files();
  const TempDirectory other;
  const std::string same_name = other / files.front().substr(files.front().rfind('/') + 1);
  std::filesystem::copy_file(files.front(), same_name);
  files.insert(files.begin(), same_name);
  const auto all = Adopt(files);
  EXPECT_NE(all.at(files[0]).name, all.at(files[1]).name);
  EXPECT_TRUE(all.at(files[2]).rewritten) << "the name is that of the other machine's file";
  EXPECT_EQ(all.at(files[2]).made_whole, 1u);
  ExpectBoth();
}

// `gunzip`, `mv`: neither name nor offset is what it was, but the record's id.
TEST_F(WarcAdoptTest, ARecordIsFoundByItsIdWhereItsFileWasRenamedOrPackedAnew) {
  Crawl(WarcCompression::kGzip, uint64_t{1} << 30);
  const std::vector<std::string> files = Files();
  ASSERT_THAT(files, SizeIs(1));
  const TempDirectory moved;
  std::string plain;
  const auto reader = WarcReader::Open(files.front()).value();
  for (auto record = reader->Next(); record.ok(); record = reader->Next()) {
    plain += record->head + record->block + std::string(kRecordEnd);
  }
  const std::string path = moved / "another.warc";
  WriteFile(path, plain);
  const auto all = Adopt({path});
  EXPECT_TRUE(all.at(path).rewritten);
  EXPECT_EQ(all.at(path).made_whole, 1u);
  EXPECT_EQ(all.at(path).bodiless, 0u);
  ExpectBoth();
}

TEST_F(WarcAdoptTest, ARecordIsFoundByItsIdInAnotherDirectoryToo) {
  Crawl(WarcCompression::kGzip);
  const std::vector<std::string> files = Files();
  ASSERT_THAT(files, SizeIs(2));
  const TempDirectory there;
  const std::string whole = there / "renamed.warc.gz";
  std::filesystem::rename(files.front(), whole);
  const auto all = Adopt({whole, files.back()});
  EXPECT_EQ(all.at(files.back()).made_whole, 1u);
  ExpectBoth();
}

TEST_F(WarcAdoptTest, WhatItNamesMayBeGone) {
  Crawl(WarcCompression::kGzip);
  const std::vector<std::string> files = Files();
  std::filesystem::remove(files.front());
  const auto all = Adopt({files.back()});
  EXPECT_EQ(all.at(files.back()).made_whole, 0u);
  EXPECT_EQ(all.at(files.back()).bodiless, 1u);
  EXPECT_THAT(Pages(), IsEmpty());
}

}  // namespace
}  // namespace weft
