#include "storage/page_exporter.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

PageRow Row() {
  PageRow row;
  row.url = "http://example.org/";
  row.status = 200;
  row.depth = 2;
  row.referrer = "http://example.org/from";
  row.fetched_at = absl::FromUnixMicros(1'767'323'045'678'901);
  row.content_type = "text/html";
  row.charset = "UTF-8";
  row.length = 1234;
  row.digest = "sha1:X";
  row.truncated = true;
  row.warc_file = "w.warc.gz";
  row.warc_offset = 5'000'000'000;
  row.robots = {"noindex"};
  row.title = "Title";
  row.links = {"http://a/", "http://b/"};
  row.text = "words";
  return row;
}

TEST(JsonLine, FieldsStandInTheirOrder) {
  EXPECT_EQ(JsonLine(Row()),
            R"({"url":"http://example.org/","status":200,"depth":2,"referrer":"http://example.org/from",)"
            R"("fetched_at":"2026-01-02T03:04:05.678901Z","content_type":"text/html","charset":"UTF-8","length":1234,)"
            R"("digest":"sha1:X","truncated":true,"warc_file":"w.warc.gz","warc_offset":5000000000,"robots":["noindex"],)"
            R"("title":"Title",)"
            R"("links":["http://a/","http://b/"],"text":"words"})");
}

TEST(JsonLine, TextIsLeftOutWhenNotAskedForAndNoLinksAreAnEmptyList) {
  PageRow row = Row();
  row.text.reset();
  row.links.clear();
  EXPECT_TRUE(JsonLine(row).ends_with(R"("title":"Title","links":[]})"));
  row.links = {"one"};
  EXPECT_TRUE(JsonLine(row).ends_with(R"("links":["one"]})"));
}

TEST(JsonLine, OfAPageThatWasFetchedAgainItTellsTheVisits) {
  PageRow row = Row();
  row.text.reset();
  row.first_fetched = absl::FromUnixMicros(1'767'323'045'000'000);
  row.last_checked = absl::FromUnixMicros(1'767'323'046'000'000);
  row.changes = 3;
  EXPECT_TRUE(JsonLine(row).ends_with(R"(,"first_fetched":"2026-01-02T03:04:05.000000Z",)"
                                      R"("last_checked":"2026-01-02T03:04:06.000000Z","changes":3})"))
      << JsonLine(row);
}

TEST(JsonLine, AnyBytesMakeOneValidLine) {
  PageRow row = Row();
  row.title = std::string("a\nb\"\\\x01\0\xff\xc3(\xed\xa0\x80 \xc3\xa9\xf0\x9f\x98\x80", 20);
  const std::string line = JsonLine(row);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find(R"("title":"a\nb\"\\\u0001\u0000)" "\xef\xbf\xbd\xef\xbf\xbd("), std::string::npos) << line;
  EXPECT_NE(line.find("\xc3\xa9\xf0\x9f\x98\x80"), std::string::npos) << line;
}

}  // namespace
}  // namespace weft
