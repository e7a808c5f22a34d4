#include "parser/meta_refresh.h"

#include "parser/ascii.h"

namespace weft {
namespace {

void SkipSpace(std::string_view* rest) {
  while (!rest->empty() && IsHtmlSpace(rest->front())) rest->remove_prefix(1);
}

bool SkipLetter(std::string_view* rest, char lower) {
  if (rest->empty() || AsciiLower(rest->front()) != lower) return false;
  rest->remove_prefix(1);
  return true;
}

// Steps 11.2 ... 11.10: after "url", white space and "=" are passed over; where they are not complete, what stands there is
// the URL itself.
std::string_view SkipUrlPrefix(std::string_view text) {
  std::string_view rest = text;
  if (!SkipLetter(&rest, 'u')) return text;
  if (!SkipLetter(&rest, 'r') || !SkipLetter(&rest, 'l')) return text;
  SkipSpace(&rest);
  if (!SkipLetter(&rest, '=')) return text;
  SkipSpace(&rest);
  return rest;
}

}  // namespace

std::optional<std::string_view> ParseMetaRefresh(std::string_view content) {
  std::string_view rest = content;
  SkipSpace(&rest);
  const bool has_time = !rest.empty() && (IsAsciiDigit(rest.front()) || rest.front() == '.');
  if (!has_time) return std::nullopt;
  while (!rest.empty() && (IsAsciiDigit(rest.front()) || rest.front() == '.')) rest.remove_prefix(1);
  if (rest.empty()) return rest;
  if (rest.front() != ';' && rest.front() != ',' && !IsHtmlSpace(rest.front())) return std::nullopt;
  SkipSpace(&rest);
  if (!rest.empty() && (rest.front() == ';' || rest.front() == ',')) rest.remove_prefix(1);
  SkipSpace(&rest);

  const std::string_view url = SkipUrlPrefix(rest);
  // A "url" that is not followed by "=" is taken as it stands, quotes and all; anything else may be quoted.
  const bool broken_prefix = url.data() == rest.data() && !url.empty() && AsciiLower(url.front()) == 'u';
  if (url.empty() || broken_prefix || (url.front() != '"' && url.front() != '\'')) return url;
  const std::string_view quoted = url.substr(1);
  return quoted.substr(0, quoted.find(url.front()));
}

}  // namespace weft
