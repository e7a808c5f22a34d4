#include "parser/link_collector.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "parser/ascii.h"
#include "parser/charset.h"
#include "parser/link_rel.h"
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

bool LinkCollector::IsRobotsName(std::string_view name) const {
  return EqualsIgnoringCase(name, "robots") || (!robots_name_.empty() && EqualsIgnoringCase(name, robots_name_));
}

void LinkCollector::Clear() { *this = LinkCollector(kinds_, want_details_, robots_name_); }

void LinkCollector::MarkBody() {
  facts_of_head_ = facts_;
  references_of_head_ = references_.size();
}

void LinkCollector::DropBody() {
  EndText();
  facts_ = facts_of_head_;
  references_.resize(references_of_head_);
  while (!texts_.empty() && texts_.back().first >= references_of_head_) texts_.pop_back();
}

void LinkCollector::AddMetaRobots(std::string_view content) {
  if (facts_.meta_robots.size() < kMaxMetaRobots) facts_.meta_robots.push_back(content);
}

void LinkCollector::AddBase(std::string_view href) {
  if (facts_.has_base) return;
  facts_.has_base = true;
  facts_.base = href;
}

void LinkCollector::Add(LinkKind kind, std::string_view reference, std::string_view rel) {
  if (references_.size() >= kMaxPageLinks) {
    facts_.cut = true;
    return;
  }
  references_.push_back({reference, rel, kind});
}

void LinkCollector::BeginText() {
  EndText();
  if (want_details_ && !references_.empty() && !facts_.cut) text_of_ = references_.size() - 1;
}

void LinkCollector::AddText(std::string_view characters) {
  if (text_of_ != kNoLink) text_.Add(characters);
}

void LinkCollector::EndText() {
  if (text_of_ == kNoLink) return;
  std::string text = text_.Take();
  if (!text.empty()) texts_.emplace_back(text_of_, std::move(text));
  text_of_ = kNoLink;
}

void LinkCollector::AddRefresh(std::string_view content) {
  if (facts_.has_refresh) return;
  const std::optional<std::string_view> target = ParseMetaRefresh(content);
  if (!target.has_value()) return;
  facts_.has_refresh = true;
  if (Wants(LinkKind::kRefresh)) Add(LinkKind::kRefresh, *target);
}

void LinkCollector::AddCanonical(std::string_view href) {
  if (facts_.canonical.empty()) facts_.canonical = href;
}

void LinkCollector::AddDescription(std::string_view content) {
  if (!facts_.has_description) facts_.description = content.substr(0, kMaxFact);
  facts_.has_description = true;
}

void LinkCollector::AddLanguage(std::string_view lang) {
  if (!facts_.has_language) facts_.language = lang.substr(0, kMaxFact);
  facts_.has_language = facts_.has_language || !lang.empty();
}

std::string_view LinkCollector::Keep(std::string text) { return kept_.emplace_back(std::move(text)); }

void LinkCollector::Resolve(const Url& document_url, std::string_view encoding, ExtractedPage* page) const {
  Resolver resolver(document_url, encoding);
  if (facts_.has_base) resolver.UseBase(facts_.base);
  page->base = resolver.base().href();
  page->description = CollapseSpace(facts_.description);
  page->language = std::string(TrimHtmlSpace(facts_.language));
  size_t robots_left = kMaxMetaRobotsBytes;
  for (const std::string_view robots : facts_.meta_robots) {
    page->meta_robots.push_back(CollapseSpace(robots.substr(0, robots_left)));
    robots_left -= std::min(robots_left, robots.size());
  }
  if (!facts_.canonical.empty()) {
    absl::StatusOr<Url> canonical = resolver.Parse(facts_.canonical, resolver.base());
    if (canonical.ok() && canonical->is_http()) page->canonical = canonical->href();
  }
  size_t budget = kMaxResolveBytes;
  page->links_cut = facts_.cut;
  page->links.reserve(references_.size());
  auto text = texts_.begin();
  for (size_t i = 0; i < references_.size(); ++i) {
    const Reference& reference = references_[i];
    const bool reload = reference.kind == LinkKind::kRefresh && reference.text.empty();
    const Url& base = reload ? document_url : resolver.base();
    const size_t cost = reference.text.size() + base.href().size();
    if (cost > budget) {
      page->links_cut = true;
      break;
    }
    budget -= cost;
    while (text != texts_.end() && text->first < i) ++text;
    absl::StatusOr<Url> url = resolver.Parse(reference.text, base);
    if (!url.ok() || !url->is_http()) continue;
    ExtractedLink& link = page->links.emplace_back();
    link.url = *std::move(url);
    link.kind = reference.kind;
    link.nofollow = HasNofollow(reference.rel);
    if (!want_details_) continue;
    link.rel = std::string(reference.rel.substr(0, kMaxFact));
    if (text != texts_.end() && text->first == i) link.text = text->second;
  }
}

}  // namespace weft
