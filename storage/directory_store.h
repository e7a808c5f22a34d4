// An ObjectStore in a directory: another disk, or what is mounted there. A file is copied beside its place, synced, and renamed.
#pragma once

#include <memory>
#include <string>

#include "storage/object_store.h"

namespace weft {

// `directory` is made at the first Put; what it lies in must be there, so that nothing is written where a disk is not mounted.
std::unique_ptr<ObjectStore> NewDirectoryStore(const std::string& directory, StoreWait& wait);

}  // namespace weft
