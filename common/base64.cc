#include "common/base64.h"

#include <array>
#include <cstdint>

#include "common/status.h"

namespace weft {
namespace {

constexpr uint8_t kNoDigit = 0xFF;

constexpr std::array<uint8_t, 256> MakeDigits() {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<uint8_t, 256> digits{};
  for (uint8_t& digit : digits) digit = kNoDigit;
  for (uint8_t i = 0; i < 64; ++i) digits[static_cast<unsigned char>(kAlphabet[i])] = i;
  return digits;
}
constexpr std::array<uint8_t, 256> kDigits = MakeDigits();

uint32_t Digit(char c) { return kDigits[static_cast<unsigned char>(c)]; }

absl::Status BadCharacter(std::string_view digits) {
  size_t at = 0;
  while (at < digits.size() && Digit(digits[at]) != kNoDigit) ++at;
  return InvalidArgument("character {} is not of base64's alphabet (RFC 4648, section 4: A-Z a-z 0-9 + /)", at);
}

}  // namespace

absl::StatusOr<std::string> DecodeBase64(std::string_view text) {
  std::string_view digits = text;
  for (int i = 0; i < 2 && digits.ends_with('='); ++i) digits.remove_suffix(1);
  const size_t whole = digits.size() / 4 * 4;
  std::string bytes;
  bytes.reserve(digits.size() / 4 * 3 + 2);
  for (size_t i = 0; i < whole; i += 4) {
    const uint32_t a = Digit(digits[i]);
    const uint32_t b = Digit(digits[i + 1]);
    const uint32_t c = Digit(digits[i + 2]);
    const uint32_t d = Digit(digits[i + 3]);
    if ((a | b | c | d) > 63) return BadCharacter(digits);
    const uint32_t group = a << 18 | b << 12 | c << 6 | d;
    bytes += static_cast<char>(group >> 16);
    bytes += static_cast<char>(group >> 8 & 0xFF);
    bytes += static_cast<char>(group & 0xFF);
  }
  uint32_t rest = 0;
  for (size_t i = whole; i < digits.size(); ++i) {
    if (Digit(digits[i]) == kNoDigit) return BadCharacter(digits);
    rest = rest << 6 | Digit(digits[i]);
  }
  const size_t left = digits.size() - whole;
  if (text.size() % 4 != 0 || left == 1) {
    return InvalidArgument("{} characters are no whole number of base64's groups of four: it is cut, or its '=' are missing",
                           text.size());
  }
  const unsigned unused = left == 2 ? 4 : 2;
  if (left != 0 && (rest & ((1u << unused) - 1)) != 0) {
    return InvalidArgument("character {} has bits set that stand for nothing: it is cut, or written wrongly",
                           digits.size() - 1);
  }
  if (left == 2) bytes += static_cast<char>(rest >> 4);
  if (left == 3) {
    bytes += static_cast<char>(rest >> 10);
    bytes += static_cast<char>(rest >> 2 & 0xFF);
  }
  return bytes;
}

}  // namespace weft
