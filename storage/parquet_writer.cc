#include "storage/parquet_writer.h"

#include <zstd.h>

#include <utility>

#include "common/status.h"
#include "storage/parquet_thrift.h"

namespace weft {
namespace {

constexpr std::string_view kMagic = "PAR1";
// Older names of logical types (ConvertedType), for older readers.
constexpr int32_t kConvertedUtf8 = 0;
constexpr int32_t kConvertedTimestampMicros = 10;

struct ZstdFree {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// Where a part of the page index lies; no bytes: there is none.
struct IndexPlace {
  int64_t offset = 0;
  int32_t bytes = 0;
};

struct RowGroup {
  int64_t rows = 0;
  std::vector<ParquetChunkPlace> chunks;
  std::vector<IndexPlace> column_indexes;  // one a chunk
  std::vector<IndexPlace> offset_indexes;
};

void AddSchemaElement(ThriftWriter& out, const TableColumn& column) {
  out.I32(1, parquet::PhysicalType(column.type));
  out.I32(3, column.nullable ? 1 : 0);
  out.String(4, column.name);
  if (column.type == ColumnType::kText || column.type == ColumnType::kJson) {
    out.I32(6, kConvertedUtf8);
    out.Struct(10, [&] { out.Struct(1, [] {}); });
  } else if (column.type == ColumnType::kTime) {
    out.I32(6, kConvertedTimestampMicros);
    out.Struct(10, [&] {
      out.Struct(8, [&] {
        out.Bool(1, true);                             // isAdjustedToUTC
        out.Struct(2, [&] { out.Struct(2, [] {}); });  // MICROS
      });
    });
  }
}

void AddStatistics(ThriftWriter& out, const ParquetStatistics& statistics) {
  out.I64(3, statistics.nulls);
  if (statistics.most) out.String(5, *statistics.most);
  if (statistics.least) out.String(6, *statistics.least);
  if (statistics.most) out.Bool(7, statistics.most_exact);
  if (statistics.least) out.Bool(8, statistics.least_exact);
}

int64_t BeginOf(const ParquetChunkPlace& place) { return place.dictionary_offset.value_or(place.data_offset); }

void AddColumnChunk(ThriftWriter& out, const TableColumn& column, const RowGroup& group, size_t i, ParquetCodec codec) {
  const ParquetChunkPlace& place = group.chunks[i];
  out.I64(2, BeginOf(place));
  out.Struct(3, [&] {
    out.I32(1, parquet::PhysicalType(column.type));
    const int32_t encodings[] = {place.dictionary ? parquet::kRleDictionary : parquet::kPlain, parquet::kRle,
                                 parquet::kPlain};
    out.I32List(2, place.dictionary ? 3 : 2, [&](size_t n) { return encodings[n]; });
    out.StringList(3, 1, [&](size_t) { return std::string_view(column.name); });
    out.I32(4, static_cast<int32_t>(codec));
    out.I64(5, place.values);
    out.I64(6, place.uncompressed_bytes);
    out.I64(7, place.compressed_bytes);
    out.I64(9, place.data_offset);
    if (place.dictionary_offset) out.I64(11, *place.dictionary_offset);
    out.Struct(12, [&] { AddStatistics(out, place.statistics); });
  });
  const auto add_index = [&](int field, const IndexPlace& index) {
    if (index.bytes == 0) return;
    out.I64(field, index.offset);
    out.I32(field + 1, index.bytes);
  };
  add_index(4, group.offset_indexes[i]);
  add_index(6, group.column_indexes[i]);
}

void AddRowGroup(ThriftWriter& out, const std::vector<TableColumn>& columns, const RowGroup& group, size_t ordinal,
                 ParquetCodec codec) {
  int64_t uncompressed = 0;
  int64_t compressed = 0;
  for (const ParquetChunkPlace& place : group.chunks) {
    uncompressed += place.uncompressed_bytes;
    compressed += place.compressed_bytes;
  }
  out.StructList(1, columns.size(), [&](size_t i) { AddColumnChunk(out, columns[i], group, i, codec); });
  out.I64(2, uncompressed);
  out.I64(3, group.rows);
  out.I64(5, BeginOf(group.chunks.front()));
  out.I64(6, compressed);
  if (ordinal <= INT16_MAX) out.I16(7, static_cast<int16_t>(ordinal));
}

class ParquetTable : public TableWriter {
 public:
  ParquetTable(std::vector<TableColumn> columns, std::unique_ptr<ByteSink> to, ParquetOptions options)
      : columns_(std::move(columns)), to_(std::move(to)), options_(std::move(options)), zstd_(ZSTD_createCCtx()),
        chunks_(columns_.begin(), columns_.end()) {}

  absl::Status Append(std::span<const Cell> row) override {
    if (row.size() != columns_.size()) return Internal("a row of {} cells for {} columns", row.size(), columns_.size());
    for (size_t i = 0; i < row.size(); ++i) {
      if (!chunks_[i].Add(row[i])) return Internal("column {}: a value that does not fit it", columns_[i].name);
    }
    ++rows_;
    if (rows_ % 64 != 0 && !LongCells(row)) return absl::OkStatus();
    size_t bytes = 0;
    for (const ParquetChunk& chunk : chunks_) bytes += chunk.bytes();
    return bytes >= options_.row_group_bytes || rows_ >= options_.row_group_rows ? EndRowGroup() : absl::OkStatus();
  }

  absl::Status Finish() override {
    WEFT_RETURN_IF_ERROR(Begin());
    if (rows_ > 0) WEFT_RETURN_IF_ERROR(EndRowGroup());
    WEFT_RETURN_IF_ERROR(WritePageIndexes());
    std::string footer = Footer();
    const auto size = static_cast<uint32_t>(footer.size());
    for (int i = 0; i < 4; ++i) footer.push_back(static_cast<char>(size >> 8 * i));
    footer += kMagic;
    WEFT_RETURN_IF_ERROR(to_->Write(footer));
    return to_->Finish();
  }

 private:
  // Long ones are counted at once.
  static bool LongCells(std::span<const Cell> row) {
    for (const Cell& cell : row) {
      const auto* text = std::get_if<std::string>(&cell);
      if (text != nullptr && text->size() > 64 * 1024) return true;
    }
    return false;
  }

  absl::Status Begin() {
    if (offset_ > 0) return absl::OkStatus();
    offset_ = kMagic.size();
    return to_->Write(kMagic);
  }

  absl::Status EndRowGroup() {
    WEFT_RETURN_IF_ERROR(Begin());
    RowGroup group;
    group.rows = static_cast<int64_t>(rows_);
    for (ParquetChunk& chunk : chunks_) {
      std::string pages;
      WEFT_ASSIGN_OR_RETURN(ParquetChunkPlace place, chunk.Encode(options_.codec, zstd_.get(), offset_, pages));
      WEFT_RETURN_IF_ERROR(to_->Write(pages));
      offset_ += static_cast<int64_t>(pages.size());
      group.chunks.push_back(std::move(place));
    }
    groups_.push_back(std::move(group));
    all_rows_ += static_cast<int64_t>(std::exchange(rows_, 0));
    return absl::OkStatus();
  }

  absl::StatusOr<IndexPlace> WriteIndex(const std::string& index) {
    const IndexPlace place{offset_, static_cast<int32_t>(index.size())};
    WEFT_RETURN_IF_ERROR(to_->Write(index));
    offset_ += static_cast<int64_t>(index.size());
    return place;
  }

  // Between the last row group and the footer: those of bounds first, then those of places (PageIndex.md).
  absl::Status WritePageIndexes() {
    for (RowGroup& group : groups_) {
      for (size_t i = 0; i < columns_.size(); ++i) {
        const auto index = ParquetColumnIndex(columns_[i].type, group.chunks[i].pages);
        WEFT_ASSIGN_OR_RETURN(const IndexPlace place, index ? WriteIndex(*index) : IndexPlace());
        group.column_indexes.push_back(place);
      }
    }
    for (RowGroup& group : groups_) {
      for (const ParquetChunkPlace& chunk : group.chunks) {
        WEFT_ASSIGN_OR_RETURN(const IndexPlace place, WriteIndex(ParquetOffsetIndex(chunk.pages)));
        group.offset_indexes.push_back(place);
      }
    }
    return absl::OkStatus();
  }

  std::string Footer() const {
    ThriftWriter out;
    out.I32(1, 2);
    out.StructList(2, columns_.size() + 1, [&](size_t i) {
      if (i > 0) return AddSchemaElement(out, columns_[i - 1]);
      out.String(4, "schema");
      out.I32(5, static_cast<int32_t>(columns_.size()));
    });
    out.I64(3, all_rows_);
    out.StructList(4, groups_.size(), [&](size_t i) { AddRowGroup(out, columns_, groups_[i], i, options_.codec); });
    if (!options_.metadata.empty()) {
      auto pair = options_.metadata.begin();
      out.StructList(5, options_.metadata.size(), [&](size_t) {
        out.String(1, pair->first);
        out.String(2, pair->second);
        ++pair;
      });
    }
    // pyarrow and others trust statistics of texts by what stands here: "NAME version X.Y.Z".
    out.String(6, "weft version 1.0.0");
    // Without an order of each column its bounds mean nothing to readers: TYPE_ORDER.
    out.StructList(7, columns_.size(), [&](size_t) { out.Struct(1, [] {}); });
    return out.Take();
  }

  std::vector<TableColumn> columns_;
  std::unique_ptr<ByteSink> to_;
  ParquetOptions options_;
  std::unique_ptr<ZSTD_CCtx, ZstdFree> zstd_;
  std::vector<ParquetChunk> chunks_;
  std::vector<RowGroup> groups_;
  size_t rows_ = 0;          // of the row group that is gathered
  int64_t all_rows_ = 0;     // of those that are written
  int64_t offset_ = 0;       // bytes written
};

}  // namespace

std::unique_ptr<TableWriter> NewParquetTable(std::vector<TableColumn> columns, std::unique_ptr<ByteSink> to,
                                             ParquetOptions options) {
  return std::make_unique<ParquetTable>(std::move(columns), std::move(to), std::move(options));
}

}  // namespace weft
