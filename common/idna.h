// Internationalised domain names: "domain to ASCII" of the URL Standard (3.3), with beStrict false: UTS 46 processing,
// non-transitional, CheckHyphens and VerifyDnsLength off, CheckBidi and CheckJoiners on. Any thread.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace weft {

// A host with non-ASCII characters is refused above this size. DNS ends at 253 octets, and Punycode is quadratic in the
// label: the bound keeps a hostile link cheap.
inline constexpr size_t kMaxUnicodeHostBytes = 1024;

// `domain` is well-formed UTF-8. An all-ASCII domain only becomes lower case: the standard checks no "xn--" label
// there.
absl::StatusOr<std::string> DomainToAscii(std::string_view domain);

}  // namespace weft
