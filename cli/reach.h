// How a process of a cluster reaches the scheduler: by a token (--join, WEFT_JOIN), which brings addresses and keys, or by an
// address alone (--scheduler), on loopback or where the user says that keys are not wanted (--insecure).
// Thread rule: any thread.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "cli/options.h"
#include "common/zmq_keys.h"

namespace weft {

struct Reach {
  std::string endpoint;
  PeerKey scheduler_key;   // "": without keys
  KeyPair own;

  bool keyed() const { return !scheduler_key.empty(); }
};

// Of `line`'s --join and --scheduler (which beats the token's addresses). Reads the token where it is in a file or comes
// by standard input. `warn` prints a line for people.
absl::StatusOr<Reach> FindReach(const CommandLine& line, absl::FunctionRef<void(const std::string&)> warn);
// Of several, the first that takes a TCP connection within two seconds; the first, if none does.
std::string FirstThatAnswers(const std::vector<std::string>& endpoints);
// "tcp://192.0.2.7:*": a free port at the address by which this machine reaches `endpoint`; loopback if that cannot be told.
std::string ListenTowards(const std::string& endpoint);
// A running scheduler knows a token a second after it was made: so many refusals, a second apart, are its last word.
inline constexpr uint64_t kRefusals = 3;
// What to tell people when a connection to `endpoint` comes to nothing for good.
std::string KeyRefusedText(const std::string& endpoint);
std::string MismatchText(const std::string& endpoint);
// Where others reach what listens at `endpoint`: itself, or of a wildcard this machine's addresses, loopback last.
std::vector<std::string> ReachableAt(const std::string& endpoint);

}  // namespace weft
