// A file of a pages directory wherever it is: here, or, where the local copy was removed, in the store that its note names. So whoever
// reads pages by their place, or reads through what a directory holds, need not know. Thread rule: as ByteSource.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "storage/byte_source.h"

namespace weft {

// NotFound: it is in neither. `read_ahead`: what is asked of a store at once, at least; 0 where places are read in no order.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenFileOrStored(const std::string& path, uint64_t read_ahead = 0);

}  // namespace weft
