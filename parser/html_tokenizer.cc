#include "parser/html_tokenizer.h"

#include <algorithm>

#include "parser/ascii.h"
#include "parser/byte_search.h"

namespace weft {
namespace {

// Where one attribute (13.2.5.32 ... 39) begins and ends.
struct AttributeSpan {
  size_t name_end = 0;
  size_t value_begin = 0;
  size_t value_end = 0;
  size_t end = 0;
};

size_t SkipBetweenAttributes(std::string_view html, size_t i) {
  while (i < html.size() && (IsHtmlSpace(html[i]) || html[i] == '/')) ++i;
  return i;
}

// Of a value without quotes.
size_t ValueEnd(std::string_view html, size_t begin) {
  size_t i = begin;
  while (i < html.size() && !IsHtmlSpace(html[i]) && html[i] != '>') ++i;
  return i;
}

// For what is too short for a MarkupIndex.
class PlainIndex {
 public:
  explicit PlainIndex(std::string_view html) : html_(html) {}
  size_t NextDelimiter(size_t from) const {
    size_t i = from;
    while (i < html_.size() && !IsHtmlSpace(html_[i]) && html_[i] != '/' && html_[i] != '=' && html_[i] != '>') ++i;
    return i;
  }
  size_t NextDoubleQuote(size_t from) const { return std::min(FindByte(html_, '"', from), html_.size()); }

 private:
  std::string_view html_;
};

// `begin` is at the attribute's first character, which is none of white space, "/" and ">". `end` is the document's size or
// more if it ends in the attribute.
template <typename Index>
inline AttributeSpan ScanAttribute(std::string_view html, size_t begin, Index& index) {
  AttributeSpan span;
  span.name_end = index.NextDelimiter(begin + 1);
  size_t next = span.name_end;
  while (next < html.size() && IsHtmlSpace(html[next])) ++next;
  span.value_begin = span.value_end = span.end = next;
  if (next >= html.size() || html[next] != '=') return span;
  do {
    ++next;
  } while (next < html.size() && IsHtmlSpace(html[next]));
  const char quote = next < html.size() ? html[next] : ' ';
  if (quote != '"' && quote != '\'') {
    span.value_begin = next;
    span.value_end = span.end = ValueEnd(html, next);
    return span;
  }
  span.value_begin = next + 1;
  span.value_end = quote == '"' ? index.NextDoubleQuote(next + 1) : std::min(FindByte(html, quote, next + 1), html.size());
  span.end = span.value_end + 1;
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
  PlainIndex index(raw_);
  const AttributeSpan span = ScanAttribute(raw_, begin, index);
  *name = raw_.substr(begin, span.name_end - begin);
  *value = raw_.substr(span.value_begin, span.value_end - span.value_begin);
  position_ = span.end;
  return true;
}

HtmlTokenizer::HtmlTokenizer(std::string_view html, const HtmlInterest* interest) : html_(html), index_(html) {
  static const HtmlInterest kAll = HtmlInterest::All();
  interest_ = interest == nullptr ? &kAll : interest;
}

bool HtmlTokenizer::Next(HtmlToken* token) {
  for (;;) {
    const size_t markup = index_.NextMarkup(position_);
    if (sketch_ != nullptr && markup > position_) sketch_->Add(html_.substr(position_, markup - position_));
    if (markup > position_ && interest_->text) {
      token->type = HtmlToken::Type::kText;
      token->text = TakeUntil(markup);
      return true;
    }
    position_ = markup;
    if (markup + 1 >= html_.size()) {
      position_ = html_.size();
      return false;
    }
    const char c = html_[markup + 1];
    if (IsAsciiAlpha(c)) {
      if (NextTag(false, token)) return true;
    } else if (c == '/' && markup + 2 < html_.size() && IsAsciiAlpha(html_[markup + 2])) {
      if (NextTag(true, token)) return true;
    } else if (NextOther(token)) {
      return true;
    }
  }
}

// A comment, a doctype, a bogus comment or CDATA; true if it is text.
bool HtmlTokenizer::NextOther(HtmlToken* token) {
  const std::string_view rest = html_.substr(position_);
  if (rest.starts_with("<!--")) {
    SkipComment();
    return false;
  }
  if (!foreign_ || !rest.starts_with("<![CDATA[")) {
    SkipPast(">");
    return false;
  }
  position_ += 9;
  const size_t end = std::min(html_.find("]]>", position_), html_.size());
  token->type = HtmlToken::Type::kText;
  token->text = TakeUntil(end);
  position_ = std::min(end + 3, html_.size());
  return true;
}

// True: a tag that is wanted. At the document's end the tag is none.
bool HtmlTokenizer::NextTag(bool is_end_tag, HtmlToken* token) {
  const size_t begin = position_ + (is_end_tag ? 2 : 1);
  const size_t end = NameEnd(begin + 1);
  if (end >= html_.size()) {
    position_ = html_.size();
    return false;
  }
  const bool bare = html_[end] == '>';
  if (is_end_tag && !interest_->end_tags) {
    if (bare) {
      position_ = end + 1;
    } else {
      ReadAttributes<false>(end, token);
    }
    return false;
  }
  token->name = html_.substr(begin, end - begin);
  token->element = &FindHtmlElement(token->name);
  const uint8_t wanted = is_end_tag ? HtmlInterest::kStartTag : interest_->elements[static_cast<size_t>(token->element->id)];
  token->type = is_end_tag ? HtmlToken::Type::kEndTag : HtmlToken::Type::kStartTag;
  token->self_closing = false;
  token->attribute_count = 0;
  token->attributes.Clear();
  if (bare) {
    position_ = end + 1;
    token->text = {};
    return (wanted & HtmlInterest::kStartTag) != 0;
  }
  const bool collects = (wanted & HtmlInterest::kAttributes) != 0;
  const bool whole = collects ? ReadAttributes<true>(end, token) : ReadAttributes<false>(end, token);
  return whole && wanted != 0;
}

// Everything from a name's end to behind the tag's ">"; false if there is none.
template <bool kWanted>
bool HtmlTokenizer::ReadAttributes(size_t from, HtmlToken* token) {
  for (size_t i = from;;) {
    const size_t next = SkipBetweenAttributes(html_, i);
    if (next >= html_.size()) break;
    if (html_[next] == '>') {
      token->self_closing = next > i && html_[next - 1] == '/';
      token->text = html_.substr(from, next - from);
      position_ = next + 1;
      return true;
    }
    ++token->attribute_count;
    const AttributeSpan span = ScanAttribute(html_, next, index_);
    if (kWanted) {
      token->attributes.Set(FindHtmlAttribute(html_.substr(next, span.name_end - next)),
                            html_.substr(std::min(span.value_begin, html_.size()), span.value_end - span.value_begin));
    }
    i = span.end;
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
