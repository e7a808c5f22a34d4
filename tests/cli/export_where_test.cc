#include "cli/export_where.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "common/status.h"

namespace weft {
namespace {

using Truth = ExportWhere::Truth;
using ::testing::HasSubstr;

PageRow Row() {
  PageRow row;
  row.url = "https://www.example.org/news/1?id=5";
  row.parsed_url = *Url::Parse(row.url);
  row.registered_domain = "example.org";
  row.status = 200;
  row.depth = 2;
  row.content_type = "text/html";
  row.length = 100'000;
  row.truncated = true;
  row.fetched_at = absl::FromUnixSeconds(1'767'362'400);  // 2026-01-02T14:00:00Z
  row.read = true;
  row.title = "It's \"new\"";
  row.text = "one two\nthree";
  return row;
}

Truth Ask(const std::string& text, bool read = true) {
  const auto where = ExportWhere::Parse(text);
  EXPECT_TRUE(where.ok()) << text << ": " << where.status();
  return where.ok() ? where->Judge(Row(), read) : Truth::kNull;
}

std::string Error(const std::string& text) {
  const auto where = ExportWhere::Parse(text);
  EXPECT_FALSE(where.ok()) << text;
  return ErrorText(where.status());
}

TEST(ExportWhere, Comparisons) {
  for (const char* text :
       {"status = 200", "status == 200", "status != 404", "status <> 404", "status < 201", "status <= 200", "status > 199",
        "status >= 200", "depth = 2", "host = 'www.example.org'", "url > 'https://www'", "fetch_status=200", "STATUS = 200"}) {
    EXPECT_EQ(Ask(text), Truth::kTrue) << text;
  }
  for (const char* text : {"status = 404", "status < 200", "status > 200", "host != 'www.example.org'", "depth >= 3", "depth = -2"}) {
    EXPECT_EQ(Ask(text), Truth::kFalse) << text;
  }
}

TEST(ExportWhere, SizesHaveUnits) {
  EXPECT_EQ(Ask("size > 64KiB"), Truth::kTrue);
  EXPECT_EQ(Ask("size = 100KB"), Truth::kTrue);
  EXPECT_EQ(Ask("size < 1MiB and size > 99999"), Truth::kTrue);
}

TEST(ExportWhere, ADayIsAllOfIt) {
  for (const char* text : {"date = '2026-01-02'", "date >= '2026-01-02'", "date <= '2026-01-02'", "date > '2026-01-01'",
                           "date < '2026-01-03'", "date = '2026-01-02T14:00:00Z'", "date = '2026-01-02T15:00:00+01:00'",
                           "date in ('2026-01-01', '2026-01-02')"}) {
    EXPECT_EQ(Ask(text), Truth::kTrue) << text;
  }
  for (const char* text : {"date > '2026-01-02'", "date < '2026-01-02'", "date != '2026-01-02'", "date < '2026-01-02T14:00:00Z'"}) {
    EXPECT_EQ(Ask(text), Truth::kFalse) << text;
  }
}

TEST(ExportWhere, ListsAndPatterns) {
  for (const char* text :
       {"status in (404, 200)", "status not in (404)", "type in ('text/html')", "url like 'https://%/news/%'", "url like '%5'",
        "host like 'www.example.or_'", "host not like '%.com'", "url ~ '/news/[0-9]+'", "url !~ '^http:'", "text like 'one%three'",
        "url like '%?id=5'"}) {
    EXPECT_EQ(Ask(text), Truth::kTrue) << text;
  }
  for (const char* text : {"status in (404)", "url like 'news'", "host like 'www.example.or'", "url ~ '^news'", "host like 'www_example_org_'"}) {
    EXPECT_EQ(Ask(text), Truth::kFalse) << text;
  }
}

TEST(ExportWhere, AndBindsTighterThanOrAndNotTighterThanBoth) {
  EXPECT_EQ(Ask("status = 200 or status = 404 and depth = 9"), Truth::kTrue);
  EXPECT_EQ(Ask("(status = 200 or status = 404) and depth = 9"), Truth::kFalse);
  EXPECT_EQ(Ask("not status = 404 and depth = 9"), Truth::kFalse);
  EXPECT_EQ(Ask("not (status = 404 and depth = 9)"), Truth::kTrue);
  EXPECT_EQ(Ask("not not truncated"), Truth::kTrue);
}

TEST(ExportWhere, QuotesAreDoubledOrOfTheOtherKind) {
  EXPECT_EQ(Ask("title = 'It''s \"new\"'"), Truth::kTrue);
  EXPECT_EQ(Ask("title = \"It's \"\"new\"\"\""), Truth::kTrue);
}

TEST(ExportWhere, TruthsStandAlone) {
  EXPECT_EQ(Ask("truncated"), Truth::kTrue);
  EXPECT_EQ(Ask("truncated = true"), Truth::kTrue);
  EXPECT_EQ(Ask("not truncated"), Truth::kFalse);
  EXPECT_EQ(Ask("truncated = false"), Truth::kFalse);
}

TEST(ExportWhere, ComparedWithNullNothingIsKnown) {
  EXPECT_EQ(Ask("referrer is null"), Truth::kTrue);
  EXPECT_EQ(Ask("referrer is not null"), Truth::kFalse);
  EXPECT_EQ(Ask("title is null"), Truth::kFalse);
  for (const char* text : {"referrer = 'x'", "not referrer = 'x'", "referrer != 'x'", "referrer in ('x')", "referrer like '%'",
                           "referrer = 'x' and status = 200", "referrer = 'x' or status = 404"}) {
    EXPECT_EQ(Ask(text), Truth::kNull) << text;
  }
  EXPECT_EQ(Ask("referrer = 'x' and status = 404"), Truth::kFalse);
  EXPECT_EQ(Ask("referrer = 'x' or status = 200"), Truth::kTrue);
}

TEST(ExportWhere, APageIsReadOnlyWhereTheAnswerHangsOnIt) {
  EXPECT_EQ(Ask("title = 'a'", false), Truth::kUnread);
  EXPECT_EQ(Ask("title is null", false), Truth::kUnread);
  EXPECT_EQ(Ask("not title = 'a'", false), Truth::kUnread);
  EXPECT_EQ(Ask("title = 'a' and status = 404", false), Truth::kFalse);
  EXPECT_EQ(Ask("title = 'a' or status = 200", false), Truth::kTrue);
  EXPECT_EQ(Ask("title = 'a' or status = 404", false), Truth::kUnread);
}

TEST(ExportWhere, SaysWhatItNeeds) {
  EXPECT_EQ(ExportWhere::Parse("status = 200 and url like '%'")->needs(), PageNeeds::kNothing);
  EXPECT_TRUE(Needs(ExportWhere::Parse("status = 200 or text ~ 'x'")->needs(), PageNeeds::kVisibleText));
}

TEST(ExportWhere, ErrorsSayWhereAndWhatToDo) {
  EXPECT_THAT(Error("statu = 200"), HasSubstr("at character 1: there is no column 'statu'; did you mean 'status'?"));
  EXPECT_THAT(Error("status = 200 and"), HasSubstr("at character 17: the name of a column is missing"));
  EXPECT_THAT(Error("status = '200'"), HasSubstr("at character 10: fetch_status is compared with a whole number"));
  EXPECT_THAT(Error("status = 1KiB"), HasSubstr("'1KiB' is none"));
  EXPECT_THAT(Error("size > 5parsecs"), HasSubstr("a size such as 64KiB; '5parsecs' is none"));
  EXPECT_THAT(Error("status"), HasSubstr("at character 7: 'status' is followed by"));
  EXPECT_THAT(Error("host = www"), HasSubstr("at character 8: url_host_name is compared with a text in quotes"));
  EXPECT_THAT(Error("host = 'www"), HasSubstr("at character 8: the text that begins here has no end"));
  EXPECT_THAT(Error("date > 'yesterday'"), HasSubstr("'yesterday' is neither a day"));
  EXPECT_THAT(Error("date = '2026-13-01'"), HasSubstr("neither a day"));
  EXPECT_THAT(Error("(status = 200"), HasSubstr("a ')' is missing, for the '(' at character 1"));
  EXPECT_THAT(Error("status in (1, 2"), HasSubstr("the list ends with a ')'"));
  EXPECT_THAT(Error("status in 5"), HasSubstr("'in' is followed by a list"));
  EXPECT_THAT(Error("url ~ '('"), HasSubstr("no regular expression"));
  EXPECT_THAT(Error("status like '2%'"), HasSubstr("'fetch_status' is no text"));
  EXPECT_THAT(Error("status = 200 depth = 1"), HasSubstr("at character 14: 'depth' does not belong here"));
  EXPECT_THAT(Error("status = 200; drop"), HasSubstr("at character 13: ';' means nothing here"));
  EXPECT_THAT(Error("title is 5"), HasSubstr("null or not null"));
  EXPECT_THAT(Error(""), HasSubstr("the name of a column is missing"));
  EXPECT_THAT(Error("truncated = 1"), HasSubstr("true or false"));
}

TEST(ExportWhere, DepthAndLengthAreBounded) {
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += '(';
  EXPECT_THAT(Error(deep + "status = 200"), HasSubstr("within each other"));
  std::string nots;
  for (int i = 0; i < 10'000; ++i) nots += "not ";
  EXPECT_THAT(Error(nots + "truncated"), HasSubstr("within each other"));
  EXPECT_THAT(Error(std::string(100'000, ' ')), HasSubstr("longer than"));
  std::string wide = "status = 200";
  for (int i = 0; i < 3000; ++i) wide += " and status = 200";
  EXPECT_EQ(Ask(wide), Truth::kTrue);
}

TEST(ExportWhere, AnyBytesAreReadToAnEnd) {
  const uint64_t seed = 20260102;
  RecordProperty("seed", std::to_string(seed));
  const auto random = SeededRandom(seed);
  static constexpr const char* kPieces[] = {"status", "url", "date", "truncated", "=", "<", "~", "like", "in", "(", ")", ",", "'a'",
                                            "'2026-01-02'", "5", "1KiB", "and", "or", "not", "is", "null", "\"", "\xff", "%", "-"};
  int good = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (uint64_t n = random->Below(12); n > 0; --n) text += std::string(kPieces[random->Below(std::size(kPieces))]) + " ";
    const auto where = ExportWhere::Parse(text);
    if (where.ok()) {
      ++good;
      where->Judge(Row(), true);
      EXPECT_NE(where->Judge(Row(), true), Truth::kUnread) << text;
    } else {
      EXPECT_THAT(ErrorText(where.status()), HasSubstr("at character")) << "seed " << seed << ": " << text;
    }
  }
  EXPECT_GT(good, 10) << "seed " << seed;
}

}  // namespace
}  // namespace weft
