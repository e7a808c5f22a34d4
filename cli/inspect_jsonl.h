// --jsonl: a JSON object a line in, one a line out, in order.
#pragma once

#include <absl/status/status.h>

#include <optional>
#include <string>
#include <string_view>

#include "cli/inspection.h"

namespace weft {

// The answer to a line (nullopt: one that was too long), without newline. Never fails: {"error": ...}.
std::string AnswerLine(const Inspection& inspection, Inspector& inspector, std::optional<std::string_view> line);

// Until `in` ends. What is answered is written whenever the input pauses, so that whoever waits for it gets it.
absl::Status AnswerLines(const Inspection& inspection, Inspector& inspector, int in, int out);

}  // namespace weft
