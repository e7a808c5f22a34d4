// Files that hold secrets: readable by their owner alone, written whole or not at all.
// Thread rule: any thread.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "common/zmq_keys.h"

namespace weft {

// Mode 0600, durable, in place of what was there.
absl::Status WritePrivateFile(const std::string& path, std::string_view text);
// FailedPrecondition: others may read it ("chmod 600 ..."); a pipe or a device has no such rule. NotFound: it is not there.
absl::StatusOr<std::string> ReadPrivateFile(const std::string& path);

// A scheduler's keys/ directory.
std::string KeysPath(const std::string& data_directory);
// Made (mode 0700) where it is missing.
absl::Status MakeKeysDirectory(const std::string& keys_directory);
// The scheduler's own pair, made by whoever asks first.
absl::StatusOr<KeyPair> OpenSchedulerPair(const std::string& keys_directory);

}  // namespace weft
