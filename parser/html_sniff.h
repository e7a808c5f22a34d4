// Is a response HTML, and in which syntax? Its Content-Type says so; where there is none, its first bytes do (MIME Sniffing
// standard 7 and 7.1). Any bytes; only the first 1445 are looked at.
#pragma once

#include <string_view>

namespace weft {

// `mime_essence`: "text/html", in any case; empty if the response has no Content-Type. Of XML, documents with an html root are.
bool IsHtml(std::string_view mime_essence, std::string_view first_bytes);

// Whether it is HTML in the XML syntax.
bool IsXhtml(std::string_view mime_essence, std::string_view first_bytes);

}  // namespace weft
