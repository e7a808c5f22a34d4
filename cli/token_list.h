// The tokens of a cluster as its scheduler keeps them, in keys/tokens: public keys and what they stand for, no secret. weft
// token changes the file, and a scheduler that runs looks at it several times a second: so both work the same way whether
// or not one runs.
// Thread rule: any thread; changes of several processes are put in order by a lock.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "scheduler/node_keys.h"

namespace weft {

struct TokenEntry {
  uint64_t id = 0;
  std::string role;          // worker | fetcher | parser | tool
  PeerKey public_key;
  int64_t created_s = 0;     // Unix time
  int64_t revoked_s = 0;     // 0: it holds
  std::string name;          // begins with a letter; of those that hold no two have one name
};

struct TokenList {
  std::vector<TokenEntry> tokens;  // by id

  // DataLoss: it is not what WriteText made.
  static absl::StatusOr<TokenList> Parse(std::string_view text);
  // Empty where there is no file yet.
  static absl::StatusOr<TokenList> Read(const std::string& keys_directory);
  std::string Text() const;
  // By name (one that holds, before those that do not) or id; null if there is none.
  TokenEntry* Find(std::string_view name_or_id);
  NodeKeys Keys() const;
};

std::string TokensPath(const std::string& keys_directory);
// Letters, digits, '.', '_' and '-', a letter first, 64 at most.
bool IsTokenName(std::string_view name);
// Reads, lets `change` change, and writes if it answers OK. Durable then.
absl::Status ChangeTokens(const std::string& keys_directory, absl::FunctionRef<absl::Status(TokenList&)> change);

}  // namespace weft
