// The keys of a scheduler that runs: its own pair, and the list of tokens, which weft token may change at any time.
// Thread rule: one thread at a time.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/token_list.h"
#include "common/zmq_keys.h"

namespace weft {

class SchedulerKeys {
 public:
  // `warn` prints a line for people.
  static absl::StatusOr<SchedulerKeys> Open(const std::string& keys_directory, std::function<void(const std::string&)> warn);

  const KeyPair& own() const { return own_; }
  // The list, if it is another than at the last call; always at the first. One that cannot be read is told once, and what
  // was known goes on.
  std::optional<NodeKeys> Changed();
  // What weft token new writes into tokens; none: it listens without keys.
  absl::Status NoteAddresses(const std::vector<std::string>& endpoints) const;

 private:
  struct Stamp {
    uint64_t inode = 0;
    int64_t seconds = 0;
    int64_t nanoseconds = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };

  std::string directory_;
  std::function<void(const std::string&)> warn_;
  KeyPair own_;
  std::optional<Stamp> seen_;
};

// As noted by the scheduler that ran last; empty: none, or without keys.
absl::StatusOr<std::vector<std::string>> NotedAddresses(const std::string& keys_directory);

}  // namespace weft
