// A SQLite database that one thread writes, with errors as Status. Only files named sqlite_* know sqlite3.h.
// Thread rule: an object belongs to one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <span>
#include <string>

#include "storage/export_table.h"

struct sqlite3;
struct sqlite3_stmt;

namespace weft {

class SqliteStatement {
 public:
  SqliteStatement() = default;
  SqliteStatement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  ~SqliteStatement();
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&& other) noexcept;

  // Numbers parameters from 1. Bound texts must live until the next Run or Step is over.
  void Bind(int parameter, const Cell& cell, ColumnType type = ColumnType::kLong);
  void BindText(int parameter, std::string_view text);
  // To its end, and ready to be run again.
  absl::Status Run();
  // The next row of a query; false: there are no more.
  absl::StatusOr<bool> Step();
  std::string Text(int column) const;
  int64_t Number(int column) const;

 private:
  sqlite3* db_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

class SqliteDatabase {
 public:
  // An empty path: a database of its own on the disk, that nobody sees and that goes with the object.
  static absl::StatusOr<SqliteDatabase> Open(const std::string& path);
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<SqliteStatement> Prepare(const std::string& sql);
  absl::Status Close();

 private:
  struct Closer {
    void operator()(sqlite3* db) const;
  };
  std::unique_ptr<sqlite3, Closer> db_;
};

// "name", with quotes, for SQL.
std::string SqlName(std::string_view name);

}  // namespace weft
