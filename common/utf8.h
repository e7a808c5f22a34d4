// UTF-8 well-formedness as the Encoding Standard's decoder sees it. Any bytes are valid input, linear time.
#pragma once

#include <string>
#include <string_view>

namespace weft {

bool IsValidUtf8(std::string_view text);
// Every ill-formed part becomes U+FFFD, one for each maximal subpart as in "UTF-8 decode without BOM".
std::string ReplaceInvalidUtf8(std::string_view text);

}  // namespace weft
