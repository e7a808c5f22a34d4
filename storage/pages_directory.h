// A directory of WARC files and the id that names it in CrawlDb records, whatever host or path it lies at (protocol
// rule 10): the file `pages-directory-id`, 16 hexadecimal digits, made once.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "common/random.h"
#include "storage/file_ops.h"

namespace weft {

// Creates directory and id where they are missing. Of several openers at once all get the same id.
absl::StatusOr<uint64_t> OpenPagesDirectory(const std::string& directory, Random& random, FileOps& files);
// NotFound: no such directory, or it has no id. DataLoss: the file does not hold an id.
absl::StatusOr<uint64_t> ReadPagesDirectoryId(const std::string& directory);

}  // namespace weft
