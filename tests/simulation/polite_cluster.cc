#include "tests/simulation/polite_cluster.h"

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "fetcher/lease_run.h"

namespace weft::test {
namespace {

constexpr absl::Duration kTransit = absl::Milliseconds(1);
constexpr size_t kAdmitChunk = 5000;

}  // namespace

// Messages take a moment, and arrive in order.
class PoliteCluster::SchedulerBus : public Bus {
 public:
  explicit SchedulerBus(PoliteCluster& cluster) : cluster_(cluster) {}
  absl::StatusOr<PeerId> Connect(const std::string& endpoint) override { return endpoint; }
  void Disconnect(const PeerId&) override {}
  void Send(const PeerId& peer, const Message& message) override;

 private:
  PoliteCluster& cluster_;
};

class PoliteCluster::Fetcher : public Bus, public LeaseRunHost {
 public:
  Fetcher(PoliteCluster& cluster, int number)
      : cluster_(cluster), number_(number), name_(fmt::format("fetcher-{:02}", number)),
        link_(this, "scheduler", 1000 + static_cast<uint64_t>(number)) {
    settings_.robots_token = "weft";
    settings_.address_permits = cluster.options_.settings.ip_connections() > 0;
  }
  const std::string& name() const { return name_; }

  void Register() {
    wire::Frame frame;
    frame.mutable_register_()->set_fetches(true);
    frame.mutable_register_()->set_name(name_);
    frame.mutable_register_()->set_node_id(1 + static_cast<uint64_t>(number_));
    link_.Send({std::move(frame), nullptr});
  }
  void OnMessage(Message message) {
    for (Message& delivered : link_.Receive(std::move(message)).deliver) {
      const wire::Frame& frame = delivered.frame;
      if (frame.has_lease_grant()) OnGrant(frame.lease_grant());
      if (LeaseRun* run = Find(frame.address_permit().epoch().counter()); frame.has_address_permit() && run != nullptr) {
        run->OnAddress(frame.address_permit());
        Touch(*run);
      }
      if (LeaseRun* run = Find(frame.lease_revoke().epoch().counter()); frame.has_lease_revoke() && run != nullptr) {
        run->Close(wire::LeaseRelease::REVOKED);
        Touch(*run);
      }
    }
  }

  // Bus
  absl::StatusOr<PeerId> Connect(const std::string& endpoint) override { return endpoint; }
  void Disconnect(const PeerId&) override {}
  void Send(const PeerId&, const Message& message) override {
    cluster_.world_clock_.After(kTransit, kWorld, [this, message] { cluster_.ToScheduler(name_, message); });
  }

  // LeaseRunHost
  bool MayStart(bool) override { return true; }
  void StartUrl(LeaseRun& run, const wire::UrlTicket& ticket, const Url& url, const IpAddress& address) override {
    Start(run, ticket, std::string(url.host()), address, /*robots=*/false);
  }
  void StartRobots(LeaseRun& run, const Url& url, const IpAddress& address) override {
    Start(run, {}, std::string(url.host()), address, /*robots=*/true);
  }
  void Resolve(LeaseRun& run, const std::string& host, uint16_t) override {
    const PoliteHost& facts = cluster_.world_.hosts[cluster_.host_index_.at(host)];
    const uint64_t id = run.id();
    cluster_.world_clock_.After(kTransit, kWorld, [this, id, address = IpAddress::Parse(facts.address).value()] {
      LeaseRun* now = Find(id);
      if (now == nullptr) return;
      now->OnResolved(std::vector<IpAddress>{address});
      Touch(*now);
    });
  }
  void AskPermit(LeaseRun&, const std::string&) override {}
  void PermitDone(LeaseRun&, const std::string&, absl::Duration) override {}
  void AskAddress(LeaseRun& run, const std::vector<IpAddress>& addresses, bool) override {
    wire::Frame frame;
    *frame.mutable_address_permit_wanted()->mutable_epoch() = run.epoch();
    for (const IpAddress& address : addresses) frame.mutable_address_permit_wanted()->add_addresses(address.ToString());
    link_.Send({std::move(frame), nullptr});
  }
  void ReportEnded(LeaseRun&, const wire::UrlTicket& ticket, Outcome outcome, const std::string& detail) override {
    cluster_.Check(Internal("{} ended as {}: {}", ticket.url(), std::string(OutcomeName(outcome)), detail));
  }
  void AskMore(LeaseRun& run, uint32_t urls) override {
    wire::Frame frame;
    *frame.mutable_lease_wanted()->mutable_epoch() = run.epoch();
    frame.mutable_lease_wanted()->set_urls(urls);
    link_.Send({std::move(frame), nullptr});
  }

 private:
  struct Held {
    std::unique_ptr<LeaseRun> run;
    absl::Time wake = absl::InfiniteFuture();
  };
  LeaseRun* Find(uint64_t id) {
    auto it = leases_.find(id);
    return it == leases_.end() ? nullptr : it->second.run.get();
  }
  void OnGrant(const wire::LeaseGrant& grant) {
    const uint64_t id = grant.epoch().counter();
    LeaseRun* run = Find(id);
    if (grant.top_up()) {
      if (run != nullptr) run->TopUp(grant);
      if (run == nullptr) ReturnTopUp(grant);
    } else {
      leases_[id].run = std::make_unique<LeaseRun>(grant, cluster_.clock_.SteadyNow() + absl::Microseconds(grant.runs_us()),
                                                   settings_, cluster_.clock_, *this);
      run = Find(id);
    }
    if (run != nullptr) Touch(*run);
  }
  // The lease went back while it was on its way.
  void ReturnTopUp(const wire::LeaseGrant& grant) {
    wire::Frame frame;
    *frame.mutable_lease_release()->mutable_epoch() = grant.epoch();
    frame.mutable_lease_release()->set_last_request_age_us(-1);
    for (const wire::UrlTicket& ticket : grant.urls()) frame.mutable_lease_release()->add_unused(ticket.key());
    link_.Send({std::move(frame), nullptr});
  }
  void Touch(LeaseRun& run) {
    run.Advance();
    const uint64_t id = run.id();
    if (run.ReadyToRelease()) {
      wire::Frame frame;
      *frame.mutable_lease_release() = run.MakeRelease();
      link_.Send({std::move(frame), nullptr});
      leases_.erase(id);
      return;
    }
    Held& held = leases_.at(id);
    const absl::Time wake = run.NextWake();
    if (wake == absl::InfiniteFuture() || wake == held.wake) return;
    held.wake = wake;
    const absl::Time at = std::max(cluster_.clock_.ToWorld(wake), cluster_.world_clock_.Now());
    cluster_.world_clock_.At(at, kWorld, [this, id, wake] {
      auto it = leases_.find(id);
      if (it == leases_.end() || it->second.wake != wake) return;
      it->second.wake = absl::InfiniteFuture();
      Touch(*it->second.run);
    });
  }
  void Start(LeaseRun& run, const wire::UrlTicket& ticket, const std::string& host, const IpAddress& address, bool robots) {
    const size_t index = cluster_.host_index_.at(host);
    const PoliteHost& facts = cluster_.world_.hosts[index];
    if (address.ToString() != facts.address) cluster_.Check(Internal("{} is asked at {}", host, address.ToString()));
    cluster_.trace_.OnRequest(index, number_, cluster_.now());
    cluster_.world_clock_.After(facts.latency, kWorld, [this, id = run.id(), index, ticket, robots] {
      End(id, index, ticket, robots);
    });
  }
  void End(uint64_t id, size_t index, const wire::UrlTicket& ticket, bool robots) {
    const PoliteHost& facts = cluster_.world_.hosts[index];
    const bool throttled =
        !robots && facts.throttles_every > 0 && cluster_.trace_.requests_of(index) % static_cast<uint64_t>(facts.throttles_every) == 0;
    cluster_.trace_.OnEnd(index, cluster_.now(), throttled ? facts.retry_after : absl::ZeroDuration());
    FetchResult result;
    result.outcome = Outcome::kResponse;
    result.status = robots ? 404 : throttled ? 429 : 200;
    result.response_head = fmt::format("HTTP/1.1 {} X\r\n{}\r\n", result.status,
                                       throttled ? fmt::format("Retry-After: {}\r\n", absl::ToInt64Seconds(facts.retry_after)) : "");
    result.ended_steady = cluster_.clock_.SteadyNow();
    result.took = facts.latency;
    LeaseRun* run = Find(id);
    if (run == nullptr) return cluster_.Check(Internal("{}: its lease went back while it was asked", facts.name));
    if (robots) {
      run->OnRobotsEnd(result, "");
    } else if (run->OnUrlEnd(ticket, result) == LeaseRun::Verdict::kPage) {
      const Fingerprint key = Fingerprint::FromBytes(ticket.key());
      if (const OutUrl* out = cluster_.frontier_->FindOut(key); out != nullptr) {
        cluster_.desk_->OriginAnswered(out->host_id, out->origin);
        cluster_.frontier_->Return(key);
      }
    }
    Touch(*run);
  }

  PoliteCluster& cluster_;
  const int number_;
  const std::string name_;
  SessionLink link_;
  LeaseRunSettings settings_;
  absl::flat_hash_map<uint64_t, Held> leases_;
};

void PoliteCluster::SchedulerBus::Send(const PeerId& peer, const Message& message) {
  Fetcher* fetcher = cluster_.fetchers_.at(peer).get();
  if (message.frame.has_lease_grant() && !message.frame.lease_grant().top_up()) {
    ++cluster_.grants_;
    cluster_.trace_.OnLease(cluster_.host_index_.at(message.frame.lease_grant().host()), cluster_.now());
  }
  cluster_.world_clock_.After(kTransit, kWorld, [fetcher, message] { fetcher->OnMessage(message); });
}

PoliteCluster::PoliteCluster(const PoliteOptions& options, const PoliteWorld& world)
    : options_(options), world_(world), clock_(world_clock_, absl::Seconds(1000), absl::Seconds(1'700'000'000), 0),
      trace_(world), random_(SeededRandom(options.seed)), suffixes_(PublicSuffixes::Load().value()) {
  for (size_t i = 0; i < world.hosts.size(); ++i) host_index_[world.hosts[i].name] = i;
}

PoliteCluster::~PoliteCluster() = default;

void PoliteCluster::Check(const absl::Status& status) {
  if (!status.ok() && failure_.empty()) failure_ = ErrorText(status);
}

std::string PoliteCluster::AdmitHosts() {
  std::vector<Candidate> candidates;
  auto admit = [&] {
    Check(db_->Admit(candidates, crawl_clock_->Now()).status());
    candidates.clear();
  };
  for (const PoliteHost& host : world_.hosts) {
    for (int i = 0; i < options_.urls_per_host; ++i) {
      candidates.push_back(intake_->FromSeed(Url::Parse(fmt::format("https://{}/{}", host.name, i)).value()));
    }
    if (candidates.size() >= kAdmitChunk) admit();
  }
  admit();
  for (const PoliteHost& host : world_.hosts) {
    if (host.crawl_delay <= absl::ZeroDuration() || !failure_.empty()) continue;
    HostState state = *db_->FindHost(host.name);
    state.crawl_delay_us = CrawlMicros(host.crawl_delay);
    Check(db_->PutPoliteness(state, crawl_clock_->Now()));
  }
  Check(db_->Sync());
  return failure_;
}

std::string PoliteCluster::Start() {
  CrawlDbOptions db_options;
  db_options.create.set_fingerprint_seed(1);
  auto db = CrawlDb::Open(OpenMemoryKv(disk_), db_options, *random_);
  if (!db.ok()) return ErrorText(db.status());
  db_ = *std::move(db);
  scope_ = Scope::Make(options_.settings, suffixes_).value();
  bus_ = std::make_unique<SchedulerBus>(*this);
  // Life and death of leases are others' tests: here they live on.
  scheduler_options_.heartbeat = absl::Hours(100);
  scheduler_options_.lease = absl::Hours(100);
  nodes_ = std::make_unique<NodeTable>(*bus_, /*session=*/77);
  frontier_ = std::make_unique<Frontier>(*db_);
  crawl_clock_ = std::make_unique<CrawlClock>(clock_, db_->stored_clock());
  intake_ = std::make_unique<LinkIntake>(db_->identity(), suffixes_, *scope_);
  desk_ = std::make_unique<LeaseDesk>(scheduler_options_, options_.settings, *db_, *frontier_, *nodes_, *scope_,
                                      *crawl_clock_, clock_, *random_, *suffixes_);
  Check(desk_->Open(0));
  if (!AdmitHosts().empty()) return failure_;
  frontier_->Load(0);
  for (int i = 0; i < options_.fetchers; ++i) {
    auto fetcher = std::make_unique<Fetcher>(*this, i);
    fetcher->Register();
    fetchers_.emplace(fetcher->name(), std::move(fetcher));
  }
  world_clock_.After(absl::Seconds(1), kWorld, [this] { EverySecond(); });
  return failure_;
}

void PoliteCluster::EverySecond() {
  Check(db_->Sync());
  bool credit = false;
  for (auto& [peer, node] : nodes_->nodes()) {
    credit = credit || node.lease_limit > node.leases_granted;
    // Confirms what has arrived, both ways.
    wire::Frame frame;
    *frame.mutable_heartbeat_reply() = wire::HeartbeatReply();
    node.link.SendUnsequenced({std::move(frame), nullptr});
  }
  if (credit) trace_.LookForIdle(now());
  for (const std::string& notice : desk_->TakeNotices()) (void)notice;
  if (!desk_->TakeEndings().empty()) Check(Internal("a host was given up"));
  world_clock_.After(absl::Seconds(1), kWorld, [this] { EverySecond(); });
}

void PoliteCluster::ToScheduler(const PeerId& from, Message message) {
  NodeEntry* node = nodes_->FindOrAdd(from, clock_.SteadyNow());
  for (Message& delivered : node->link.Receive(std::move(message)).deliver) Dispatch(from, delivered.frame);
  Grant();
}

void PoliteCluster::Dispatch(const PeerId& from, const wire::Frame& frame) {
  NodeEntry& node = *nodes_->Find(from);
  if (frame.has_register_()) {
    node.registered = true;
    node.info = frame.register_();
    node.lease_limit = options_.leases_per_fetcher;
    node.heartbeat_received = clock_.SteadyNow();
  } else if (frame.has_lease_release()) {
    const uint64_t before = desk_->leases();
    const std::string host = desk_->HostOfLease(frame.lease_release().epoch().counter());
    Check(desk_->OnRelease(from, frame.lease_release()));
    if (desk_->leases() == before) return;   // what a top-up brought too late
    trace_.OnLeaseOver(host_index_.at(host), now());
    ++node.lease_limit;   // its place is free again
  } else if (frame.has_lease_wanted()) {
    desk_->OnWanted(from, frame.lease_wanted(), UINT64_MAX);
  } else if (frame.has_address_permit_wanted()) {
    desk_->OnAddressWanted(from, frame.address_permit_wanted());
  }
}

void PoliteCluster::Grant() {
  Check(desk_->Grant(UINT64_MAX));
  // As the scheduler's loop does: on until time alone lets somebody go on.
  std::optional<CrawlTime> next = frontier_->NextReadyTime();
  if (auto freed = desk_->NextFreed(); freed) next = std::min(next.value_or(*freed), *freed);
  if (!next || *next <= crawl_clock_->Now()) return;
  const absl::Time at = clock_.ToWorld(crawl_clock_->SteadyAt(*next));
  if (at >= grant_at_) return;
  grant_at_ = at;
  world_clock_.At(at, kWorld, [this, at] {
    if (grant_at_ != at) return;
    grant_at_ = absl::InfiniteFuture();
    Grant();
  });
}

void PoliteCluster::Run(absl::Duration time) {
  const absl::Time end = world_clock_.Now() + time;
  bool over = false;
  world_clock_.At(end, kWorld, [&over] { over = true; });
  while (!over && failure_.empty() && world_clock_.RunNext()) {
  }
}

}  // namespace weft::test
