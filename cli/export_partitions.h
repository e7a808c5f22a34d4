// Exports as Common Crawl lays its columnar index out: a directory of files by crawl and subset, in the names that Hive gave
// such columns, so that readers of data sets have them as columns.
//
//   DIR/crawl=NAME/subset=warc/part-00000.parquet                  pages with status 200
//   DIR/crawl=NAME/subset=crawldiagnostics/part-00000.parquet      redirects, errors and all others
//   DIR/crawl=NAME/subset=robotstxt/part-00000.parquet             robots.txt, where it was crawled as a page
//
// A part is a file of each subset that has rows in it. Thread rule: one thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/export_sinks.h"

namespace weft {

// "robotstxt", "warc" or "crawldiagnostics".
std::string_view SubsetOf(const PageRow& row);
// What stands in a directory's name: letters, digits and "._-"; others percent-encoded.
std::string PartitionValue(std::string_view text);
// The files that a part may have, one a subset.
std::vector<std::string> PartitionFiles(const ExportPlan& plan, uint64_t part);
// When it is finished the part's files are whole, and files of that part that an earlier export had beyond them are removed.
std::unique_ptr<PageSink> NewPartitionedSink(const ExportPlan& plan, uint64_t part);

}  // namespace weft
