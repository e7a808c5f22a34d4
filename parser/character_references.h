// Character references of HTML ("&amp;", "&#x41;", "&copy"), as the tokenizer resolves them (HTML standard 13.2.5.72).
#pragma once

#include <string>
#include <string_view>

namespace weft {

enum class ReferenceContext { kText, kAttribute };

// `raw` with its references resolved and NUL replaced by U+FFFD. Linear time.
std::string DecodeCharacterReferences(std::string_view raw, ReferenceContext context);

// Whether decoding would change `raw`.
bool NeedsDecoding(std::string_view raw);

}  // namespace weft
