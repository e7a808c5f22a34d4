// The leases that a fetcher holds: when each goes on, what it asks the scheduler for, and its end.
#include <algorithm>
#include <utility>

#include "common/status.h"
#include "fetcher/fetcher_node_impl.h"

namespace weft {

LeaseRun* FetcherNode::Impl::Find(uint64_t id) {
  auto it = leases.find(id);
  return it == leases.end() ? nullptr : it->second.get();
}

void FetcherNode::Impl::Refile(LeaseRun& run) {
  auto it = wake_of.find(run.id());
  if (it != wake_of.end()) wakes.erase({it->second, run.id()});
  absl::Time wake = run.NextWake();
  wake_of[run.id()] = wake;
  wakes.insert({wake, run.id()});
}

void FetcherNode::Impl::Touch(LeaseRun& run) {
  // A host that an earlier lease of this node is still asking waits for that to end.
  auto others_active = host_active.find(run.host());
  bool others = others_active != host_active.end() && others_active->second > run.in_flight();
  uint64_t id = run.id();
  if (others && !run.closing()) {
    blocked.insert(id);
  } else if (run.Advance()) {
    blocked.insert(id);
  } else {
    blocked.erase(id);
  }
  Refile(run);
  ReleaseIfReady(run);
}

void FetcherNode::Impl::ReleaseIfReady(LeaseRun& run) {
  if (!run.ReadyToRelease()) return;
  KeepPause(run.host(), run.pause());
  wire::Frame frame;
  *frame.mutable_lease_release() = run.MakeRelease();
  ToScheduler(std::move(frame));
  // The scheduler may have written the lease off before the release reaches it, and then knows nothing of the pause.
  SendPause(run.host(), run.pause());
  uint64_t id = run.id();
  auto wake = wake_of.find(id);
  if (wake != wake_of.end()) {
    wakes.erase({wake->second, id});
    wake_of.erase(wake);
  }
  blocked.erase(id);
  leases.erase(id);
}

void FetcherNode::Impl::CloseAll(wire::LeaseRelease::Why why) {
  std::vector<uint64_t> ids;
  for (const auto& [id, run] : leases) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (uint64_t id : ids) {
    LeaseRun* run = Find(id);
    run->Close(why);
    ReleaseIfReady(*run);
  }
}

void FetcherNode::Impl::DropLeases() {
  for (const auto& [id, one] : active) {
    const LeaseRun* run = Find(one.lease);
    if (run != nullptr && run->epoch().incarnation() == one.epoch.incarnation()) orphaned.insert({run->deadline(), id});
  }
  leases.clear();
  wakes.clear();
  wake_of.clear();
  blocked.clear();
}

// Rule 16 holds for them too.
void FetcherNode::Impl::CancelOrphans() {
  while (!orphaned.empty() && orphaned.begin()->first <= clock.SteadyNow()) {
    auto it = active.find(orphaned.begin()->second);
    orphaned.erase(orphaned.begin());
    if (it == active.end() || it->second.cancelled) continue;
    it->second.cancelled = true;
    transport->Cancel(it->second.handle);
  }
}

// A page was handed in. Anything else is asked again: the scheduler has been told at registration that it is out.
void FetcherNode::Impl::OnOrphanEnd(const Active& one, const FetchResult& result, bool page) {
  for (auto& [id, run] : leases) {
    if (run->host() == one.host && !result.not_sent) {
      run->HostWasAsked(result.ended_steady);
      Refile(*run);
    }
  }
  if (result.status == 429 || result.status == 503) {
    auto head = HttpHead::ParseResponse(result.response_head);
    absl::Duration wait = head.ok() ? ReadRetryAfter(*head) : absl::ZeroDuration();
    KeepPause(one.host, wait);
    SendPause(one.host, wait);
  }
  if (one.robots || page) return;
  SendEnded(one.epoch, one.ticket, Outcome::kNone, "the answer came after its lease");
}

void FetcherNode::Impl::KeepPause(const std::string& host, absl::Duration wait) {
  if (wait <= absl::ZeroDuration()) return;
  absl::Time& until = pauses.try_emplace(host, absl::InfinitePast()).first->second;
  until = std::max(until, clock.SteadyNow() + wait);
}

void FetcherNode::Impl::SendPause(const std::string& host, absl::Duration wait) {
  if (wait <= absl::ZeroDuration()) return;
  wire::Frame frame;
  frame.mutable_host_pause()->set_host(host);
  frame.mutable_host_pause()->set_wait_us(absl::ToInt64Microseconds(wait));
  ToScheduler(std::move(frame));
}

void FetcherNode::Impl::TellPauses() {
  absl::Time now = clock.SteadyNow();
  std::erase_if(pauses, [now](const auto& entry) { return entry.second <= now; });
  for (const auto& [host, until] : pauses) SendPause(host, until - now);
}

void FetcherNode::Impl::AdvanceDue() {
  absl::Time now = clock.SteadyNow();
  CancelOrphans();
  while (!wakes.empty() && wakes.begin()->first <= now) {
    auto [before, id] = *wakes.begin();
    LeaseRun* run = Find(id);
    if (run->deadline() <= now) {
      // Over: nothing of it may be under way any more (rule 16).
      run->Close(wire::LeaseRelease::OVER);
      CancelLease(*run);
      // The end of its last download has given it back.
      run = Find(id);
      if (run == nullptr) continue;
    }
    Touch(*run);
    auto after = wake_of.find(id);
    // A lease that cannot go on now is called again by what it waits for, not by time.
    if (after != wake_of.end() && after->second <= before) {
      wakes.erase({after->second, id});
      // So is the end of what was closed at its deadline.
      after->second = run->closing() ? now + kTick : std::clamp(run->deadline(), now + absl::Milliseconds(1), now + kTick);
      wakes.insert({after->second, id});
    }
  }
  std::vector<uint64_t> waiting(blocked.begin(), blocked.end());
  for (uint64_t id : waiting) {
    LeaseRun* run = Find(id);
    if (run != nullptr && (MayStart(false) || run->closing())) Touch(*run);
  }
}

bool FetcherNode::Impl::MayStart(bool for_robots) {
  if (transport == nullptr || draining) return false;
  if (active.size() >= std::max<uint32_t>(1, terms.settings().connections())) return false;
  if (!budget.CanBegin()) return false;
  if (!for_robots && outbox.free_items() <= active.size()) {
    starved_since = std::min(starved_since, clock.SteadyNow());
    return false;
  }
  starved_since = absl::InfiniteFuture();
  return true;
}

void FetcherNode::Impl::StartUrl(LeaseRun& run, const wire::UrlTicket& ticket, const Url& url,
                                 const IpAddress& address) {
  ++counts.requests;
  Begin(run, false, ticket, url, address);
}

void FetcherNode::Impl::StartRobots(LeaseRun& run, const Url& url, const IpAddress& address) {
  ++counts.robots_requests;
  Begin(run, true, {}, url, address);
}

void FetcherNode::Impl::Resolve(LeaseRun& run, const std::string& host, uint16_t port) {
  uint64_t id = run.id();
  uint64_t session = link->my_session();
  resolver->Resolve(host, port, [this, id, session](absl::StatusOr<std::vector<IpAddress>> addresses) {
    if (link->my_session() != session) return;  // counters begin anew with a scheduler's life
    LeaseRun* run_now = Find(id);
    if (run_now == nullptr) return;
    run_now->OnResolved(std::move(addresses));
    // Never advance from inside Advance: the lease is due at once instead.
    auto wake = wake_of.find(id);
    if (wake != wake_of.end()) wakes.erase({wake->second, id});
    wake_of[id] = absl::InfinitePast();
    wakes.insert({absl::InfinitePast(), id});
  });
}

void FetcherNode::Impl::AskPermit(LeaseRun& run, const std::string& host) {
  wire::Frame frame;
  frame.mutable_host_permit_wanted()->set_permit_id(run.id());
  frame.mutable_host_permit_wanted()->set_host(host);
  ToScheduler(std::move(frame));
}

void FetcherNode::Impl::AskAddress(LeaseRun& run, const std::vector<IpAddress>& addresses, bool for_permit) {
  wire::Frame frame;
  wire::AddressPermitWanted* wanted = frame.mutable_address_permit_wanted();
  *wanted->mutable_epoch() = run.epoch();
  for (const IpAddress& address : addresses) wanted->add_addresses(address.ToString());
  if (for_permit) wanted->set_permit_id(static_cast<int64_t>(run.id()));
  ToScheduler(std::move(frame));
}

void FetcherNode::Impl::PermitDone(LeaseRun& run, const std::string& host, absl::Duration last_request_age) {
  wire::Frame frame;
  frame.mutable_host_permit_done()->set_permit_id(run.id());
  frame.mutable_host_permit_done()->set_host(host);
  frame.mutable_host_permit_done()->set_last_request_age_us(absl::ToInt64Microseconds(last_request_age));
  ToScheduler(std::move(frame));
}

void FetcherNode::Impl::ReportEnded(LeaseRun& run, const wire::UrlTicket& ticket, Outcome outcome,
                                    const std::string& detail) {
  SendEnded(run.epoch(), ticket, outcome, detail, run.sitemaps());
  run.SitemapsTold();
}

void FetcherNode::Impl::SendEnded(const wire::Epoch& epoch, const wire::UrlTicket& ticket, Outcome outcome,
                                  const std::string& detail, const std::vector<std::string>& sitemaps) {
  wire::UrlEnded ended;
  *ended.mutable_epoch() = epoch;
  *ended.mutable_ticket() = ticket;
  ended.mutable_ticket()->clear_stored();
  ended.mutable_ticket()->clear_via();
  ended.set_outcome(static_cast<uint32_t>(outcome));
  ended.set_detail(detail);
  for (const std::string& sitemap : sitemaps) ended.add_sitemaps(sitemap);
  ended.set_wall_us(absl::ToUnixMicros(clock.WallNow()));
  unacked[fmt::format("{}/{}/{}", ticket.key(), ticket.generation(), ticket.attempt())] = ended;
  wire::Frame frame;
  *frame.mutable_url_ended() = std::move(ended);
  ToScheduler(std::move(frame));
}

void FetcherNode::Impl::AskMore(LeaseRun& run, uint32_t urls) {
  wire::Frame frame;
  *frame.mutable_lease_wanted()->mutable_epoch() = run.epoch();
  frame.mutable_lease_wanted()->set_urls(urls);
  ToScheduler(std::move(frame));
}

}  // namespace weft
