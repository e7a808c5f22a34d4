// Downloads in progress, and what becomes of each when it ends.
#include <algorithm>
#include <utility>

#include "common/status.h"
#include "fetcher/conditions.h"
#include "fetcher/fetcher_node_impl.h"

namespace weft {

void FetcherNode::Impl::Begin(LeaseRun& run, bool robots, const wire::UrlTicket& ticket, const Url& url,
                              const IpAddress& address) {
  uint64_t id = next_download++;
  Active& one = active[id];
  one.lease = run.id();
  one.epoch = run.epoch();
  one.robots = robots;
  one.ticket = ticket;
  if (robots) one.ticket.set_url(url.request_target_url());
  if (!robots) one.sitemaps = run.sitemaps();
  one.host = std::string(url.host());
  ++host_active[one.host];
  one.download = std::make_unique<Download>(
      id, budget, [this](Download& download, FetchResult result) { OnDownloadEnd(download, std::move(result)); });
  FetchRequest request;
  request.url = url;
  request.address = address;
  request.proxy = one.host == run.host() ? run.proxy() : run_settings.proxies.For(one.host);
  request.max_body = robots ? 1 << 20 : terms.settings().max_body_bytes();
  request.start_by = std::min(run.deadline(), run.permit_deadline());
  if (run.send_headers() && one.host == run.host()) {
    request.headers.assign(terms.settings().header().begin(), terms.settings().header().end());
  }
  if (!robots) AddConditions(ticket, request.headers);
  one.handle = transport->Start(request, one.download.get());
}

void FetcherNode::Impl::KeepPage(Active& one, const FetchResult& result, bool robots) {
  OutPage out;
  out.chunks = one.download->TakeChunks();
  for (const Payload& chunk : out.chunks) out.bytes += chunk->size();
  *out.page.mutable_epoch() = one.epoch;
  *out.page.mutable_ticket() = one.ticket;
  out.page.set_robots(robots);
  out.page.set_request_head(result.request_head);
  out.page.set_response_head(result.response_head);
  out.page.set_ip(result.ip);
  out.page.set_tls_version(result.tls_version);
  out.page.set_cipher_suite(result.cipher_suite);
  out.page.set_wall_us(absl::ToUnixMicros(result.began_wall));
  out.page.set_took_us(absl::ToInt64Microseconds(result.took));
  out.page.set_truncated(result.truncated);
  for (const std::string& sitemap : one.sitemaps) out.page.add_sitemaps(sitemap);
  one.download->Settle(out.bytes);
  outbox.Add(std::move(out));
}

void FetcherNode::Impl::OnDownloadEnd(Download& download, FetchResult result) {
  auto it = active.find(download.id());
  if (it == active.end()) return;
  Active one = std::move(it->second);
  active.erase(it);
  auto host = host_active.find(one.host);
  if (host != host_active.end() && --host->second <= 0) host_active.erase(host);
  LeaseRun* run = Find(one.lease);
  if (run != nullptr && run->epoch().incarnation() != one.epoch.incarnation()) run = nullptr;
  bool settled = false;
  bool page = false;
  if (one.robots) {
    std::string body = download.Joined();
    if (result.outcome == Outcome::kResponse) {
      KeepPage(one, result, true);
      settled = true;
    }
    if (run != nullptr) run->OnRobotsEnd(result, body);
  } else {
    // A page whose lease is gone was asked in time all the same: it is handed in (rule 1).
    page = !one.cancelled && result.outcome == Outcome::kResponse && !result.not_sent;
    if (run != nullptr && one.cancelled) {
      run->OnUrlCancelled(one.ticket, result.ended_steady);
    } else if (run != nullptr) {
      page = run->OnUrlEnd(one.ticket, result) == LeaseRun::Verdict::kPage && page;
    } else {
      page = page && result.status != 429 && result.status != 503 && result.status != 500 && result.status != 502 &&
             result.status != 504 && result.truncated != "disconnect";
    }
    if (page) {
      KeepPage(one, result, false);
      if (run != nullptr && !one.sitemaps.empty()) run->SitemapsTold();
      settled = true;
    }
  }
  if (!settled) download.Settle(0);
  finished.push_back(std::move(one.download));
  if (run != nullptr) {
    Touch(*run);
  } else {
    OnOrphanEnd(one, result, page);
  }
}

void FetcherNode::Impl::CancelLease(const LeaseRun& run) {
  std::vector<Transport::Handle> handles;
  for (auto& [id, one] : active) {
    bool of_run = one.lease == run.id() && one.epoch.incarnation() == run.epoch().incarnation();
    if (!of_run || one.cancelled) continue;
    one.cancelled = true;
    handles.push_back(one.handle);
  }
  std::sort(handles.begin(), handles.end());
  for (Transport::Handle handle : handles) transport->Cancel(handle);
}

void FetcherNode::Impl::ResumePaused() {
  for (uint64_t id = budget.Resumable(); id != 0; id = budget.Resumable()) {
    auto it = active.find(id);
    if (it != active.end()) transport->Resume(it->second.handle);
  }
}

}  // namespace weft
