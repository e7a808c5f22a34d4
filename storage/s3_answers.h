// What S3 answers, as far as Weft reads it: flat XML. Any bytes are valid input, in linear time. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft {

// The text of the first element of that name, its entities resolved; empty: none.
std::string S3Element(std::string_view xml, std::string_view name);
// What stands inside each element of that name.
std::vector<std::string_view> S3Elements(std::string_view xml, std::string_view name);
std::string S3Escape(std::string_view text);

}  // namespace weft
