// The version of this build, as `weft --version`, the user agent and the nodes' registration give it.
#pragma once

#include <string_view>

namespace weft {

std::string_view WeftVersion();

}  // namespace weft
