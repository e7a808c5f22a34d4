// Validators of a response (RFC 9110 8.8), as they are kept and sent back in a conditional request (13.1).
// Thread rule: free functions.
#pragma once

#include <algorithm>
#include <string_view>

namespace weft {

// Longer ones are not kept: cut ones would match nothing.
inline constexpr size_t kMaxValidatorBytes = 256;

// Fit to stand in a request's header: short, and without control characters, which could begin another header.
inline bool UsableValidator(std::string_view value) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return !value.empty() && value.size() <= kMaxValidatorBytes && std::none_of(value.begin(), value.end(), control);
}

}  // namespace weft
