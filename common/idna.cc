#include "common/idna.h"

#include <unicode/uidna.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>

#include "common/status.h"

namespace weft {
namespace {

// What VerifyDnsLength=false and CheckHyphens=false make harmless; ICU reports it all the same.
constexpr uint32_t kIgnoredErrors = UIDNA_ERROR_EMPTY_LABEL | UIDNA_ERROR_LABEL_TOO_LONG |
                                    UIDNA_ERROR_DOMAIN_NAME_TOO_LONG | UIDNA_ERROR_LEADING_HYPHEN |
                                    UIDNA_ERROR_TRAILING_HYPHEN | UIDNA_ERROR_HYPHEN_3_4;

const UIDNA* Uts46() {
  // Immutable after creation, lives as long as the process.
  static const UIDNA* const idna = [] {
    UErrorCode error = U_ZERO_ERROR;
    const UIDNA* opened = uidna_openUTS46(UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_NONTRANSITIONAL_TO_ASCII |
                                              UIDNA_NONTRANSITIONAL_TO_UNICODE,
                                          &error);
    return U_SUCCESS(error) ? opened : nullptr;
  }();
  return idna;
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// What the mapping table of UTS 46 says since revision 31 (Unicode 15.1) and Unicode 16, where ICU 72 follows Unicode
// 15: the character to use, 0 for an ignored one. Without it a name such as "STRA\u1e9eE.de" would go to another host.
UChar32 MappedSinceUnicode15(UChar32 c) {
  if (c >= 0x10a0 && c <= 0x10c5) return c + 0x1c60;  // Georgian capitals
  if (c >= 0x1d173 && c <= 0x1d17a) return 0;         // musical format characters
  switch (c) {
    case 0x1e9e: return 0xdf;
    case 0x04c0: return 0x4cf;
    case 0x2132: return 0x214e;
    case 0x2183: return 0x2184;
    case 0x2f868: return 0x36fc;
    case 0x2f874: return 0x5f53;
    case 0x2f91f: return 0x243ab;
    case 0x2f95f: return 0x7aee;
    case 0x2f9bf: return 0x45d7;
    case 0x115f: case 0x1160: case 0x17b4: case 0x17b5: case 0x180e: case 0x3164: case 0xffa0: return 0;
    default: return c;
  }
}

// Reads the code point at `at` of well-formed UTF-8 and steps over it.
UChar32 CodePointAt(std::string_view text, int32_t& at) {
  const auto next = [&] { return static_cast<UChar32>(static_cast<unsigned char>(text[static_cast<size_t>(at++)])); };
  const UChar32 lead = next();
  if (lead < 0x80) return lead;
  UChar32 c = lead & (lead < 0xe0 ? 0x1f : lead < 0xf0 ? 0xf : 7);
  for (int more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3; more > 0; --more) c = (c << 6) | (next() & 0x3f);
  return c;
}

std::string MapSinceUnicode15(std::string_view domain) {
  std::string mapped;
  mapped.reserve(domain.size());
  const auto size = static_cast<int32_t>(domain.size());
  for (int32_t at = 0; at < size;) {
    const int32_t begin = at;
    const UChar32 c = CodePointAt(domain, at);
    const UChar32 target = MappedSinceUnicode15(c);
    if (target == c) {
      mapped.append(domain, static_cast<size_t>(begin), static_cast<size_t>(at - begin));
    } else if (target != 0) {
      std::array<char, 4> bytes;
      int32_t length = 0;
      U8_APPEND_UNSAFE(bytes.data(), length, target);
      mapped.append(bytes.data(), static_cast<size_t>(length));
    }
  }
  return mapped;
}

std::string ToLowerAscii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

}  // namespace

absl::StatusOr<std::string> DomainToAscii(std::string_view domain) {
  if (IsAscii(domain)) return ToLowerAscii(domain);
  if (domain.size() > kMaxUnicodeHostBytes) {
    return InvalidArgument("international host of {} bytes is longer than {}", domain.size(), kMaxUnicodeHostBytes);
  }
  if (Uts46() == nullptr) return Internal("ICU has no IDNA data");
  // Ample: a code point costs Punycode a few digits, a label four more. Past it ICU reports an overflow.
  std::array<char, kMaxUnicodeHostBytes * 6> buffer;
  UIDNAInfo info = UIDNA_INFO_INITIALIZER;
  UErrorCode error = U_ZERO_ERROR;
  const std::string mapped = MapSinceUnicode15(domain);
  const int32_t length = uidna_nameToASCII_UTF8(Uts46(), mapped.data(), static_cast<int32_t>(mapped.size()),
                                                buffer.data(), static_cast<int32_t>(buffer.size()), &info, &error);
  if (U_FAILURE(error) || length < 0 || length > static_cast<int32_t>(buffer.size())) {
    return InvalidArgument("host is not a valid internationalised name");
  }
  std::string ascii(buffer.data(), static_cast<size_t>(length));
  if ((info.errors & ~kIgnoredErrors) != 0 || !IsAscii(ascii)) {
    return InvalidArgument("host is not a valid internationalised name (UTS 46 errors {:#x})", info.errors);
  }
  return ascii;
}

}  // namespace weft
