#include "storage/sqlite_database.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/status.h"

namespace weft {
namespace {

// Where a file may not be created SQLite tries to read it, and tells what that came to.
std::string WhyNotCreated(const std::string& path, int error) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  if (access(parent.empty() ? "." : parent.c_str(), W_OK) != 0) error = errno;
  return std::strerror(error);
}

// SQLite says "disk I/O error" of much; the system's error says more.
absl::Status ErrorOf(sqlite3* db, int code) {
  int error = 0;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
  const bool full = (code & 0xff) == SQLITE_FULL || error == ENOSPC || error == EDQUOT;
  if (full) return ResourceExhausted("cannot write the database: no space is left on the device");
  if (error == EFBIG) return ResourceExhausted("cannot write the database: the limit on the size of files is reached");
  if ((code & 0xff) == SQLITE_IOERR && error != 0) return Internal("cannot write the database: {}", std::strerror(error));
  return Internal("SQLite: {}", sqlite3_errmsg(db));
}

}  // namespace

SqliteStatement::~SqliteStatement() { sqlite3_finalize(statement_); }

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : db_(other.db_), statement_(std::exchange(other.statement_, nullptr)) {}

SqliteStatement& SqliteStatement::operator=(SqliteStatement&& other) noexcept {
  std::swap(db_, other.db_);
  std::swap(statement_, other.statement_);
  return *this;
}

void SqliteStatement::BindText(int parameter, std::string_view text) {
  sqlite3_bind_text64(statement_, parameter, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void SqliteStatement::Bind(int parameter, const Cell& cell, ColumnType type) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    BindText(parameter, *text);
  } else if (const bool* truth = std::get_if<bool>(&cell)) {
    sqlite3_bind_int(statement_, parameter, *truth ? 1 : 0);
  } else if (const int64_t* number = std::get_if<int64_t>(&cell)) {
    if (type == ColumnType::kTime) {
      const std::string time = TimeText(*number);
      sqlite3_bind_text64(statement_, parameter, time.data(), time.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    } else {
      sqlite3_bind_int64(statement_, parameter, *number);
    }
  } else {
    sqlite3_bind_null(statement_, parameter);
  }
}

absl::StatusOr<bool> SqliteStatement::Step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) return ErrorOf(db_, code);
  return false;
}

absl::Status SqliteStatement::Run() {
  const int code = sqlite3_step(statement_);
  const absl::Status status = code == SQLITE_DONE || code == SQLITE_ROW ? absl::OkStatus() : ErrorOf(db_, code);
  sqlite3_reset(statement_);
  return status;
}

std::string SqliteStatement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text == nullptr ? "" : std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}

int64_t SqliteStatement::Number(int column) const { return sqlite3_column_int64(statement_, column); }

void SqliteDatabase::Closer::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

absl::StatusOr<SqliteDatabase> SqliteDatabase::Open(const std::string& path) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  SqliteDatabase database;
  database.db_.reset(opened);
  if (code == SQLITE_CANTOPEN) return Internal("cannot create {}: {}", path, WhyNotCreated(path, sqlite3_system_errno(opened)));
  if (code != SQLITE_OK) return ErrorOf(opened, code);
  return database;
}

absl::Status SqliteDatabase::Execute(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(db_.get(), code);
}

absl::StatusOr<SqliteStatement> SqliteDatabase::Prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(db_.get(), sql.c_str(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return ErrorOf(db_.get(), code);
  return SqliteStatement(db_.get(), statement);
}

absl::Status SqliteDatabase::Close() {
  const int code = sqlite3_close(db_.get());
  if (code != SQLITE_OK) return ErrorOf(db_.get(), code);
  static_cast<void>(db_.release());
  return absl::OkStatus();
}

std::string SqlName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace weft
