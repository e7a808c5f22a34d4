#include "common/percent_encoding.h"

namespace weft {

void AppendEscaped(char octet, std::string& out) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(octet);
  const char escaped[3] = {'%', kDigits[value >> 4], kDigits[value & 15]};
  out.append(escaped, 3);
}

void AppendPercentEncoded(std::string_view text, EncodeSet set, std::string& out) {
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!InEncodeSet(text[i], set)) continue;
    out.append(text, run, i - run);
    AppendEscaped(text[i], out);
    run = i + 1;
  }
  out.append(text, run);
}

std::string PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  size_t run = 0;
  for (size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at)) {
    const int octet = EscapedOctet(text, at);
    if (octet < 0) {
      ++at;
      continue;
    }
    out.append(text, run, at - run);
    out += static_cast<char>(octet);
    run = at += 3;
  }
  out.append(text, run);
  return out;
}

}  // namespace weft
