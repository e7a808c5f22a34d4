// Links, title and text of a page in one pass, without building a tree: a tokenizer, and where it matters an account of what
// the tree builder would have open (TreeState). Linear time for any bytes; memory is bounded but for what is found.
#pragma once

#include <string>
#include <string_view>

#include "parser/link_collector.h"
#include "parser/sim_hash.h"

namespace weft {

struct ScannedPage {
  std::string title;
  std::string text;  // when asked
};

// `utf8` must outlive `links`. `sketch`, made of `utf8`, is given its text; null: it is not wanted.
ScannedPage LinearScan(std::string_view utf8, bool want_text, LinkCollector* links, SimHash* sketch = nullptr);

}  // namespace weft
