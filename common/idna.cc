#include "common/idna.h"

#include <unicode/uidna.h>

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
  // Punycode of n octets stays below 4n + 8 per label.
  std::array<char, kMaxUnicodeHostBytes * 6> buffer;
  UIDNAInfo info = UIDNA_INFO_INITIALIZER;
  UErrorCode error = U_ZERO_ERROR;
  const int32_t length = uidna_nameToASCII_UTF8(Uts46(), domain.data(), static_cast<int32_t>(domain.size()),
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
