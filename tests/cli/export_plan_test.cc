#include "cli/export_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/export_partitions.h"
#include "cli/export_parts.h"
#include "cli/options_help.h"
#include "common/status.h"
#include "tests/cli/parse_line.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<ExportPlan> PlanOf(std::vector<std::string> options) {
  options.insert(options.begin(), {"export", "crawl"});
  WEFT_ASSIGN_OR_RETURN(const CommandLine line, Parse(std::move(options)));
  return MakeExportPlan(line);
}

std::string ErrorOf(std::vector<std::string> options) {
  const auto plan = PlanOf(std::move(options));
  EXPECT_FALSE(plan.ok());
  return ErrorText(plan.status());
}

std::vector<std::string> NamesOf(const std::vector<TableColumn>& columns) {
  std::vector<std::string> names;
  for (const TableColumn& column : columns) names.push_back(column.name);
  return names;
}

TEST(ExportPlan, WithoutOptionsItIsJsonLinesAsEver) {
  const auto plan = PlanOf({});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(plan->json_lines_as_ever);
  EXPECT_EQ(plan->kind, ExportKind::kJsonl);
  EXPECT_EQ(plan->needs, PageNeeds::kPage);
  EXPECT_TRUE(PlanOf({"--text"})->json_lines_with_text);
}

TEST(ExportPlan, AnIndexReadsNoPage) {
  for (const char* format : {"csv", "tsv", "parquet"}) {
    const auto plan = PlanOf({"--format", format});
    EXPECT_FALSE(plan->reads_pages()) << format;
    EXPECT_EQ(plan->columns.table.front().name, "url_surtkey");
  }
  EXPECT_TRUE(PlanOf({"--format", "csv", "--where", "title is null"})->reads_pages());
  EXPECT_TRUE(PlanOf({"--format", "csv", "--text"})->reads_pages());
}

TEST(ExportPlan, NamesOfColumnsMayBeInCapitals) {
  const auto plan = PlanOf({"--columns", "URL,Status"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(NamesOf(plan->columns.table), ElementsAre("url", "status"));
  EXPECT_TRUE(PlanOf({"--table", "links", "--columns", "Target"}).ok());
}

TEST(ExportPlan, ADirectoryIsForParquetAndNamedAfterTheCrawl) {
  const auto plan = PlanOf({"--format", "parquet", "-o", "table/"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(plan->partitioned);
  EXPECT_EQ(plan->output, "table/crawl=crawl");
  EXPECT_THAT(ErrorOf({"--format", "csv", "-o", "table/"}), HasSubstr("name a file"));
  EXPECT_THAT(ErrorOf({"-o", "table/"}), HasSubstr("name a file"));
  EXPECT_EQ(PartitionValue("a b=c/\xc3\xa9"), "a%20b%3Dc%2F%C3%A9");
}

TEST(ExportPlan, AnEmptyConditionIsRefused) {
  EXPECT_THAT(ErrorOf({"--where", ""}), HasSubstr("the condition is empty"));
  EXPECT_THAT(ErrorOf({"--where", "  "}), HasSubstr("the condition is empty"));
}

TEST(ExportPlan, ArchivesAreChosenByNameAndAreOneFile) {
  EXPECT_EQ(PlanOf({"-o", "x.cdxj"})->kind, ExportKind::kCdxj);
  EXPECT_FALSE(PlanOf({"-o", "x.cdxj.gz"})->reads_pages());
  EXPECT_EQ(PlanOf({"-o", "x.wacz"})->needs, PageNeeds::kPage);
  EXPECT_THAT(ErrorOf({"--format", "wacz"}), HasSubstr("needs --output FILE"));
  EXPECT_THAT(ErrorOf({"-o", "x.wacz", "--rows-per-file", "5"}), HasSubstr("one file"));
  EXPECT_THAT(ErrorOf({"-o", "x.wacz.gz", "--format", "wacz"}), HasSubstr("not compressed once more"));
  EXPECT_THAT(ErrorOf({"-o", "x.cdxj", "--text"}), HasSubstr("holds no texts"));
}

TEST(ExportPlan, ColumnsKeepTheNamesThatWereTyped) {
  const auto plan = PlanOf({"--columns", "status, url,title"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_FALSE(plan->json_lines_as_ever);
  EXPECT_THAT(NamesOf(plan->columns.table), ElementsAre("status", "url", "title"));
}

TEST(ExportPlan, GroupsStandForColumnsThatAreNotThereYet) {
  const auto all = PlanOf({"--columns", "url,all", "--format", "parquet"});
  EXPECT_EQ(all->columns.columns.size(), PageColumns().size() - 2) << "all but digest, which is there already, and clusters";
  EXPECT_EQ(all->columns.table.front().name, "url");
  const auto two = PlanOf({"--columns", "index,content", "--format", "parquet"});
  EXPECT_EQ(two->columns.columns.size(), PageColumns().size() - 2);
}

TEST(ExportPlan, TablesOfTheirOwnGoByTheOutputsName) {
  EXPECT_EQ(PlanOf({"--format", "links"})->kind, ExportKind::kTsv);
  EXPECT_EQ(PlanOf({"--format", "links", "-o", "l.csv.gz"})->kind, ExportKind::kCsv);
  EXPECT_EQ(PlanOf({"--format", "links", "-o", "l.csv.gz"})->compression, Compression::kGzip);
  EXPECT_EQ(PlanOf({"--format", "hosts-graph", "-o", "h.parquet"})->kind, ExportKind::kParquet);
  EXPECT_EQ(PlanOf({"--format", "text", "-o", "t.jsonl.zst"})->kind, ExportKind::kJsonl);
  EXPECT_EQ(PlanOf({"--format", "parquet", "--table", "links", "-o", "x"})->table, ExportTable::kLinks);
  EXPECT_THAT(NamesOf(PlanOf({"--format", "links", "--columns", "target,source"})->other_columns), ElementsAre("target", "source"));
}

TEST(ExportPlan, WithoutAFormatTheOutputsNameSaysIt) {
  EXPECT_EQ(PlanOf({"-o", "p.csv"})->kind, ExportKind::kCsv);
  EXPECT_EQ(PlanOf({"-o", "p.tsv.zst"})->kind, ExportKind::kTsv);
  EXPECT_EQ(PlanOf({"-o", "p.parquet"})->kind, ExportKind::kParquet);
  EXPECT_EQ(PlanOf({"-o", "p.sqlite"})->kind, ExportKind::kSqlite);
  EXPECT_EQ(PlanOf({"-o", "pages"})->kind, ExportKind::kJsonl);
  EXPECT_TRUE(PlanOf({"-o", "p.jsonl"})->json_lines_as_ever);
  EXPECT_EQ(PlanOf({"-o", "p.csv", "--format", "jsonl"})->kind, ExportKind::kJsonl) << "who says it is believed";
}

TEST(ExportPlan, AnEndingThatIsNotKnownIsAnErrorThatNamesThoseThatAre) {
  for (const char* output : {"x.xlsx", "dir.d/x.XLSX", "x.txt.gz"}) {
    EXPECT_THAT(ErrorOf({"-o", output}), HasSubstr(".jsonl, .csv, .tsv, .parquet, .sqlite, .cdxj, .wacz")) << output;
  }
  EXPECT_THAT(ErrorOf({"-o", "x.csv.bz2"}), HasSubstr(".gz and .zst"));
  EXPECT_THAT(ErrorOf({"-o", "x.csv.bz2", "--format", "csv"}), HasSubstr(".gz and .zst"));
  EXPECT_EQ(PlanOf({"-o", "x.xlsx", "--format", "csv"})->kind, ExportKind::kCsv) << "who says it is believed";
  EXPECT_EQ(PlanOf({"-o", "texts.txt", "--format", "text"})->kind, ExportKind::kTsv);
  for (const char* output : {"x.json", "/tmp/tmp.Xb3kZt9QpL", ".hidden", "dir.d/x"}) {
    EXPECT_EQ(PlanOf({"-o", output})->kind, ExportKind::kJsonl) << output;
  }
}

TEST(ExportPlan, WhatDoesNotGoTogetherIsAnError) {
  EXPECT_THAT(ErrorOf({"--format", "sqlite"}), HasSubstr("needs --output"));
  EXPECT_THAT(ErrorOf({"--format", "sqlite", "-o", "x", "--table", "links"}), HasSubstr("--table"));
  EXPECT_THAT(ErrorOf({"--format", "parquet", "-o", "x.parquet.gz"}), HasSubstr("leave .gz or .zst out"));
  EXPECT_THAT(ErrorOf({"--format", "links", "--table", "text"}), HasSubstr("leave --table out"));
  EXPECT_THAT(ErrorOf({"--rows-per-file", "5"}), HasSubstr("needs --output"));
  EXPECT_THAT(ErrorOf({"--format", "sqlite", "-o", "x", "--rows-per-file", "5"}), HasSubstr("one file"));
  EXPECT_THAT(ErrorOf({"--format", "hosts-graph", "--columns", "links"}), HasSubstr("source_host"));
}

TEST(ExportPlan, WrongValuesAreErrorsThatSayWhatIsTaken) {
  EXPECT_THAT(ErrorOf({"--format", "parqet"}), HasSubstr("is not one of jsonl|csv"));
  EXPECT_THAT(ErrorOf({"--columns", "url,titel"}), HasSubstr("no column 'titel'; did you mean 'title'?"));
  EXPECT_THAT(ErrorOf({"--columns", "url,url"}), HasSubstr("named twice"));
  EXPECT_THAT(ErrorOf({"--columns", "url,"}), HasSubstr("no column ''"));
  EXPECT_THAT(ErrorOf({"--columns", ""}), HasSubstr("no column is named"));
  EXPECT_TRUE(PlanOf({"--columns", "Index,Title"}).ok());
  EXPECT_THAT(ErrorOf({"--format", "links", "--columns", "sorce"}), HasSubstr("did you mean 'source'?"));
  EXPECT_THAT(ErrorOf({"--format", "links", "--columns", "url"}), HasSubstr("--help"));
  EXPECT_THAT(ErrorOf({"--where", "statu = 5"}), HasSubstr("--where: at character 1"));
  EXPECT_THAT(ErrorOf({"--format", "links", "--where", "kind = 'a'"}), HasSubstr("by the columns of pages"));
  EXPECT_THAT(ErrorOf({"--since", "last week"}), HasSubstr("--since: 'last week' is neither a day"));
  for (const char* sample : {"0", "0%", "101%", "-1%", "x", "1.5", "%", "nan%"}) {
    EXPECT_THAT(ErrorOf({"--sample", sample}), HasSubstr("--sample")) << sample;
  }
  for (const char* shard : {"0/4", "5/4", "1", "1/0", "/", "a/b", "1/2/3"}) {
    EXPECT_THAT(ErrorOf({"--shard", shard}), HasSubstr("--shard")) << shard;
  }
}

std::string UrlNumber(int i) { return "http://example.com/" + std::to_string(i); }

TEST(ExportPlan, ShardsAreDisjointAndComplete) {
  std::vector<ExportPlan> plans;
  for (const char* shard : {"1/3", "2/3", "3/3"}) plans.push_back(*PlanOf({"--shard", shard}));
  std::vector<int> sizes(3);
  for (int i = 0; i < 3000; ++i) {
    int in = 0;
    for (size_t s = 0; s < 3; ++s) {
      if (!InShardAndShare(plans[s], UrlNumber(i))) continue;
      ++in;
      ++sizes[s];
    }
    EXPECT_EQ(in, 1) << i;
  }
  for (const int size : sizes) EXPECT_NEAR(size, 1000, 120);
}

TEST(ExportPlan, AShareIsThatShareAndWithinALargerOne) {
  const auto small = *PlanOf({"--sample", "1%"});
  const auto large = *PlanOf({"--sample", "10%"});
  const auto all = *PlanOf({"--sample", "100%"});
  int in_small = 0;
  int in_large = 0;
  for (int i = 0; i < 20'000; ++i) {
    const bool in = InShardAndShare(small, UrlNumber(i));
    in_small += in;
    in_large += InShardAndShare(large, UrlNumber(i));
    EXPECT_TRUE(!in || InShardAndShare(large, UrlNumber(i)));
    EXPECT_TRUE(InShardAndShare(all, UrlNumber(i)));
  }
  EXPECT_NEAR(in_small, 200, 60);
  EXPECT_NEAR(in_large, 2000, 180);
}

// Exports made by other versions must agree: these are fixed for ever.
TEST(ExportPlan, HashesAreWhatTheyWere) {
  EXPECT_EQ(SampleHash("http://example.com/"), 15316914264195898578u);
  EXPECT_TRUE(InShardAndShare(*PlanOf({"--shard", "2/2"}), "http://example.com/"));
}

TEST(ExportPlan, TheHelpNamesEveryColumn) {
  const std::string help = CommandHelp(Command::kExport);
  for (const PageColumn& column : PageColumns()) {
    EXPECT_THAT(help, HasSubstr(std::string(column.name)));
    EXPECT_THAT(help, HasSubstr(std::string(column.other_name)));
  }
}

TEST(ExportParts, PartsAreNumberedBeforeTheEnding) {
  EXPECT_EQ(ExportParts::PartName("out/pages.parquet", 7), "out/pages-00007.parquet");
  EXPECT_EQ(ExportParts::PartName("pages.csv.gz", 0), "pages-00000.csv.gz");
  EXPECT_EQ(ExportParts::PartName("out.d/pages", 123456), "out.d/pages-123456");
  EXPECT_EQ(ExportParts::PartName("out/.hidden", 1), "out/.hidden-00001");
}

ExportPlan PartPlan(const std::string& output, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"--format", "csv", "--columns", "url", "-o", output, "--rows-per-file", "2"});
  return *PlanOf(more);
}

PageRow PageNumber(int i) {
  PageRow row;
  row.url = UrlNumber(i);
  return row;
}

std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ExportParts, EndWhenTheirRowsAreThereAndGoOnWhereTheyWere) {
  const ScratchDir scratch;
  const std::string output = scratch.Path("p.csv");
  const ExportPlan plan = PartPlan(output);
  const ExportPlace second = {"cursor\xff", 3, 77, 5, 4, 1};
  {
    const auto parts = ExportParts::Open(plan);
    ASSERT_TRUE(parts.ok()) << parts.status();
    for (int i = 0; i < 3; ++i) {
      PageRow row = PageNumber(i);
      ASSERT_TRUE((*parts)->Take(row).ok());
      ASSERT_TRUE((*parts)->Reached(i == 1 ? second : ExportPlace{}).ok());
    }
  }  // broken off
  EXPECT_EQ(Content(scratch.Path("p-00000.csv")), "url\r\nhttp://example.com/0\r\nhttp://example.com/1\r\n");
  EXPECT_FALSE(std::filesystem::exists(scratch.Path("p-00001.csv")));
  EXPECT_FALSE(ExportParts::Open(plan).ok()) << "what was begun is not thrown away unasked";

  const ExportPlan resuming = PartPlan(output, {"--resume"});
  const auto parts = ExportParts::Open(resuming);
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_EQ((*parts)->resumed(), second);
  EXPECT_EQ((*parts)->parts(), 1u);
  PageRow row = PageNumber(2);
  ASSERT_TRUE((*parts)->Take(row).ok());
  ASSERT_TRUE((*parts)->Finish().ok());
  EXPECT_EQ((*parts)->rows(), 3u);
  EXPECT_EQ(Content(scratch.Path("p-00001.csv")), "url\r\nhttp://example.com/2\r\n");
  EXPECT_TRUE((*ExportParts::Open(resuming))->complete());
  const ExportPlan other = PartPlan(output, {"--resume", "--since", "2026-01-02"});
  const absl::Status refused = ExportParts::Open(other).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_THAT(ErrorText(refused), HasSubstr("other options"));
  const ExportPlan again = PartPlan(output);
  EXPECT_THAT(ErrorText(ExportParts::Open(again).status()), HasSubstr("is there already; --force replaces it"));
}

TEST(ExportParts, OtherOptionsDoNotGoOnWithThem) {
  const ScratchDir scratch;
  const std::string output = scratch.Path("p.csv");
  const ExportPlan plan = PartPlan(output);
  ASSERT_TRUE(ExportParts::Open(plan).ok());
  const ExportPlan other = PartPlan(output, {"--resume", "--since", "2026-01-02"});
  EXPECT_THAT(ErrorText(ExportParts::Open(other).status()), HasSubstr("other options"));
  scratch.Write("p.csv.state", "garbage");
  const ExportPlan same = PartPlan(output, {"--resume"});
  EXPECT_THAT(ErrorText(ExportParts::Open(same).status()), HasSubstr("cannot be read"));
}

TEST(ExportParts, OfAnOlderExportNoPartIsLeft) {
  const ScratchDir scratch;
  for (const char* name : {"p-00000.csv", "p-00001.csv", "p-00002.csv"}) scratch.Write(name, "old");
  const ExportPlan without = PartPlan(scratch.Path("p.csv"));
  EXPECT_THAT(ErrorText(ExportParts::Open(without).status()), HasSubstr("--force replaces it"));
  const ExportPlan plan = PartPlan(scratch.Path("p.csv"), {"--force"});
  const auto parts = ExportParts::Open(plan);
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_TRUE((*parts)->Finish().ok());
  EXPECT_EQ(Content(scratch.Path("p-00000.csv")), "url\r\n");
  EXPECT_FALSE(std::filesystem::exists(scratch.Path("p-00001.csv")));
  EXPECT_FALSE(std::filesystem::exists(scratch.Path("p-00002.csv")));
}

TEST(ExportParts, AnOutputThatExistsIsReplacedOnlyWhereItAlwaysWas) {
  const ScratchDir scratch;
  const std::string output = scratch.Write("f", "old");
  const ExportPlan csv = *PlanOf({"--format", "csv", "-o", output});
  EXPECT_THAT(ErrorText(ExportParts::Open(csv).status()), HasSubstr("is there already; --force replaces it"));
  const ExportPlan chosen = *PlanOf({"--columns", "url", "-o", output});
  EXPECT_FALSE(ExportParts::Open(chosen).ok());
  const ExportPlan forced = *PlanOf({"--format", "csv", "-o", output, "--force"});
  EXPECT_TRUE(ExportParts::Open(forced).ok());
  const ExportPlan lines = *PlanOf({"-o", output});
  EXPECT_TRUE(ExportParts::Open(lines).ok());
  EXPECT_EQ(Content(output), "old") << "none of them was finished";
}

}  // namespace
}  // namespace weft
