#include "cli/export_where.h"

#include <algorithm>
#include <compare>

#include "cli/export_where_node.h"

namespace weft {
namespace {

using Truth = ExportWhere::Truth;

Truth TruthOf(bool value) { return value ? Truth::kTrue : Truth::kFalse; }

Truth Not(Truth truth) {
  if (truth == Truth::kTrue) return Truth::kFalse;
  return truth == Truth::kFalse ? Truth::kTrue : truth;
}

bool Holds(WhereOp op, std::strong_ordering order) {
  switch (op) {
    case WhereOp::kLess: return order < 0;
    case WhereOp::kLessEqual: return order <= 0;
    case WhereOp::kGreater: return order > 0;
    case WhereOp::kGreaterEqual: return order >= 0;
    case WhereOp::kUnequal: return order != 0;
    default: return order == 0;
  }
}

// A span is all of its moments: before it is before its begin, after it is at its end or later.
std::strong_ordering Compare(const Cell& cell, const WhereValue& value) {
  if (const auto* span = std::get_if<TimeSpan>(&value)) {
    const int64_t time = std::get<int64_t>(cell);
    if (time < span->begin) return std::strong_ordering::less;
    return time >= span->end ? std::strong_ordering::greater : std::strong_ordering::equal;
  }
  if (const auto* text = std::get_if<std::string>(&value)) return std::get<std::string>(cell) <=> *text;
  if (const auto* number = std::get_if<int64_t>(&value)) return std::get<int64_t>(cell) <=> *number;
  return std::get<bool>(cell) <=> std::get<bool>(value);
}

Truth JudgeColumn(const ExportWhere::Node& node, const PageRow& row, bool page_is_read) {
  if (node.column->needs != PageNeeds::kNothing && !page_is_read) return Truth::kUnread;
  const Cell cell = node.column->cell(row);
  if (node.op == WhereOp::kIsNull) return TruthOf(IsNull(cell));
  if (IsNull(cell)) return Truth::kNull;
  switch (node.op) {
    case WhereOp::kTruth: return TruthOf(std::get<bool>(cell));
    case WhereOp::kMatch: {
      const std::string& text = std::get<std::string>(cell);
      return TruthOf(node.whole ? RE2::FullMatch(text, *node.pattern) : RE2::PartialMatch(text, *node.pattern));
    }
    case WhereOp::kIn:
      return TruthOf(std::any_of(node.values.begin(), node.values.end(),
                                 [&](const WhereValue& value) { return Compare(cell, value) == 0; }));
    default: return TruthOf(Holds(node.op, Compare(cell, node.values.front())));
  }
}

// Depth is bounded by the parser.
Truth JudgeNode(const ExportWhere::Node& node, const PageRow& row, bool page_is_read) {
  if (node.op == WhereOp::kNot) return Not(JudgeNode(*node.parts.front(), row, page_is_read));
  if (node.op != WhereOp::kAnd && node.op != WhereOp::kOr) return JudgeColumn(node, row, page_is_read);
  const Truth decides = TruthOf(node.op == WhereOp::kOr);
  bool null = false;
  bool unread = false;
  for (const auto& part : node.parts) {
    const Truth truth = JudgeNode(*part, row, page_is_read);
    if (truth == decides) return decides;
    null = null || truth == Truth::kNull;
    unread = unread || truth == Truth::kUnread;
  }
  if (unread) return Truth::kUnread;
  return null ? Truth::kNull : Not(decides);
}

}  // namespace

ExportWhere::ExportWhere() = default;
ExportWhere::~ExportWhere() = default;
ExportWhere::ExportWhere(ExportWhere&&) noexcept = default;
ExportWhere& ExportWhere::operator=(ExportWhere&&) noexcept = default;

ExportWhere::Truth ExportWhere::Judge(const PageRow& row, bool page_is_read) const {
  return root_ == nullptr ? Truth::kTrue : JudgeNode(*root_, row, page_is_read);
}

}  // namespace weft
