#include "parser/element_links.h"

#include <array>

#include "parser/ascii.h"
#include "parser/character_references.h"
#include "parser/css_urls.h"
#include "parser/link_rel.h"
#include "parser/srcset.h"

namespace weft {
namespace {

using N = HtmlName;
using A = HtmlAttribute;
using K = LinkKind;

// What an element can say: kinds of links, and whether it tells of the page itself.
struct Says {
  LinkKinds kinds;
  bool facts = false;
};

constexpr auto kSays = [] {
  std::array<Says, kHtmlNames> says = {};
  const auto set = [&says](HtmlName name, LinkKinds kinds, bool facts = false) {
    says[static_cast<size_t>(name)] = {kinds, facts};
  };
  set(N::kA, {K::kNavigation});
  set(N::kArea, {K::kNavigation});
  set(N::kFrame, {K::kFrame, K::kCite});
  set(N::kIframe, {K::kFrame, K::kCite});
  set(N::kBase, {}, true);
  set(N::kMeta, {K::kRefresh}, true);
  set(N::kHtml, {K::kResource}, true);
  set(N::kLink, {K::kCanonical, K::kAlternate, K::kNext, K::kPrev, K::kStyle, K::kImage, K::kResource, K::kCite}, true);
  set(N::kImg, {K::kImage, K::kCite});
  set(N::kImage, {K::kImage, K::kCite});
  set(N::kFeImage, {K::kImage});
  set(N::kInput, {K::kImage, K::kForm});
  set(N::kButton, {K::kForm});
  set(N::kForm, {K::kForm});
  set(N::kSource, {K::kMedia, K::kImage});
  set(N::kAudio, {K::kMedia});
  set(N::kVideo, {K::kMedia, K::kImage});
  set(N::kTrack, {K::kMedia});
  set(N::kEmbed, {K::kEmbed});
  set(N::kObject, {K::kEmbed});
  set(N::kScript, {K::kScript});
  set(N::kUse, {K::kResource});
  for (const HtmlName name : {N::kBlockquote, N::kQ, N::kIns, N::kDel}) set(name, {K::kCite});
  for (const HtmlName name : {N::kBody, N::kTable, N::kTd, N::kTh, N::kTr}) set(name, {K::kImage});
  return says;
}();

// Rules of one element.
class Rules {
 public:
  Rules(const TagAttributes& attributes, LinkCollector* links) : attributes_(attributes), links_(links) {}

  void Html(HtmlName name) {
    switch (name) {
      case N::kA:
        if (Anchor(A::kHref)) links_->BeginText();
        break;
      case N::kArea: Anchor(A::kHref); break;
      case N::kFrame:
      case N::kIframe: Add(K::kFrame, A::kSrc), Add(K::kCite, A::kLongdesc); break;
      case N::kBase:
        if (attributes_.Has(A::kHref)) links_->AddBase(Value(A::kHref));
        break;
      case N::kMeta: Meta(); break;
      case N::kHtml:
        links_->AddLanguage(Value(A::kLang));
        Add(K::kResource, A::kManifest);
        break;
      case N::kLink: Link(); break;
      case N::kImg:
      case N::kImage: Add(K::kImage, A::kSrc), Srcset(A::kSrcset), Add(K::kCite, A::kLongdesc); break;
      case N::kInput:
        if (EqualsIgnoringCase(Value(A::kType), "image")) Add(K::kImage, A::kSrc);
        Add(K::kForm, A::kFormaction);
        break;
      case N::kButton: Add(K::kForm, A::kFormaction); break;
      case N::kForm: Add(K::kForm, A::kAction, A::kRel); break;
      case N::kSource: Add(K::kMedia, A::kSrc), Srcset(A::kSrcset); break;
      case N::kAudio:
      case N::kTrack: Add(K::kMedia, A::kSrc); break;
      case N::kVideo: Add(K::kMedia, A::kSrc), Add(K::kImage, A::kPoster); break;
      case N::kEmbed: Add(K::kEmbed, A::kSrc); break;
      case N::kObject: Add(K::kEmbed, A::kData); break;
      case N::kScript: Add(K::kScript, A::kSrc); break;
      case N::kBlockquote: case N::kQ: case N::kIns: case N::kDel: Add(K::kCite, A::kCite); break;
      case N::kBody: case N::kTable: case N::kTd: case N::kTh: case N::kTr: Add(K::kImage, A::kBackground); break;
      default: break;
    }
  }

  // href comes before xlink:href (SVG 2, 16.1.2).
  void Svg(HtmlName name) {
    const HtmlAttribute href = attributes_.Has(A::kHref) ? A::kHref : A::kXlinkHref;
    switch (name) {
      case N::kA:
        if (Anchor(href)) links_->BeginText();
        break;
      case N::kImage:
      case N::kFeImage: Add(K::kImage, href); break;
      case N::kScript: Add(K::kScript, href); break;
      case N::kUse: Add(K::kResource, href); break;
      default: break;
    }
  }

  void Style() {
    if (!attributes_.Has(A::kStyle)) return;
    AddCssUrls(Value(A::kStyle), links_);
  }

 private:
  std::string_view Value(HtmlAttribute name) {
    const std::string_view raw = attributes_.Get(name);
    if (!attributes_.encoded() || !NeedsDecoding(raw)) return raw;
    return links_->Keep(DecodeCharacterReferences(raw, ReferenceContext::kAttribute));
  }

  void Add(LinkKind kind, HtmlAttribute name, HtmlAttribute rel = A::kNone) {
    if (!attributes_.Has(name) || !links_->Wants(kind)) return;
    const std::string_view value = Value(name);
    if (!value.empty()) links_->Add(kind, value, rel == A::kNone ? std::string_view() : Value(rel));
  }

  bool Anchor(HtmlAttribute href) {
    if (!attributes_.Has(href) || !links_->Wants(K::kNavigation)) return false;
    links_->Add(K::kNavigation, Value(href), Value(A::kRel));
    return true;
  }

  void Link() {
    const std::string_view rel = Value(A::kRel);
    const LinkKind kind = KindOfRel(rel);
    if (attributes_.Has(A::kImagesrcset)) Srcset(A::kImagesrcset);
    if (!attributes_.Has(A::kHref)) return;
    const std::string_view href = Value(A::kHref);
    if (href.empty()) return;
    if (kind == K::kCanonical) links_->AddCanonical(href);
    if (kind != K::kNone && links_->Wants(kind)) links_->Add(kind, href, rel);
  }

  void Srcset(HtmlAttribute name) {
    if (!attributes_.Has(name) || !links_->Wants(K::kImage)) return;
    std::string_view rest = Value(name);
    while (const auto url = NextSrcsetUrl(&rest)) links_->Add(K::kImage, *url);
  }

  void Meta() {
    if (!attributes_.Has(A::kContent)) return;
    const std::string_view content = Value(A::kContent);
    if (EqualsIgnoringCase(Value(A::kHttpEquiv), "refresh")) links_->AddRefresh(content);
    const std::string_view name = Value(A::kName);
    if (EqualsIgnoringCase(name, "description")) links_->AddDescription(content);
    if (links_->IsRobotsName(name)) links_->AddMetaRobots(content);
  }

  const TagAttributes& attributes_;
  LinkCollector* links_;
};

}  // namespace

bool MayCollect(HtmlName name, const LinkCollector& links) {
  if (links.Wants(K::kResource)) return true;  // a style attribute may stand on any element
  const Says& says = kSays[static_cast<size_t>(name)];
  return says.facts || links.kinds().Intersects(says.kinds);
}

void CollectElement(HtmlName name, HtmlSpace space, const TagAttributes& attributes, LinkCollector* links) {
  Rules rules(attributes, links);
  if (space == HtmlSpace::kHtml) {
    rules.Html(name);
  } else if (space == HtmlSpace::kSvg) {
    rules.Svg(name);
  }  // MathML names no links (HTML standard 4.6.1)
  if (links->Wants(K::kResource)) rules.Style();
}

}  // namespace weft
