#include "fetcher/fetcher_node.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/crawl_key.h"
#include "common/http_message.h"
#include "common/session_link.h"
#include "common/status.h"
#include "fetcher/body_budget.h"
#include "fetcher/download.h"
#include "fetcher/lease_run.h"
#include "fetcher/page_outbox.h"
#include "fetcher/retry_after.h"

namespace weft {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(200);
constexpr absl::Duration kFarewell = absl::Seconds(2);
constexpr absl::Duration kNoCreditPatience = absl::Seconds(10);
// Hosts wait most of their time for their delay: a fetcher holds more leases than it has connections.
constexpr uint64_t kLeasesPerConnection = 4;

}  // namespace

struct FetcherNode::Impl : LeaseRunHost {
  Impl(const FetcherOptions& o, FetcherParts& p, const Clock& c, Random& r, Bus& b)
      : options(o), parts(p), clock(c), random(r), bus(b), node_id(r.NextId()),
        outbox(b, c, r, node_id, [this](const OutPage& page) { PageReleased(page); }) {}

  // --- the scheduler ---
  void Connect();
  void BeginSession();
  void SendRegister();
  uint64_t LeaseLimit() const;
  bool RoomUnsaid() const;
  void Beat();
  void OnScheduler(Message& message);
  void OnRegistered(const wire::Registered& registered);
  void OnGrant(const wire::LeaseGrant& grant);
  void OnHeartbeatReply(const wire::HeartbeatReply& reply);
  void OnEndedAck(const wire::EndedAck& ack);
  void ToScheduler(wire::Frame frame) { link->Send({std::move(frame), nullptr}); }

  // --- leases ---
  LeaseRun* Find(uint64_t id);
  void AdvanceDue();
  void Touch(LeaseRun& run);
  void Refile(LeaseRun& run);
  void ReleaseIfReady(LeaseRun& run);
  void CloseAll(wire::LeaseRelease::Why why);
  void DropLeases();

  // LeaseRunHost
  bool MayStart(bool for_robots) override;
  void StartUrl(LeaseRun& run, const wire::UrlTicket& ticket, const Url& url, const IpAddress& address) override;
  void StartRobots(LeaseRun& run, const Url& url, const IpAddress& address) override;
  void Resolve(LeaseRun& run, const std::string& host, uint16_t port) override;
  void AskPermit(LeaseRun& run, const std::string& host) override;
  void PermitDone(LeaseRun& run, const std::string& host, absl::Duration last_request_age) override;
  void ReportEnded(LeaseRun& run, const wire::UrlTicket& ticket, Outcome outcome, const std::string& detail) override;
  void AskMore(LeaseRun& run, uint32_t urls) override;
  void SendEnded(const wire::Epoch& epoch, const wire::UrlTicket& ticket, Outcome outcome, const std::string& detail);

  // --- downloads ---
  struct Active {
    std::unique_ptr<Download> download;
    Transport::Handle handle = 0;
    uint64_t lease = 0;
    wire::Epoch epoch;
    bool robots = false;
    wire::UrlTicket ticket;
    std::string host;
    bool cancelled = false;
  };
  // A download whose lease has gone with its scheduler's life: it may go on until the lease would have ended.
  void CancelOrphans();
  void OnOrphanEnd(const Active& one, const FetchResult& result, bool page);
  void KeepPause(const std::string& host, absl::Duration wait);
  void SendPause(const std::string& host, absl::Duration wait);
  void TellPauses();
  void Begin(LeaseRun& run, bool robots, const wire::UrlTicket& ticket, const Url& url, const IpAddress& address);
  void OnDownloadEnd(Download& download, FetchResult result);
  void KeepPage(Active& active, const FetchResult& result, bool robots);
  void PageReleased(const OutPage& page) { budget.Release(page.bytes); }
  void CancelLease(const LeaseRun& run);
  void ResumePaused();
  uint64_t MaxLeases() const;
  bool HandedIn() const { return leases.empty() && active.empty() && outbox.empty() && unacked.empty(); }

  FetcherOptions options;
  FetcherParts& parts;
  const Clock& clock;
  Random& random;
  Bus& bus;
  uint64_t node_id;

  PeerId scheduler;
  std::unique_ptr<SessionLink> link;
  bool registered = false;
  std::string refused;
  wire::Registered terms;
  uint64_t nonce = 0;
  uint64_t highest_commit = 0;
  uint64_t leases_taken = 0;       // this session, cumulative
  uint64_t lease_limit = 0;        // as last said, likewise
  absl::Time last_beat = absl::InfinitePast();
  absl::Time last_heard = absl::InfinitePast();

  std::unique_ptr<Transport> transport;
  std::unique_ptr<Resolver> resolver;
  LeaseRunSettings run_settings;
  BodyBudget budget{256ull << 20};
  PageOutbox outbox;

  std::map<uint64_t, std::unique_ptr<LeaseRun>> leases;   // by counter
  std::set<std::pair<absl::Time, uint64_t>> wakes;
  absl::flat_hash_map<uint64_t, absl::Time> wake_of;
  std::set<uint64_t> blocked;      // want to go on, no room
  absl::Time starved_since = absl::InfiniteFuture();

  std::map<uint64_t, Active> active;   // by download id
  std::vector<std::unique_ptr<Download>> finished;  // destroyed at the next tick, never inside their own callback
  uint64_t next_download = 1;
  // Downloads of a host whose lease is gone: a new lease of it waits for them.
  absl::flat_hash_map<std::string, int> host_active;
  std::set<std::pair<absl::Time, uint64_t>> orphaned;  // lease's deadline, download
  std::map<std::string, absl::Time> pauses;           // that hosts have asked for; for a scheduler that forgot
  std::map<std::string, wire::UrlEnded> unacked;  // by key, generation, attempt

  bool draining = false;
  bool stopped = false;
  bool said_goodbye = false;
  absl::Time drain_deadline = absl::InfiniteFuture();
  Counters counts;
};

FetcherNode::FetcherNode(const FetcherOptions& options, FetcherParts& parts, const Clock& clock, Random& random,
                         Bus& bus)
    : impl_(std::make_unique<Impl>(options, parts, clock, random, bus)) {}

FetcherNode::~FetcherNode() = default;

// ---- the scheduler ----

void FetcherNode::Impl::Connect() {
  auto peer = bus.Connect(options.scheduler_endpoint);
  if (!peer.ok()) {
    refused = ErrorText(peer.status());
    stopped = true;
    return;
  }
  scheduler = *peer;
  BeginSession();
}

void FetcherNode::Impl::BeginSession() {
  link = std::make_unique<SessionLink>(&bus, scheduler, random.NextId());
  registered = false;
  nonce = 0;
  leases_taken = lease_limit = 0;
  last_beat = absl::InfinitePast();
  // What was granted by the scheduler's earlier life is over for asking; what was asked goes on and is handed in.
  DropLeases();
  SendRegister();
}

void FetcherNode::Impl::SendRegister() {
  wire::Frame frame;
  wire::Register* info = frame.mutable_register_();
  info->set_name(options.name);
  info->set_node_id(node_id);
  info->set_fetches(true);
  info->set_machine(options.machine);
  info->set_lineage(terms.identity().lineage());
  info->set_highest_commit(highest_commit);
  info->set_canonicaliser_version(kCanonicaliserVersion);
  outbox.FillHolding(info->mutable_holding());
  for (const auto& [id, one] : active) {
    if (one.robots) continue;
    *info->add_holding() = one.ticket;
  }
  for (const auto& [key, ended] : unacked) *info->add_holding() = ended.ticket();
  ToScheduler(std::move(frame));
  TellPauses();
  // Handed in again: the scheduler may have died before it recorded them.
  for (const auto& [key, ended] : unacked) {
    wire::Frame again;
    *again.mutable_url_ended() = ended;
    ToScheduler(std::move(again));
  }
}

uint64_t FetcherNode::Impl::MaxLeases() const {
  uint64_t connections = std::max<uint64_t>(1, terms.settings().connections());
  return connections * kLeasesPerConnection;
}

// Without page credit no work is asked for: the limit then stays where it is.
uint64_t FetcherNode::Impl::LeaseLimit() const {
  if (!registered || draining || outbox.free_items() <= active.size()) return leases_taken;
  return leases_taken + (leases.size() < MaxLeases() ? MaxLeases() - leases.size() : 0);
}

// There is much more room than the scheduler knows of: it is told at once.
bool FetcherNode::Impl::RoomUnsaid() const { return registered && LeaseLimit() >= lease_limit + (MaxLeases() + 3) / 4; }

void FetcherNode::Impl::Beat() {
  last_beat = clock.SteadyNow();
  wire::Frame frame;
  wire::Heartbeat* beat = frame.mutable_heartbeat();
  beat->set_sent_steady_us(absl::ToUnixMicros(last_beat));
  beat->set_nonce_echo(nonce);
  beat->set_draining(draining);
  lease_limit = std::max(lease_limit, LeaseLimit());
  beat->set_lease_limit(lease_limit);
  for (const auto& [id, run] : leases) {
    wire::LeaseBeat* one = beat->add_leases();
    *one->mutable_epoch() = run->epoch();
    one->set_asked(run->asked());
  }
  link->SendUnsequenced({std::move(frame), nullptr});
}

void FetcherNode::Impl::OnRegistered(const wire::Registered& given) {
  bool first = terms.identity().lineage() == 0;
  if (!first && given.identity().lineage() != terms.identity().lineage()) {
    refused = "the scheduler runs another crawl now";
    stopped = true;
    return;
  }
  bool settings_changed = first || given.settings().SerializeAsString() != terms.settings().SerializeAsString();
  terms = given;
  if (settings_changed && active.empty()) {
    auto made_transport = parts.MakeTransport(terms.settings());
    auto made_resolver = parts.MakeResolver(terms.settings());
    if (!made_transport.ok() || !made_resolver.ok()) {
      refused = ErrorText(made_transport.ok() ? made_resolver.status() : made_transport.status());
      stopped = true;
      return;
    }
    transport = *std::move(made_transport);
    resolver = *std::move(made_resolver);
  }
  run_settings.robots_token = terms.settings().robots_token();
  run_settings.ignore_robots = terms.settings().ignore_robots();
  run_settings.through_proxy = !terms.settings().proxy().empty();
  run_settings.allowed_private.clear();
  for (const std::string& text : terms.settings().allow_private_net()) {
    auto cidr = Cidr::Parse(text);
    if (cidr.ok()) run_settings.allowed_private.push_back(*cidr);
  }
  if (first) {
    budget = BodyBudget(std::max<uint64_t>(terms.settings().body_memory_bytes(), kMaxPayloadBytes));
  }
  registered = true;
  outbox.SetParsers(terms.parsers());
  Beat();
}

void FetcherNode::Impl::OnGrant(const wire::LeaseGrant& grant) {
  absl::Time deadline = absl::FromUnixMicros(grant.echo_sent_steady_us()) + absl::Microseconds(grant.runs_us());
  uint64_t id = grant.epoch().counter();
  if (grant.top_up()) {
    LeaseRun* run = Find(id);
    if (run != nullptr) {
      run->TopUp(grant);
      run->Renew(deadline);
      Touch(*run);
    } else if (!grant.urls().empty()) {
      // The lease went back while this was on its way: so do these.
      wire::Frame frame;
      wire::LeaseRelease* release = frame.mutable_lease_release();
      *release->mutable_epoch() = grant.epoch();
      release->set_last_request_age_us(-1);
      for (const wire::UrlTicket& ticket : grant.urls()) release->add_unused(ticket.key());
      ToScheduler(std::move(frame));
    }
    return;
  }
  ++leases_taken;
  auto run = std::make_unique<LeaseRun>(grant, deadline, run_settings, clock, *this);
  LeaseRun* added = run.get();
  leases[id] = std::move(run);
  if (draining) added->Close(wire::LeaseRelease::DRAIN);
  Touch(*added);
}

void FetcherNode::Impl::OnHeartbeatReply(const wire::HeartbeatReply& reply) {
  nonce = reply.nonce();
  absl::Time sent = absl::FromUnixMicros(reply.echo_sent_steady_us());
  for (const wire::LeaseRenewal& renewal : reply.renewals()) {
    LeaseRun* run = Find(renewal.epoch().counter());
    if (run == nullptr) continue;
    run->Renew(sent + absl::Microseconds(renewal.runs_us()));
    Refile(*run);
  }
}

void FetcherNode::Impl::OnEndedAck(const wire::EndedAck& ack) {
  highest_commit = std::max(highest_commit, ack.commit());
  for (const wire::EndedAck::One& one : ack.ended()) {
    unacked.erase(fmt::format("{}/{}/{}", one.key(), one.generation(), one.attempt()));
  }
}

void FetcherNode::Impl::OnScheduler(Message& message) {
  if (message.frame.body_case() == wire::Frame::kSessionUnknown) {
    if (message.frame.peer_session() == link->my_session()) BeginSession();
    return;
  }
  // To an earlier session of ours, and late: to begin anew for each of those would bring on as many more.
  uint64_t addressee = message.frame.peer_session();
  if (addressee != 0 && addressee != link->my_session()) return;
  uint64_t session_before = link->peer_session();
  SessionLink::Received received = link->Receive(std::move(message));
  if (received.peer_lost_us || (received.new_session && session_before != 0)) return BeginSession();
  last_heard = clock.SteadyNow();
  for (Message& delivered : received.deliver) {
    const wire::Frame& frame = delivered.frame;
    switch (frame.body_case()) {
      case wire::Frame::kRegistered:
        OnRegistered(frame.registered());
        break;
      case wire::Frame::kRegisterRefused:
        refused = frame.register_refused().reason();
        stopped = true;
        break;
      case wire::Frame::kPeers:
        outbox.SetParsers(frame.peers().parsers());
        break;
      case wire::Frame::kHeartbeatReply:
        OnHeartbeatReply(frame.heartbeat_reply());
        break;
      case wire::Frame::kLeaseGrant:
        if (registered) OnGrant(frame.lease_grant());
        break;
      case wire::Frame::kEndedAck:
        OnEndedAck(frame.ended_ack());
        break;
      case wire::Frame::kHostPermit:
        if (LeaseRun* run = Find(frame.host_permit().permit_id()); run != nullptr) {
          run->OnPermit(frame.host_permit());
          Touch(*run);
        }
        break;
      case wire::Frame::kDrain:
        if (!draining) {
          draining = true;
          drain_deadline = clock.SteadyNow() + absl::Microseconds(frame.drain().deadline_us());
          CloseAll(wire::LeaseRelease::DRAIN);
        }
        break;
      default:
        break;
    }
    if (stopped) return;
  }
}

// ---- leases ----

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
  auto orphans = host_active.find(run.host());
  bool others = orphans != host_active.end() && orphans->second > run.in_flight();
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
      after->second = std::clamp(run->deadline(), now + absl::Milliseconds(1), now + kTick);
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

void FetcherNode::Impl::PermitDone(LeaseRun& run, const std::string& host, absl::Duration last_request_age) {
  wire::Frame frame;
  frame.mutable_host_permit_done()->set_permit_id(run.id());
  frame.mutable_host_permit_done()->set_host(host);
  frame.mutable_host_permit_done()->set_last_request_age_us(absl::ToInt64Microseconds(last_request_age));
  ToScheduler(std::move(frame));
}

void FetcherNode::Impl::ReportEnded(LeaseRun& run, const wire::UrlTicket& ticket, Outcome outcome,
                                    const std::string& detail) {
  SendEnded(run.epoch(), ticket, outcome, detail);
}

void FetcherNode::Impl::SendEnded(const wire::Epoch& epoch, const wire::UrlTicket& ticket, Outcome outcome,
                                  const std::string& detail) {
  wire::UrlEnded ended;
  *ended.mutable_epoch() = epoch;
  *ended.mutable_ticket() = ticket;
  ended.set_outcome(static_cast<uint32_t>(outcome));
  ended.set_detail(detail);
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

// ---- downloads ----

void FetcherNode::Impl::Begin(LeaseRun& run, bool robots, const wire::UrlTicket& ticket, const Url& url,
                              const IpAddress& address) {
  uint64_t id = next_download++;
  Active& one = active[id];
  one.lease = run.id();
  one.epoch = run.epoch();
  one.robots = robots;
  one.ticket = ticket;
  if (robots) one.ticket.set_url(url.request_target_url());
  one.host = std::string(url.host());
  ++host_active[one.host];
  one.download = std::make_unique<Download>(
      id, budget, [this](Download& download, FetchResult result) { OnDownloadEnd(download, std::move(result)); });
  FetchRequest request;
  request.url = url;
  request.address = address;
  request.max_body = robots ? 1 << 20 : terms.settings().max_body_bytes();
  request.start_by = std::min(run.deadline(), run.permit_deadline());
  if (run.send_headers() && one.host == run.host()) {
    request.headers.assign(terms.settings().header().begin(), terms.settings().header().end());
  }
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
  out.page.set_wall_us(absl::ToUnixMicros(result.began_wall));
  out.page.set_took_us(absl::ToInt64Microseconds(result.took));
  out.page.set_truncated(result.truncated);
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
             result.status != 504;
    }
    if (page) {
      KeepPage(one, result, false);
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

// ---- Node ----

void FetcherNode::Start() { impl_->Connect(); }

void FetcherNode::OnMessage(const PeerId& from, Message message) {
  Impl& f = *impl_;
  if (f.stopped) return;
  if (from == f.scheduler) {
    f.OnScheduler(message);
  } else if (f.outbox.Owns(from)) {
    f.outbox.OnMessage(from, std::move(message));
  }
}

void FetcherNode::OnTick() {
  Impl& f = *impl_;
  if (f.stopped) return;
  f.finished.clear();
  absl::Time now = f.clock.SteadyNow();
  absl::Duration heartbeat = f.registered ? absl::Microseconds(f.terms.heartbeat_us()) : absl::Milliseconds(500);
  absl::Duration dead_after = f.registered ? absl::Microseconds(f.terms.dead_after_us()) : absl::Seconds(10);
  if (now - f.last_beat >= heartbeat || f.RoomUnsaid()) f.Beat();
  f.outbox.OnTick(heartbeat, dead_after);
  f.ResumePaused();
  f.AdvanceDue();
  if (now - f.starved_since > kNoCreditPatience) {
    f.CloseAll(wire::LeaseRelease::NO_CREDIT);
    f.starved_since = absl::InfiniteFuture();
  }
  if (!f.draining) return;
  if (now >= f.drain_deadline) {
    f.stopped = true;
  } else if (f.HandedIn() && !f.said_goodbye) {
    wire::Frame frame;
    frame.mutable_goodbye();
    f.ToScheduler(std::move(frame));
    f.said_goodbye = true;
    // The answer to a goodbye is a courtesy: the scheduler may be gone first.
    f.drain_deadline = std::min(f.drain_deadline, now + kFarewell);
  } else if (f.said_goodbye && f.link->unconfirmed() == 0) {
    f.stopped = true;
  }
}

absl::Time FetcherNode::NextWake() const {
  const Impl& f = *impl_;
  if (f.stopped) return absl::InfiniteFuture();
  absl::Time wake = f.clock.SteadyNow() + kTick;
  if (!f.wakes.empty()) wake = std::min(wake, f.wakes.begin()->first);
  return wake;
}

void FetcherNode::Drain(absl::Duration deadline) {
  Impl& f = *impl_;
  if (f.draining) return;
  f.draining = true;
  f.drain_deadline = f.clock.SteadyNow() + deadline;
  f.CloseAll(wire::LeaseRelease::DRAIN);
}

bool FetcherNode::stopped() const { return impl_->stopped; }
const std::string& FetcherNode::refused() const { return impl_->refused; }

FetcherNode::Counters FetcherNode::counters() const {
  Counters counts = impl_->counts;
  counts.active = impl_->active.size();
  counts.held_pages = impl_->outbox.size();
  counts.held_bytes = impl_->budget.used();
  counts.leases = impl_->leases.size();
  return counts;
}

}  // namespace weft
