#include "parser/loose_xml.h"

#include <cstdint>
#include <optional>
#include <string>

#include "parser/ascii.h"
#include "parser/utf8.h"

namespace weft {
namespace {

constexpr size_t kMaxReference = 12;     // octets of "&name;" between its ends
constexpr size_t kMaxReadValue = 16'384;  // of an attribute; longer ones are skipped

bool IsNameStart(char c) { return IsAsciiAlpha(c) || c == '_' || c == ':' || static_cast<unsigned char>(c) >= 0x80; }
bool IsNameChar(char c) { return IsNameStart(c) || IsAsciiDigit(c) || c == '-' || c == '.'; }

// The character that `name` refers to ("amp", "#38", "#x26").
std::optional<uint32_t> Referred(std::string_view name) {
  struct Named { std::string_view name; uint32_t code; };
  constexpr Named kNamed[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  for (const Named& one : kNamed) {
    if (name == one.name) return one.code;
  }
  if (name.size() < 2 || name.front() != '#') return std::nullopt;
  const bool hex = name[1] == 'x' || name[1] == 'X';
  name.remove_prefix(hex ? 2 : 1);
  if (name.empty()) return std::nullopt;
  uint32_t code = 0;
  for (const char c : name) {
    const char lower = AsciiLower(c);
    uint32_t digit = 0;
    if (IsAsciiDigit(c)) {
      digit = static_cast<uint32_t>(c - '0');
    } else if (hex && lower >= 'a' && lower <= 'f') {
      digit = static_cast<uint32_t>(lower - 'a') + 10;
    } else {
      return std::nullopt;
    }
    code = code * (hex ? 16 : 10) + digit;
    if (code > 0x10FFFF) return std::nullopt;
  }
  return code == 0 ? std::nullopt : std::optional<uint32_t>(code);
}

class LooseScan {
 public:
  LooseScan(std::string_view text, SitemapEntries* entries) : text_(text), entries_(entries) {}

  void Run() {
    while (at_ < text_.size() && !entries_->full() && !entries_->foreign()) {
      const size_t tag = std::min(text_.find('<', at_), text_.size());
      TakeText(text_.substr(at_, tag - at_));
      at_ = tag;
      if (at_ < text_.size()) TakeMarkup();
    }
  }

 private:
  // A mark that is searched for again and again: where there is none ahead, that is found out once.
  struct Mark {
    std::string_view text;
    bool none_ahead = false;
  };

  size_t Find(Mark& mark, size_t from) const {
    if (mark.none_ahead) return std::string_view::npos;
    const size_t found = text_.find(mark.text, from);
    mark.none_ahead = found == std::string_view::npos;
    return found;
  }

  void TakeMarkup() {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("<![CDATA[")) {
      const size_t end = Find(cdata_end_, at_ + 9);
      if (end == std::string_view::npos) {
        at_ += 9;
        return;
      }
      entries_->Text(text_.substr(at_ + 9, end - at_ - 9));
      at_ = end + 3;
    } else if (rest.starts_with("<!--")) {
      SkipBehind(comment_end_, 4);
    } else if (rest.starts_with("<!")) {
      SkipDeclaration();
    } else if (rest.starts_with("<?")) {
      SkipBehind(instruction_end_, 2);
    } else if (rest.size() > 2 && rest[1] == '/' && IsNameStart(rest[2])) {
      at_ += 2;
      const std::string_view name = TakeName();
      SkipToTagEnd(nullptr);
      entries_->End(name);
    } else if (rest.size() > 1 && IsNameStart(rest[1])) {
      ++at_;
      const std::string_view name = TakeName();
      const bool wanted = entries_->Start(name);
      const bool closed = SkipToTagEnd(wanted ? entries_ : nullptr);
      if (wanted) entries_->AttributesEnd();
      if (closed) entries_->End(name);
    } else {
      entries_->Text("<");
      ++at_;
    }
  }

  void SkipBehind(Mark& mark, size_t opening) {
    const size_t end = Find(mark, at_ + opening);
    at_ = end == std::string_view::npos ? at_ + opening : end + mark.text.size();
  }

  // <!DOCTYPE ...>, with or without declarations in brackets. What quotes in there hide is taken for text, which no
  // entry is open for.
  void SkipDeclaration() {
    const size_t stop = text_.find_first_of("[>", at_);
    if (stop == std::string_view::npos) {
      at_ = text_.size();
    } else if (text_[stop] == '>') {
      at_ = stop + 1;
    } else {
      const size_t bracket = Find(bracket_, stop + 1);
      const size_t end = bracket == std::string_view::npos ? stop : bracket;
      at_ = std::min(text_.find('>', end), text_.size() - 1) + 1;
    }
  }

  std::string_view TakeName() {
    const size_t begin = at_;
    while (at_ < text_.size() && IsNameChar(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  // To behind the ">"; or before a "<", where there is none. True: "/>".
  bool SkipToTagEnd(SitemapEntries* wants_attributes) {
    bool slash = false;
    std::string_view name;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '<') return false;
      if (c == '>') {
        ++at_;
        return slash;
      }
      slash = c == '/';
      if (c == '"' || c == '\'') {
        TakeValue(c == '"' ? double_quote_ : single_quote_, name, wants_attributes);
        name = {};
      } else if (IsNameStart(c)) {
        name = TakeName();
      } else {
        ++at_;
      }
    }
    return false;
  }

  void TakeValue(Mark& quote, std::string_view name, SitemapEntries* wants_attributes) {
    const size_t end = Find(quote, at_ + 1);
    if (end == std::string_view::npos) {
      ++at_;
      return;
    }
    const std::string_view raw = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (wants_attributes == nullptr || name.empty() || raw.size() > kMaxReadValue) return;
    std::string value;
    Decode(raw, [&value](std::string_view piece) { value += piece; }, [] {});
    wants_attributes->Attribute(name, value);
  }

  void TakeText(std::string_view raw) {
    Decode(raw, [this](std::string_view piece) { entries_->Text(piece); }, [this] { entries_->UnknownReference(); });
  }

  template <typename Piece, typename Unknown>
  static void Decode(std::string_view raw, Piece piece, Unknown unknown) {
    while (!raw.empty()) {
      const size_t mark = std::min(raw.find('&'), raw.size());
      if (mark > 0) piece(raw.substr(0, mark));
      raw.remove_prefix(mark);
      if (raw.empty()) return;
      const size_t end = raw.substr(0, kMaxReference + 2).find(';');
      const std::string_view name = end == std::string_view::npos ? std::string_view() : raw.substr(1, end - 1);
      const auto code = Referred(name);
      if (code) {
        std::string character;
        AppendUtf8(*code, &character);
        piece(character);
        raw.remove_prefix(end + 1);
      } else if (IsPlainName(name)) {
        unknown();
        raw.remove_prefix(end + 1);
      } else {
        piece("&");  // written raw, as in most queries
        raw.remove_prefix(1);
      }
    }
  }

  static bool IsPlainName(std::string_view name) {
    if (name.empty()) return false;
    for (const char c : name) {
      if (!IsAsciiAlpha(c) && !IsAsciiDigit(c)) return false;
    }
    return true;
  }

  std::string_view text_;
  SitemapEntries* entries_;
  size_t at_ = 0;
  Mark cdata_end_{"]]>"};
  Mark comment_end_{"-->"};
  Mark instruction_end_{"?>"};
  Mark bracket_{"]"};
  Mark double_quote_{"\""};
  Mark single_quote_{"'"};
};

}  // namespace

void ScanLooseXml(std::string_view text, SitemapEntries* entries) { LooseScan(text, entries).Run(); }

}  // namespace weft
