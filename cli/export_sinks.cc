#include "cli/export_sinks.h"

#include <unistd.h>

#include <map>
#include <utility>

#include "cli/export_archive_sinks.h"
#include "cli/version.h"
#include "common/status.h"
#include "storage/export_text_tables.h"
#include "storage/parquet_writer.h"
#include "storage/sqlite_export.h"
#include "storage/sqlite_host_graph.h"

namespace weft {
namespace {

absl::StatusOr<std::unique_ptr<ByteSink>> OpenBytes(const ExportPlan& plan, const std::string& path) {
  std::unique_ptr<ByteSink> bytes;
  if (path.empty()) {
    bytes = OutputFile::ToDescriptor(STDOUT_FILENO);
  } else {
    WEFT_ASSIGN_OR_RETURN(bytes, OutputFile::ToFile(path));
  }
  return Compressed(plan.compression, std::move(bytes));
}

absl::StatusOr<std::unique_ptr<TableWriter>> OpenTable(const ExportPlan& plan, std::vector<TableColumn> columns,
                                                       const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<ByteSink> bytes, OpenBytes(plan, path));
  switch (plan.kind) {
    case ExportKind::kJsonl: return NewJsonlTable(std::move(columns), std::move(bytes));
    case ExportKind::kCsv: return NewCsvTable(std::move(columns), std::move(bytes));
    case ExportKind::kTsv: return NewTsvTable(std::move(columns), std::move(bytes));
    case ExportKind::kParquet: {
      ParquetOptions options;
      if (plan.partitioned) options.row_group_bytes /= 2;  // three files are open at once
      options.metadata = {{"writer", fmt::format("Weft {}", WeftVersion())}};
      return NewParquetTable(std::move(columns), std::move(bytes), std::move(options));
    }
    case ExportKind::kSqlite:
    case ExportKind::kCdxj:
    case ExportKind::kWacz: break;
  }
  return Internal("an archive or a database is no table");
}

class JsonLinesSink final : public PageSink {
 public:
  JsonLinesSink(std::unique_ptr<ByteSink> to, bool with_text) : to_(std::move(to)), with_text_(with_text) {}
  absl::Status Take(PageRow& row) override {
    ++rows_;
    if (!with_text_) row.text.reset();  // a condition may have asked for it
    return to_->Write(JsonLine(row) + "\n");
  }
  absl::Status Finish() override { return to_->Finish(); }

 private:
  std::unique_ptr<ByteSink> to_;
  bool with_text_;
};

class TableSink final : public PageSink {
 public:
  TableSink(const ExportPlan& plan, std::unique_ptr<TableWriter> to) : plan_(plan), to_(std::move(to)) {}
  absl::Status Take(PageRow& row) override {
    if (plan_.table == ExportTable::kText && (!row.text || row.text->empty())) return absl::OkStatus();
    ++rows_;
    return to_->Append(plan_.columns.Row(row));
  }
  absl::Status Finish() override { return to_->Finish(); }

 private:
  const ExportPlan& plan_;
  std::unique_ptr<TableWriter> to_;
};

class LinksSink final : public PageSink {
 public:
  LinksSink(const ExportPlan& plan, std::unique_ptr<TableWriter> to) : plan_(plan), to_(std::move(to)) {}
  absl::Status Take(PageRow& row) override {
    for (const PageLink& link : row.page_links) {
      std::vector<Cell> cells;
      for (const TableColumn& column : plan_.other_columns) cells.push_back(CellOf(column.name, row.url, link));
      WEFT_RETURN_IF_ERROR(to_->Append(cells));
      ++rows_;
    }
    return absl::OkStatus();
  }
  absl::Status Finish() override { return to_->Finish(); }

 private:
  static Cell CellOf(std::string_view column, const std::string& source, const PageLink& link) {
    if (column == "source") return TextCell(source);
    if (column == "target") return TextCell(link.target);
    if (column == "kind") return TextCell(LinkKindName(link.kind));
    if (column == "nofollow") return Cell(link.nofollow);
    return TextOrNull(column == "rel" ? link.rel : link.text);
  }

  const ExportPlan& plan_;
  std::unique_ptr<TableWriter> to_;
};

class HostsGraphSink final : public PageSink {
 public:
  HostsGraphSink(HostGraph graph, std::unique_ptr<TableWriter> to) : graph_(std::move(graph)), to_(std::move(to)) {}
  absl::Status Take(PageRow& row) override {
    std::map<std::string, int64_t> targets;
    for (const PageLink& link : row.page_links) {
      const auto target = Url::Parse(link.target);
      if (target.ok()) ++targets[std::string(target->host())];
    }
    const std::string source(row.parsed_url.host());
    for (const auto& [host, links] : targets) WEFT_RETURN_IF_ERROR(graph_.Add(source, host, links));
    return absl::OkStatus();
  }
  absl::Status Finish() override {
    WEFT_RETURN_IF_ERROR(graph_.ForEach([&](const HostGraph::Edge& edge) -> absl::Status {
      ++rows_;
      const Cell row[] = {edge.source, edge.target, edge.links, edge.pages};
      return to_->Append(row);
    }));
    return to_->Finish();
  }

 private:
  HostGraph graph_;
  std::unique_ptr<TableWriter> to_;
};

class SqliteSink final : public PageSink {
 public:
  SqliteSink(const ExportPlan& plan, std::unique_ptr<SqliteExport> to) : plan_(plan), to_(std::move(to)) {}
  absl::Status Take(PageRow& row) override {
    ++rows_;
    return to_->Append(row, plan_.columns.Row(row));
  }
  absl::Status Finish() override { return to_->Finish(); }

 private:
  const ExportPlan& plan_;
  std::unique_ptr<SqliteExport> to_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<PageSink>> OpenPageSink(const ExportPlan& plan, const std::string& path) {
  if (plan.json_lines_as_ever) {
    WEFT_ASSIGN_OR_RETURN(auto bytes, OpenBytes(plan, path));
    return std::make_unique<JsonLinesSink>(std::move(bytes), plan.json_lines_with_text);
  }
  if (plan.kind == ExportKind::kWacz) return NewWaczSink(plan, path);
  if (plan.kind == ExportKind::kCdxj) {
    WEFT_ASSIGN_OR_RETURN(auto bytes, OpenBytes(plan, path));
    return NewCdxjSink(std::move(bytes), path);
  }
  if (plan.kind == ExportKind::kSqlite) {
    WEFT_ASSIGN_OR_RETURN(auto database, SqliteExport::Create(path, plan.columns.table));
    return std::make_unique<SqliteSink>(plan, std::move(database));
  }
  const bool of_pages = plan.table == ExportTable::kPages || plan.table == ExportTable::kText;
  WEFT_ASSIGN_OR_RETURN(auto table, OpenTable(plan, of_pages ? plan.columns.table : plan.other_columns, path));
  if (of_pages) return std::make_unique<TableSink>(plan, std::move(table));
  if (plan.table == ExportTable::kLinks) return std::make_unique<LinksSink>(plan, std::move(table));
  WEFT_ASSIGN_OR_RETURN(HostGraph graph, HostGraph::Create());
  return std::make_unique<HostsGraphSink>(std::move(graph), std::move(table));
}

}  // namespace weft
