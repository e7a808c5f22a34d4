// A style sheet as a page: what it imports, and the images, fonts and other files that it names. Any bytes, linear time.
#pragma once

#include "parser/link_extractor.h"

namespace weft {

// What a style sheet can name.
inline constexpr LinkKinds kStyleSheetKinds = {LinkKind::kStyle, LinkKind::kResource};

// Of `input` it takes html (the sheet's bytes), url, content_type and kinds. The encoding is that of CSS Syntax 3, 3.2; URLs are
// resolved against the sheet's own (CSS Values 4, 4.5), their queries in UTF-8.
ExtractedPage ReadStyleSheet(const LinkExtractor::Input& input);

}  // namespace weft
