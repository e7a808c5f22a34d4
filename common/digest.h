// SHA-1 as WARC digests use it, and the text forms.
#pragma once

#include <string>
#include <string_view>

namespace weft {

// 20 raw bytes.
std::string Sha1(std::string_view bytes);
// RFC 4648 section 6, upper case, no padding needed for 20 bytes: 32 characters.
std::string Base32(std::string_view bytes);
std::string HexLower(std::string_view bytes);
// "sha1:" + Base32.
std::string Sha1Label(std::string_view raw_digest);

}  // namespace weft
