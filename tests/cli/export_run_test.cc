// An export over a crawl that goes on meanwhile: what it holds is one commit's (protocol rule 37).
#include "cli/export_run.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/status.h"
#include "scheduler/status_report.h"
#include "storage/crawl_db.h"
#include "tests/cli/parse_line.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_kv.h"

namespace weft::test {
namespace {

using testing::UnorderedElementsAre;

// Answers from a CrawlDb, one record at a time, and lets the crawl go on between two answers.
class CrawlingSource : public RecordSource {
 public:
  explicit CrawlingSource(const CrawlDb& db) : db_(db) {}
  absl::StatusOr<wire::StatusReply> Status() override { return wire::StatusReply(); }
  absl::StatusOr<wire::RecordsReply> Records(const wire::RecordsRequest& request) override {
    if (answers_left-- == 0) return Unavailable("the scheduler went away");
    wire::RecordsReply reply;
    WEFT_RETURN_IF_ERROR(FillRecords(db_, request, 1, reply));
    if (meanwhile) meanwhile();
    return reply;
  }
  absl::StatusOr<wire::PolitenessReply> Politeness(const std::string&) override { return wire::PolitenessReply(); }
  absl::StatusOr<wire::TrapsReply> Traps(const wire::TrapsRequest&) override { return wire::TrapsReply(); }
  absl::StatusOr<std::string> ReadBytes(uint64_t, const std::string&, uint64_t, uint64_t) override { return pages; }
  bool gathers() const override { return true; }
  bool PagesLost(uint64_t) override { return false; }
  std::string NodeOf(uint64_t) override { return "nobody"; }

  int answers_left = -1;  // below 0: without end
  std::function<void()> meanwhile;
  absl::Status pages = Unavailable("no page is read");

 private:
  const CrawlDb& db_;
};

class ExportRunTest : public testing::Test {
 protected:
  void Store(const std::string& url) {
    Candidate candidate;
    candidate.key = Fingerprinter(1).Of(url);
    candidate.SetUrl(Url::Parse(url).value());
    candidate.shard = ShardOf(candidate.host());
    ASSERT_TRUE(db_->Admit({&candidate, 1}, 0).ok());
    AttemptEnd end;
    end.kind = AttemptEnd::Kind::kDone;
    end.key = candidate.key;
    end.shard = candidate.shard;
    end.status = 200;
    end.place = {1, "f.warc.gz", 0, 10, std::string(20, 'd')};
    ASSERT_TRUE(db_->Commit({&end, 1}, 0).ok());
  }
  static std::string UrlNumber(int i) { return fmt::format("https://host{}.example/", i); }
  // Many, so that some lie behind every cursor.
  void StoreSome(int first, int count) {
    for (int i = first; i < first + count; ++i) Store(UrlNumber(i));
  }
  absl::Status Export(const std::vector<std::string>& options, const std::string& columns = "url") {
    std::vector<std::string> words = {"export", "crawl", "--format", "csv", "--columns", columns, "-o",
                                      scratch_.Path("p.csv"), "--rows-per-file", "2"};
    words.insert(words.end(), options.begin(), options.end());
    WEFT_ASSIGN_OR_RETURN(const CommandLine line, Parse(std::move(words)));
    WEFT_ASSIGN_OR_RETURN(const ExportPlan plan, MakeExportPlan(line));
    WEFT_ASSIGN_OR_RETURN(const auto parts, ExportParts::Open(plan));
    WEFT_ASSIGN_OR_RETURN(const auto pages, ExportPages::Make(source_, plan.needs, console_));
    return ExportRun(plan, source_, *pages, *parts, console_, clock_).Run();
  }
  // The rows of all parts.
  std::vector<std::string> Exported() const {
    std::vector<std::string> urls;
    for (uint64_t part = 0;; ++part) {
      std::ifstream file(ExportParts::PartName(scratch_.Path("p.csv"), part));
      if (!file) return urls;
      for (std::string line; std::getline(file, line);) {
        line.resize(std::min(line.size(), line.find_first_of(",\r")));
        if (line != "url") urls.push_back(line);
      }
    }
  }
  static std::vector<std::string> Urls(int count) {
    std::vector<std::string> urls;
    for (int i = 0; i < count; ++i) urls.push_back(UrlNumber(i));
    return urls;
  }

  const ScratchDir scratch_;
  std::unique_ptr<Random> random_ = SeededRandom(4);
  MemoryDisk disk_;
  std::unique_ptr<CrawlDb> db_ = CrawlDb::Open(OpenMemoryKv(disk_), {}, *random_).value();
  CrawlingSource source_{*db_};
  Console console_;
  ManualClock clock_;
};

TEST_F(ExportRunTest, WhatIsStoredWhileItRunsIsNotInIt_Rule37) {
  StoreSome(0, 10);
  int next = 10;
  source_.meanwhile = [&] { StoreSome(next++, 1); };
  ASSERT_TRUE(Export({}).ok());
  EXPECT_GT(next, 15);
  EXPECT_THAT(Exported(), testing::UnorderedElementsAreArray(Urls(10)));
}

TEST_F(ExportRunTest, OneThatIsGoneOnWithKeepsToItsCommitAndHasEachPageOnce_Rule37) {
  StoreSome(0, 10);
  source_.answers_left = 6;
  ASSERT_FALSE(Export({}).ok());
  ASSERT_FALSE(Exported().empty());
  StoreSome(10, 20);
  source_.answers_left = -1;
  ASSERT_TRUE(Export({"--resume"}).ok());
  EXPECT_THAT(Exported(), testing::UnorderedElementsAreArray(Urls(10)));
}

TEST_F(ExportRunTest, ASampleIsChosenAndTakenFromOneCommit_Rule37) {
  StoreSome(0, 10);
  int next = 10;
  source_.meanwhile = [&] {
    if (next < 40) StoreSome(next++, 1);
  };
  ASSERT_TRUE(Export({"--sample", "10"}).ok());
  EXPECT_THAT(Exported(), testing::UnorderedElementsAreArray(Urls(10)));
}

TEST_F(ExportRunTest, ASampleThatIsGoneOnWithIsChosenFromItsCommit_Rule37) {
  StoreSome(0, 10);
  source_.answers_left = 16;   // ten records are looked at to choose
  ASSERT_FALSE(Export({"--sample", "10"}).ok());
  ASSERT_FALSE(Exported().empty());
  StoreSome(10, 30);
  source_.answers_left = -1;
  ASSERT_TRUE(Export({"--sample", "10", "--resume"}).ok());
  EXPECT_THAT(Exported(), testing::UnorderedElementsAreArray(Urls(10)));
}

TEST_F(ExportRunTest, GoneOnWithForPagesThatWereLeftOutItTakesThoseAndNoOthers_Rule37) {
  StoreSome(0, 10);
  ASSERT_TRUE(Export({}, "url,title").ok());
  ASSERT_TRUE(Exported().empty()) << "their node is not there";
  StoreSome(10, 5);
  source_.pages = DataLoss("the file is damaged");   // a row, without what is read of the page
  ASSERT_TRUE(Export({"--resume"}, "url,title").ok());
  EXPECT_THAT(Exported(), testing::UnorderedElementsAreArray(Urls(10)));
}

}  // namespace
}  // namespace weft::test
