#include "parser/css_urls.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "parser/ascii.h"
#include "parser/utf8.h"

namespace weft {
namespace {

bool IsNewline(char c) { return c == '\n' || c == '\r' || c == '\f'; }
bool IsHex(char c) { return IsAsciiDigit(c) || (AsciiLower(c) >= 'a' && AsciiLower(c) <= 'f'); }
bool IsNameChar(char c) {
  return IsAsciiAlpha(c) || IsAsciiDigit(c) || c == '-' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

class Reader {
 public:
  Reader(std::string_view css, LinkCollector* links) : css_(css), links_(links) {}

  void Run() {
    while (i_ < css_.size()) {
      const char c = css_[i_];
      if (At("/*")) {
        i_ = std::min(css_.find("*/", i_ + 2), css_.size());
        i_ = std::min(i_ + 2, css_.size());
      } else if (c == '"' || c == '\'') {
        const std::optional<std::string> text = TakeString();
        if (rule_ == Rule::kImport) Add(LinkKind::kStyle, text);
        if (rule_ == Rule::kImport) rule_ = Rule::kOther;
      } else if (c == '@') {
        ++i_;
        const std::string name = TakeName();
        rule_ = name == "import" ? Rule::kImport : name == "namespace" ? Rule::kNamespace : Rule::kOther;
      } else if (IsNameChar(c) || c == '\\') {
        Name();
      } else {
        if (c == ';' || c == '{' || c == '}') rule_ = Rule::kOther;
        ++i_;
      }
    }
  }

 private:
  enum class Rule : uint8_t { kOther, kImport, kNamespace };  // a namespace is a name, nothing to be fetched

  bool At(std::string_view text) const { return css_.substr(i_).starts_with(text); }
  void SkipSpace() {
    while (i_ < css_.size() && IsHtmlSpace(css_[i_])) ++i_;
  }

  void Name() {
    const std::string name = TakeName();
    if (i_ >= css_.size() || css_[i_] != '(') {
      if (name.empty()) ++i_;
      return;
    }
    ++i_;
    if (name != "url" && name != "src") return;
    SkipSpace();
    const bool quoted = i_ < css_.size() && (css_[i_] == '"' || css_[i_] == '\'');
    if (!quoted && name == "src") return;
    const std::optional<std::string> url = quoted ? TakeString() : TakeBare();
    if (rule_ == Rule::kNamespace) return;
    Add(rule_ == Rule::kImport ? LinkKind::kStyle : LinkKind::kResource, url);
    rule_ = Rule::kOther;
  }

  // In lower case.
  std::string TakeName() {
    std::string name;
    while (i_ < css_.size() && (IsNameChar(css_[i_]) || (css_[i_] == '\\' && i_ + 1 < css_.size()))) {
      if (css_[i_] == '\\') {
        TakeEscape(&name);
      } else {
        name.push_back(AsciiLower(css_[i_++]));
      }
    }
    return name;
  }

  // 4.3.7; a backslash is in hand and something follows.
  void TakeEscape(std::string* out) {
    ++i_;
    if (!IsHex(css_[i_])) {
      out->push_back(css_[i_++]);
      return;
    }
    uint32_t value = 0;
    for (int digits = 0; digits < 6 && i_ < css_.size() && IsHex(css_[i_]); ++digits, ++i_) {
      const char c = AsciiLower(css_[i_]);
      value = value * 16 + static_cast<uint32_t>(IsAsciiDigit(c) ? c - '0' : c - 'a' + 10);
    }
    if (i_ < css_.size() && IsHtmlSpace(css_[i_])) ++i_;
    const bool valid = value != 0 && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
    AppendUtf8(valid ? value : 0xFFFD, out);
  }

  // 4.3.5; nothing if the line ends in it (a bad string), but the end of the sheet closes it.
  std::optional<std::string> TakeString() {
    const char quote = css_[i_++];
    std::string text;
    while (i_ < css_.size() && css_[i_] != quote && !IsNewline(css_[i_])) {
      if (css_[i_] == '\\' && i_ + 1 < css_.size()) {
        if (IsNewline(css_[i_ + 1])) {
          i_ += 2;
        } else {
          TakeEscape(&text);
        }
      } else {
        text.push_back(css_[i_++]);
      }
    }
    if (i_ < css_.size() && IsNewline(css_[i_])) return std::nullopt;
    if (i_ < css_.size()) ++i_;
    return text;
  }

  // 4.3.6; nothing if it is a bad URL, which goes up to the next ")" (4.3.14).
  std::optional<std::string> TakeBare() {
    std::string text;
    bool bad = false;
    while (i_ < css_.size() && css_[i_] != ')' && !IsHtmlSpace(css_[i_])) {
      bad = bad || css_[i_] == '"' || css_[i_] == '\'' || css_[i_] == '(';
      if (css_[i_] == '\\' && i_ + 1 == css_.size()) {
        text.append(kReplacementUtf8);
        ++i_;
      } else if (css_[i_] == '\\') {
        TakeEscape(&text);
      } else {
        text.push_back(css_[i_++]);
      }
    }
    SkipSpace();
    if (!bad && (i_ == css_.size() || css_[i_] == ')')) return text;
    for (; i_ < css_.size() && css_[i_] != ')'; ++i_) {
      if (css_[i_] == '\\' && i_ + 1 < css_.size()) ++i_;
    }
    return std::nullopt;
  }

  void Add(LinkKind kind, const std::optional<std::string>& url) {
    if (url.has_value() && !url->empty() && links_->Wants(kind)) links_->Add(kind, links_->Keep(*url));
  }

  std::string_view css_;
  LinkCollector* links_;
  size_t i_ = 0;
  Rule rule_ = Rule::kOther;
};

}  // namespace

void AddCssUrls(std::string_view css, LinkCollector* links) { Reader(css, links).Run(); }

}  // namespace weft
