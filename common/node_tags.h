// Tags by which rules send hosts to nodes: --tags eu,render on a node, tag=eu in a rule (url_rules.h).
// Pure; any thread.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

namespace weft {

inline constexpr size_t kMostTags = 16;      // of one node
inline constexpr size_t kLongestTag = 32;    // bytes

// Lower-case letters, digits, '.', '_' and '-'.
bool IsTag(std::string_view text);
// "eu,render": each once, in order. InvalidArgument, for people.
absl::StatusOr<std::vector<std::string>> ParseTags(std::string_view text);

}  // namespace weft
