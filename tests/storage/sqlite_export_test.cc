#include "storage/sqlite_export.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/sqlite_database.h"
#include "storage/sqlite_host_graph.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<TableColumn> kColumns = {{"url", ColumnType::kText, false}, {"fetch_status", ColumnType::kInteger, false},
                                           {"fetch_time", ColumnType::kTime, false}, {"title", ColumnType::kText, true}};

PageRow Row(const std::string& url, int status, int64_t second) {
  PageRow row;
  row.url = url;
  row.parsed_url = *Url::Parse(url);
  row.registered_domain = "example.org";
  row.status = status;
  row.length = 100;
  row.fetched_at = absl::FromUnixSeconds(second);
  return row;
}

std::vector<Cell> Cells(const PageRow& row, Cell title) {
  return {Cell(row.url), Cell(static_cast<int64_t>(row.status)), Cell(absl::ToUnixMicros(row.fetched_at)), std::move(title)};
}

// Rows of a query, fields between bars.
std::vector<std::string> Ask(const std::string& path, const std::string& sql, int fields) {
  auto db = SqliteDatabase::Open(path);
  auto query = db->Prepare(sql);
  EXPECT_TRUE(query.ok()) << query.status();
  std::vector<std::string> rows;
  while (query.ok() && *query->Step()) {
    rows.emplace_back();
    for (int i = 0; i < fields; ++i) rows.back() += (i == 0 ? "" : "|") + query->Text(i);
  }
  return rows;
}

TEST(SqliteExport, HoldsPagesLinksAndHosts) {
  TempDirectory directory;
  auto made = SqliteExport::Create(directory / "c.sqlite", kColumns);
  ASSERT_TRUE(made.ok()) << made.status();
  PageRow first = Row("http://a.example.org/", 200, 86400);
  first.page_links = {{"http://b/x", LinkKind::kNavigation, true, "nofollow", "to \"b\""}, {"http://c/", LinkKind::kFrame, false, "", ""}};
  const PageRow second = Row("http://a.example.org/2", 404, 0);
  ASSERT_TRUE((*made)->Append(first, Cells(first, Cell("Title"))).ok());
  ASSERT_TRUE((*made)->Append(second, Cells(second, Cell())).ok());
  EXPECT_FALSE(std::filesystem::exists(directory / "c.sqlite"));
  ASSERT_TRUE((*made)->Finish().ok());
  EXPECT_THAT(directory.Names(), ElementsAre("c.sqlite"));
  EXPECT_THAT(Ask(directory / "c.sqlite", "SELECT *, typeof(title), typeof(fetch_status) FROM pages ORDER BY url", 6),
              ElementsAre("http://a.example.org/|200|1970-01-02T00:00:00.000000Z|Title|text|integer",
                          "http://a.example.org/2|404|1970-01-01T00:00:00.000000Z||null|integer"));
  EXPECT_THAT(Ask(directory / "c.sqlite", "SELECT * FROM links ORDER BY target", 6),
              ElementsAre("http://a.example.org/|http://b/x|navigation|1|nofollow|to \"b\"",
                          "http://a.example.org/|http://c/|frame|0||"));
  EXPECT_THAT(Ask(directory / "c.sqlite", "SELECT * FROM hosts", 7),
              ElementsAre("a.example.org|example.org|2|1|200|1970-01-01T00:00:00.000000Z|1970-01-02T00:00:00.000000Z"));
}

TEST(SqliteExport, HasIndexesOfTheColumnsThatAreThere) {
  TempDirectory directory;
  auto made = SqliteExport::Create(directory / "c.sqlite", kColumns);
  ASSERT_TRUE((*made)->Finish().ok());
  EXPECT_THAT(Ask(directory / "c.sqlite", "SELECT name FROM sqlite_master WHERE type = 'index' AND sql NOT NULL ORDER BY name", 1),
              ElementsAre("links_source", "links_target", "pages_fetch_status", "pages_url"));
}

TEST(SqliteExport, WithoutFinishNothingIsLeft) {
  TempDirectory directory;
  {
    auto made = SqliteExport::Create(directory / "c.sqlite", kColumns);
    const PageRow row = Row("http://a/", 200, 0);
    ASSERT_TRUE((*made)->Append(row, Cells(row, Cell())).ok());
  }
  EXPECT_THAT(directory.Names(), IsEmpty());
}

TEST(SqliteExport, AFolderThatIsMissingIsNamed) {
  TempDirectory directory;
  const auto made = SqliteExport::Create(directory / "no/c.sqlite", kColumns);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(std::string(made.status().message()), testing::HasSubstr("no/c.sqlite"));
}

TEST(SqliteExport, NamesOfColumnsAreQuoted) {
  TempDirectory directory;
  auto made = SqliteExport::Create(directory / "c.sqlite", {{"a \"b\"; DROP", ColumnType::kText, true}});
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_TRUE((*made)->Finish().ok());
}

std::vector<std::string> Edges(HostGraph& graph) {
  std::vector<std::string> edges;
  EXPECT_TRUE(graph.ForEach([&](const HostGraph::Edge& edge) {
    edges.push_back(fmt::format("{}>{} {} {}", edge.source, edge.target, edge.links, edge.pages));
    return absl::OkStatus();
  }).ok());
  return edges;
}

TEST(HostGraph, SumsUpByPairInOrder) {
  auto graph = HostGraph::Create();
  ASSERT_TRUE(graph.ok());
  ASSERT_TRUE(graph->Add("b", "a", 1).ok());
  ASSERT_TRUE(graph->Add("a", "b", 2).ok());
  ASSERT_TRUE(graph->Add("a", "b", 3).ok());
  EXPECT_THAT(Edges(*graph), ElementsAre("a>b 5 2", "b>a 1 1"));
}

TEST(HostGraph, IsTheSameWhateverFitsInMemory) {
  auto small = HostGraph::Create(3);
  auto large = HostGraph::Create();
  for (int i = 0; i < 500; ++i) {
    const std::string source = std::to_string(i % 7);
    const std::string target = std::to_string(i % 11);
    ASSERT_TRUE(small->Add(source, target, i).ok());
    ASSERT_TRUE(large->Add(source, target, i).ok());
  }
  EXPECT_EQ(Edges(*small), Edges(*large));
}

}  // namespace
}  // namespace weft
