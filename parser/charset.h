// The character encoding of a page (HTML 13.2.3, "determining the character encoding") and conversion to UTF-8 with ICU.
// Nothing fails: an unknown label or a broken sequence gives U+FFFD. Any thread; converters are kept per thread.
#pragma once

#include <string>
#include <string_view>

namespace weft {

// WHATWG name ("UTF-8", "windows-1252", "GBK", ...) for a label; empty if the label is unknown.
std::string_view EncodingFromLabel(std::string_view label);

// kLateMeta: a <meta> beyond the first 1024 bytes, where the standard's prescan ends.
enum class CharsetSource { kBom, kHeader, kMeta, kLateMeta, kXmlDeclaration, kDetected, kDefault };

// "bom", "header", "meta", "late-meta", "xml-declaration", "detected", "default".
std::string_view CharsetSourceName(CharsetSource source);

struct Charset {
  std::string_view name;    // WHATWG name
  CharsetSource source = CharsetSource::kDefault;
};

// The encoding named by the charset parameter of a Content-Type header; empty if there is none or it is unknown.
std::string_view EncodingFromContentType(std::string_view content_type);

// BOM > Content-Type header > <meta> > XML declaration > detection (well-formed UTF-8, else uchardet) > windows-1252. The prescan for <meta> goes
// beyond the standard's 1024 bytes, to 16 KiB: a tree builder would find a late <meta> too, and start again.
Charset SniffCharset(std::string_view html, std::string_view content_type);

// Of a page that is XML (XML 1.0, 4.3.3 and RFC 7303): BOM > header > XML declaration > UTF-8. What is no UTF-8 is broken XML, and
// then read as HTML would be.
Charset SniffXmlCharset(std::string_view xml, std::string_view content_type);

// To UTF-8 without BOM.
std::string DecodeToUtf8(std::string_view bytes, std::string_view encoding_name);

// The same without a copy where `bytes` are well-formed UTF-8 as they stand; else the view is into *storage.
std::string_view Utf8View(std::string_view bytes, std::string_view encoding_name, std::string* storage);

// A UTF-8 query as bytes of `encoding_name`, what cannot be expressed as "&#NNNN;" (URL standard, query state).
std::string EncodeQuery(std::string_view utf8_query, std::string_view encoding_name);

}  // namespace weft
