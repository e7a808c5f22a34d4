// Where exported pages go: one sink for each kind of table and file. Thread rule: one thread.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "cli/export_plan.h"

namespace weft {

class PageSink {
 public:
  virtual ~PageSink() = default;
  virtual absl::Status Take(PageRow& row) = 0;
  // The output is whole and under its name. Without it nothing stands there.
  virtual absl::Status Finish() = 0;
  // Of the output, so far.
  uint64_t rows() const { return rows_; }

 protected:
  uint64_t rows_ = 0;
};

// Of an export that is not partitioned, or one file of it. `path` is the plan's output or a part of it; empty: standard output.
absl::StatusOr<std::unique_ptr<PageSink>> OpenPageSink(const ExportPlan& plan, const std::string& path);

}  // namespace weft
