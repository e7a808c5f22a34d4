// The character encoding of a page (HTML, "determining the character encoding") and conversion to UTF-8 with ICU.
// Nothing fails: an unknown label or a broken sequence gives U+FFFD.
#pragma once

#include <string>
#include <string_view>

namespace weft {

// WHATWG name ("UTF-8", "windows-1252", "GBK", ...) for a label; empty if the label is unknown.
std::string_view EncodingFromLabel(std::string_view label);

enum class CharsetSource { kBom, kHeader, kMeta, kDetected, kDefault };

struct Charset {
  std::string_view name;    // WHATWG name
  CharsetSource source = CharsetSource::kDefault;
};

// BOM > Content-Type header > meta prescan of the first 1024 bytes > detection (uchardet) > windows-1252.
Charset SniffCharset(std::string_view html, std::string_view content_type);

// To UTF-8 without BOM.
std::string DecodeToUtf8(std::string_view bytes, std::string_view encoding_name);

// A UTF-8 query as bytes of `encoding_name`, what cannot be expressed as "&#NNNN;" (URL standard, query state).
std::string EncodeQuery(std::string_view utf8_query, std::string_view encoding_name);

}  // namespace weft
