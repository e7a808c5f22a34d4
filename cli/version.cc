#include "cli/version.h"

namespace weft {

std::string_view WeftVersion() { return WEFT_VERSION; }

}  // namespace weft
