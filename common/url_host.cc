#include "common/url_host.h"

#include <array>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>

#include "common/idna.h"
#include "common/percent_encoding.h"
#include "common/status.h"
#include "common/utf8.h"

namespace weft {
namespace {

enum HostByte : uint8_t { kPlain = 0, kUpper = 1, kForbiddenDomain = 2, kForbiddenHost = 4, kNeedsDecoding = 8 };

constexpr std::array<uint8_t, 256> MakeHostBytes() {
  std::array<uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    if (c <= 0x1f || c == 0x7f) table[c] = kForbiddenDomain;
    if (c >= 'A' && c <= 'Z') table[c] = kUpper;
    if (c >= 0x80) table[c] = kNeedsDecoding;
  }
  table['%'] = kForbiddenDomain | kNeedsDecoding;
  for (char c : std::string_view("\0\t\n\r #/:<>?@[\\]^|", 17)) {
    table[static_cast<unsigned char>(c)] = kForbiddenDomain | kForbiddenHost;
  }
  return table;
}

constexpr std::array<uint8_t, 256> kHostBytes = MakeHostBytes();

unsigned ClassesIn(std::string_view text) {
  unsigned classes = 0;
  for (char c : text) classes |= kHostBytes[static_cast<unsigned char>(c)];
  return classes;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// 3.5, IPv4 number parser. Saturates: any value past 2^32 is out of range for every part.
std::optional<uint64_t> ParseIpv4Number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  unsigned base = 10;
  if (text.size() >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    text.remove_prefix(2);
    base = 16;
  } else if (text.size() >= 2 && text[0] == '0') {
    text.remove_prefix(1);
    base = 8;
  }
  uint64_t value = 0;
  for (char c : text) {
    const int digit = HexValue(c);
    if (digit < 0 || static_cast<unsigned>(digit) >= base) return std::nullopt;
    if (value <= UINT32_MAX) value = value * base + static_cast<unsigned>(digit);
  }
  return value;
}

// 3.5, ends-in-a-number checker.
bool EndsInNumber(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const size_t dot = host.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (last.empty() || !IsDigit(last[0])) return false;
  if (last.find_first_not_of("0123456789") == std::string_view::npos) return true;
  return ParseIpv4Number(last).has_value();
}

std::optional<uint32_t> ParseIpv4(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::array<uint64_t, 4> parts{};
  size_t count = 0;
  for (bool more = true; more;) {
    if (count == parts.size()) return std::nullopt;
    const size_t dot = host.find('.');
    more = dot != std::string_view::npos;
    std::optional<uint64_t> number = ParseIpv4Number(host.substr(0, dot));
    if (!number) return std::nullopt;
    parts[count++] = *number;
    if (more) host.remove_prefix(dot + 1);
  }
  uint64_t address = 0;
  for (size_t i = 0; i + 1 < count; ++i) {
    if (parts[i] > 255) return std::nullopt;
    address |= parts[i] << (8 * (3 - i));
  }
  if (parts[count - 1] >> (8 * (5 - count)) != 0) return std::nullopt;
  return static_cast<uint32_t>(address | parts[count - 1]);
}

// Reads the dotted quad that may end an IPv6 address: exactly four decimal parts, no leading zeros.
bool ParseEmbeddedIpv4(std::string_view text, std::array<uint16_t, 8>& pieces, size_t piece) {
  size_t at = 0;
  for (size_t part = 0; part < 4; ++part) {
    if (part > 0 && (at >= text.size() || text[at++] != '.')) return false;
    const size_t begin = at;
    unsigned value = 0;
    for (; at < text.size() && IsDigit(text[at]); ++at) {
      if (at > begin && value == 0) return false;
      value = value * 10 + static_cast<unsigned>(text[at] - '0');
      if (value > 255) return false;
    }
    if (at == begin) return false;
    uint16_t& target = pieces[piece + part / 2];
    target = static_cast<uint16_t>(target * 256 + value);
  }
  return at == text.size();
}

// 3.5, IPv6 parser: `text` is what stands between the brackets.
std::optional<std::array<uint16_t, 8>> ParseIpv6(std::string_view text) {
  std::array<uint16_t, 8> pieces{};
  constexpr size_t kNoGap = 9;
  size_t count = 0;
  size_t gap = kNoGap;
  size_t at = 0;
  if (text.starts_with(':')) {
    if (!text.starts_with("::")) return std::nullopt;
    at = 2;
    gap = 0;
  }
  while (at < text.size()) {
    if (count == 8) return std::nullopt;
    if (text[at] == ':') {
      if (gap != kNoGap) return std::nullopt;
      ++at;
      gap = count;
      continue;
    }
    const size_t begin = at;
    unsigned value = 0;
    for (; at < text.size() && at < begin + 4 && HexValue(text[at]) >= 0; ++at) {
      value = value * 16 + static_cast<unsigned>(HexValue(text[at]));
    }
    if (at < text.size() && text[at] == '.') {
      if (at == begin || count > 6 || !ParseEmbeddedIpv4(text.substr(begin), pieces, count)) return std::nullopt;
      count += 2;
      break;
    }
    if (at < text.size() && (text[at] != ':' || ++at == text.size())) return std::nullopt;
    if (at == begin) return std::nullopt;
    pieces[count++] = static_cast<uint16_t>(value);
  }
  if (gap == kNoGap) return count == 8 ? std::optional(pieces) : std::nullopt;
  if (count == 8) return std::nullopt;
  const size_t moved = count - gap;
  for (size_t i = 1; i <= moved; ++i) std::swap(pieces[8 - i], pieces[count - i]);
  return pieces;
}

// 3.6: the first longest run of two or more zero pieces is compressed (RFC 5952).
void AppendIpv6(const std::array<uint16_t, 8>& pieces, std::string& out) {
  size_t best = 8;
  size_t best_length = 1;
  for (size_t i = 0; i < 8; ++i) {
    size_t end = i;
    while (end < 8 && pieces[end] == 0) ++end;
    if (end - i > best_length) {
      best = i;
      best_length = end - i;
    }
    if (end > i) i = end;
  }
  out += '[';
  for (size_t i = 0; i < 8;) {
    if (i == best) {
      out += i == 0 ? "::" : ":";
      i += best_length;
      continue;
    }
    fmt::format_to(std::back_inserter(out), "{:x}", pieces[i]);
    if (++i < 8) out += ':';
  }
  out += ']';
}

absl::Status ForbiddenCharacter(std::string_view host) {
  return InvalidArgument("host '{}' has a character that no host may have", host.substr(0, 100));
}

// The domain already lies in out[begin..], in ASCII and lower case.
absl::Status FinishDomain(size_t begin, std::string& out) {
  const std::string_view domain = std::string_view(out).substr(begin);
  if (domain.empty()) return InvalidArgument("host is empty");
  if (!EndsInNumber(domain)) return absl::OkStatus();
  const std::optional<uint32_t> address = ParseIpv4(domain);
  if (!address) return InvalidArgument("host '{}' is not a valid IPv4 address", domain.substr(0, 100));
  out.resize(begin);
  fmt::format_to(std::back_inserter(out), "{}.{}.{}.{}", *address >> 24, *address >> 16 & 255, *address >> 8 & 255,
                 *address & 255);
  return absl::OkStatus();
}

absl::Status AppendDomain(std::string_view host, std::string& out) {
  const size_t begin = out.size();
  const unsigned classes = ClassesIn(host);
  if ((classes & kNeedsDecoding) != 0) {
    const std::string decoded = PercentDecode(host);
    WEFT_ASSIGN_OR_RETURN(const std::string ascii,
                          DomainToAscii(IsValidUtf8(decoded) ? decoded : ReplaceInvalidUtf8(decoded)));
    if ((ClassesIn(ascii) & kForbiddenDomain) != 0) return ForbiddenCharacter(host);
    out += ascii;
    return FinishDomain(begin, out);
  }
  if ((classes & kForbiddenDomain) != 0) return ForbiddenCharacter(host);
  out += host;
  if ((classes & kUpper) != 0) {
    for (size_t i = begin; i < out.size(); ++i) {
      if (out[i] >= 'A' && out[i] <= 'Z') out[i] = static_cast<char>(out[i] + 32);
    }
  }
  return FinishDomain(begin, out);
}

}  // namespace

absl::Status AppendHost(std::string_view host, bool is_special, std::string& out) {
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return InvalidArgument("host '{}' lacks its closing bracket", host.substr(0, 100));
    const auto pieces = ParseIpv6(host.substr(1, host.size() - 2));
    if (!pieces) return InvalidArgument("host '{}' is not a valid IPv6 address", host.substr(0, 100));
    AppendIpv6(*pieces, out);
    return absl::OkStatus();
  }
  if (is_special) return AppendDomain(host, out);
  if ((ClassesIn(host) & kForbiddenHost) != 0) return ForbiddenCharacter(host);
  AppendPercentEncoded(host, EncodeSet::kC0Control, out);
  return absl::OkStatus();
}

}  // namespace weft
