// Exports that are archives themselves: an index of the pages' records (CDXJ), and the records packed for replay (WACZ).
// Thread rule: one thread.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "cli/export_sinks.h"

namespace weft {

// A capture a page, of its record alone; sorted by bytes when all are there.
absl::StatusOr<std::unique_ptr<PageSink>> NewCdxjSink(std::unique_ptr<ByteSink> to, const std::string& path);
// One WARC file of the pages' exchanges, its index and the list of pages with titles (with texts, if the plan asks for them).
// Of a page that cannot be read nothing is packed.
absl::StatusOr<std::unique_ptr<PageSink>> NewWaczSink(const ExportPlan& plan, const std::string& path);

}  // namespace weft
