#include "storage/export_text_tables.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

// Keeps what was written where the test sees it.
class StringSink : public ByteSink {
 public:
  explicit StringSink(std::string* to) : to_(to) {}
  absl::Status Write(std::string_view bytes) override {
    *to_ += bytes;
    return absl::OkStatus();
  }
  absl::Status Finish() override {
    *to_ += "<end>";
    return absl::OkStatus();
  }

 private:
  std::string* to_;
};

const std::vector<TableColumn> kColumns = {{"text", ColumnType::kText}, {"json", ColumnType::kJson},
                                           {"number", ColumnType::kLong}, {"truth", ColumnType::kTruth},
                                           {"time", ColumnType::kTime}};
const std::vector<Cell> kRow = {Cell("plain"), Cell(R"(["a","b"])"), Cell(int64_t{-5}), Cell(true),
                                Cell(int64_t{1'767'323'045'678'901})};
const std::vector<Cell> kNulls(5);

template <typename Make>
std::string Written(Make make, const std::vector<std::vector<Cell>>& rows, std::vector<TableColumn> columns = kColumns) {
  std::string out;
  const auto table = make(std::move(columns), std::make_unique<StringSink>(&out));
  for (const auto& row : rows) EXPECT_TRUE(table->Append(row).ok());
  EXPECT_TRUE(table->Finish().ok());
  return out;
}

TEST(CsvTable, RowsStandBelowTheirHeader) {
  EXPECT_EQ(Written(NewCsvTable, {kRow, kNulls}),
            "text,json,number,truth,time\r\n"
            "plain,\"[\"\"a\"\",\"\"b\"\"]\",-5,true,2026-01-02T03:04:05.678901Z\r\n"
            ",,,,\r\n<end>");
}

TEST(CsvTable, WhatWouldBreakAFieldIsQuoted) {
  const std::vector<TableColumn> one = {{"a,b", ColumnType::kText}, {"c", ColumnType::kText}};
  EXPECT_EQ(Written(NewCsvTable, {{Cell("x\ny"), Cell("say \"hi\"")}, {Cell("a\rb"), Cell("=1+1")}}, one),
            "\"a,b\",c\r\n\"x\ny\",\"say \"\"hi\"\"\"\r\n\"a\rb\",=1+1\r\n<end>");
}

TEST(CsvTable, AnEmptyTextIsNoNull) {
  const std::vector<TableColumn> two = {{"a", ColumnType::kText}, {"b", ColumnType::kText}};
  EXPECT_EQ(Written(NewCsvTable, {{Cell(""), Cell("")}, {Cell(), Cell()}}, two), "a,b\r\n\"\",\"\"\r\n,\r\n<end>");
}

TEST(CsvTable, ARowOfOneNullIsNoEmptyLine) {
  EXPECT_EQ(Written(NewCsvTable, {{Cell()}}, {{"a", ColumnType::kText}}), "a\r\n\"\"\r\n<end>");
}

TEST(CsvTable, WithoutRowsThereIsTheHeader) { EXPECT_EQ(Written(NewCsvTable, {}), "text,json,number,truth,time\r\n<end>"); }

TEST(TsvTable, TabsAndLineEndsAreEscaped) {
  EXPECT_EQ(Written(NewTsvTable, {{Cell("a\tb\nc\rd\\e"), Cell("[1]"), Cell(int64_t{7}), Cell(false), Cell()}}),
            "text\tjson\tnumber\ttruth\ttime\na\\tb\\nc\\rd\\\\e\t[1]\t7\tfalse\t\n<end>");
}

TEST(JsonlTable, EveryColumnIsThereInItsType) {
  EXPECT_EQ(Written(NewJsonlTable, {kRow, kNulls}),
            R"({"text":"plain","json":["a","b"],"number":-5,"truth":true,"time":"2026-01-02T03:04:05.678901Z"})"
            "\n"
            R"({"text":null,"json":null,"number":null,"truth":null,"time":null})"
            "\n<end>");
}

TEST(JsonlTable, TextsAreEscaped) {
  EXPECT_EQ(Written(NewJsonlTable, {{Cell("a\"\n\\\x01\xc3\xa9")}}, {{"t\"", ColumnType::kText}}),
            "{\"t\\\"\":\"a\\\"\\n\\\\\\u0001\xc3\xa9\"}\n<end>");
}

TEST(TextCell, WhatIsNoUtf8IsReplaced) {
  EXPECT_EQ(std::get<std::string>(TextCell("a\xff")), "a\xef\xbf\xbd");
  EXPECT_TRUE(IsNull(TextOrNull("")));
}

}  // namespace
}  // namespace weft
