// One column of a row group: values are gathered, then encoded as a dictionary page, where that is smaller, and data pages
// (Parquet format 2.10: Encodings.md, Data Pages V1). Thread rule: belongs to one writer.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/export_table.h"

struct ZSTD_CCtx_s;

namespace weft {

enum class ParquetCodec : int32_t { kUncompressed = 0, kZstd = 6 };

// Values of enumerations in parquet.thrift.
namespace parquet {
inline constexpr int32_t kBoolean = 0;
inline constexpr int32_t kInt32 = 1;
inline constexpr int32_t kInt64 = 2;
inline constexpr int32_t kByteArray = 6;
inline constexpr int32_t kPlain = 0;
inline constexpr int32_t kRle = 3;
inline constexpr int32_t kRleDictionary = 8;
inline constexpr int32_t kDataPage = 0;
inline constexpr int32_t kDictionaryPage = 2;
inline constexpr int32_t kUnordered = 0;
inline constexpr int32_t kAscending = 1;
inline constexpr int32_t kDescending = 2;

int32_t PhysicalType(ColumnType type);
}  // namespace parquet

// Bounds for filters. Texts are cut to 64 bytes: the least is then a lower bound, the most an upper one, or left out.
struct ParquetStatistics {
  std::optional<std::string> least;   // as PLAIN has values, texts without their length
  std::optional<std::string> most;
  bool least_exact = true;
  bool most_exact = true;
  int64_t nulls = 0;
};

// A data page, for the page index.
struct ParquetPagePlace {
  int64_t offset = 0;
  int32_t bytes = 0;                  // with its header
  int64_t first_row = 0;              // in the row group
  int64_t rows = 0;
  ParquetStatistics statistics;

  bool all_null() const { return statistics.nulls == rows; }
};

// Where a written chunk lies, for the footer.
struct ParquetChunkPlace {
  int64_t values = 0;                 // nulls included
  int64_t uncompressed_bytes = 0;     // pages with their headers
  int64_t compressed_bytes = 0;
  std::optional<int64_t> dictionary_offset;
  int64_t data_offset = 0;
  bool dictionary = false;
  ParquetStatistics statistics;
  std::vector<ParquetPagePlace> pages;
};

// The page index of a chunk, with which a reader finds the pages that a filter needs: bounds (nothing where a page has none that
// could be written) and places.
std::optional<std::string> ParquetColumnIndex(ColumnType type, const std::vector<ParquetPagePlace>& pages);
std::string ParquetOffsetIndex(const std::vector<ParquetPagePlace>& pages);

class ParquetChunk {
 public:
  explicit ParquetChunk(const TableColumn& column) : type_(column.type), nullable_(column.nullable) {}

  // False: a null where none may be, or a cell of another type.
  bool Add(const Cell& cell);
  // About what it holds in memory.
  size_t bytes() const { return bytes_.size() + ends_.size() * 8 + numbers_.size() * 8 + present_.size() / 8; }

  // Appends its pages to `out`, where the file is `offset` bytes long before them, and begins anew.
  absl::StatusOr<ParquetChunkPlace> Encode(ParquetCodec codec, ZSTD_CCtx_s* zstd, int64_t offset, std::string& out);

 private:
  struct Dictionary;
  bool IsText() const { return type_ == ColumnType::kText || type_ == ColumnType::kJson; }
  size_t value_count() const { return IsText() ? ends_.size() : numbers_.size(); }
  std::string_view Text(size_t index) const;
  void AppendPlain(size_t index, std::string& out) const;
  std::string PlainNumber(int64_t number) const;
  // Of `rows` rows that hold `values` values, from the `value`-th on.
  ParquetStatistics Statistics(size_t rows, size_t value, size_t values) const;
  std::optional<Dictionary> MakeDictionary() const;
  std::string DataPage(size_t row, size_t rows, size_t value, size_t values, const Dictionary* dictionary) const;
  size_t RowsOfPage(size_t row, size_t value, const Dictionary* dictionary) const;

  ColumnType type_;
  bool nullable_;
  std::vector<bool> present_;        // a row each
  std::string bytes_;                // texts, one behind the other
  std::vector<uint64_t> ends_;       // of each text in bytes_
  std::vector<int64_t> numbers_;     // numbers, times, truths
};

// The hybrid of runs and bit-packed groups (Encodings.md, RLE), without a length before it.
std::string RleHybrid(const std::vector<uint32_t>& values, int bit_width);

}  // namespace weft
