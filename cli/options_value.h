// Reads and writes the value of one option: text on the outside, a field of the settings or of the invocation inside.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <string_view>
#include <vector>

#include "cli/options_table.h"

namespace weft {

// Sets the option to `values` (one unless it is repeatable; a list is replaced as a whole, and a single empty value
// empties it). The error says what is accepted but does not name the option.
absl::Status SetOption(const Option& option, const std::vector<std::string>& values, CommandLine& into);

// The stored value as SetOption would read it, lists joined by ", ", secrets masked, "none" where nothing is set.
std::string ShowStored(const Option& option, const wire::CrawlSettings& settings);
// Compares without masking.
bool SameStored(const Option& option, const wire::CrawlSettings& a, const wire::CrawlSettings& b);
void CopyStored(const Option& option, const wire::CrawlSettings& from, wire::CrawlSettings& to);

}  // namespace weft
