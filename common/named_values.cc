#include "common/named_values.h"

#include <algorithm>

#include "common/ascii.h"
#include "common/status.h"

namespace weft {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

// A value in quotes; `at` stands behind the opening one, then behind the closing one.
absl::StatusOr<std::string> ReadQuoted(std::string_view text, size_t& at) {
  std::string value;
  for (; at < text.size(); ++at) {
    if (text[at] == '"') {
      ++at;
      return value;
    }
    // A backslash before anything else is itself: regular expressions are full of them.
    bool escape = text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\');
    if (escape) ++at;
    value.push_back(text[at]);
  }
  return InvalidArgument("'{}': a quote is not closed", text);
}

}  // namespace

absl::StatusOr<NamedValues> ParseNamedValues(std::string_view text) {
  NamedValues values;
  size_t at = 0;
  while ((at = text.find_first_not_of(kSpace, at)) != std::string_view::npos) {
    const size_t equals = text.find('=', at);
    const std::string_view name = text.substr(at, equals - at);
    if (equals == std::string_view::npos || name.empty() || name.find_first_of(kSpace) != std::string_view::npos) {
      return InvalidArgument("'{}': expected NAME=VALUE pairs with spaces between them", text);
    }
    at = equals + 1;
    std::string value;
    if (at < text.size() && text[at] == '"') {
      WEFT_ASSIGN_OR_RETURN(value, ReadQuoted(text, ++at));
      if (at < text.size() && kSpace.find(text[at]) == std::string_view::npos) {
        return InvalidArgument("'{}': a space is missing behind the value of {}", text, name);
      }
    } else {
      const size_t end = std::min(text.find_first_of(kSpace, at), text.size());
      value = std::string(text.substr(at, end - at));
      at = end;
    }
    auto twice = std::find_if(values.begin(), values.end(), [&](const auto& known) { return known.first == name; });
    if (twice != values.end()) return InvalidArgument("'{}': {} is given twice", text, name);
    values.emplace_back(std::string(name), std::move(value));
  }
  return values;
}

std::string FormatNamedValues(const NamedValues& values) {
  std::string text;
  for (const auto& [name, value] : values) {
    if (!text.empty()) text += ' ';
    text += name;
    text += '=';
    const bool quoted = value.empty() || value.front() == '"' || value.find_first_of(kSpace) != std::string::npos;
    if (!quoted) {
      text += value;
      continue;
    }
    text += '"';
    for (char c : value) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text;
}

}  // namespace weft
