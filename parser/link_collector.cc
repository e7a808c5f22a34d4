#include "parser/link_collector.h"

#include <optional>
#include <utility>

#include "parser/ascii.h"
#include "parser/charset.h"
#include "parser/meta_refresh.h"

namespace weft {
namespace {

// Resolves references of one page.
class Resolver {
 public:
  Resolver(const Url& document_url, std::string_view encoding)
      : document_url_(document_url), encoding_(encoding), base_(&document_url) {}

  // 4.2.3, "set the frozen base URL".
  void UseBase(std::string_view href) {
    absl::StatusOr<Url> base = Parse(href, document_url_);
    if (!base.ok() || base->scheme() == "data" || base->scheme() == "javascript") return;
    own_base_ = *std::move(base);
    base_ = &own_base_;
  }

  const Url& base() const { return *base_; }

  absl::StatusOr<Url> Parse(std::string_view reference, const Url& base) const {
    const bool utf8_queries = encoding_ == "UTF-8" || encoding_ == "replacement" || encoding_.starts_with("UTF-16");
    if (utf8_queries) return Url::Parse(reference, base);
    const auto encode = [this](std::string_view query) { return EncodeQuery(query, encoding_); };
    const Url::QueryEncoder encoder(encode);
    return Url::Parse(reference, &base, &encoder);
  }

 private:
  const Url& document_url_;
  std::string_view encoding_;
  Url own_base_;
  const Url* base_;
};

}  // namespace

bool HasNofollow(std::string_view rel) {
  while (!rel.empty()) {
    while (!rel.empty() && IsHtmlSpace(rel.front())) rel.remove_prefix(1);
    size_t length = 0;
    while (length < rel.size() && !IsHtmlSpace(rel[length])) ++length;
    if (EqualsIgnoringCase(rel.substr(0, length), "nofollow")) return true;
    rel.remove_prefix(length);
  }
  return false;
}

void LinkCollector::AddBase(std::string_view href) {
  if (has_base_) return;
  has_base_ = true;
  base_ = href;
}

void LinkCollector::Add(LinkKind kind, std::string_view reference, bool nofollow) {
  if (references_.size() >= kMaxPageLinks) {
    cut_ = true;
    return;
  }
  references_.push_back({reference, kind, nofollow});
}

void LinkCollector::AddRefresh(std::string_view content) {
  if (has_refresh_) return;
  const std::optional<std::string_view> target = ParseMetaRefresh(content);
  if (!target.has_value()) return;
  has_refresh_ = true;
  Add(LinkKind::kRefresh, *target, false);
}

std::string_view LinkCollector::Keep(std::string text) { return kept_.emplace_back(std::move(text)); }

void LinkCollector::Resolve(const Url& document_url, std::string_view encoding, ExtractedPage* page) const {
  Resolver resolver(document_url, encoding);
  if (has_base_) resolver.UseBase(base_);
  size_t budget = kMaxResolveBytes;
  page->links_cut = cut_;
  page->links.reserve(references_.size());
  for (const Reference& reference : references_) {
    const bool reload = reference.kind == LinkKind::kRefresh && reference.text.empty();
    const Url& base = reload ? document_url : resolver.base();
    const size_t cost = reference.text.size() + base.href().size();
    if (cost > budget) {
      page->links_cut = true;
      break;
    }
    budget -= cost;
    absl::StatusOr<Url> url = resolver.Parse(reference.text, base);
    if (url.ok() && url->is_http()) page->links.push_back({*std::move(url), reference.kind, reference.nofollow});
  }
}

}  // namespace weft
