// An expression of --where as a tree: made by the parser, asked by the judge. Inner to export_where*.cc.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <variant>
#include <vector>

#include "cli/export_where.h"

namespace weft {

enum class WhereOp : uint8_t {
  kAnd, kOr, kNot, kEqual, kUnequal, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kMatch, kIsNull, kTruth
};

// Of the column's type.
using WhereValue = std::variant<bool, int64_t, std::string, TimeSpan>;

struct ExportWhere::Node {
  WhereOp op = WhereOp::kAnd;
  std::vector<std::unique_ptr<Node>> parts;   // of kAnd, kOr, kNot
  const PageColumn* column = nullptr;         // of the others
  std::vector<WhereValue> values;
  std::unique_ptr<RE2> pattern;               // of kMatch
  bool whole = false;                         // (kMatch) the pattern must match all of it
};

}  // namespace weft
