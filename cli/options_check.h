// Checks of single option values. Each error says what is wrong and what is accepted; the caller names the option.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <string_view>

namespace weft {

absl::Status CheckRegex(std::string_view value);
absl::Status CheckNetwork(std::string_view value);
absl::Status CheckEgress(std::string_view value);
absl::Status CheckSitemaps(std::string_view value);
absl::Status CheckFollow(std::string_view value);
absl::Status CheckGroup(std::string_view value);
// HOST:PORT:ADDR
absl::Status CheckResolve(std::string_view value);
absl::Status CheckProxy(std::string_view value);
absl::Status CheckWarcPrefix(std::string_view value);
// "Name: value", and not a header that the fetcher writes itself.
absl::Status CheckHeader(std::string_view value);
// Starts with a product token and has no control characters (RFC 9110 10.1.5).
absl::Status CheckUserAgent(std::string_view value);
// A URL or an e-mail address that can stand in the user agent's comment.
absl::Status CheckContactText(std::string_view value);
// tcp://HOST:PORT on this machine: traffic between nodes is not encrypted.
absl::Status CheckLoopbackEndpoint(std::string_view value);
// The same, and the port may be "*" or 0: any free one.
absl::Status CheckListenEndpoint(std::string_view value);

std::string MaskHeader(std::string_view value);
std::string MaskProxy(std::string_view value);

}  // namespace weft
