#include "cli/export_plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "cli/export_partitions.h"
#include "cli/store_choice.h"
#include "common/ascii.h"
#include "common/digest.h"
#include "common/fingerprint.h"
#include "common/status.h"

namespace weft {
namespace {

// Fixed for ever: a sample is the same in every export. Two seeds, so that a sample is spread over all shards.
constexpr uint64_t kSampleSeed = 0x77656674'73616d70;
constexpr uint64_t kShardSeed = 0x77656674'73686172;
constexpr uint64_t kMostShards = 100'000;

const std::vector<TableColumn>& LinkColumns() {
  static const auto* const columns = new std::vector<TableColumn>{
      {"source", ColumnType::kText, false}, {"target", ColumnType::kText, false}, {"kind", ColumnType::kText, false},
      {"nofollow", ColumnType::kTruth, false}, {"rel", ColumnType::kText, true}, {"text", ColumnType::kText, true}};
  return *columns;
}

const std::vector<TableColumn>& HostGraphColumns() {
  static const auto* const columns = new std::vector<TableColumn>{
      {"source_host", ColumnType::kText, false}, {"target_host", ColumnType::kText, false},
      {"links", ColumnType::kLong, false}, {"pages", ColumnType::kLong, false}};
  return *columns;
}

std::vector<std::string> SplitCommas(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c == ',') {
      words.emplace_back();
    } else if (c != ' ') {
      words.back() += c;
    }
  }
  return words;
}

absl::StatusOr<uint64_t> WholeNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return InvalidArgument("'{}' is not a whole number", text);
  return number;
}

// By the end of the name, without that of a compression.
ExportKind KindByName(std::string_view output, ExportKind otherwise) {
  if (CompressionOf(output) != Compression::kNone) output = output.substr(0, output.rfind('.'));
  if (output.ends_with(".cdxj")) return ExportKind::kCdxj;
  if (output.ends_with(".csv")) return ExportKind::kCsv;
  if (output.ends_with(".jsonl")) return ExportKind::kJsonl;
  if (output.ends_with(".parquet")) return ExportKind::kParquet;
  if (output.ends_with(".tsv")) return ExportKind::kTsv;
  if (output.ends_with(".wacz")) return ExportKind::kWacz;
  return otherwise;
}

// Where no --format says what it is, an ending that Weft does not know would get something else than it says; and a compression
// that Weft does not write is never what the name says. A name without an ending may hold anything, as may a device.
absl::Status CheckEnding(const std::string& output, bool by_name, bool table_of_its_own) {
  static constexpr std::string_view kEndings[] = {".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet", ".sqlite", ".db", ".cdxj", ".wacz"};
  static constexpr std::string_view kPackers[] = {".bz2", ".xz", ".lz4", ".zip", ".7z", ".br"};
  static constexpr size_t kLongestEnding = 8;
  const std::string_view name = std::string_view(output).substr(output.rfind('/') + 1);
  for (const std::string_view packer : kPackers) {
    if (name.ends_with(packer)) return InvalidArgument("--output {}: {} cannot be written; compressions are .gz and .zst", output, packer);
  }
  const std::string_view bare = CompressionOf(name) == Compression::kNone ? name : name.substr(0, name.rfind('.'));
  const size_t dot = bare.rfind('.');
  const bool none = dot == bare.npos || dot == 0 || bare.size() - dot > kLongestEnding;  // mktemp's names have a dot, too
  if (!by_name || none || (table_of_its_own && bare.ends_with(".txt"))) return absl::OkStatus();
  const std::string ending = LowerAscii(bare.substr(dot));
  if (std::find(std::begin(kEndings), std::end(kEndings), ending) != std::end(kEndings)) return absl::OkStatus();
  return InvalidArgument("--output {}: '{}' says no format that is known: .jsonl, .csv, .tsv, .parquet, .sqlite, .cdxj, .wacz, and .gz or "
                         ".zst behind texts; or give --format", output, ending);
}

bool NamesADatabase(std::string_view output) { return output.ends_with(".sqlite") || output.ends_with(".db"); }

absl::Status ChooseFormat(const CommandLine& line, ExportPlan& plan) {
  const CrawlInvocation& call = line.invocation;
  static constexpr std::pair<std::string_view, ExportTable> kTables[] = {{"pages", ExportTable::kPages},
                                                                         {"text", ExportTable::kText},
                                                                         {"links", ExportTable::kLinks},
                                                                         {"hosts-graph", ExportTable::kHostsGraph}};
  static constexpr std::pair<std::string_view, ExportKind> kKinds[] = {{"jsonl", ExportKind::kJsonl},
                                                                       {"csv", ExportKind::kCsv},
                                                                       {"tsv", ExportKind::kTsv},
                                                                       {"parquet", ExportKind::kParquet},
                                                                       {"sqlite", ExportKind::kSqlite},
                                                                       {"cdxj", ExportKind::kCdxj},
                                                                       {"wacz", ExportKind::kWacz}};
  for (const auto& [name, table] : kTables) {
    if (call.table == name) plan.table = table;
  }
  if (call.format.empty()) {
    plan.kind = NamesADatabase(call.output) ? ExportKind::kSqlite : KindByName(call.output, ExportKind::kJsonl);
  }
  for (const auto& [name, kind] : kKinds) {
    if (call.format == name) plan.kind = kind;
  }
  for (const auto& [name, table] : kTables) {
    if (call.format != name) continue;
    if (call.table != "pages" && call.table != name) {
      return InvalidArgument("--format {} is a table of its own: leave --table out", call.format);
    }
    plan.table = table;
    plan.kind = KindByName(call.output, ExportKind::kTsv);
  }
  if (line.given.contains("columns") && TrimAsciiSpace(call.columns).empty()) {
    return InvalidArgument("--columns: no column is named; leave --columns out for the usual ones, or see weft export --help");
  }
  const bool own_table = plan.table != ExportTable::kPages;
  WEFT_RETURN_IF_ERROR(CheckEnding(call.output, call.format.empty(), own_table));
  if (plan.is_archive() && (plan.table != ExportTable::kPages || !call.columns.empty())) {
    return InvalidArgument("--format {} has no tables and columns: leave --table and --columns out",
                           plan.kind == ExportKind::kWacz ? "wacz" : "cdxj");
  }
  if (plan.kind == ExportKind::kSqlite && plan.table != ExportTable::kPages) {
    return InvalidArgument("--table: a SQLite database holds pages, links and hosts; leave it out");
  }
  return absl::OkStatus();
}

// "crawl" of "dir/crawl/", and of "." where that is.
std::string CrawlName(const CrawlInvocation& call) {
  if (call.directory.empty()) return "crawl";
  std::error_code error;
  const auto path = std::filesystem::absolute(call.directory, error).lexically_normal();
  return PartitionValue((path.has_filename() ? path : path.parent_path()).filename().string());
}

absl::Status ChooseDirectory(const CrawlInvocation& call, ExportPlan& plan) {
  if (plan.kind != ExportKind::kParquet || plan.table == ExportTable::kHostsGraph) {
    return InvalidArgument("--output {}: only Parquet tables of pages, links and texts are written as a directory; name a file",
                           call.output);
  }
  plan.partitioned = true;
  plan.output += "crawl=" + CrawlName(call);
  return absl::OkStatus();
}

// "s3:/bucket/..." is a mistake, too.
bool LacksASlash(std::string_view output) {
  static constexpr std::string_view kSchemes[] = {"s3:/", "file:/", "webhdfs:/"};
  return std::any_of(std::begin(kSchemes), std::end(kSchemes), [&](std::string_view scheme) {
    return output.starts_with(scheme) && !output.substr(scheme.size()).starts_with('/');
  });
}

// "s3://..."; one of another scheme is a mistake, not a file's name.
bool NamesAStore(std::string_view output) {
  const std::string_view scheme = output.substr(0, output.find("://"));
  return !scheme.empty() && scheme.size() < output.size() &&
         std::all_of(scheme.begin(), scheme.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

// "s3://bucket/prefix/pages.parquet": the file pages.parquet of a directory that belongs to this URL alone, so that a later call finds
// what this one has left.
absl::Status ChooseStore(const CrawlInvocation& call, ExportPlan& plan) {
  const size_t slash = call.output.rfind('/');
  const std::string name = call.output.substr(slash + 1);
  plan.store = StoreOf(call);
  plan.store.url = call.output.substr(0, slash);
  const absl::Status status = CheckStoreUrl(plan.store.url);
  if (!status.ok() || name == "." || name == "..") {
    return InvalidArgument("--output {}: expected s3://BUCKET/PREFIX/FILE, file:///PATH/FILE or webhdfs://HOST:PORT/PATH/FILE{}", call.output,
                           status.ok() ? "" : fmt::format(" ({})", ErrorText(status)));
  }
  std::error_code error;
  std::string above = call.staging;
  if (above.empty() && !call.directory.empty()) above = call.directory + "/export";
  if (above.empty()) above = (std::filesystem::temp_directory_path(error) / "weft-export").string();
  plan.staging = fmt::format("{}/{}", above, HexLower(Sha1(call.output)).substr(0, 16));
  plan.output = fmt::format("{}/{}", plan.staging, name);
  return absl::OkStatus();
}

absl::Status ChooseOutput(const CrawlInvocation& call, ExportPlan& plan) {
  if (call.output != "-") plan.output = call.output;
  if (LacksASlash(call.output)) return InvalidArgument("--output {}: a store's URL has two slashes behind its scheme, and file:// a third", call.output);
  if (NamesAStore(call.output)) {
    WEFT_RETURN_IF_ERROR(ChooseStore(call, plan));
  } else if (!call.staging.empty()) {
    return InvalidArgument("--staging: only an export to a store is written elsewhere first; leave it out");
  }
  if (plan.output.ends_with('/')) WEFT_RETURN_IF_ERROR(ChooseDirectory(call, plan));
  plan.compression = CompressionOf(plan.output);
  plan.force = call.force;
  plan.resume = call.resume;
  plan.rows_per_file = call.rows_per_file;
  const std::string_view kind_name = plan.kind == ExportKind::kParquet ? "Parquet"
                                     : plan.kind == ExportKind::kWacz  ? "WACZ"
                                                                       : "SQLite";
  const bool compressed_within = plan.kind == ExportKind::kParquet || plan.needs_file();
  if (compressed_within && plan.compression != Compression::kNone) {
    return InvalidArgument("--output {}: {} files are not compressed once more; leave .gz or .zst out", plan.output, kind_name);
  }
  if (plan.output.empty() && plan.needs_file()) {
    return InvalidArgument("--format {} needs --output FILE: a {} cannot be written to standard output",
                           plan.kind == ExportKind::kWacz ? "wacz" : "sqlite",
                           plan.kind == ExportKind::kWacz ? "ZIP file" : "database");
  }
  if (plan.rows_per_file == 0) return absl::OkStatus();
  if (plan.output.empty()) return InvalidArgument("--rows-per-file needs --output FILE");
  if (plan.needs_file() || plan.kind == ExportKind::kCdxj || plan.table == ExportTable::kHostsGraph) {
    return InvalidArgument("--rows-per-file: a SQLite database, a hosts-graph, a CDXJ and a WACZ are one file");
  }
  return absl::OkStatus();
}

absl::Status AddOnce(const PageColumn& column, std::string_view name, ExportPlan& plan) {
  for (const TableColumn& there : plan.columns.table) {
    if (there.name == name) return InvalidArgument("--columns: '{}' is named twice", name);
  }
  plan.columns.Add(column, name);
  return absl::OkStatus();
}

// "index", "content" and "all" stand for many columns, in the table's order.
void AddGroup(std::string_view group, ExportPlan& plan) {
  for (const PageColumn& column : PageColumns()) {
    const bool index = column.needs == PageNeeds::kNothing;
    if (!column.in_groups || (group != "all" && index != (group == "index"))) continue;
    if (!plan.columns.Has(column)) plan.columns.Add(column, column.name);
  }
}

absl::Status ChoosePageColumns(const CrawlInvocation& call, ExportPlan& plan) {
  std::string wanted = call.columns;
  if (wanted.empty()) {
    wanted = plan.table == ExportTable::kText ? "url,fetch_time,title,text" : "index";
    if (plan.kind == ExportKind::kSqlite) wanted = "index,content_charset,robots,title";
  }
  for (const std::string& word : SplitCommas(wanted)) {
    const std::string name = LowerAscii(word);  // as in --where
    if (name == "index" || name == "content" || name == "all") {
      AddGroup(name, plan);
      continue;
    }
    const PageColumn* const column = FindPageColumn(name);
    if (column == nullptr) return InvalidArgument("--columns: {}", NoSuchColumn(word, PageColumnNames()));
    WEFT_RETURN_IF_ERROR(AddOnce(*column, name, plan));
  }
  const PageColumn& text = *FindPageColumn("text");
  if (call.text && !plan.columns.Has(text)) plan.columns.Add(text, "text");
  return absl::OkStatus();
}

absl::Status ChooseColumns(const CrawlInvocation& call, ExportPlan& plan) {
  if (plan.is_archive()) {
    if (call.text && plan.kind == ExportKind::kCdxj) return InvalidArgument("--text: an index holds no texts; leave it out");
    if (plan.kind == ExportKind::kWacz) plan.needs = call.text ? PageNeeds::kPage | PageNeeds::kVisibleText : PageNeeds::kPage;
    return absl::OkStatus();
  }
  if (plan.table == ExportTable::kPages || plan.table == ExportTable::kText) {
    plan.json_lines_as_ever = plan.table == ExportTable::kPages && plan.kind == ExportKind::kJsonl && call.columns.empty();
    if (plan.json_lines_as_ever) {
      plan.json_lines_with_text = call.text;
      plan.needs = call.text ? PageNeeds::kPage | PageNeeds::kVisibleText : PageNeeds::kPage;
      return absl::OkStatus();
    }
    WEFT_RETURN_IF_ERROR(ChoosePageColumns(call, plan));
    plan.needs = plan.columns.needs;
    if (plan.table == ExportTable::kText) plan.needs = plan.needs | PageNeeds::kPage | PageNeeds::kVisibleText;
    if (plan.kind == ExportKind::kSqlite) plan.needs = plan.needs | PageNeeds::kPage | PageNeeds::kDetails;
    return absl::OkStatus();
  }
  plan.needs = PageNeeds::kPage | PageNeeds::kDetails;
  const bool links = plan.table == ExportTable::kLinks;
  const std::vector<TableColumn>& all = links ? LinkColumns() : HostGraphColumns();
  plan.other_columns = all;
  if (call.columns.empty() || call.columns == "all") return absl::OkStatus();
  if (!links) return InvalidArgument("--columns: a hosts-graph has source_host, target_host, links and pages");
  plan.other_columns.clear();
  std::vector<std::string> names;
  for (const TableColumn& column : all) names.push_back(column.name);
  for (const std::string& word : SplitCommas(call.columns)) {
    const auto found = std::find(names.begin(), names.end(), LowerAscii(word));
    if (found == names.end()) return InvalidArgument("--columns: {}", NoSuchColumn(word, names));
    plan.other_columns.push_back(all[static_cast<size_t>(found - names.begin())]);
  }
  return absl::OkStatus();
}

absl::Status ChooseSample(std::string_view text, ExportPlan& plan) {
  if (text.empty()) return absl::OkStatus();
  if (!text.ends_with('%')) {
    const auto pages = WholeNumber(text);
    if (!pages.ok() || *pages == 0) {
      return InvalidArgument("--sample: '{}' is neither a share (1%, 0.5%) nor a number of pages", text);
    }
    plan.sample_pages = *pages;
    return absl::OkStatus();
  }
  const std::string_view number = text.substr(0, text.size() - 1);
  double percent = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), percent);
  if (error != std::errc() || end != number.data() + number.size() || !(percent > 0 && percent <= 100)) {
    return InvalidArgument("--sample: '{}' is no share; more than 0% and at most 100%", text);
  }
  plan.sample_below = percent == 100 ? UINT64_MAX : static_cast<uint64_t>(std::ldexp(percent / 100, 64));
  return absl::OkStatus();
}

absl::Status ChooseShard(std::string_view text, ExportPlan& plan) {
  if (text.empty()) return absl::OkStatus();
  const size_t slash = text.find('/');
  const auto shard = WholeNumber(text.substr(0, slash));
  const auto shards = WholeNumber(slash == text.npos ? "" : text.substr(slash + 1));
  if (!shard.ok() || !shards.ok() || *shard < 1 || *shard > *shards || *shards > kMostShards) {
    return InvalidArgument("--shard: '{}' is not i/n, such as 1/4 to 4/4", text);
  }
  plan.shard = *shard - 1;
  plan.shards = *shards;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExportPlan> MakeExportPlan(const CommandLine& line) {
  const CrawlInvocation& call = line.invocation;
  ExportPlan plan;
  WEFT_RETURN_IF_ERROR(ChooseFormat(line, plan));
  WEFT_RETURN_IF_ERROR(ChooseOutput(call, plan));
  WEFT_RETURN_IF_ERROR(ChooseColumns(call, plan));
  WEFT_RETURN_IF_ERROR(ChooseSample(call.sample, plan));
  WEFT_RETURN_IF_ERROR(ChooseShard(call.shard, plan));
  if (line.given.contains("where")) {
    if (TrimAsciiSpace(call.where).empty()) {
      return InvalidArgument("--where: the condition is empty; leave --where out to export all pages");
    }
    auto where = ExportWhere::Parse(call.where);
    const bool of_pages = plan.table == ExportTable::kPages || plan.table == ExportTable::kText;
    if (!where.ok() && !of_pages) {
      return InvalidArgument("--where: {} (it chooses the pages whose links are exported, by the columns of pages)", ErrorText(where.status()));
    }
    if (!where.ok()) return WithContext(where.status(), "--where");
    plan.where = *std::move(where);
    if (Needs(plan.where.needs(), PageNeeds::kClusters)) {
      return InvalidArgument("--where: which pages are nearly the same is known of those that are exported: near_duplicate_cluster "
                             "cannot choose them");
    }
    plan.needs = plan.needs | plan.where.needs();
  }
  if (!call.since.empty()) {
    const auto since = ParseTimeSpan(call.since);
    if (!since.ok()) return WithContext(since.status(), "--since");
    plan.since_us = since->begin;
  }
  plan.main_text = call.text_from == "main";
  plan.identity = fmt::format("{}{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", plan.main_text ? "main\n" : "", call.format, call.table, call.columns, call.text,
                              call.where, call.since, call.sample, call.shard, call.rows_per_file);
  return plan;
}

uint64_t SampleHash(std::string_view url) { return Fingerprinter(kSampleSeed).Short(url); }

bool InShardAndShare(const ExportPlan& plan, std::string_view url) {
  if (plan.shards > 1 && Fingerprinter(kShardSeed).Short(url) % plan.shards != plan.shard) return false;
  return !plan.sample_below || SampleHash(url) <= *plan.sample_below;
}

}  // namespace weft
