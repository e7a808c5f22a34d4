// Reads links, title and visible text off a gumbo tree in one walk without recursion: any depth is safe on a small stack.
#pragma once

#include <gumbo.h>

#include <string>

#include "parser/html_names.h"
#include "parser/link_collector.h"

namespace weft {

struct WalkedPage {
  std::string title;
  std::string text;  // when asked
};

// Also of elements that gumbo does not list.
HtmlName HtmlNameOf(const GumboElement& element);
// The tree must outlive `links`.
WalkedPage WalkTree(const GumboOutput& tree, bool want_text, LinkCollector* links);

}  // namespace weft
