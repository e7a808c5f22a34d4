// A line of JSON that holds one flat object, read into the members that an inspection asks for. Untrusted input: any bytes,
// linear time; memory in proportion to the line, however deep it nests.
#pragma once

#include <absl/status/statusor.h>

#include <string_view>

#include "cli/inspection.h"

namespace weft {

// Members that are objects, arrays, numbers or booleans are noted as such; null is a member that is not there; of a
// name that occurs twice the last one counts. Half a surrogate pair ("\ud800" alone) is U+FFFD, as in a USVString of the
// web. InvalidArgument: the line is not one JSON object; says at which byte.
absl::StatusOr<InspectionInput> ReadJsonInput(std::string_view line);

}  // namespace weft
