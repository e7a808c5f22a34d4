// URLs in CSS: url(...), and the strings of @import (CSS Syntax 3, CSS Cascade 5). Any bytes, linear time.
#pragma once

#include <string_view>

#include "parser/link_collector.h"

namespace weft {

// Of a style sheet or a style attribute. @import is LinkKind::kStyle, everything else kResource.
void AddCssUrls(std::string_view css, LinkCollector* links);

}  // namespace weft
