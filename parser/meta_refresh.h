// <meta http-equiv=refresh content=...>: HTML standard 4.2.5.3, "shared declarative refresh steps".
#pragma once

#include <optional>
#include <string_view>

namespace weft {

// What a `content` value asks for: the URL as written (a view into `content`), empty if it names none and the page is to
// be loaded again; nothing if the value is no valid refresh.
std::optional<std::string_view> ParseMetaRefresh(std::string_view content);

}  // namespace weft
