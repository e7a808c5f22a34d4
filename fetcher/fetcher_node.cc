#include "fetcher/fetcher_node.h"

#include <algorithm>
#include <utility>

#include "common/crawl_key.h"
#include "common/sitemap_choice.h"
#include "common/status.h"
#include "fetcher/fetcher_node_impl.h"

namespace weft {

FetcherNode::FetcherNode(const FetcherOptions& options, FetcherParts& parts, const Clock& clock, Random& random,
                         Bus& bus)
    : impl_(std::make_unique<Impl>(options, parts, clock, random, bus)) {}

FetcherNode::~FetcherNode() = default;

// ---- the scheduler ----

void FetcherNode::Impl::Connect() {
  auto peer = bus.ConnectTo(options.scheduler_endpoint, options.scheduler_key);
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
  info->set_process(options.process);
  info->set_fetches(true);
  info->set_machine(options.machine);
  info->set_worker(options.worker);
  info->set_software_version(options.version);
  for (const std::string& tag : options.tags) info->add_tags(tag);
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
  beat->set_pages(handed_in);
  beat->set_held(outbox.size());
  beat->set_lag_us(absl::ToInt64Microseconds(outbox.OldestAge()));
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
  auto proxies = ProxyChoice::Of(given.settings());
  if (!proxies.ok()) {
    refused = ErrorText(proxies.status());
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
  run_settings.read_sitemaps = SitemapsFromRobots(terms.settings());
  run_settings.address_permits = terms.settings().ip_connections() > 0;
  run_settings.proxies = *std::move(proxies);
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
  uint64_t id = grant.epoch().counter();
  if (grant.top_up()) {
    LeaseRun* run = Find(id);
    if (run != nullptr) {
      run->TopUp(grant);  // more URLs, not more time: only heartbeats renew, and the scheduler counts those
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
  absl::Time deadline = absl::FromUnixMicros(grant.echo_sent_steady_us()) + absl::Microseconds(grant.runs_us());
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

void FetcherNode::Impl::OnPermit(const wire::HostPermit& permit) {
  if (LeaseRun* run = Find(permit.permit_id()); run != nullptr) {
    run->OnPermit(permit);
    Touch(*run);
  } else if (permit.granted()) {
    // The lease went back while this was on its way: so does the permit.
    wire::Frame frame;
    frame.mutable_host_permit_done()->set_permit_id(permit.permit_id());
    frame.mutable_host_permit_done()->set_last_request_age_us(-1);
    ToScheduler(std::move(frame));
  }
}

void FetcherNode::Impl::OnAddressPermit(const wire::AddressPermit& permit) {
  // If the lease went back meanwhile, so did the permit.
  LeaseRun* run = Find(permit.epoch().counter());
  if (run == nullptr) return;
  run->OnAddress(permit);
  Touch(*run);
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
      case wire::Frame::kLeaseRevoke:
        if (LeaseRun* run = Find(frame.lease_revoke().epoch().counter()); run != nullptr) {
          run->Close(wire::LeaseRelease::REVOKED);
          Touch(*run);
        }
        break;
      case wire::Frame::kAddressPermit:
        OnAddressPermit(frame.address_permit());
        break;
      case wire::Frame::kHostPermit:
        OnPermit(frame.host_permit());
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

bool FetcherNode::hears_scheduler() const {
  return impl_->registered &&
         impl_->clock.SteadyNow() - impl_->last_heard <= 3 * absl::Microseconds(impl_->terms.heartbeat_us());
}

FetcherNode::Counters FetcherNode::counters() const {
  Counters counts = impl_->counts;
  counts.active = impl_->active.size();
  counts.held_pages = impl_->outbox.size();
  counts.held_bytes = impl_->budget.used();
  counts.leases = impl_->leases.size();
  return counts;
}

}  // namespace weft
