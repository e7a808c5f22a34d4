// Named values in one line of text, as options and config files give what has more than one part:
//   match=/news/ priority=10
//   name=cdn hosts="a.example, b.example" delay=2s
// Pairs are separated by white space; a value with white space stands in double quotes, in which \" and \\ are escapes.
// Any bytes are taken; linear. Thread rule: free functions.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft {

using NamedValues = std::vector<std::pair<std::string, std::string>>;

// In the order of the text. InvalidArgument, for people, where it is not of this form or a name stands twice.
absl::StatusOr<NamedValues> ParseNamedValues(std::string_view text);
// The inverse; quotes only where they are needed.
std::string FormatNamedValues(const NamedValues& values);

}  // namespace weft
