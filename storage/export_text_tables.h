// Tables as lines of text, over a ByteSink. Thread rule: a writer belongs to one thread.
#pragma once

#include <memory>
#include <vector>

#include "storage/export_file.h"
#include "storage/export_table.h"

namespace weft {

// RFC 4180: a header line, CR LF, quotes where they are needed; times as RFC 3339, truth as true and false, null as an empty
// field (an empty text is "").
std::unique_ptr<TableWriter> NewCsvTable(std::vector<TableColumn> columns, std::unique_ptr<ByteSink> to);
// A header line, LF, fields between tabs; tab, line ends and backslash within a text are written \t, \n, \r and \\, null is an
// empty field.
std::unique_ptr<TableWriter> NewTsvTable(std::vector<TableColumn> columns, std::unique_ptr<ByteSink> to);
// JSON Lines: one object a row with all columns in their order.
std::unique_ptr<TableWriter> NewJsonlTable(std::vector<TableColumn> columns, std::unique_ptr<ByteSink> to);

}  // namespace weft
