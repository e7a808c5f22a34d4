// A page in the parser: stored, parsed, synced, reported.
#include <algorithm>
#include <iterator>
#include <utility>

#include "common/status.h"
#include "parser/parser_node_impl.h"

namespace weft {

void ParserNode::Impl::FillLink(const Url& url, LinkKind kind, const Fingerprint& key, wire::Link* out) const {
  out->set_key(key.ToBytes());
  out->set_url(url.request_target_url());
  out->set_kind(static_cast<uint32_t>(kind));
}

void ParserNode::Impl::AddLinks(Work& work, const std::vector<ExtractedLink>& links) {
  absl::flat_hash_set<Fingerprint> seen;
  counts.links += links.size();
  work.result.set_links_seen(static_cast<uint32_t>(links.size()));
  // With a depth limit a link's answer depends on who names it: nothing is suppressed then (rule 36).
  work.cacheable = !terms.settings().has_max_depth();
  for (const ExtractedLink& found : links) {
    Fingerprint key = fingerprinter.Of(CrawlKey(found.url, keys));
    if (!seen.insert(key).second) continue;
    // What was acknowledged as a page may be no known sitemap yet.
    if (work.cacheable && found.kind != LinkKind::kSitemap && cache.Contains(key)) {
      ++counts.links_suppressed;
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
  }
}

void ParserNode::Impl::TakeRedirect(Work& work, const HttpHead& head) {
  if (!IsRedirect(head.status()) || !head.Has("Location")) return;
  auto base = Url::Parse(work.result.ticket().url());
  if (!base.ok()) return;
  auto target = Url::Parse(head.Get("Location"), *base);
  if (!target.ok() || !target->is_http()) return;
  FillLink(*target, LinkKind::kRedirect, fingerprinter.Of(CrawlKey(*target, keys)), work.result.mutable_redirect());
}

void ParserNode::Impl::ParseSitemap(Work& work, SitemapFile file) {
  std::vector<ExtractedLink> links;
  // Sitemaps first: what is named as both is read as one.
  const auto add = [&links](Url& url, LinkKind kind) -> ExtractedLink& {
    ExtractedLink& added = links.emplace_back();
    added.url = std::move(url);
    added.kind = kind;
    return added;
  };
  for (SitemapUrl& entry : file.sitemaps) add(entry.url, LinkKind::kSitemap);
  for (SitemapUrl& entry : file.urls) {
    add(entry.url, LinkKind::kNavigation).lastmod = entry.lastmod_time.value_or(absl::UnixEpoch());
    for (Url& alternate : entry.alternates) add(alternate, LinkKind::kNavigation);
  }
  std::string note = work.result.note();
  if (!note.empty()) note += ',';
  note += fmt::format("sitemap:{}", SitemapKindName(file.kind));
  if (file.salvaged) note += ",salvaged";
  if (file.cut) note += ",links-cut";
  work.result.set_note(note);
  AddLinks(work, links);
}

void ParserNode::Impl::Parse(Work& work, const HttpHead& head, const PayloadView& payload) {
  std::string_view content_type = head.Get("Content-Type");
  work.result.set_mime(MimeEssence(content_type));
  TakeRedirect(work, head);
  bool ok = head.status() >= 200 && head.status() < 300;
  if (!ok || work.arrived.page.store_only() || payload.payload.empty()) return;
  Decoded decoded = DecodeContent(head, payload.payload);
  if (!decoded.problem.empty()) work.result.set_note(decoded.problem);
  auto url = Url::Parse(work.result.ticket().url());
  if (!url.ok()) return;
  const bool html = IsHtml(work.result.mime(), decoded.body);
  const bool named = work.result.ticket().sitemap_level() > 0;
  if (SitemapsAreRead(terms.settings()) && (named || (!html && LooksLikeSitemap(decoded.body)))) {
    parts.NameCurrentPage(work.result.ticket().key());
    SitemapFile file = ReadSitemap({decoded.body, content_type, &*url, clock.WallNow()});
    parts.NameCurrentPage("");
    // A page that was only called a sitemap is a page.
    if (file.kind != SitemapKind::kUnknown) return ParseSitemap(work, std::move(file));
  }
  if (!html) return;
  LinkExtractor::Input input;
  input.html = decoded.body;
  input.url = &*url;
  input.content_type = content_type;
  parts.NameCurrentPage(work.result.ticket().key());
  ExtractedPage page = extractor->Extract(input);
  parts.NameCurrentPage("");
  if (page.linear_scan) work.result.set_note("linear-scan");
  if (page.links_cut) work.result.set_note("links-cut");
  AddLinks(work, page.links);
}

absl::Status ParserNode::Impl::Store(Work& work, const HttpHead& head, std::string_view wire_body,
                                     const PayloadView& payload) {
  const wire::Page& page = work.arrived.page;
  Exchange exchange;
  exchange.url = page.ticket().url();
  exchange.request_head = page.request_head();
  exchange.response_head = page.response_head();
  exchange.wire_body = wire_body;
  exchange.payload = payload.payload;
  exchange.ip = page.ip();
  exchange.began = absl::FromUnixMicros(page.wall_us());
  exchange.truncated = page.truncated();
  WEFT_ASSIGN_OR_RETURN(StoredExchange stored, store->Append(exchange));
  wire::PageResult& result = work.result;
  *result.mutable_epoch() = page.epoch();
  *result.mutable_ticket() = page.ticket();
  *result.mutable_sitemaps() = page.sitemaps();
  result.set_status(static_cast<uint32_t>(head.status()));
  FillPlace(stored.place, *result.mutable_place());
  result.set_payload_digest(stored.payload_digest);
  result.set_payload_bytes(payload.payload.size());
  result.set_truncated(!page.truncated().empty());
  result.set_wall_us(page.wall_us());
  result.set_took_us(page.took_us());
  result.set_outcome(static_cast<uint32_t>(Outcome::kResponse));
  return absl::OkStatus();
}

void ParserNode::Impl::Process(ArrivedPage arrived) {
  Work work;
  work.bytes = BodyBytes(arrived);
  work.robots = arrived.page.robots();
  std::string joined;
  std::string_view body;
  if (arrived.chunks.size() == 1) {
    body = *arrived.chunks[0];
  } else {
    joined.reserve(work.bytes);
    for (const Payload& chunk : arrived.chunks) joined += *chunk;
    body = joined;
  }
  work.arrived = std::move(arrived);
  const std::string& key = work.arrived.page.ticket().key();
  bool poison = !work.robots && parts.CrashesOn(key) >= kMaxCrashes;
  if (poison) work.arrived.page.set_store_only(true);
  std::string head_bytes = work.arrived.page.response_head();
  auto head = HttpHead::ParseResponse(head_bytes);
  if (!head.ok()) head = HttpHead();  // stored as it came; nothing can be read from it
  PayloadView payload;
  ExtractPayload(*head, body, payload);
  absl::Status stored = Store(work, *head, body, payload);
  if (!stored.ok()) {
    intake.Refuse(work.arrived, work.bytes, ErrorText(stored));
    return;
  }
  ++counts.pages;
  counts.bytes += work.bytes;
  if (poison) {
    work.result.set_outcome(static_cast<uint32_t>(Outcome::kParserCrash));
  } else if (!work.robots) {
    Parse(work, *head, payload);
  }
  work.arrived.chunks.clear();
  unsynced.push_back(std::move(work));
}

void ParserNode::Impl::ProcessSome() {
  absl::Time begun = clock.SteadyNow();
  ArrivedPage arrived;
  while (store != nullptr && intake.Take(arrived)) {
    Process(std::move(arrived));
    SyncIfNeeded();
    if (clock.SteadyNow() - begun > kBusyTurn) return;
  }
}

void ParserNode::Impl::SyncIfNeeded() {
  if (unsynced.empty() || !syncing.empty()) return;
  auto result = std::make_shared<absl::Status>();  // written on the pool's thread, read when it is done
  bool taken = sync_pool.Submit([result, held = store] { *result = held->Sync(); },
                                [this, result, living = alive] {
                                  if (*living) OnSynced(*result);
                                });
  if (!taken) return;  // the queue is full: tried again at the next tick
  syncing = std::move(unsynced);
  unsynced.clear();
}

void ParserNode::Impl::OnSynced(const absl::Status& status) {
  std::vector<Work> works = std::move(syncing);
  syncing.clear();
  if (!status.ok()) {
    // What was appended meanwhile went to the same file and is lost with it; a later sync would not tell.
    works.insert(works.end(), std::make_move_iterator(unsynced.begin()), std::make_move_iterator(unsynced.end()));
    unsynced.clear();
  }
  for (Work& work : works) {
    if (!status.ok()) {
      intake.Refuse(work.arrived, work.bytes, ErrorText(status));
    } else if (work.robots) {
      intake.Acknowledge(work.arrived, work.bytes);
    } else {
      const wire::UrlTicket& ticket = work.result.ticket();
      std::string id = TicketId(ticket.key(), ticket.generation(), ticket.attempt());
      auto known = reported.find(id);
      if (known != reported.end()) {
        known->second.twins.emplace_back(std::move(work.arrived), work.bytes);
        continue;
      }
      Report(work);
      reported.emplace(std::move(id), std::move(work));
    }
  }
  SyncIfNeeded();
}

void ParserNode::Impl::Report(const Work& work) {
  for (const wire::LinkBatch& batch : work.batches) {
    wire::Frame frame;
    *frame.mutable_link_batch() = batch;
    ToScheduler(std::move(frame));
  }
  wire::Frame frame;
  *frame.mutable_page_result() = work.result;
  ToScheduler(std::move(frame));
}

}  // namespace weft
