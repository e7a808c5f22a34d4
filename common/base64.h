// Base64 of RFC 4648, section 4, strictly: the standard alphabet, padded, no white space, unused bits zero.
// Any bytes are valid input, linear time.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace weft {

// InvalidArgument says what is wrong and at which character, counted from 0.
absl::StatusOr<std::string> DecodeBase64(std::string_view text);

}  // namespace weft
