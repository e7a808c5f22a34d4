// What an export is to write, of the command line: which table, in which kind of file, which columns of which pages. All of
// it is checked here, before anything is opened. Thread rule: a value.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/export_where.h"
#include "cli/options.h"
#include "storage/export_file.h"
#include "storage/export_schema.h"
#include "storage/object_store.h"

namespace weft {

enum class ExportTable : uint8_t { kPages, kText, kLinks, kHostsGraph };
enum class ExportKind : uint8_t { kJsonl, kCsv, kTsv, kParquet, kSqlite, kCdxj, kWacz };

struct ExportPlan {
  ExportTable table = ExportTable::kPages;
  ExportKind kind = ExportKind::kJsonl;
  bool json_lines_as_ever = false;   // JsonLine() of page_exporter.h: no columns are named
  bool json_lines_with_text = false;
  bool main_text = false;            // texts are the main content alone
  ChosenColumns columns;             // of kPages and kText
  std::vector<TableColumn> other_columns;  // of kLinks and kHostsGraph
  PageNeeds needs = PageNeeds::kNothing;   // of columns and condition

  ExportWhere where;
  std::optional<int64_t> since_us;
  uint64_t sample_pages = 0;               // 0: not by number
  std::optional<uint64_t> sample_below;    // by share: of hashes below this
  uint64_t shard = 0;                      // of `shards`, from 0
  uint64_t shards = 1;

  std::string output;                      // empty: standard output; of a partitioned export the directory crawl=NAME
  // Not empty: `output` lies in this directory, and what is whole goes from there to the store, under the same name (export_upload.h).
  std::string staging;
  StoreOptions store;
  bool partitioned = false;                // export_partitions.h
  Compression compression = Compression::kNone;
  bool force = false;                      // an output that exists is replaced
  bool resume = false;
  uint64_t rows_per_file = 0;              // 0: one file
  // Equal for two exports whose parts belong together.
  std::string identity;

  // Of a kind that is one file, and lies somewhere: the output must be one that a reader can go back in.
  bool needs_file() const { return kind == ExportKind::kSqlite || kind == ExportKind::kWacz; }
  // One that is no table with columns to choose.
  bool is_archive() const { return kind == ExportKind::kCdxj || kind == ExportKind::kWacz; }
  bool stored() const { return !staging.empty(); }
  // `output` as the user knows it.
  std::string ShownOutput() const { return stored() ? store.url + output.substr(staging.size()) : output; }
  bool reads_pages() const { return needs != PageNeeds::kNothing; }
};

// InvalidArgument, for people: what is wrong with which option, and what is taken.
absl::StatusOr<ExportPlan> MakeExportPlan(const CommandLine& line);

// Whether the page's URL is in the plan's shard and, where it asks for a share, in the sample. The same for a URL for ever.
bool InShardAndShare(const ExportPlan& plan, std::string_view url);
// What orders a sample of N pages.
uint64_t SampleHash(std::string_view url);

}  // namespace weft
