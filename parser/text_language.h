// Which languages a text is written in: cld2, whose only user this is. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft {

// ISO 639-3 codes of at most three languages, the one with most of the text first; empty where the text is too short or too
// mixed to tell. `text` is UTF-8; of a longer one the first 256 KiB are looked at. `tag` is what the page says ("de-AT"), a hint.
std::vector<std::string> DetectLanguages(std::string_view text, std::string_view tag = {});

}  // namespace weft
