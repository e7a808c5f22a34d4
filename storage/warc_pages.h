// StoredPages on the WARC files of a pages directory: response and revisit records of this directory's files, robots.txt
// exchanges among them. Of a file that is still written, what is durable when it is its turn is read.
#pragma once

#include <memory>
#include <string>

#include "storage/stored_pages.h"

namespace weft {

// NotFound: no such directory, or it has no id. Files that were not written since `from` are not opened.
absl::StatusOr<std::unique_ptr<StoredPages>> OpenWarcPages(const std::string& directory, absl::Time from,
                                                           uint64_t max_record_bytes = 256ull << 20);

}  // namespace weft
