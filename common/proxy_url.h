// The URL of a proxy as users give it: http, https, socks4a, socks5 or socks5h, ://[USER:PASSWORD@]HOST:PORT.
// Thread rule: free functions.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <string_view>

namespace weft {

// InvalidArgument, for people, without user and password.
absl::Status CheckProxy(std::string_view value);
// How it is shown: "http://…@proxy:3128" where it has a user.
std::string MaskProxy(std::string_view value);

}  // namespace weft
