#include "storage/export_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace weft {
namespace {

PageRow Row() {
  PageRow row;
  row.url = "https://www.example.co.uk:8443/a/b?q=1";
  row.parsed_url = *Url::Parse(row.url);
  row.registered_domain = "example.co.uk";
  row.status = 404;
  row.fetched_at = absl::FromUnixMicros(1'767'323'045'678'901);
  row.warc_length = 99;
  return row;
}

Cell Value(std::string_view column, const PageRow& row) { return FindPageColumn(column)->cell(row); }
std::string Text(std::string_view column, const PageRow& row) { return std::get<std::string>(Value(column, row)); }

TEST(PageColumns, NamesAreUnique) {
  std::set<std::string_view> names;
  for (const PageColumn& column : PageColumns()) {
    EXPECT_TRUE(names.insert(column.name).second) << column.name;
    EXPECT_FALSE(column.help.empty()) << column.name;
    if (column.other_name.empty()) continue;
    EXPECT_TRUE(names.insert(column.other_name).second) << column.other_name;
  }
}

TEST(PageColumns, UrlIsTakenApart) {
  const PageRow row = Row();
  EXPECT_EQ(Text("url_surtkey", row), "uk,co,example:8443)/a/b?q=1");
  EXPECT_EQ(Text("url_host_name", row), "www.example.co.uk");
  EXPECT_EQ(Text("url_host_registered_domain", row), "example.co.uk");
  EXPECT_EQ(Text("url_protocol", row), "https");
  EXPECT_EQ(Value("url_port", row), Cell(int64_t{8443}));
  EXPECT_EQ(Text("url_path", row), "/a/b");
  EXPECT_EQ(Text("url_query", row), "q=1");
}

TEST(PageColumns, WhatIsNotThereIsNull) {
  PageRow row = Row();
  row.parsed_url = *Url::Parse("http://1.2.3.4/");
  row.registered_domain.clear();
  for (const char* name : {"url_port", "url_query", "url_host_registered_domain", "referrer", "content_mime_type",
                           "first_fetched", "last_checked", "changes", "title", "links", "robots", "text", "simhash",
                           "published", "headings"}) {
    EXPECT_TRUE(IsNull(Value(name, row))) << name;
  }
}

TEST(PageColumns, AColumnThatIsNeverNullSaysSo) {
  for (const PageColumn& column : PageColumns()) {
    EXPECT_TRUE(column.nullable || !IsNull(column.cell(Row()))) << column.name;
  }
}

TEST(PageColumns, DigestsAreAsCommonCrawlAndAsJsonLinesHaveThem) {
  PageRow row = Row();
  row.digest = "sha1:ABC";
  EXPECT_EQ(Text("content_digest", row), "ABC");
  EXPECT_EQ(Text("digest", row), "sha1:ABC");
}

TEST(PageColumns, BothNamesFindAColumn) {
  EXPECT_EQ(FindPageColumn("status"), FindPageColumn("fetch_status"));
  EXPECT_EQ(FindPageColumn("date"), FindPageColumn("fetch_time"));
  EXPECT_EQ(FindPageColumn("nothing"), nullptr);
  EXPECT_EQ(FindPageColumn(""), nullptr);
}

TEST(PageColumns, ThoseOfCommonCrawlsIndexNeedNoPage) {
  for (const char* name : {"url_surtkey", "url", "url_host_name", "url_host_registered_domain", "url_protocol", "url_path",
                           "fetch_time", "fetch_status", "content_digest", "content_mime_type", "warc_filename",
                           "warc_record_offset", "warc_record_length"}) {
    ASSERT_NE(FindPageColumn(name), nullptr) << name;
    EXPECT_EQ(FindPageColumn(name)->needs, PageNeeds::kNothing) << name;
  }
}

TEST(PageColumns, OfAPageThatWasReadListsAreNeverNull) {
  PageRow row = Row();
  row.read = true;
  EXPECT_EQ(Text("links", row), "[]");
  row.links = {"http://a/\"", "b"};
  EXPECT_EQ(Text("links", row), R"(["http://a/\"","b"])");
}

TEST(ChosenColumns, KeepTheirOrderAndNames) {
  ChosenColumns chosen;
  chosen.Add(*FindPageColumn("status"), "status");
  chosen.Add(*FindPageColumn("title"), "title");
  EXPECT_EQ(chosen.table[0], (TableColumn{"status", ColumnType::kInteger, false}));
  EXPECT_TRUE(Needs(chosen.needs, PageNeeds::kPage));
  EXPECT_FALSE(Needs(chosen.needs, PageNeeds::kVisibleText));
  EXPECT_THAT(chosen.Row(Row()), testing::ElementsAre(Cell(int64_t{404}), Cell()));
}

}  // namespace
}  // namespace weft
