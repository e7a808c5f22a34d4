// Reads a page's facts off a gumbo tree, without recursion: any depth is safe on a small stack.
#pragma once

#include <gumbo.h>

#include "parser/page_facts.h"

namespace weft {

PageFacts WalkFacts(const GumboOutput& tree);

}  // namespace weft
