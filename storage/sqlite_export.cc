#include "storage/sqlite_export.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "storage/export_file.h"
#include "storage/sqlite_database.h"

namespace weft {
namespace {

// Nothing is rolled back: a file that is not finished is thrown away. 32 MiB of cache.
constexpr const char* kPragmas =
    "PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768;"
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA application_id = 1464156756;";  // "WEFT"

constexpr const char* kLinksTable =
    "CREATE TABLE links (source TEXT NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL, nofollow INTEGER NOT NULL,"
    " rel TEXT, text TEXT);";
constexpr const char* kHostsTable =
    "CREATE TABLE hosts (host TEXT PRIMARY KEY, registered_domain TEXT, pages INTEGER NOT NULL, ok_pages INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, first_fetched TEXT NOT NULL, last_fetched TEXT NOT NULL) WITHOUT ROWID;";
constexpr const char* kAddHost =
    "INSERT INTO hosts VALUES (?1, ?2, 1, ?3, ?4, ?5, ?5) ON CONFLICT (host) DO UPDATE SET pages = pages + 1,"
    " ok_pages = ok_pages + ?3, bytes = bytes + ?4, first_fetched = min(first_fetched, ?5),"
    " last_fetched = max(last_fetched, ?5)";

std::string_view SqlType(ColumnType type) {
  switch (type) {
    case ColumnType::kText:
    case ColumnType::kJson:
    case ColumnType::kTime: return "TEXT";
    case ColumnType::kInteger:
    case ColumnType::kLong:
    case ColumnType::kTruth: return "INTEGER";
  }
  return "";
}

std::string PagesTable(const std::vector<TableColumn>& columns) {
  std::string sql = "CREATE TABLE pages (";
  for (const TableColumn& column : columns) {
    if (&column != &columns.front()) sql += ", ";
    sql += fmt::format("{} {}{}", SqlName(column.name), SqlType(column.type), column.nullable ? "" : " NOT NULL");
  }
  return sql + ");";
}

std::string InsertPage(size_t columns) {
  std::string sql = "INSERT INTO pages VALUES (";
  for (size_t i = 0; i < columns; ++i) sql += i == 0 ? "?" : ",?";
  return sql + ")";
}

// Of pages: of those of these columns that are there.
constexpr std::string_view kIndexed[] = {"url", "fetch_status", "url_host_name", "content_digest"};

}  // namespace

struct SqliteExport::Impl {
  std::string target;
  std::string unfinished;  // empty: it has its name
  std::vector<TableColumn> columns;
  SqliteDatabase db;
  SqliteStatement add_page;
  SqliteStatement add_link;
  SqliteStatement add_host;
  absl::Status error;

  absl::Status Begin() {
    WEFT_RETURN_IF_ERROR(db.Execute(kPragmas));
    WEFT_RETURN_IF_ERROR(db.Execute("BEGIN"));
    WEFT_RETURN_IF_ERROR(db.Execute(PagesTable(columns) + kLinksTable + kHostsTable));
    WEFT_ASSIGN_OR_RETURN(add_page, db.Prepare(InsertPage(columns.size())));
    WEFT_ASSIGN_OR_RETURN(add_link, db.Prepare("INSERT INTO links VALUES (?,?,?,?,?,?)"));
    WEFT_ASSIGN_OR_RETURN(add_host, db.Prepare(kAddHost));
    return absl::OkStatus();
  }

  absl::Status Add(const PageRow& row, std::span<const Cell> cells) {
    for (size_t i = 0; i < cells.size(); ++i) add_page.Bind(static_cast<int>(i + 1), cells[i], columns[i].type);
    WEFT_RETURN_IF_ERROR(add_page.Run());
    for (const PageLink& link : row.page_links) WEFT_RETURN_IF_ERROR(AddLink(row.url, link));
    const std::string fetched = TimeText(absl::ToUnixMicros(row.fetched_at));
    add_host.BindText(1, row.parsed_url.host());
    const Cell domain = TextOrNull(row.registered_domain);
    add_host.Bind(2, domain);
    add_host.Bind(3, Cell(int64_t{row.status >= 200 && row.status < 300}));
    add_host.Bind(4, Cell(static_cast<int64_t>(row.length)));
    add_host.BindText(5, fetched);
    return add_host.Run();
  }

  absl::Status AddLink(std::string_view source, const PageLink& link) {
    const Cell rel = TextOrNull(link.rel);
    const Cell text = TextOrNull(link.text);
    add_link.BindText(1, source);
    add_link.BindText(2, link.target);
    add_link.BindText(3, LinkKindName(link.kind));
    add_link.Bind(4, Cell(link.nofollow));
    add_link.Bind(5, rel);
    add_link.Bind(6, text);
    return add_link.Run();
  }

  absl::Status End() {
    for (const std::string_view name : kIndexed) {
      const bool there = std::any_of(columns.begin(), columns.end(), [&](const auto& column) { return column.name == name; });
      if (there) WEFT_RETURN_IF_ERROR(db.Execute(fmt::format("CREATE INDEX pages_{0} ON pages ({0})", name)));
    }
    WEFT_RETURN_IF_ERROR(db.Execute("CREATE INDEX links_source ON links (source); CREATE INDEX links_target ON links (target)"));
    WEFT_RETURN_IF_ERROR(db.Execute("COMMIT"));
    add_page = SqliteStatement();
    add_link = SqliteStatement();
    add_host = SqliteStatement();
    WEFT_RETURN_IF_ERROR(db.Close());
    WEFT_RETURN_IF_ERROR(PublishFile(unfinished, target));
    unfinished.clear();
    return absl::OkStatus();
  }
};

SqliteExport::SqliteExport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteExport::~SqliteExport() {
  const std::string unfinished = impl_->unfinished;
  impl_.reset();
  if (!unfinished.empty()) unlink(unfinished.c_str());
}

absl::StatusOr<std::unique_ptr<SqliteExport>> SqliteExport::Create(const std::string& path,
                                                                   std::vector<TableColumn> columns) {
  auto impl = std::make_unique<Impl>();
  impl->target = ResolvedPath(path);
  const std::string unfinished = UnfinishedName(impl->target);
  // Of a process that is gone: this one's id was its.
  unlink(unfinished.c_str());
  impl->columns = std::move(columns);
  WEFT_ASSIGN_OR_RETURN(impl->db, SqliteDatabase::Open(unfinished));
  impl->unfinished = unfinished;
  std::unique_ptr<SqliteExport> made(new SqliteExport(std::move(impl)));
  WEFT_RETURN_IF_ERROR(made->impl_->Begin());
  return made;
}

absl::Status SqliteExport::Append(const PageRow& row, std::span<const Cell> cells) {
  if (impl_->error.ok()) impl_->error = impl_->Add(row, cells);
  return impl_->error;
}

absl::Status SqliteExport::Finish() {
  if (impl_->error.ok()) impl_->error = impl_->End();
  return impl_->error;
}

}  // namespace weft
