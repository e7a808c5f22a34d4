#include "parser/meta_charset.h"

#include <algorithm>
#include <string>

#include "parser/ascii.h"
#include "parser/charset.h"

namespace weft {
namespace {

struct Attribute {
  std::string name;   // lower case
  std::string value;  // lower case
};

// The prescan's own view of HTML, which differs from the tokenizer's ("get an attribute").
class Prescan {
 public:
  explicit Prescan(std::string_view html) : html_(html) {}

  std::string_view Run() {
    while (at_ < html_.size()) {
      const std::string_view rest = html_.substr(at_);
      if (rest.starts_with("<!--")) {
        // The two dashes may be those of "-->".
        const size_t end = html_.find("-->", at_ + 2);
        at_ = end == html_.npos ? html_.size() : end + 3;
      } else if (rest.size() > 5 && StartsWithIgnoringCase(rest, "<meta") && (IsHtmlSpace(rest[5]) || rest[5] == '/')) {
        at_ += 5;
        const std::string_view name = Meta();
        if (!name.empty()) return name;
      } else if (IsTag(rest)) {
        while (at_ < html_.size() && !IsHtmlSpace(html_[at_]) && html_[at_] != '>') ++at_;
        Attribute unused;
        while (NextAttribute(&unused)) continue;
      } else if (rest.starts_with("<!") || rest.starts_with("</") || rest.starts_with("<?")) {
        const size_t end = html_.find('>', at_);
        at_ = end == html_.npos ? html_.size() : end + 1;
      } else {
        const size_t next = html_.find('<', at_ + 1);
        at_ = next == html_.npos ? html_.size() : next;
      }
    }
    return {};
  }

 private:
  static bool IsTag(std::string_view rest) {
    if (rest.size() > 1 && rest[0] == '<' && IsAsciiAlpha(rest[1])) return true;
    return rest.size() > 2 && rest[0] == '<' && rest[1] == '/' && IsAsciiAlpha(rest[2]);
  }

  std::string_view Meta() {
    bool seen_http_equiv = false;
    bool seen_content = false;
    bool seen_charset = false;
    bool got_pragma = false;
    enum { kUnknown, kNo, kYes } need_pragma = kUnknown;
    std::string_view name;
    Attribute attribute;
    while (NextAttribute(&attribute)) {
      if (attribute.name == "http-equiv" && !seen_http_equiv) {
        seen_http_equiv = true;
        got_pragma = attribute.value == "content-type";
      } else if (attribute.name == "content" && !seen_content) {
        seen_content = true;
        if (!name.empty() || need_pragma != kUnknown) continue;
        name = EncodingFromMetaContent(attribute.value);
        if (!name.empty()) need_pragma = kYes;
      } else if (attribute.name == "charset" && !seen_charset) {
        seen_charset = true;
        name = EncodingFromLabel(attribute.value);
        need_pragma = kNo;
      }
    }
    if (cut_ || need_pragma == kUnknown || (need_pragma == kYes && !got_pragma)) return {};
    if (name.starts_with("UTF-16")) return "UTF-8";
    return name == "x-user-defined" ? "windows-1252" : name;
  }

  // "Get an attribute". False at the end of the tag, or of the bytes (then cut_).
  bool NextAttribute(Attribute* attribute) {
    attribute->name.clear();
    attribute->value.clear();
    while (at_ < html_.size() && (IsHtmlSpace(html_[at_]) || html_[at_] == '/')) ++at_;
    if (AtEnd() || html_[at_] == '>') return false;
    while (at_ < html_.size() && !IsHtmlSpace(html_[at_]) && html_[at_] != '/' && html_[at_] != '>' &&
           (html_[at_] != '=' || attribute->name.empty())) {
      attribute->name.push_back(AsciiLower(html_[at_++]));
    }
    SkipSpace();
    if (AtEnd()) return false;
    if (html_[at_] != '=') return true;
    ++at_;
    SkipSpace();
    if (AtEnd()) return false;
    return Value(attribute);
  }

  bool Value(Attribute* attribute) {
    const char quote = html_[at_];
    if (quote == '"' || quote == '\'') {
      for (++at_; at_ < html_.size(); ++at_) {
        if (html_[at_] == quote) {
          ++at_;
          return true;
        }
        attribute->value.push_back(AsciiLower(html_[at_]));
      }
      return !AtEnd();
    }
    while (at_ < html_.size() && !IsHtmlSpace(html_[at_]) && html_[at_] != '>') {
      attribute->value.push_back(AsciiLower(html_[at_++]));
    }
    return !AtEnd();
  }

  void SkipSpace() {
    while (at_ < html_.size() && IsHtmlSpace(html_[at_])) ++at_;
  }

  bool AtEnd() {
    cut_ = at_ >= html_.size();
    return cut_;
  }

  std::string_view html_;
  size_t at_ = 0;
  bool cut_ = false;
};

}  // namespace

std::string_view PrescanMetaCharset(std::string_view html) { return Prescan(html).Run(); }

std::string_view XmlDeclarationCharset(std::string_view bytes) {
  if (bytes.starts_with(std::string_view("<\0?\0x\0", 6))) return "UTF-16LE";
  if (bytes.starts_with(std::string_view("\0<\0?\0x", 6))) return "UTF-16BE";
  if (!bytes.starts_with("<?xml")) return {};
  std::string_view rest = bytes.substr(0, bytes.find('>'));
  if (rest.size() == bytes.size()) return {};
  const auto skip_space = [&rest] {
    while (!rest.empty() && static_cast<unsigned char>(rest.front()) <= ' ') rest.remove_prefix(1);
  };
  const size_t name = rest.find("encoding");
  if (name == rest.npos) return {};
  rest.remove_prefix(name + 8);
  skip_space();
  if (!rest.starts_with('=')) return {};
  rest.remove_prefix(1);
  skip_space();
  if (!rest.starts_with('"') && !rest.starts_with('\'')) return {};
  const size_t close = rest.find(rest.front(), 1);
  if (close == rest.npos) return {};
  const std::string_view label = rest.substr(1, close - 1);
  if (std::any_of(label.begin(), label.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; })) return {};
  const std::string_view name_of_encoding = EncodingFromLabel(label);
  return name_of_encoding.starts_with("UTF-16") ? "UTF-8" : name_of_encoding;
}

std::string_view EncodingFromMetaContent(std::string_view content) {
  for (size_t i = 0; i + 7 <= content.size(); ++i) {
    if (!StartsWithIgnoringCase(content.substr(i), "charset")) continue;
    std::string_view rest = content.substr(i + 7);
    while (!rest.empty() && IsHtmlSpace(rest.front())) rest.remove_prefix(1);
    if (rest.empty()) return {};
    if (rest.front() != '=') continue;
    rest.remove_prefix(1);
    while (!rest.empty() && IsHtmlSpace(rest.front())) rest.remove_prefix(1);
    if (rest.empty()) return {};
    if (rest.front() == '"' || rest.front() == '\'') {
      const size_t close = rest.find(rest.front(), 1);
      return close == rest.npos ? std::string_view() : EncodingFromLabel(rest.substr(1, close - 1));
    }
    size_t length = 0;
    while (length < rest.size() && !IsHtmlSpace(rest[length]) && rest[length] != ';') ++length;
    return EncodingFromLabel(rest.substr(0, length));
  }
  return {};
}

}  // namespace weft
