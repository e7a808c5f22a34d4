// The host parser and serialiser of the URL Standard (3.5, 3.6). Private to the URL parser.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <string_view>

namespace weft {

// Parses `host` and appends its serialised form to `out`. `is_special` chooses a domain or IP address, as in http URLs,
// over an opaque host. `host` is well-formed UTF-8; not empty where is_special. On error `out` is unspecified.
absl::Status AppendHost(std::string_view host, bool is_special, std::string& out);

}  // namespace weft
