#include "parser/srcset.h"

#include <cstddef>

#include "parser/ascii.h"

namespace weft {
namespace {

// Steps 8 and 9: descriptors run to a comma that is not within parentheses.
void SkipDescriptors(std::string_view* rest) {
  bool in_parentheses = false;
  size_t i = 0;
  for (; i < rest->size(); ++i) {
    const char c = (*rest)[i];
    if (c == '(') in_parentheses = true;
    if (c == ')') in_parentheses = false;
    if (c == ',' && !in_parentheses) break;
  }
  rest->remove_prefix(i);
}

}  // namespace

std::optional<std::string_view> NextSrcsetUrl(std::string_view* rest) {
  while (!rest->empty() && (IsHtmlSpace(rest->front()) || rest->front() == ',')) rest->remove_prefix(1);
  if (rest->empty()) return std::nullopt;
  size_t length = 0;
  while (length < rest->size() && !IsHtmlSpace((*rest)[length])) ++length;
  std::string_view url = rest->substr(0, length);
  rest->remove_prefix(length);
  if (url.back() == ',') {
    while (!url.empty() && url.back() == ',') url.remove_suffix(1);
  } else {
    SkipDescriptors(rest);
  }
  return url;
}

}  // namespace weft
