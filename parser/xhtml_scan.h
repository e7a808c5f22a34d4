// Links, title and text of a page in the XML syntax (application/xhtml+xml): no element is implied, "/>" ends any, CDATA is text,
// namespaces tell what is HTML and what SVG. Pages that are no well-formed XML give what can be read of them, though a browser would
// show an error. Linear time for any bytes; memory is bounded but for what is found.
#pragma once

#include "parser/linear_scan.h"

namespace weft {

// `utf8` must outlive `links`.
ScannedPage XhtmlScan(std::string_view utf8, bool want_text, LinkCollector* links);

}  // namespace weft
