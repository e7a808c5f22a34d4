// The tags and text of what is nearly XML: raw ampersands, missing end tags, stray bytes, declarations of any kind.
// Nothing is declared or expanded but XML's own five entities and character references; an unknown one is reported.
// Any bytes, linear time, no memory of its own.
#pragma once

#include <string_view>

#include "parser/sitemap_entries.h"

namespace weft {

// Stops early when `entries` take no more.
void ScanLooseXml(std::string_view text, SitemapEntries* entries);

}  // namespace weft
