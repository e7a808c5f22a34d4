// Indexes of files: what the store writes beside its own, and what reading them gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <map>
#include <sstream>

#include <nlohmann/json.hpp>

#include "storage/cdxj_beside.h"
#include "storage/cdxj_indexer.h"
#include "storage/warc_place.h"
#include "storage/warc_store.h"
#include "tests/storage/warc_record_support.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

std::vector<std::string> All(LineSource& lines) {
  std::vector<std::string> all;
  std::string_view line;
  while (true) {
    const auto there = lines.Next(line);
    EXPECT_TRUE(there.ok()) << there.status();
    if (!there.ok() || !*there) return all;
    all.emplace_back(line);
  }
}

struct Index {
  std::vector<std::string> lines;
  std::vector<std::string> told;
  IndexTally tally;
};
Index IndexOf(const std::vector<std::string>& files, const std::string& directory) {
  Index index;
  CdxjIndexer indexer({.directory = directory}, [&](const std::string& text) { index.told.push_back(text); });
  for (const std::string& file : files) EXPECT_TRUE(indexer.AddWarc(file).ok()) << file;
  index.tally = indexer.tally();
  const auto lines = indexer.Finish();
  EXPECT_TRUE(lines.ok()) << lines.status();
  index.lines = All(**lines);
  return index;
}

// Every line's offset and length give a record of that URL.
void ExpectResolve(const std::vector<std::string>& lines, const TempDirectory& directory) {
  for (const std::string& line : lines) {
    const auto json = nlohmann::json::parse(line.substr(line.find('{')));
    const std::string bytes = ReadFile(directory / json.at("filename").get<std::string>());
    const auto offset = std::stoull(json.at("offset").get<std::string>()), length = std::stoull(json.at("length").get<std::string>());
    ASSERT_LE(offset + length, bytes.size());
    const WarcContent content = ReadAllOf(bytes.substr(offset, length));
    ASSERT_THAT(content.problems, IsEmpty()) << line;
    ASSERT_THAT(content.records, SizeIs(1)) << line;
    EXPECT_EQ(content.records[0].Get("WARC-Target-URI"), json.at("url").get<std::string>());
    EXPECT_EQ(content.records[0].Get("WARC-Payload-Digest"), json.at("digest").get<std::string>());
  }
}

class StoreIndex : public ::testing::TestWithParam<WarcCompression> {
 protected:
  std::unique_ptr<WarcStore> Open(uint64_t roll_bytes = 1'000'000) {
    WarcStoreOptions options = StoreOptions(directory_.path());
    options.compression = GetParam();
    options.index = true;
    options.roll_bytes = roll_bytes;
    auto store = WarcStore::Open(options, clock_, *random_, files_);
    EXPECT_TRUE(store.ok()) << store.status();
    return std::move(*store);
  }
  // A plain file's name where it is finished.
  std::vector<std::string> WarcPaths() const {
    std::vector<std::string> paths;
    for (const std::string& name : directory_.Names()) {
      if (IsWarcFileName(name)) paths.push_back(directory_ / name);
    }
    return paths;
  }

  TempDirectory directory_;
  StandingClock clock_;
  FailingFileOps files_;
  std::unique_ptr<Random> random_ = SeededRandom(7);
};
INSTANTIATE_TEST_SUITE_P(Forms, StoreIndex, kAllCompressions, CompressionName);

TEST_P(StoreIndex, IsWhatReadingTheFilesGives) {
  auto store = Open(/*roll_bytes=*/4000);
  for (int i = 0; i < 20; ++i) {
    const Page page(fmt::format("http://example.org/{}?b&a", i * 7 % 20), std::string(static_cast<size_t>(i) * 100, 'x'));
    ASSERT_TRUE(store->Append(page.exchange()).ok());
    if (i % 3 == 0) {
      ASSERT_TRUE(store->Sync().ok());
    }
  }
  Page strange("http://example.org/a b<c>");
  ASSERT_TRUE(store->Append(strange.exchange()).ok());
  ASSERT_TRUE(store->Close().ok());
  const std::vector<std::string> warcs = WarcPaths();
  ASSERT_GT(warcs.size(), 2u);
  EXPECT_EQ(directory_.Names().size(), warcs.size() * 2) << "an index beside each";

  const Index beside = IndexOf(warcs, directory_.path());
  EXPECT_THAT(beside.told, IsEmpty());
  EXPECT_EQ(beside.tally.files_read, 0u);
  EXPECT_THAT(beside.lines, SizeIs(21));
  EXPECT_TRUE(std::is_sorted(beside.lines.begin(), beside.lines.end()));
  ExpectResolve(beside.lines, directory_);

  for (const std::string& warc : warcs) ASSERT_TRUE(std::filesystem::remove(warc + ".cdxj"));
  const Index read = IndexOf(warcs, directory_.path());
  EXPECT_EQ(read.tally.files_read, warcs.size());
  EXPECT_EQ(read.lines, beside.lines);
}

TEST_P(StoreIndex, IsNotTakenWhereItIsOfOtherBytes) {
  auto store = Open();
  ASSERT_TRUE(store->Append(Page("http://example.org/1").exchange()).ok());
  ASSERT_TRUE(store->Close().ok());
  const std::string warc = WarcPaths().at(0);
  const std::string bytes = ReadFile(warc), index = ReadFile(warc + ".cdxj");
  const Index good = IndexOf({warc}, directory_.path());
  ASSERT_THAT(good.lines, SizeIs(1));
  const size_t line = index.find('\n') + 1;
  const std::string faults[] = {"", index.substr(line), index.substr(0, index.size() - 1), index + "!earlier\n",
                                "!meta 0 {\"filename\":\"other\",\"bytes\":1}\n" + index.substr(line), "!meta 0 nonsense\n" + index.substr(line),
                                "!meta 0 {\"filename\":7,\"bytes\":\"x\"}\n"};
  for (const std::string& fault : faults) {
    SCOPED_TRACE(fault);
    WriteFile(warc + ".cdxj", fault);
    const Index again = IndexOf({warc}, directory_.path());
    EXPECT_EQ(again.tally.files_read, 1u);
    EXPECT_EQ(again.lines, good.lines);
    EXPECT_THAT(again.told, ElementsAre(HasSubstr("the file is read")));
  }
  // A file that grew, or was written again later.
  WriteFile(warc + ".cdxj", index);
  WriteFile(warc, bytes + bytes);
  EXPECT_EQ(IndexOf({warc}, directory_.path()).tally.files_read, 1u);
  WriteFile(warc, bytes);
  const timespec early[] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, (warc + ".cdxj").c_str(), early, 0), 0);
  EXPECT_THAT(IndexOf({warc}, directory_.path()).told, ElementsAre(HasSubstr("older")));
}

TEST_P(StoreIndex, ARepairedFileGetsOne) {
  auto store = Open();
  std::string name;
  for (int i = 0; i < 3; ++i) name = store->Append(Page(fmt::format("http://example.org/{}", i)).exchange())->place.file;
  ASSERT_TRUE(store->Sync().ok());
  const std::string bytes = ReadFile(directory_ / (name + ".open"));
  const std::string note = ReadFile(directory_ / (name + ".synced"));
  ASSERT_TRUE(store->Close().ok());
  for (const std::string& left : directory_.Names()) std::filesystem::remove(directory_ / left);
  WriteFile(directory_ / (name + ".open"), bytes + bytes.substr(0, 30));
  WriteFile(directory_ / (name + ".synced"), note);
  const auto repairs = WarcStore::Repair(directory_.path(), files_);
  ASSERT_TRUE(repairs.ok());
  ASSERT_TRUE(IndexRepaired(directory_.path(), *repairs).ok());
  EXPECT_THAT(directory_.Names(), UnorderedElementsAre(name, name + ".cdxj"));
  const Index index = IndexOf({directory_ / name}, directory_.path());
  EXPECT_EQ(index.tally.files_read, 0u);
  EXPECT_THAT(index.lines, SizeIs(3));
  ExpectResolve(index.lines, directory_);
}

TEST_P(StoreIndex, AnIndexThatCannotBeWrittenCostsNoPage) {
  auto store = Open();
  const auto stored = store->Append(Page("http://example.org/1").exchange());
  ASSERT_TRUE(stored.ok());
  std::filesystem::create_directory(directory_ / (stored->place.file + ".cdxj"));
  EXPECT_TRUE(store->Close().ok());
  EXPECT_TRUE(ReadWarcPlace(directory_.path(), stored->place).ok());
}

TEST(CdxjIndexer, ReportsDamageAndGoesOn) {
  TempDirectory directory;
  const std::string good = GzipMember(ResponseRecord("http://a/1", "1", HttpResponse("x")));
  WriteFile(directory / "x.warc.gz", good + "garbage" + GzipMember(ResponseRecord("http://a/2", "2", HttpResponse("x"))));
  const Index index = IndexOf({directory / "x.warc.gz"}, directory.path());
  EXPECT_THAT(index.lines, SizeIs(2));
  EXPECT_EQ(index.tally.damages, 1u);
  EXPECT_THAT(index.told, ElementsAre(HasSubstr("at offset " + std::to_string(good.size()))));
}

TEST(CdxjIndexer, LeavesOutWhatNoOffsetFinds) {
  TempDirectory directory;
  WriteFile(directory / "x.warc.gz", GzipMember(ResponseRecord("http://a/1", "1", HttpResponse("x")) + ResponseRecord("http://a/2", "2", HttpResponse("x"))));
  const Index index = IndexOf({directory / "x.warc.gz"}, directory.path());
  EXPECT_THAT(index.lines, IsEmpty());
  EXPECT_EQ(index.tally.unplaced, 2u);
  EXPECT_THAT(index.told, ElementsAre(HasSubstr("compress the file anew")));
}

TEST(FindWarcFiles, OfADirectoryAndItsWarc) {
  TempDirectory directory;
  std::filesystem::create_directory(directory / "warc");
  for (const char* name : {"b.warc.gz", "a.warc", "notes.txt", "warc/c.warc.zst", "warc/d.warc.gz.open", "warc/e.warc.gz.cdxj"}) {
    WriteFile(directory / name, "");
  }
  uint64_t unfinished = 0;
  EXPECT_THAT(*FindWarcFiles(directory.path(), unfinished), ElementsAre(directory / "a.warc", directory / "b.warc.gz", directory / "warc/c.warc.zst"));
  EXPECT_EQ(unfinished, 1u);
  EXPECT_THAT(*FindWarcFiles(directory / "notes.txt", unfinished), ElementsAre(directory / "notes.txt"));
  EXPECT_TRUE(absl::IsNotFound(FindWarcFiles(directory / "gone", unfinished).status()));
}

// The index that pywb made of a file in the third-party data.
TEST(CdxjConformance, FieldsAreThoseOfAnotherIndexer) {
  const char* data = std::getenv("WEFT_CONFORMANCE_DATA");
  if (data == nullptr) GTEST_SKIP() << "WEFT_CONFORMANCE_DATA is not set: no third-party WARC files to read";
  const std::string folder = std::string(data) + "/warc/";
  TempDirectory directory;
  const Index index = IndexOf({folder + "hello-world.warc"}, directory.path());
  std::istringstream cdx(ReadFile(folder + "hello-world.warc.cdx"));
  std::string line;
  std::getline(cdx, line);  // its header
  std::map<std::string, std::string> by_url;
  for (const std::string& ours : index.lines) {
    const size_t brace = ours.find('{');
    by_url[nlohmann::json::parse(ours.substr(brace)).at("url").get<std::string>()] = ours;
  }
  size_t compared = 0;
  for (; std::getline(cdx, line); ++compared) {
    std::istringstream words(line);
    std::string key, time, url, mime, status, digest, redirect, meta, length, offset, filename;
    words >> key >> time >> url >> mime >> status >> digest >> redirect >> meta >> length >> offset >> filename;
    const std::string ours = by_url[url];
    ASSERT_NE(ours, "") << url;
    if (url.starts_with("http")) {
      EXPECT_EQ(ours.substr(0, ours.find('{')), fmt::format("{} {} ", key, time));
    }
    const nlohmann::json want = {{"url", url}, {"mime", mime}, {"status", status}, {"digest", "sha1:" + digest}, {"length", length}, {"offset", offset}, {"filename", filename}};
    EXPECT_EQ(nlohmann::json::parse(ours.substr(ours.find('{'))), want);
  }
  EXPECT_EQ(compared, index.lines.size());
  EXPECT_EQ(compared, 4u);
}

}  // namespace
}  // namespace weft
