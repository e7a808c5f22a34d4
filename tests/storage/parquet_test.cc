// The encodings byte by byte, by the format's own examples where it has some; whole files are read back by
// tests/integration/export_test.py.
#include <gtest/gtest.h>
#include <zstd.h>

#include "storage/parquet_chunk.h"
#include "storage/parquet_thrift.h"
#include "storage/parquet_writer.h"

namespace weft {
namespace {

using Bytes = std::vector<int>;

Bytes BytesOf(std::string_view text) {
  Bytes bytes;
  for (const char c : text) bytes.push_back(static_cast<unsigned char>(c));
  return bytes;
}

TEST(ThriftWriter, FieldsCarryTheDistanceToTheOneBefore) {
  ThriftWriter out;
  out.I32(1, 1);
  out.I64(3, -2);
  out.Bool(4, true);
  out.Bool(5, false);
  out.I32(30, 150);
  EXPECT_EQ(BytesOf(out.Take()), (Bytes{0x15, 2, 0x26, 3, 0x11, 0x12, 0x05, 60, 0xac, 0x02, 0}));
}

TEST(ThriftWriter, StructsAndListsNest) {
  ThriftWriter out;
  out.Struct(2, [&] { out.String(1, "ab"); });
  out.I32List(3, 2, [](size_t i) { return static_cast<int32_t>(i); });
  out.StructList(4, 1, [&](size_t) { out.I16(1, -1); });
  EXPECT_EQ(BytesOf(out.Take()), (Bytes{0x2c, 0x18, 2, 'a', 'b', 0, 0x19, 0x25, 0, 2, 0x19, 0x1c, 0x14, 1, 0, 0}));
}

TEST(ThriftWriter, LongListsHaveTheirLengthBehindTheHeader) {
  ThriftWriter out;
  out.I32List(1, 15, [](size_t) { return 0; });
  const Bytes bytes = BytesOf(out.Take());
  EXPECT_EQ(Bytes(bytes.begin(), bytes.begin() + 3), (Bytes{0x19, 0xf5, 15}));
}

// Encodings.md: the numbers 0 to 7 in three bits.
TEST(RleHybrid, PacksAsTheSpecificationShows) {
  EXPECT_EQ(BytesOf(RleHybrid({0, 1, 2, 3, 4, 5, 6, 7}, 3)), (Bytes{3, 0x88, 0xc6, 0xfa}));
}

TEST(RleHybrid, EqualValuesAreARun) {
  EXPECT_EQ(BytesOf(RleHybrid(std::vector<uint32_t>(1000, 1), 1)), (Bytes{0xd0, 0x0f, 1}));
  EXPECT_EQ(BytesOf(RleHybrid(std::vector<uint32_t>(9, 300), 9)), (Bytes{18, 0x2c, 0x01}));
}

TEST(RleHybrid, ARunFillsTheGroupBeforeIt) {
  std::vector<uint32_t> values = {1, 0, 1};
  values.insert(values.end(), 20, 0);
  // Eight in a group, of which five are of the run, then the other fifteen.
  EXPECT_EQ(BytesOf(RleHybrid(values, 1)), (Bytes{3, 0x05, 30, 0}));
}

TEST(RleHybrid, TheLastGroupIsFilledWithZeros) { EXPECT_EQ(BytesOf(RleHybrid({1, 1, 1}, 1)), (Bytes{3, 0x07})); }

TEST(RleHybrid, OfNothingThereIsNothing) { EXPECT_EQ(RleHybrid({}, 5), ""); }

ParquetStatistics StatisticsOf(ColumnType type, const std::vector<Cell>& cells) {
  ParquetChunk chunk(TableColumn{"c", type, true});
  for (const Cell& cell : cells) EXPECT_TRUE(chunk.Add(cell));
  std::string pages;
  return chunk.Encode(ParquetCodec::kUncompressed, nullptr, 4, pages)->statistics;
}

TEST(ParquetStatistics, BoundsAndNulls) {
  const auto statistics = StatisticsOf(ColumnType::kText, {Cell("m"), Cell(), Cell("b"), Cell("\xc3\xa9")});
  EXPECT_EQ(statistics.least, "b");
  EXPECT_EQ(statistics.most, "\xc3\xa9") << "bytes compare unsigned";
  EXPECT_EQ(statistics.nulls, 1);
  EXPECT_TRUE(statistics.least_exact && statistics.most_exact);
}

TEST(ParquetStatistics, NumbersCompareSigned) {
  const auto statistics = StatisticsOf(ColumnType::kInteger, {Cell(int64_t{5}), Cell(int64_t{-1})});
  EXPECT_EQ(statistics.least, std::string("\xff\xff\xff\xff"));
  EXPECT_EQ(statistics.most, std::string("\x05\0\0\0", 4));
}

TEST(ParquetStatistics, LongTextsAreCutToBounds) {
  const std::string longer(70, 'q');
  const auto statistics = StatisticsOf(ColumnType::kText, {Cell(longer)});
  EXPECT_EQ(statistics.least, std::string(64, 'q'));
  EXPECT_EQ(statistics.most, std::string(63, 'q') + "r");
  EXPECT_FALSE(statistics.least_exact || statistics.most_exact);
}

TEST(ParquetStatistics, ACutIsNotWithinACharacter) {
  const auto statistics = StatisticsOf(ColumnType::kText, {Cell(std::string(63, 'a') + "\xc3\xa9zzz")});
  EXPECT_EQ(statistics.least, std::string(63, 'a'));
  EXPECT_EQ(statistics.most, std::string(62, 'a') + "b");
}

TEST(ParquetStatistics, TheLastCharacterIsRaisedWhateverItsLength) {
  const auto most = [](const std::string& last) {
    return StatisticsOf(ColumnType::kText, {Cell(std::string(60, 'a') + last + "zzzzzz")}).most->substr(60);
  };
  EXPECT_EQ(most("b\x7f\x7f\x7f"), "b\x7f\x7f\xc2\x80");
  EXPECT_EQ(most("bb\xc3\xbf"), "bb\xc4\x80");
  EXPECT_EQ(most("bb\xdf\xbf"), "bb\xe0\xa0\x80");
  EXPECT_EQ(most("b\xed\x9f\xbf"), "b\xee\x80\x80") << "surrogates are no characters";
  EXPECT_EQ(most("b\xef\xbf\xbf"), "b\xf0\x90\x80\x80");
  EXPECT_EQ(most("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x81");
}

TEST(ParquetStatistics, WithoutAnUpperBoundItIsLeftOut) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "\xf4\x8f\xbf\xbf";
  const auto statistics = StatisticsOf(ColumnType::kText, {Cell(text)});
  EXPECT_TRUE(statistics.least.has_value());
  EXPECT_FALSE(statistics.most.has_value());
}

TEST(ParquetStatistics, OfNullsAloneThereAreNoBounds) {
  const auto statistics = StatisticsOf(ColumnType::kLong, {Cell(), Cell()});
  EXPECT_FALSE(statistics.least || statistics.most);
  EXPECT_EQ(statistics.nulls, 2);
}

// The pages of 20,000 rows each, and what their index says of their order.
std::vector<ParquetPagePlace> PagesOf(ColumnType type, const std::vector<Cell>& cells) {
  ParquetChunk chunk(TableColumn{"c", type, true});
  for (const Cell& cell : cells) EXPECT_TRUE(chunk.Add(cell));
  std::string pages;
  return chunk.Encode(ParquetCodec::kUncompressed, nullptr, 4, pages)->pages;
}

int OrderIn(const std::string& column_index) {
  // Field 4 is an i32, and is followed by field 5, a list of i64: 0x15 VALUE 0x19.
  const size_t at = column_index.rfind('\x15', column_index.rfind('\x19'));
  return at == std::string::npos ? -1 : column_index[at + 1] / 2;
}

TEST(ParquetPageIndex, PagesHaveBoundsAndPlacesOfTheirOwn) {
  std::vector<Cell> cells;
  for (int64_t i = 0; i < 45'000; ++i) cells.push_back(i < 20'000 || i >= 40'000 ? Cell(i - 30'000) : Cell());
  const auto pages = PagesOf(ColumnType::kInteger, cells);
  ASSERT_EQ(pages.size(), 3u);
  EXPECT_EQ(pages[0].statistics.least, std::string("\xd0\x8a\xff\xff", 4)) << "-30,000";
  EXPECT_EQ(pages[2].statistics.most, std::string("\x97\x3a\0\0", 4)) << "14,999";
  EXPECT_TRUE(pages[1].all_null());
  EXPECT_EQ(pages[1].first_row, 20'000);
  EXPECT_EQ(pages[2].first_row, 40'000);
  EXPECT_EQ(pages[0].offset, 4);
  EXPECT_EQ(pages[1].offset, pages[0].offset + pages[0].bytes);
  EXPECT_EQ(OrderIn(*ParquetColumnIndex(ColumnType::kInteger, pages)), parquet::kAscending) << "as signed numbers";
}

TEST(ParquetPageIndex, SaysHowItsBoundsAreOrdered) {
  const auto order = [](std::vector<std::string> texts) {
    std::vector<Cell> cells;
    for (const std::string& text : texts) cells.insert(cells.end(), 20'000, Cell(text));
    return OrderIn(*ParquetColumnIndex(ColumnType::kText, PagesOf(ColumnType::kText, cells)));
  };
  EXPECT_EQ(order({"a", "b", "\xc3\xa9"}), parquet::kAscending) << "bytes compare unsigned";
  EXPECT_EQ(order({"\xc3\xa9", "b", "b"}), parquet::kDescending);
  EXPECT_EQ(order({"a", "c", "b"}), parquet::kUnordered);
}

TEST(ParquetPageIndex, WithoutAnUpperBoundOfAPageThereIsNone) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "\xf4\x8f\xbf\xbf";
  EXPECT_FALSE(ParquetColumnIndex(ColumnType::kText, PagesOf(ColumnType::kText, {Cell(text)})).has_value());
}

TEST(ParquetChunk, RepeatedValuesGetADictionaryAndOthersNone) {
  ParquetChunk same(TableColumn{"c", ColumnType::kText, false});
  ParquetChunk different(TableColumn{"c", ColumnType::kText, false});
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(same.Add(Cell(i % 3 == 0 ? "text/html" : "text/plain")));
    ASSERT_TRUE(different.Add(Cell("value " + std::to_string(i))));
  }
  std::string pages;
  EXPECT_TRUE(same.Encode(ParquetCodec::kUncompressed, nullptr, 4, pages)->dictionary);
  EXPECT_LT(pages.size(), 300u);
  EXPECT_FALSE(different.Encode(ParquetCodec::kUncompressed, nullptr, 4, pages)->dictionary);
}

TEST(ParquetChunk, WhatDoesNotFitTheColumnIsRefused) {
  ParquetChunk chunk(TableColumn{"c", ColumnType::kInteger, false});
  EXPECT_FALSE(chunk.Add(Cell()));
  EXPECT_FALSE(chunk.Add(Cell("text")));
  EXPECT_FALSE(chunk.Add(Cell(true)));
  EXPECT_FALSE(chunk.Add(Cell(int64_t{1} << 31)));
  EXPECT_TRUE(chunk.Add(Cell(int64_t{INT32_MIN})));
}

// Counts bytes, and says when the table is whole.
class CountingSink : public ByteSink {
 public:
  explicit CountingSink(size_t* most) : most_(most) {}
  absl::Status Write(std::string_view bytes) override {
    *most_ = std::max(*most_, bytes.size());
    return absl::OkStatus();
  }
  absl::Status Finish() override { return absl::OkStatus(); }

 private:
  size_t* most_;
};

TEST(ParquetTable, ARowGroupEndsWhenItsBytesAreReached) {
  size_t most = 0;
  ParquetOptions options;
  options.codec = ParquetCodec::kUncompressed;
  options.row_group_bytes = 1 << 20;
  const auto table = NewParquetTable({{"c", ColumnType::kText, false}}, std::make_unique<CountingSink>(&most), options);
  for (int i = 0; i < 100; ++i) {
    const std::vector<Cell> row = {Cell(std::string(300'000, static_cast<char>('a' + i % 26)))};
    ASSERT_TRUE(table->Append(row).ok());
  }
  ASSERT_TRUE(table->Finish().ok());
  EXPECT_GT(most, size_t{1} << 20);
  EXPECT_LT(most, (size_t{1} << 20) + 400'000) << "one row more than the bound at the most";
}

TEST(ParquetTable, ARowOfAnotherLengthIsRefused) {
  size_t most = 0;
  const auto table = NewParquetTable({{"c", ColumnType::kText, false}}, std::make_unique<CountingSink>(&most));
  EXPECT_FALSE(table->Append(std::vector<Cell>(2)).ok());
}

}  // namespace
}  // namespace weft
