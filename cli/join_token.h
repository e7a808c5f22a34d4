// A token: one string with which a machine joins a cluster. It names where the scheduler is and the key by which it is
// known, and holds a key pair of its own: it is a secret. "weft1." and base64url (RFC 4648, section 5, unpadded) of lines, with
// a checksum, so that a token cut short or mistyped is told from a wrong one.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/zmq_keys.h"

namespace weft {

struct JoinToken {
  std::string name;
  std::string role;                    // worker | fetcher | parser | tool
  PeerKey scheduler_key;
  KeyPair keys;
  std::vector<std::string> addresses;  // tcp://HOST:PORT, one at least
};

// Begins like a token; whether it is one, ReadToken tells.
bool LooksLikeToken(std::string_view text);
std::string WriteToken(const JoinToken& token);
// Total. InvalidArgument says what is wrong, without showing any of it.
absl::StatusOr<JoinToken> ReadToken(std::string_view text);

}  // namespace weft
