// Tables as Apache Parquet files (format 2.10), for the flat schemas of an export: texts as STRING, times as TIMESTAMP of
// microseconds in UTC; zstd, dictionaries where they save room, statistics of every column chunk and page. Row groups are bounded by
// bytes, so that memory is, whatever the rows; a single text may be as long as a page is. Thread rule: one thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/export_file.h"
#include "storage/export_table.h"
#include "storage/parquet_chunk.h"

namespace weft {

struct ParquetOptions {
  ParquetCodec codec = ParquetCodec::kZstd;
  size_t row_group_bytes = 32 << 20;              // of values in memory
  size_t row_group_rows = 1 << 20;
  std::map<std::string, std::string> metadata;    // the footer's key-value pairs
};

std::unique_ptr<TableWriter> NewParquetTable(std::vector<TableColumn> columns, std::unique_ptr<ByteSink> to,
                                             ParquetOptions options = {});

}  // namespace weft
