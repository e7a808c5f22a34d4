// What an element says by its attributes: the URLs that it names, each with its kind, and facts of the page. One table of
// rules for all extractors (HTML standard, "index of attributes"; SVG 2, 16; obsolete ones that browsers still fetch).
#pragma once

#include "common/link_kind.h"
#include "parser/html_names.h"
#include "parser/link_collector.h"
#include "parser/open_elements.h"
#include "parser/tag_attributes.h"

namespace weft {

// Whether an element of that name can say anything that `links` wants.
bool MayCollect(HtmlName name, const LinkCollector& links);

// `attributes` must outlive `links`, or be views into what does.
void CollectElement(HtmlName name, HtmlSpace space, const TagAttributes& attributes, LinkCollector* links);

}  // namespace weft
