// What all export formats share: typed columns, cells, and the writer of a table. Texts in cells are well-formed UTF-8.
// Thread rule: a writer belongs to one thread.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weft {

enum class ColumnType : uint8_t {
  kText,
  kJson,     // a text that is one JSON value; JSON Lines hold the value itself
  kInteger,  // 32 bits, signed
  kLong,     // 64 bits, signed
  kTruth,
  kTime,     // microseconds since 1970, UTC
};

struct TableColumn {
  std::string name;
  ColumnType type = ColumnType::kText;
  bool nullable = true;

  bool operator==(const TableColumn&) const = default;
};

// monostate: null. int64_t for kInteger, kLong and kTime.
using Cell = std::variant<std::monostate, bool, int64_t, std::string>;

inline bool IsNull(const Cell& cell) { return std::holds_alternative<std::monostate>(cell); }

// A text of any bytes: what is no UTF-8 becomes U+FFFD.
Cell TextCell(std::string_view text);
// The same, null where it is empty.
Cell TextOrNull(std::string_view text);
// "2026-01-02T03:04:05.678901Z"
std::string TimeText(int64_t micros);

// After an error nothing more is written. Without Finish() nothing stands under the output's name.
class TableWriter {
 public:
  virtual ~TableWriter() = default;
  // One cell a column, of its type.
  virtual absl::Status Append(std::span<const Cell> row) = 0;
  // The output is whole, durable and under its name.
  virtual absl::Status Finish() = 0;
};

}  // namespace weft
