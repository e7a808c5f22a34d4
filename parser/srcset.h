// The URLs of a srcset attribute (HTML standard 4.8.4.3.11, "parse a srcset attribute").
#pragma once

#include <optional>
#include <string_view>

namespace weft {

// Takes the next image candidate off the front of `rest`; its URL, or none at the end. Linear.
std::optional<std::string_view> NextSrcsetUrl(std::string_view* rest);

}  // namespace weft
