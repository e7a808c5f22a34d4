// The language of --where: what must hold of a page for it to be exported.
//
//   status >= 400 and not host like '%.example.org'          = != < <= > >=   and or not ( )
//   type in ('text/html', 'application/pdf') and size > 1MiB   in, not in; sizes with units, where numbers of 64 bits stand
//   url ~ '/news/[0-9]+' or title is null                      ~ !~ RE2 found anywhere; like: % any, _ one character
//   date >= '2026-01-02' and truncated                         a day is all of it; RFC 3339 names a moment
//
// Columns are those of export_schema.h by either name. As in SQL what is compared with null is neither true nor false, and a
// page is exported if all is true. Texts compare byte by byte. Any bytes; bounded in depth and length.
// Thread rule: immutable after parsing; any thread.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/export_schema.h"

namespace weft {

class ExportWhere {
 public:
  enum class Truth : uint8_t { kFalse, kNull, kTrue, kUnread };

  struct Node;
  // InvalidArgument, for people: at which character, what is wrong, what to do.
  static absl::StatusOr<ExportWhere> Parse(std::string_view text);
  ExportWhere();   // true of every page
  ~ExportWhere();
  ExportWhere(ExportWhere&&) noexcept;
  ExportWhere& operator=(ExportWhere&&) noexcept;

  // What its columns need to be read.
  PageNeeds needs() const { return needs_; }
  // `page_is_read`: else columns that need more than the record are unknown, and the answer is kUnread if it hangs on them.
  Truth Judge(const PageRow& row, bool page_is_read) const;

 private:
  std::unique_ptr<Node> root_;
  PageNeeds needs_ = PageNeeds::kNothing;
};

// A day ('2026-01-02') as the time from its begin to its end, a moment (RFC 3339) as that alone; microseconds, UTC.
struct TimeSpan {
  int64_t begin = 0;
  int64_t end = 0;
};
absl::StatusOr<TimeSpan> ParseTimeSpan(std::string_view text);

// Both names of each.
std::vector<std::string> PageColumnNames();
// "there is no column 'statsu'; did you mean 'status'?"
std::string NoSuchColumn(std::string_view name, const std::vector<std::string>& names);

}  // namespace weft
