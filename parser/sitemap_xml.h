// Drives SitemapEntries over XML: expat as long as the text is well-formed, a tolerant scan from the first fault on.
// Linear time. The only user of expat.
#pragma once

#include <string_view>

#include "parser/sitemap_entries.h"

namespace weft {

// `text` is UTF-8, whatever its declaration says.
void ReadSitemapXml(std::string_view text, SitemapEntries* entries, SitemapFile* out);

}  // namespace weft
