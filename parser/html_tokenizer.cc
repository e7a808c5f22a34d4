#include "parser/html_tokenizer.h"

#include <algorithm>

#include "parser/ascii.h"
#include "parser/byte_search.h"

namespace weft {
namespace {

// Where one attribute (13.2.5.32 ... 39) begins and ends.
struct AttributeSpan {
  size_t name_begin = 0;
  size_t name_end = 0;
  size_t value_begin = 0;
  size_t value_end = 0;
  size_t end = 0;
};

size_t SkipBetweenAttributes(std::string_view html, size_t i) {
  while (i < html.size() && (IsHtmlSpace(html[i]) || html[i] == '/')) ++i;
  return i;
}

// `i` is at a value's first character, after "=" and white space.
void ScanValue(std::string_view html, size_t i, AttributeSpan* span) {
  if (i < html.size() && (html[i] == '"' || html[i] == '\'')) {
    const size_t close = std::min(FindByte(html, html[i], i + 1), html.size());
    span->value_begin = i + 1;
    span->value_end = std::max(close, i + 1);
    span->end = std::min(close + 1, html.size());
    if (close == html.size()) span->end = html.npos;  // the document ends in the value
    return;
  }
  span->value_begin = i;
  while (i < html.size() && !IsHtmlSpace(html[i]) && html[i] != '>') ++i;
  span->value_end = i;
  span->end = i;
}

// `i` is at the attribute's first character, which is none of white space, "/" and ">".
AttributeSpan ScanAttribute(std::string_view html, size_t i) {
  AttributeSpan span;
  span.name_begin = i++;
  while (i < html.size() && !IsHtmlSpace(html[i]) && html[i] != '/' && html[i] != '>' && html[i] != '=') ++i;
  span.name_end = i;
  size_t next = i;
  while (next < html.size() && IsHtmlSpace(html[next])) ++next;
  span.end = next;
  if (next >= html.size() || html[next] != '=') return span;
  ++next;
  while (next < html.size() && IsHtmlSpace(html[next])) ++next;
  ScanValue(html, next, &span);
  return span;
}

bool EndsTagName(char c) { return IsHtmlSpace(c) || c == '/' || c == '>'; }

bool HasTagNameAt(std::string_view html, size_t at, std::string_view lower_name) {
  const std::string_view rest = html.substr(std::min(at, html.size()));
  return StartsWithIgnoringCase(rest, lower_name) && rest.size() > lower_name.size() &&
         EndsTagName(rest[lower_name.size()]);
}

}  // namespace

bool AttributeReader::Next(std::string_view* name, std::string_view* value) {
  const size_t begin = SkipBetweenAttributes(raw_, position_);
  if (begin >= raw_.size()) return false;
  const AttributeSpan span = ScanAttribute(raw_, begin);
  *name = raw_.substr(span.name_begin, span.name_end - span.name_begin);
  *value = raw_.substr(span.value_begin, span.value_end - span.value_begin);
  position_ = span.end;
  return true;
}

bool HtmlTokenizer::Next(HtmlToken* token) {
  while (position_ < html_.size()) {
    // Text up to the next "<" that begins markup.
    size_t less_than = position_;
    for (;; ++less_than) {
      less_than = std::min(FindByte(html_, '<', less_than), html_.size());
      if (less_than + 1 >= html_.size()) {
        less_than = html_.size();
        break;
      }
      const char c = html_[less_than + 1];
      if (IsAsciiAlpha(c) || c == '/' || c == '!' || c == '?') break;
    }
    if (less_than > position_) {
      token->type = HtmlToken::Type::kText;
      token->text = TakeUntil(less_than);
      return true;
    }
    if (NextMarkup(token)) return true;
  }
  return false;
}

// True if the markup was a tag.
bool HtmlTokenizer::NextMarkup(HtmlToken* token) {
  const std::string_view rest = html_.substr(position_);
  if (rest[1] == '!') {
    if (rest.starts_with("<!--")) {
      SkipComment();
      return false;
    }
    if (foreign_ && rest.starts_with("<![CDATA[")) {
      position_ += 9;
      const size_t end = std::min(html_.find("]]>", position_), html_.size());
      token->type = HtmlToken::Type::kText;
      token->text = TakeUntil(end);
      position_ = std::min(end + 3, html_.size());
      return true;
    }
    SkipPast(">");
    return false;
  }
  const bool is_end_tag = rest[1] == '/';
  if (rest[1] == '?' || (is_end_tag && (rest.size() < 3 || !IsAsciiAlpha(rest[2])))) {
    SkipPast(">");
    return false;
  }
  token->type = is_end_tag ? HtmlToken::Type::kEndTag : HtmlToken::Type::kStartTag;
  position_ += is_end_tag ? 2 : 1;
  return NextTag(token);
}

const HtmlElement* HtmlTokenizer::FindElement(const HtmlToken& token) const {
  const bool passed_over = token.type == HtmlToken::Type::kEndTag && !names_end_tags_;
  return passed_over ? &HtmlElementOf(HtmlName::kOther) : &FindHtmlElement(token.name);
}

bool HtmlTokenizer::NextTag(HtmlToken* token) {
  size_t i = position_;
  while (i < html_.size() && !EndsTagName(html_[i])) ++i;
  token->name = html_.substr(position_, i - position_);
  token->self_closing = false;
  token->attribute_count = 0;
  const size_t attributes = i;
  if (i < html_.size() && html_[i] == '>') {
    token->text = {};
    token->element = FindElement(*token);
    position_ = i + 1;
    return true;
  }
  for (;;) {
    const size_t next = SkipBetweenAttributes(html_, i);
    if (next >= html_.size()) break;
    if (html_[next] == '>') {
      token->self_closing = next > i && html_[next - 1] == '/';
      token->text = html_.substr(attributes, next - attributes);
      token->element = FindElement(*token);
      position_ = next + 1;
      return true;
    }
    ++token->attribute_count;
    i = ScanAttribute(html_, next).end;
    if (i >= html_.size()) break;
  }
  position_ = html_.size();
  return false;
}

// 13.2.5.43 ... 51: "-->" and "--!>" end a comment, and so does ">" right at its start ("<!-->", "<!--->").
void HtmlTokenizer::SkipComment() {
  position_ += 4;
  const std::string_view rest = html_.substr(position_);
  if (rest.starts_with(">") || rest.starts_with("->")) {
    SkipPast(">");
    return;
  }
  for (;;) {
    size_t dashes = html_.find("--", position_);
    if (dashes == html_.npos) break;
    size_t i = dashes + 2;
    while (i < html_.size() && html_[i] == '-') ++i;
    if (i < html_.size() && html_[i] == '!') ++i;
    if (i < html_.size() && html_[i] == '>') {
      position_ = i + 1;
      return;
    }
    position_ = i;
  }
  position_ = html_.size();
}

void HtmlTokenizer::SkipPast(std::string_view end) {
  const size_t found = html_.find(end, position_);
  position_ = found == html_.npos ? html_.size() : found + end.size();
}

bool HtmlTokenizer::IsEndTagAt(size_t less_than, std::string_view name) const {
  const std::string_view rest = html_.substr(less_than);
  if (rest.size() < name.size() + 3 || rest[1] != '/' || !EndsTagName(rest[name.size() + 2])) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (AsciiLower(rest[i + 2]) != AsciiLower(name[i])) return false;
  }
  return true;
}

std::string_view HtmlTokenizer::TakeUntil(size_t end) {
  const std::string_view taken = html_.substr(position_, end - position_);
  position_ = end;
  return taken;
}

std::string_view HtmlTokenizer::TakeRawText(std::string_view name) {
  size_t i = FindByte(html_, '<', position_);
  while (i != html_.npos && !IsEndTagAt(i, name)) i = FindByte(html_, '<', i + 1);
  return TakeUntil(std::min(i, html_.size()));
}

std::string_view HtmlTokenizer::TakeScript() {
  enum class State { kPlain, kEscaped, kDoubleEscaped } state = State::kPlain;
  for (size_t i = position_; i < html_.size(); ++i) {
    if (state == State::kPlain) i = std::min(FindByte(html_, '<', i), html_.size());
    if (i >= html_.size()) break;
    const std::string_view rest = html_.substr(i);
    if (state != State::kPlain && rest.starts_with("-->")) {
      state = State::kPlain;
    } else if (rest[0] != '<') {
      continue;
    } else if (state == State::kPlain && rest.starts_with("<!--")) {
      state = State::kEscaped;
      ++i;  // its dashes may be those of "-->"
    } else if (state == State::kEscaped && HasTagNameAt(html_, i + 1, "script")) {
      state = State::kDoubleEscaped;
    } else if (rest.size() > 1 && rest[1] == '/' && HasTagNameAt(html_, i + 2, "script")) {
      if (state != State::kDoubleEscaped) return TakeUntil(i);
      state = State::kEscaped;
    }
  }
  return TakeRest();
}

std::string_view HtmlTokenizer::TakeRest() { return TakeUntil(html_.size()); }

}  // namespace weft
