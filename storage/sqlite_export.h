// A crawl as a SQLite database: tables pages, links and hosts, with indexes, built in one transaction under another name and
// renamed when it is whole. Times are RFC 3339 texts, truths 0 and 1. Thread rule: one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/export_table.h"
#include "storage/page_exporter.h"

namespace weft {

class SqliteExport {
 public:
  // `columns` are those of the table pages. A file at `path` is replaced at the end.
  static absl::StatusOr<std::unique_ptr<SqliteExport>> Create(const std::string& path, std::vector<TableColumn> columns);
  // Without Finish() nothing is left.
  ~SqliteExport();

  // `cells` of the columns; its links, and its host's sums, are taken of `row`.
  absl::Status Append(const PageRow& row, std::span<const Cell> cells);
  absl::Status Finish();

 private:
  struct Impl;
  explicit SqliteExport(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
