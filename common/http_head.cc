#include <algorithm>

#include "common/ascii.h"
#include "common/http_message.h"
#include "common/status.h"

namespace weft {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Cuts the first line off `rest`, without its line end.
std::string_view TakeLine(std::string_view& rest) {
  const size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// The field line at the front of `rest` with its folded continuations (RFC 9112 section 5.2), as one view.
std::string_view TakeField(std::string_view& rest) {
  const std::string_view first = TakeLine(rest);
  const char* end = first.data() + first.size();
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) {
    const std::string_view line = TakeLine(rest);
    end = line.data() + line.size();
  }
  return {first.data(), static_cast<size_t>(end - first.data())};
}

bool BeginsWithHttp(std::string_view text) { return EqualIgnoringCase(text.substr(0, 5), "HTTP/"); }

// Calls `item` for each element of a comma-separated list; a quoted string (RFC 9110 section 5.6.4) is not split.
template <typename F>
void ForEachListItem(std::string_view value, F item) {
  size_t begin = 0;
  bool quoted = false;
  for (size_t i = 0; i <= value.size(); ++i) {
    if (i == value.size() || (value[i] == ',' && !quoted)) {
      const std::string_view element = TrimAsciiSpace(value.substr(begin, i - begin));
      if (!element.empty()) item(element);
      begin = i + 1;
    } else if (value[i] == '"') {
      quoted = !quoted;
    } else if (value[i] == '\\' && quoted && i + 1 < value.size()) {
      ++i;
    }
  }
}

// `text` begins behind a "name=": a quoted string or a token. Advances behind it.
std::string TakeParameterValue(std::string_view& text) {
  std::string value;
  if (!text.empty() && text.front() == '"') {
    size_t i = 1;
    for (; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) ++i;
      value += text[i];
    }
    text.remove_prefix(std::min(i + 1, text.size()));
    return value;
  }
  const size_t end = std::min(text.find_first_of(";,"), text.size());
  std::string_view token = TrimAsciiSpace(text.substr(0, end));
  if (token.size() >= 2 && token.front() == '\'' && token.back() == '\'') token = token.substr(1, token.size() - 2);
  text.remove_prefix(end);
  return std::string(token);
}

}  // namespace

absl::StatusOr<HttpHead> HttpHead::ParseResponse(std::string_view bytes) {
  HttpHead head;
  std::string_view rest = bytes;
  // A server may send an empty line before the message (RFC 9112 section 2.2).
  while (!rest.empty() && (rest.front() == '\r' || rest.front() == '\n')) rest.remove_prefix(1);
  const std::string_view line = TrimAsciiSpace(TakeLine(rest));
  if (BeginsWithHttp(line)) {
    const size_t space = std::min(line.find_first_of(" \t"), line.size());
    head.version_ = line.substr(0, space);
    const std::string_view code = TrimAsciiSpace(line.substr(space));
    const bool valid = code.size() >= 3 && IsDigit(code[0]) && IsDigit(code[1]) && IsDigit(code[2]) &&
                       (code.size() == 3 || !IsDigit(code[3]));
    if (!valid) return InvalidArgument("a status line without a three-digit status");
    head.status_ = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  } else {
    const size_t space = line.find_last_of(" \t");
    if (space == std::string_view::npos || !BeginsWithHttp(line.substr(space + 1))) {
      return InvalidArgument("neither a status line nor a request line");
    }
    head.version_ = line.substr(space + 1);
  }
  while (!rest.empty() && rest.front() != '\n' && rest.substr(0, 2) != "\r\n") {
    const std::string_view field = TakeField(rest);
    const size_t colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = TrimAsciiSpace(field.substr(0, colon));
    if (!name.empty()) head.fields_.emplace_back(name, TrimAsciiSpace(field.substr(colon + 1)));
  }
  return head;
}

std::string_view HttpHead::Get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (EqualIgnoringCase(key, name)) return value;
  }
  return {};
}

bool HttpHead::Has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [name](const auto& field) { return EqualIgnoringCase(field.first, name); });
}

std::vector<std::string_view> HttpHead::List(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& [key, value] : fields_) {
    if (EqualIgnoringCase(key, name)) ForEachListItem(value, [&out](std::string_view item) { out.push_back(item); });
  }
  return out;
}

std::string MimeEssence(std::string_view content_type) {
  // A comma joins repeated headers (RFC 9110 section 5.3); the first one counts here.
  const std::string_view essence = TrimAsciiSpace(content_type.substr(0, content_type.find_first_of(";,")));
  const size_t slash = essence.find('/');
  const bool valid = slash != std::string_view::npos && slash > 0 && slash + 1 < essence.size() &&
                     std::none_of(essence.begin(), essence.end(), IsAsciiSpace);
  return valid ? LowerAscii(essence) : std::string();
}

std::string CharsetParameter(std::string_view content_type) {
  std::string_view rest = content_type;
  while (true) {
    const size_t semicolon = rest.find(';');
    if (semicolon == std::string_view::npos) return {};
    rest.remove_prefix(semicolon + 1);
    const size_t equals = rest.find_first_of("=;");
    if (equals == std::string_view::npos) return {};
    if (rest[equals] == ';') continue;
    const std::string_view name = TrimAsciiSpace(rest.substr(0, equals));
    rest.remove_prefix(equals + 1);
    while (!rest.empty() && IsAsciiSpace(rest.front())) rest.remove_prefix(1);
    std::string value = TakeParameterValue(rest);
    if (EqualIgnoringCase(name, "charset")) return value;
  }
}

}  // namespace weft
