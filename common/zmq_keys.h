// CURVE key pairs (curvezmq.org), both halves as 40 characters of Z85, the form that files, tokens and sockets take.
// The functions have no state and may be called from any thread.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "common/bus.h"

namespace weft {

struct KeyPair {
  PeerKey public_key;
  std::string secret_key;
};

// 40 characters that stand for 32 bytes (ZeroMQ RFC 32). Total: any bytes may be asked about.
bool IsKey(std::string_view text);
// Internal: this libzmq was built without CURVE.
absl::StatusOr<KeyPair> MakeKeyPair();
// InvalidArgument: `secret_key` is no key.
absl::StatusOr<PeerKey> PublicKeyOf(const std::string& secret_key);

}  // namespace weft
