// What is known of stored files without asking: beside a file that a store holds lies a note, NAME.stored, which says where. It is
// written only after the store has said so, and stays where the file itself is removed. Files of JSON.
// Thread rule: functions of files; one writer a file.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "storage/object_store.h"

namespace weft {

inline constexpr std::string_view kStoredSuffix = ".stored";
// In a pages directory: where its files go.
inline constexpr std::string_view kStoreStateFile = "store-state";

struct StoreNote {
  StoreOptions store;   // url, endpoint and region of it are kept
  std::string name;     // of the object
  ObjectDigest digest;
};

// Of the file at `path`, which need not be there. NotFound: no note. DataLoss: none that can be read.
absl::StatusOr<StoreNote> ReadStoreNote(const std::string& path);
// Durable when it returns OK.
absl::Status WriteStoreNote(const std::string& path, const StoreNote& note);

struct StoreState {
  StoreOptions store;
  bool free = false;     // local copies are removed
  std::string trouble;   // why nothing could be stored lately; empty: all is well
};
absl::StatusOr<StoreState> ReadStoreState(const std::string& directory);
absl::Status WriteStoreState(const std::string& directory, const StoreState& state);

// The finished WARC files of a pages directory.
struct StoreTally {
  uint64_t stored = 0;         // files in the store; of these
  uint64_t stored_bytes = 0;
  uint64_t freed = 0;          // are not here any more
  uint64_t waiting = 0;        // files here alone
  uint64_t waiting_bytes = 0;
};
absl::StatusOr<StoreTally> TallyStored(const std::string& directory);

}  // namespace weft
