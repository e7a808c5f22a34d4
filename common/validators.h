// Validators of a response (RFC 9110 8.8), as they are kept and sent back in a conditional request (13.1).
// Thread rule: free functions.
#pragma once

#include <algorithm>
#include <string_view>

namespace weft {

// Longer ones are not kept: cut ones would match nothing.
inline constexpr size_t kMaxValidatorBytes = 256;

// Fit to stand in a request's header: short, and printable ASCII alone. Control characters could begin another header; what
// lies above is allowed in entity tags (obs-text), but is no text that a message between nodes may hold, and is never seen.
inline bool UsableValidator(std::string_view value) {
  const auto printable = [](char c) { return c >= 0x20 && c < 0x7f; };
  return !value.empty() && value.size() <= kMaxValidatorBytes && std::all_of(value.begin(), value.end(), printable);
}

}  // namespace weft
