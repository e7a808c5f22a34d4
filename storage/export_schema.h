// The columns of the pages table, which every format and --where share. Where a column means what one of Common Crawl's
// columnar index means, it has that name. Immutable; any thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "storage/export_table.h"
#include "storage/page_exporter.h"

namespace weft {

// What has to be read for a column, beside the record in the CrawlDb. Bits.
enum class PageNeeds : uint32_t {
  kNothing = 0,
  kPage = 1u << 0,         // the WARC record, its head and the page's title and links
  kVisibleText = 1u << 1,  // its visible text
  kSimHash = 1u << 2,
  kFacts = 1u << 3,        // what it says of itself: a walk of the whole tree
  kLanguage = 1u << 4,     // detected in the text
  kDetails = 1u << 5,      // PageRow::page_links, with kinds, rel and texts
  kClusters = 1u << 6,     // the sketches of all exported pages, before the first of them is written
};
constexpr PageNeeds operator|(PageNeeds a, PageNeeds b) {
  return static_cast<PageNeeds>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}
constexpr bool Needs(PageNeeds all, PageNeeds one) {
  return (static_cast<uint32_t>(all) & static_cast<uint32_t>(one)) != 0;
}

struct PageColumn {
  std::string_view name;
  std::string_view other_name;  // as JSON Lines have it; empty: none
  ColumnType type = ColumnType::kText;
  bool nullable = true;
  PageNeeds needs = PageNeeds::kNothing;
  Cell (*cell)(const PageRow& row) = nullptr;
  std::string_view help;
  bool in_groups = true;        // else only where it is named
};

// In the order in which they stand in a table.
const std::vector<PageColumn>& PageColumns();
// By either name; null if there is none.
const PageColumn* FindPageColumn(std::string_view name);

// Columns of a table with the names that they are to have there.
struct ChosenColumns {
  std::vector<const PageColumn*> columns;
  std::vector<TableColumn> table;
  PageNeeds needs = PageNeeds::kNothing;

  void Add(const PageColumn& column, std::string_view name);
  bool Has(const PageColumn& column) const;
  // In their order.
  std::vector<Cell> Row(const PageRow& row) const;
};

}  // namespace weft
