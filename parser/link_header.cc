#include "parser/link_header.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "common/ascii.h"
#include "parser/ascii.h"
#include "parser/link_rel.h"

namespace weft {
namespace {

// A link-value as it stands.
struct LinkValue {
  std::string_view target;
  std::optional<std::string> rel;
  std::optional<std::string> anchor;
};

// RFC 8288, B.2 and B.3, but that what is malformed costs only the element that it stands in.
class Reader {
 public:
  explicit Reader(std::string_view field) : field_(field) {}

  // The next link-value; nullopt at the end.
  std::optional<LinkValue> Next() {
    while (i_ < field_.size()) {
      SkipSpace();
      if (Take(',')) continue;
      LinkValue value;
      const bool good = TakeTarget(&value.target);
      if (good) TakeParameters(&value);
      SkipElement();
      if (good) return value;
    }
    return std::nullopt;
  }

 private:
  bool AtAny(std::string_view characters) const {
    return i_ < field_.size() && characters.find(field_[i_]) != std::string_view::npos;
  }
  bool Take(char c) {
    if (i_ >= field_.size() || field_[i_] != c) return false;
    ++i_;
    return true;
  }
  void SkipSpace() {
    while (i_ < field_.size() && IsAsciiSpace(field_[i_])) ++i_;
  }

  bool TakeTarget(std::string_view* target) {
    if (!Take('<')) return false;
    const size_t end = field_.find('>', i_);
    // Without one no later target ends either.
    if (end == std::string_view::npos) {
      i_ = field_.size();
      return false;
    }
    *target = field_.substr(i_, end - i_);
    i_ = end + 1;
    return true;
  }

  void TakeParameters(LinkValue* value) {
    while (true) {
      SkipSpace();
      if (!Take(';')) return;
      SkipSpace();
      const size_t begin = i_;
      while (i_ < field_.size() && !IsAsciiSpace(field_[i_]) && !AtAny("=;,\"<")) ++i_;
      const std::string_view name = field_.substr(begin, i_ - begin);
      SkipSpace();
      std::string text;
      if (Take('=')) text = TakeValue();
      // Of each the first counts.
      if (EqualIgnoringCase(name, "rel") && !value->rel) value->rel = std::move(text);
      if (EqualIgnoringCase(name, "anchor") && !value->anchor) value->anchor = std::move(text);
    }
  }

  std::string TakeValue() {
    SkipSpace();
    if (AtAny("\"")) return TakeQuoted();
    const size_t begin = i_;
    while (i_ < field_.size() && !AtAny(";,")) ++i_;
    return std::string(TrimAsciiSpace(field_.substr(begin, i_ - begin)));
  }

  // B.4; unclosed it ends with the field.
  std::string TakeQuoted() {
    std::string text;
    for (++i_; i_ < field_.size() && field_[i_] != '"'; ++i_) {
      if (field_[i_] == '\\' && i_ + 1 < field_.size()) ++i_;
      text.push_back(field_[i_]);
    }
    Take('"');
    return text;
  }

  // To the next comma outside quotes and brackets.
  void SkipElement() {
    while (i_ < field_.size() && field_[i_] != ',') {
      if (field_[i_] == '"') {
        SkipQuoted();
      } else if (field_[i_] == '<') {
        i_ = std::min(field_.find('>', i_), field_.size());
      } else {
        ++i_;
      }
    }
  }
  void SkipQuoted() {
    for (++i_; i_ < field_.size() && field_[i_] != '"'; ++i_) {
      if (field_[i_] == '\\' && i_ + 1 < field_.size()) ++i_;
    }
    Take('"');
  }

  std::string_view field_;
  size_t i_ = 0;
};

bool IsOfPage(const LinkValue& value, const Url& page_url) {
  if (!value.anchor) return true;
  const auto context = Url::Parse(*value.anchor, page_url);
  return context.ok() && context->href() == page_url.request_target_url();
}

void TakeLink(const LinkValue& value, const Url& page_url, LinkKinds kinds, HeaderLinks* found) {
  const LinkKind kind = KindOfRel(*value.rel);
  const bool canonical = kind == LinkKind::kCanonical && found->canonical.empty();
  if (kind == LinkKind::kNone || (!canonical && !kinds.Has(kind)) || !IsOfPage(value, page_url)) return;
  absl::StatusOr<Url> url = Url::Parse(value.target, page_url);
  if (!url.ok() || !url->is_http()) return;
  if (canonical) found->canonical = url->href();
  if (!kinds.Has(kind)) return;
  ExtractedLink& link = found->links.emplace_back();
  link.url = *std::move(url);
  link.kind = kind;
  link.nofollow = HasNofollow(*value.rel);
  link.rel = *value.rel;
}

}  // namespace

std::vector<std::string_view> LinkFields(const HttpHead& head) {
  std::vector<std::string_view> fields;
  for (const auto& [name, value] : head.fields()) {
    if (EqualIgnoringCase(name, "Link")) fields.push_back(value);
  }
  return fields;
}

HeaderLinks ReadLinkHeaders(const std::vector<std::string_view>& fields, const Url& page_url, LinkKinds kinds) {
  HeaderLinks found;
  size_t read = 0;
  for (const std::string_view field : fields) {
    Reader reader(field);
    while (const auto value = reader.Next()) {
      if (!value->rel || TrimAsciiSpace(*value->rel).empty()) continue;
      // Counted are those that are resolved against a base that may be long.
      if (++read > kMaxHeaderLinks) {
        found.cut = true;
        return found;
      }
      TakeLink(*value, page_url, kinds, &found);
    }
  }
  return found;
}

void AddHeaderLinks(HeaderLinks header, ExtractedPage* page) {
  if (page->canonical.empty()) page->canonical = std::move(header.canonical);
  page->links_cut = page->links_cut || header.cut;
  page->links.insert(page->links.begin(), std::make_move_iterator(header.links.begin()),
                     std::make_move_iterator(header.links.end()));
}

}  // namespace weft
