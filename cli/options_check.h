// Checks of single option values. Each error says what is wrong and what is accepted; the caller names the option.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <string_view>

#include "common/proxy_url.h"

namespace weft {

absl::Status CheckRegex(std::string_view value);
absl::Status CheckNetwork(std::string_view value);
absl::Status CheckEgress(std::string_view value);
absl::Status CheckSitemaps(std::string_view value);
absl::Status CheckFollow(std::string_view value);
absl::Status CheckNodeName(std::string_view value);
absl::Status CheckTags(std::string_view value);
absl::Status CheckGroup(std::string_view value);
// HOST:PORT:ADDR
absl::Status CheckResolve(std::string_view value);
absl::Status CheckWarcPrefix(std::string_view value);
// s3://, file:// or webhdfs://, or "none".
absl::Status CheckStore(std::string_view value);
// http://HOST:PORT or https://.
absl::Status CheckStoreEndpoint(std::string_view value);
// "Name: value", and not a header that the fetcher writes itself.
absl::Status CheckHeader(std::string_view value);
// Starts with a product token and has no control characters (RFC 9110 10.1.5).
absl::Status CheckUserAgent(std::string_view value);
// A URL or an e-mail address that can stand in the user agent's comment.
absl::Status CheckContactText(std::string_view value);
// tcp://HOST:PORT
absl::Status CheckNodeEndpoint(std::string_view value);
// The same, and the port may be "*" or 0: any free one.
absl::Status CheckListenEndpoint(std::string_view value);
// Of an endpoint that was checked: only this machine reaches it.
bool IsLoopbackEndpoint(std::string_view value);
// For people: keys are needed beyond loopback.
absl::Status LeavesThisMachine(std::string_view value);

std::string MaskHeader(std::string_view value);
// A token is a secret; a file's name is not.
std::string MaskToken(std::string_view value);

}  // namespace weft
