// What a page says: its links, what it asks of robots and, of a redirect, its target. Sitemaps and style sheets are pages
// of other kinds.
#include <cmath>
#include <iterator>
#include <utility>

#include "common/crawl_key.h"
#include "common/validators.h"
#include "parser/link_header.h"
#include "parser/parser_node_impl.h"
#include "parser/style_sheet.h"

namespace weft {

void ParserNode::Impl::FillLink(const Url& url, LinkKind kind, const Fingerprint& key, wire::Link* out) const {
  out->set_key(key.ToBytes());
  out->set_url(url.request_target_url());
  out->set_kind(static_cast<uint32_t>(kind));
}

void ParserNode::Impl::Note(Work& work, std::string_view note) {
  if (note.empty()) return;
  std::string& notes = *work.result.mutable_note();
  if (!notes.empty()) notes += ',';
  notes += note;
}

void ParserNode::Impl::AddLinks(Work& work, const std::vector<ExtractedLink>& links) {
  absl::flat_hash_set<Fingerprint> seen;
  counts.links += links.size();
  work.result.set_links_seen(static_cast<uint32_t>(links.size()));
  // With a depth limit a link's answer depends on who names it: nothing is suppressed then (rule 36).
  work.cacheable = !terms.settings().has_max_depth();
  const bool popular = OrderIsPopular(terms.settings());
  for (const ExtractedLink& found : links) {
    Fingerprint key = fingerprinter.Of(CrawlKey(found.url, keys));
    if (!seen.insert(key).second) continue;
    // What was acknowledged as a page may be no known sitemap yet; and when it changed last is news to who fetches it again.
    const bool tells = found.kind == LinkKind::kSitemap ||
                       (terms.settings().recrawl() && found.lastmod != absl::UnixEpoch());
    if (work.cacheable && !tells && cache.Contains(key)) {
      ++counts.links_suppressed;
      if (popular) AddSuppressed(work, found.url, key);
      continue;
    }
    work.keys.push_back(key);
    if (work.result.links_size() == kLinksPerMessage) {
      wire::LinkBatch& batch = work.batches.emplace_back();
      *batch.mutable_ticket() = work.result.ticket();
      batch.set_stored(work.result.stored_number() > 0);
      if (!batch.stored()) batch.mutable_ticket()->clear_url();
      batch.mutable_links()->Swap(work.result.mutable_links());
    }
    wire::Link* sent = work.result.add_links();
    FillLink(found.url, found.kind, key, sent);
    sent->set_lastmod_us(absl::ToUnixMicros(found.lastmod));
    if (popular && found.priority) sent->set_priority(static_cast<uint32_t>(std::lround(*found.priority * 100)) + 1);
  }
}

// What is not sent again counts all the same where popularity orders the crawl.
void ParserNode::Impl::AddSuppressed(Work& work, const Url& url, const Fingerprint& key) {
  wire::PageResult& result = work.result;
  if (result.suppressed_size() >= kMaxSuppressedLinks) return;
  if (work.host.empty()) {
    auto page = Url::Parse(result.ticket().url());
    if (page.ok()) work.host = std::string(page->host());
  }
  wire::SuppressedLink* one = result.add_suppressed();
  one->set_key(key.ToBytes());
  one->set_same_host(url.host() == work.host);
}

void ParserNode::Impl::TakeRedirect(Work& work, const HttpHead& head) {
  if (!IsRedirect(head.status()) || !head.Has("Location")) return;
  auto base = Url::Parse(work.result.ticket().url());
  if (!base.ok()) return;
  auto target = Url::Parse(head.Get("Location"), *base);
  if (!target.ok() || !target->is_http()) return;
  FillLink(*target, LinkKind::kRedirect, fingerprinter.Of(CrawlKey(*target, keys)), work.result.mutable_redirect());
}

// What a later visit sends back. Of a 304 they are those of the page that it speaks of (RFC 9110 15.4.5).
void ParserNode::Impl::TakeValidators(Work& work, const HttpHead& head) {
  if (head.status() != 200 && head.status() != 304) return;
  if (const auto etag = head.Get("ETag"); UsableValidator(etag)) work.result.set_etag(std::string(etag));
  if (const auto date = head.Get("Last-Modified"); UsableValidator(date)) work.result.set_last_modified(std::string(date));
}

void ParserNode::Impl::TakeSitemap(Work& work, SitemapFile file, std::vector<ExtractedLink>& links) {
  // Sitemaps first: what is named as both is read as one.
  const auto add = [&links](Url& url, LinkKind kind) -> ExtractedLink& {
    ExtractedLink& added = links.emplace_back();
    added.url = std::move(url);
    added.kind = kind;
    return added;
  };
  for (SitemapUrl& entry : file.sitemaps) add(entry.url, LinkKind::kSitemap);
  for (SitemapUrl& entry : file.urls) {
    ExtractedLink& named = add(entry.url, LinkKind::kNavigation);
    named.lastmod = entry.lastmod_time.value_or(absl::UnixEpoch());
    named.priority = entry.priority;
    for (Url& alternate : entry.alternates) add(alternate, LinkKind::kNavigation);
  }
  Note(work, fmt::format("sitemap:{}", SitemapKindName(file.kind)));
  if (file.salvaged) Note(work, "salvaged");
  if (file.cut) Note(work, "links-cut");
}

// A page that was only called a sitemap is a page.
bool ParserNode::Impl::ReadAsSitemap(Work& work, const LinkExtractor::Input& input, bool html,
                                     std::vector<ExtractedLink>& links) {
  if (!SitemapsAreRead(terms.settings())) return false;
  const bool named = work.result.ticket().sitemap_level() > 0;
  if (!named && (html || !LooksLikeSitemap(input.html))) return false;
  SitemapFile file = ReadSitemap({input.html, input.content_type, input.url, clock.WallNow()});
  if (file.kind == SitemapKind::kUnknown) return false;
  TakeSitemap(work, std::move(file), links);
  return true;
}

ExtractedPage ParserNode::Impl::ReadPage(Work& work, const LinkExtractor::Input& input, bool html) {
  if (!html) {
    const bool style_sheet = work.result.mime() == "text/css" && followed.Intersects(kStyleSheetKinds);
    return style_sheet ? ReadStyleSheet(input) : ExtractedPage();
  }
  ExtractedPage page = extractor->Extract(input);
  if (page.linear_scan) Note(work, "linear-scan");
  return page;
}

// Whoever ignores robots.txt ignores this too.
void ParserNode::Impl::Obey(Work& work, const HttpHead& head, ExtractedPage& page) {
  if (terms.settings().ignore_robots()) return;
  const absl::Time fetched = absl::FromUnixMicros(work.result.wall_us());
  RobotsDirectives asked = ReadRobotsTags(head, robots_name, fetched);
  for (const std::string& content : page.meta_robots) asked |= ReadMetaRobots(content, fetched);
  if (asked.noindex) Note(work, "noindex");
  if (terms.settings().nofollow() == "ignore") return;
  if (asked.nofollow) {
    Note(work, "nofollow");
    page.links.clear();
  }
  const size_t left_out = std::erase_if(page.links, [](const ExtractedLink& found) { return found.nofollow; });
  if (left_out > 0) Note(work, fmt::format("nofollow-links:{}", left_out));
}

void ParserNode::Impl::Read(Work& work, const HttpHead& head, const PayloadView& payload) {
  const auto url = Url::Parse(work.result.ticket().url());
  if (!url.ok()) return;
  Decoded decoded;
  if (!payload.payload.empty()) decoded = DecodeContent(head, payload.payload);
  Note(work, decoded.problem);
  LinkExtractor::Input input;
  input.html = decoded.body;
  input.url = &*url;
  input.content_type = head.Get("Content-Type");
  input.kinds = followed;
  input.robots_name = robots_name;
  input.want_sim_hash = true;
  const bool html = IsHtml(work.result.mime(), input.html);
  // The URLs of a sitemap are no links of a page: they are taken whatever it asks of robots.
  std::vector<ExtractedLink> links;
  ExtractedPage page;
  if (!ReadAsSitemap(work, input, html, links)) page = ReadPage(work, input, html);
  AddHeaderLinks(ReadLinkHeaders(LinkFields(head), *url, followed), &page);
  work.result.set_sim_hash(page.sim_hash);
  work.charset = page.charset;
  if (page.links_cut) Note(work, "links-cut");
  Obey(work, head, page);
  links.insert(links.end(), std::make_move_iterator(page.links.begin()), std::make_move_iterator(page.links.end()));
  AddLinks(work, links);
}

void ParserNode::Impl::Parse(Work& work, const HttpHead& head, const PayloadView& payload) {
  work.result.set_mime(MimeEssence(head.Get("Content-Type")));
  TakeRedirect(work, head);
  TakeValidators(work, head);
  const bool ok = head.status() >= 200 && head.status() < 300;
  if (!ok || work.arrived.page.store_only()) return;
  parts.NameCurrentPage(work.result.ticket().key());
  Read(work, head, payload);
  parts.NameCurrentPage("");
}

}  // namespace weft
