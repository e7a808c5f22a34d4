#include "cli/join_token.h"

#include <algorithm>

#include "common/base64.h"
#include "common/digest.h"
#include "common/status.h"

namespace weft {
namespace {

constexpr std::string_view kPrefix = "weft1.";
constexpr size_t kChecksumBytes = 4;
constexpr size_t kLongestToken = 16 * 1024;
constexpr size_t kFixedLines = 5;

std::string Checksum(std::string_view bytes) {
  Sha256Stream sum;
  sum.Add(bytes);
  return sum.Finish().substr(0, kChecksumBytes);
}

std::string ToUrlForm(std::string text) {
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

absl::StatusOr<std::string> FromUrlForm(std::string_view url_form) {
  std::string text(url_form);
  if (text.find_first_of("+/=") != std::string::npos) return InvalidArgument("not base64url");
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  return DecodeBase64(text);
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

bool LooksLikeToken(std::string_view text) { return Trimmed(text).starts_with("weft1."); }

std::string WriteToken(const JoinToken& token) {
  std::string lines = fmt::format("{}\n{}\n{}\n{}\n{}", token.name, token.role, token.scheduler_key, token.keys.public_key,
                                  token.keys.secret_key);
  for (const std::string& address : token.addresses) lines += "\n" + address;
  return std::string(kPrefix) + ToUrlForm(Base64(lines + Checksum(lines)));
}

absl::StatusOr<JoinToken> ReadToken(std::string_view given) {
  const std::string_view text = Trimmed(given);
  if (!text.starts_with(kPrefix)) return InvalidArgument("it is no token of this version of Weft: they begin with {}", kPrefix);
  constexpr std::string_view kDamaged = "the token is damaged: was it copied whole? It is one line";
  if (text.size() > kLongestToken) return InvalidArgument("{}", kDamaged);
  auto bytes = FromUrlForm(text.substr(kPrefix.size()));
  if (!bytes.ok() || bytes->size() < kChecksumBytes) return InvalidArgument("{}", kDamaged);
  const std::string_view all = *bytes;
  const std::string_view lines = all.substr(0, all.size() - kChecksumBytes);
  if (Checksum(lines) != all.substr(lines.size())) return InvalidArgument("{}", kDamaged);
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= lines.size();) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    parts.emplace_back(lines.substr(begin, end - begin));
    begin = end + 1;
  }
  if (parts.size() <= kFixedLines) return InvalidArgument("{}", kDamaged);
  JoinToken token{parts[0], parts[1], parts[2], {parts[3], parts[4]}, {parts.begin() + kFixedLines, parts.end()}};
  auto public_key = PublicKeyOf(token.keys.secret_key);
  if (!IsKey(token.scheduler_key) || !public_key.ok() || *public_key != token.keys.public_key) {
    return InvalidArgument("{}", kDamaged);
  }
  return token;
}

}  // namespace weft
