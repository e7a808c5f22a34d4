// The encoding that a page declares in a <meta>: HTML standard 13.2.3.2, "prescan a byte stream to determine its encoding".
#pragma once

#include <string_view>

namespace weft {

// WHATWG name, or empty. UTF-16 in a <meta> means UTF-8, x-user-defined means windows-1252.
std::string_view PrescanMetaCharset(std::string_view html);

// The label in a Content-Type-like string by the looser rule of <meta content> (2.4.4, "extracting a character encoding from a
// meta element"); WHATWG name, or empty.
std::string_view EncodingFromMetaContent(std::string_view content);

// HTML 13.2.3.2, "get an XML encoding": what `<?xml ... encoding="..."?>` at the very start names, also where it is UTF-16
// without a BOM. Empty if there is none.
std::string_view XmlDeclarationCharset(std::string_view bytes);

}  // namespace weft
