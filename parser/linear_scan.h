// Links, title and text of a page without building a tree: linear time and memory for any bytes, at the price of the tree
// builder's finer corrections. For documents that are too hostile for a tree.
#pragma once

#include <string>
#include <string_view>

#include "parser/link_collector.h"

namespace weft {

struct ScannedPage {
  std::string title;
  std::string text;  // when asked
};

// `utf8` must outlive `links`.
ScannedPage LinearScan(std::string_view utf8, bool want_text, LinkCollector* links);

}  // namespace weft
