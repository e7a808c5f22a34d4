// Is a response HTML? Its Content-Type says so; where there is none, its first bytes do (MIME Sniffing standard 7.1).
#pragma once

#include <string_view>

namespace weft {

// `mime_essence`: "text/html", in any case; empty if the response has no Content-Type. Only then are bytes looked at: the first
// 1445 of `first_bytes`.
bool IsHtml(std::string_view mime_essence, std::string_view first_bytes);

}  // namespace weft
