// Exports into a store, which is a directory here.
#include "cli/export_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "cli/export_parts.h"
#include "common/status.h"
#include "tests/cli/parse_line.h"

namespace weft {
namespace {

namespace fs = std::filesystem;
using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::StatusOr<ExportPlan> PlanOf(std::vector<std::string> options) {
  options.insert(options.begin(), {"export", "crawl"});
  WEFT_ASSIGN_OR_RETURN(const CommandLine line, Parse(std::move(options)));
  return MakeExportPlan(line);
}

class ExportUploadTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directory(mounted_); }
  ExportPlan Plan(std::vector<std::string> more = {}, const std::string& name = "p.csv") {
    more.insert(more.begin(), {"--format", "csv", "--columns", "url", "-o", fmt::format("file://{}/tables/{}", mounted_, name), "--staging",
                               scratch_.Path("staging")});
    return *PlanOf(more);
  }
  static absl::Status Take(ExportParts& parts, int page) {
    PageRow row;
    row.url = fmt::format("http://example.com/{}", page);
    WEFT_RETURN_IF_ERROR(parts.Take(row));
    ExportPlace place;
    place.cursor = fmt::format("after {}", page);
    place.pinned_commit = 7;
    return parts.Reached(place);
  }
  static std::vector<std::string> FilesIn(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end; ++it) {
      if (it->is_regular_file()) names.push_back(it->path().string().substr(directory.size() + 1));
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  std::vector<std::string> Stored() const { return FilesIn(mounted_ + "/tables"); }
  std::string StoredText(const std::string& name) const {
    std::ifstream file(mounted_ + "/tables/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Away() { fs::rename(mounted_, mounted_ + "-away"); }
  void Back() { fs::rename(mounted_ + "-away", mounted_); }

  ScratchDir scratch_;
  std::string mounted_ = scratch_.Path("mounted");
};

TEST_F(ExportUploadTest, ANameInAStoreIsAFileOfADirectoryOfItsOwn) {
  const auto plan = PlanOf({"-o", "s3://bucket/a b/pages.parquet", "--store-endpoint", "http://127.0.0.1:9", "--store-part-size", "6MiB"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->kind, ExportKind::kParquet);
  EXPECT_EQ(plan->store.url, "s3://bucket/a b");
  EXPECT_EQ(plan->store.endpoint, "http://127.0.0.1:9");
  EXPECT_EQ(plan->store.part_bytes, 6u << 20);
  EXPECT_EQ(plan->ShownOutput(), "s3://bucket/a b/pages.parquet");
  EXPECT_THAT(plan->output, testing::MatchesRegex("crawl/export/[0-9a-f]{16}/pages\\.parquet"));
  EXPECT_NE(PlanOf({"-o", "s3://bucket/b/pages.parquet"})->staging, plan->staging);
  EXPECT_EQ(PlanOf({"-o", "s3://bucket/pages.csv.gz"})->ShownOutput(), "s3://bucket/pages.csv.gz");
  EXPECT_EQ(PlanOf({"--format", "parquet", "-o", "s3://bucket/table/"})->ShownOutput(), "s3://bucket/table/crawl=crawl");
  for (const char* bad : {"s3://", "s3:///x.csv", "s3://B/x.csv", "file:///x.csv", "s3://bucket/..", "s3://x.csv", "s4://b/x.csv", "S3://b/x.csv", "file://x.csv"}) {
    EXPECT_THAT(ErrorText(PlanOf({"--format", "csv", "-o", bad}).status()), HasSubstr("expected s3://BUCKET/PREFIX/FILE")) << bad;
  }
  for (const char* one_slash : {"s3:/bucket/x.csv", "file:/tmp/x.csv", "webhdfs:/host:1/x.csv"}) {
    EXPECT_THAT(ErrorText(PlanOf({"--format", "csv", "-o", one_slash}).status()), HasSubstr("two slashes")) << one_slash;
  }
  EXPECT_THAT(ErrorText(PlanOf({"--format", "csv", "-o", "x.csv", "--staging", "/tmp"}).status()), HasSubstr("--staging"));
  for (const char* local : {"./s4://x.csv", "x.csv", "a:b.csv", "://x.csv"}) {
    EXPECT_TRUE(PlanOf({"--format", "csv", "-o", local})->store.url.empty()) << local;
  }
}

TEST_F(ExportUploadTest, TheObjectAppearsWhenTheFileIsWholeAndNothingStaysHere) {
  const ExportPlan plan = Plan();
  auto parts = ExportParts::Open(plan);
  ASSERT_TRUE(parts.ok()) << parts.status();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Take(**parts, i).ok());
  EXPECT_THAT(Stored(), IsEmpty());
  ASSERT_TRUE((*parts)->Finish().ok());
  EXPECT_THAT(Stored(), ElementsAre("p.csv"));
  EXPECT_EQ(StoredText("p.csv"), "url\r\nhttp://example.com/0\r\nhttp://example.com/1\r\nhttp://example.com/2\r\n");
  EXPECT_THAT(FilesIn(plan.staging), ElementsAre(".lock", ".p.csv.complete"));
}

TEST_F(ExportUploadTest, APartIsStoredWhileTheNextIsWritten) {
  const ExportPlan plan = Plan({"--rows-per-file", "2"});
  const auto parts = ExportParts::Open(plan);
  ASSERT_TRUE(parts.ok()) << parts.status();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Take(**parts, i).ok());
  EXPECT_THAT(Stored(), ElementsAre("p-00000.csv"));
  ASSERT_TRUE((*parts)->Finish().ok());
  EXPECT_THAT(Stored(), ElementsAre("p-00000.csv", "p-00001.csv"));
}

TEST_F(ExportUploadTest, WhatCouldNotBeStoredIsKeptAndStoredByTheNextCall) {
  const ExportPlan plan = Plan({"--rows-per-file", "2"});
  {
    const auto parts = ExportParts::Open(plan);
    ASSERT_TRUE(parts.ok()) << parts.status();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(Take(**parts, i).ok());
    Away();
    const absl::Status failed = Take(**parts, 3);
    EXPECT_TRUE(absl::IsUnavailable(failed)) << failed;
    EXPECT_THAT(ErrorText(failed), HasSubstr("--resume goes on"));
  }
  Back();
  EXPECT_THAT(Stored(), ElementsAre("p-00000.csv"));
  EXPECT_THAT(ErrorText(ExportParts::Open(plan).status()), HasSubstr("--resume goes on with it"));
  const ExportPlan resuming = Plan({"--rows-per-file", "2", "--resume"});
  const auto parts = ExportParts::Open(resuming);
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_THAT(Stored(), ElementsAre("p-00000.csv", "p-00001.csv"));
  EXPECT_EQ((*parts)->resumed().cursor, "after 3");
  ASSERT_TRUE((*parts)->Finish().ok());
  EXPECT_THAT(Stored(), ElementsAre("p-00000.csv", "p-00001.csv")) << "no empty part behind them";
  EXPECT_EQ(StoredText("p-00001.csv"), "url\r\nhttp://example.com/2\r\nhttp://example.com/3\r\n");
}

TEST_F(ExportUploadTest, OneFileThatCouldNotBeStoredIsNotWrittenAgain) {
  const ExportPlan plan = Plan();
  {
    const auto parts = ExportParts::Open(plan);
    ASSERT_TRUE(parts.ok()) << parts.status();
    ASSERT_TRUE(Take(**parts, 1).ok());
    Away();
    EXPECT_FALSE((*parts)->Finish().ok());
  }
  Back();
  const ExportPlan resuming = Plan({"--resume"});
  {
    const auto parts = ExportParts::Open(resuming);
    ASSERT_TRUE(parts.ok()) << parts.status();
    EXPECT_EQ((*parts)->parts(), 1u);
    ASSERT_TRUE((*parts)->Finish().ok());
  }
  EXPECT_THAT(Stored(), ElementsAre("p.csv"));
  EXPECT_EQ(StoredText("p.csv"), "url\r\nhttp://example.com/1\r\n");
  EXPECT_TRUE((*ExportParts::Open(resuming))->complete());
  const ExportPlan other = Plan({"--resume", "--since", "2026-01-02"});
  EXPECT_THAT(ErrorText(ExportParts::Open(other).status()), HasSubstr("other options"));
}

TEST_F(ExportUploadTest, AnObjectOfThatNameIsNeverReplaced) {
  fs::create_directory(mounted_ + "/tables");
  std::ofstream(mounted_ + "/tables/p.csv") << "old";
  for (const bool force : {false, true}) {
    const ExportPlan plan = Plan(force ? std::vector<std::string>{"--force"} : std::vector<std::string>{});
    EXPECT_THAT(ErrorText(ExportParts::Open(plan).status()), HasSubstr("p.csv is there already; an object of a store is never replaced"));
  }
  EXPECT_EQ(StoredText("p.csv"), "old");
}

TEST_F(ExportUploadTest, TwoAtOnceToOnePlaceAreRefused) {
  const ExportPlan plan = Plan();
  const auto first = ExportParts::Open(plan);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT(ErrorText(ExportParts::Open(plan).status()), HasSubstr("another export to file://"));
}

}  // namespace
}  // namespace weft
