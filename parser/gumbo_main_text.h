// The main content of a page: its visible text without navigation, headers, footers and what else stands on every page of a site.
//
// The text is taken in blocks, as lines of the visible text are. In turn:
// 1. Where the page has a main element (or role=main), else just one article, only what is in it is looked at.
// 2. What is in nav, aside, footer, header (but within main or an article) and menu elements is left out, and in
//    elements whose role is navigation, banner, contentinfo, complementary, search, menu, menubar or toolbar.
// 3. Preformatted text (pre) is kept. Of other blocks the rule by Kohlschuetter, Fankhauser and Nejdl decides (Boilerplate Detection
//    using Shallow Text Features, WSDM 2010, figure 2, "NumWords/LinkDensity"): by the number of words in the block, the one before
//    and the one behind it, and by the share of them that are links.
// 4. A heading is kept where what follows it is, up to the next heading of its level.
// Linear in the tree. Thread rule: pure.
#pragma once

#include <gumbo.h>

#include <string>

namespace weft {

std::string MainText(const GumboOutput& tree);

}  // namespace weft
