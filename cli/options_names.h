// "Did you mean ...": the known name nearest to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft {

// The candidate with the fewest insertions, deletions, replacements and swaps of neighbours, or "" if even that one
// differs in more than a third of its letters (at least two).
std::string NearestName(std::string_view typed, const std::vector<std::string>& candidates);

}  // namespace weft
