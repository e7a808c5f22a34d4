#include "scheduler/scheduler_node.h"

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "common/units.h"
#include "scheduler/anchor_list.h"
#include "scheduler/commit_desk.h"
#include "scheduler/crawl_clock.h"
#include "scheduler/frontier.h"
#include "scheduler/lease_desk.h"
#include "scheduler/link_intake.h"
#include "scheduler/node_table.h"
#include "scheduler/scope.h"
#include "scheduler/status_report.h"
#include "scheduler/sync_gate.h"

namespace weft {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(200);
constexpr absl::Duration kClockEvery = absl::Seconds(5);
constexpr absl::Duration kGap = absl::Seconds(3);
constexpr size_t kSeedChunk = 1000;
constexpr size_t kEndChunk = 500;
constexpr size_t kPromoteChunk = 5000;
constexpr size_t kMaxRecordRows = 2000;

}  // namespace

std::string_view CrawlStateName(CrawlState state) {
  switch (state) {
    case CrawlState::kRunning:
      return "running";
    case CrawlState::kStopped:
      return "stopped";
    case CrawlState::kFinished:
      return "finished";
    case CrawlState::kInterrupted:
      return "interrupted";
  }
  return "running";
}

struct SchedulerNode::Impl {
  Impl(const SchedulerOptions& o, const wire::CrawlSettings& s, std::unique_ptr<CrawlDb> d,
       std::shared_ptr<const PublicSuffixes> suffixes_in, const Clock& c, Random& r, Bus& b, WorkPool& pool,
       SchedulerObserver& obs, std::unique_ptr<Scope> sc)
      : options(o), settings(s), clock(c), random(r), bus(b), observer(obs), session(r.NextId()), db(std::move(d)),
        suffixes(std::move(suffixes_in)), scope(std::move(sc)), crawl_clock(c, db->stored_clock()), frontier(*db),
        nodes(b, session), gate(db, pool), intake(db->identity(), suffixes, *scope),
        leases(options, settings, *db, frontier, nodes, *scope, crawl_clock, c, r),
        commits(*db, frontier, nodes, leases, intake, *scope, gate, crawl_clock, c, obs), opened(c.SteadyNow()),
        last_tick(opened), last_clock(opened) {
    intake.set_settings(settings);
  }

  void Fail(const absl::Status& status) {
    if (failed.ok()) failed = status;
  }
  void Check(const absl::Status& status) {
    if (!status.ok()) Fail(status);
  }

  uint64_t Budget() const;
  SeedCounts AdmitSeeds(const std::vector<std::string>& urls);
  void AdmitSeedChunk(std::vector<Candidate>& candidates, std::vector<std::string>& anchors, SeedCounts& counts);
  void BeginStop(StopReason reason);
  void LoadScope();
  void OnRegister(const PeerId& from, NodeEntry& node, const wire::Register& info);
  std::string WhyRefused(const wire::Frame& frame, const wire::Register& info) const;
  void OnHeartbeat(const PeerId& from, NodeEntry& node, const wire::Frame& frame);
  void Dispatch(const PeerId& from, NodeEntry& node, Message& message);
  void DispatchWork(const PeerId& from, NodeEntry& node, wire::Frame& frame);
  void DispatchTool(const PeerId& from, wire::Frame& frame);
  void OnSeeds(const PeerId& from, const wire::SeedBatch& batch);
  void OnRecords(const PeerId& from, const wire::RecordsRequest& request);
  void ForgetSilentNodes();
  void EndSomeOrigins();
  void GrantIfAllowed();
  void CheckEnd();
  void AdvanceStop();
  void DrainNodes(bool fetchers);
  bool Gone(bool fetchers) const;
  bool NothingLeft() const { return db->ledger().pending == 0 && commits.empty() && endings.empty(); }

  SchedulerOptions options;
  wire::CrawlSettings settings;
  const Clock& clock;
  Random& random;
  Bus& bus;
  SchedulerObserver& observer;
  uint64_t session;
  std::shared_ptr<CrawlDb> db;  // shared with a sync that may outlive this node on its pool's thread
  std::shared_ptr<const PublicSuffixes> suffixes;  // one immutable list per process
  std::unique_ptr<Scope> scope;
  CrawlClock crawl_clock;
  Frontier frontier;
  NodeTable nodes;
  SyncGate gate;
  LinkIntake intake;
  LeaseDesk leases;
  CommitDesk commits;
  std::vector<OriginEnding> endings;
  absl::Time opened;
  absl::Time last_tick;
  absl::Time last_clock;
  absl::Time hold_grants_until = absl::InfinitePast();
  absl::Time stop_deadline = absl::InfiniteFuture();
  StopReason stop = StopReason::kNone;
  bool parsers_told = false;
  bool final_sync_asked = false;
  bool done = false;
  absl::Status failed;
};

SchedulerNode::SchedulerNode(const SchedulerOptions& options, const wire::CrawlSettings& settings,
                             std::unique_ptr<CrawlDb> db, std::shared_ptr<const PublicSuffixes> suffixes,
                             const Clock& clock, Random& random, Bus& bus, WorkPool& sync_pool,
                             SchedulerObserver& observer) {
  auto scope = Scope::Make(settings, suffixes);
  absl::Status bad_scope = scope.status();
  if (!scope.ok()) scope = Scope::Make({}, suffixes);
  impl_ = std::make_unique<Impl>(options, settings, std::move(db), std::move(suffixes), clock, random, bus, sync_pool,
                                 observer, *std::move(scope));
  impl_->Check(bad_scope);
}

SchedulerNode::~SchedulerNode() = default;

void SchedulerNode::Impl::LoadScope() {
  auto anchors = ReadAnchors(*db);
  if (!anchors.ok()) return Fail(anchors.status());
  for (const std::string& text : *anchors) {
    auto url = Url::Parse(text);
    if (url.ok()) scope->AddAnchor(*url);
  }
}

void SchedulerNode::Start() {
  Impl& s = *impl_;
  if (!s.failed.ok()) return;
  s.LoadScope();
  auto clean = s.db->GetMeta(kMetaClean);
  if (!clean.ok()) return s.Fail(clean.status());
  bool was_clean = s.db->created_now() || clean->value_or("") == "1";
  // A crash forgets when each host was asked last, and which leases were out (rules 18, 19).
  CrawlTime no_request_before = 0;
  if (!was_clean) {
    absl::Duration delay = absl::Microseconds(s.settings.delay_us());
    absl::Duration leases_may_run = absl::ZeroDuration();
    if (!s.options.nodes_die_with_us) leases_may_run = s.options.lease + s.options.lease_grace;
    s.hold_grants_until = s.opened + leases_may_run;
    // The last request under one of them may end as late as that.
    no_request_before = s.crawl_clock.Now() + CrawlMicros(leases_may_run + delay);
  }
  s.Check(s.db->PutMeta(kMetaClean, "0"));
  s.Check(s.db->PutMeta(kMetaState, "running"));
  s.Check(s.db->PutMeta(kMetaSettings, s.settings.SerializeAsString()));
  s.frontier.Load(no_request_before);
}

uint64_t SchedulerNode::Impl::Budget() const {
  if (settings.max_pages() == 0) return UINT64_MAX;
  uint64_t used = db->ledger().pages + frontier.out_count();
  return used >= settings.max_pages() ? 0 : settings.max_pages() - used;
}

SchedulerNode::SeedCounts SchedulerNode::Impl::AdmitSeeds(const std::vector<std::string>& urls) {
  SeedCounts counts;
  std::vector<Candidate> candidates;
  std::vector<std::string> anchors;
  for (const std::string& text : urls) {
    auto url = Url::Parse(text);
    if (!url.ok() || !url->is_http()) {
      counts.bad.emplace_back(text, url.ok() ? "not an http or https URL" : ErrorText(url.status()));
      continue;
    }
    if (scope->AddAnchor(*url)) anchors.push_back(url->href());
    candidates.push_back(intake.FromSeed(*url));
    if (candidates.size() >= kSeedChunk) AdmitSeedChunk(candidates, anchors, counts);
  }
  AdmitSeedChunk(candidates, anchors, counts);
  frontier.TakeInserts();
  return counts;
}

void SchedulerNode::Impl::AdmitSeedChunk(std::vector<Candidate>& candidates, std::vector<std::string>& anchors,
                                         SeedCounts& counts) {
  if (candidates.empty() || !failed.ok()) return;
  Check(AppendAnchors(*db, anchors));
  auto admitted = db->Admit(candidates, crawl_clock.Now());
  if (!admitted.ok()) return Fail(admitted.status());
  for (size_t i = 0; i < admitted->size(); ++i) {
    Admission admission = (*admitted)[i];
    if (admission == Admission::kQueued || admission == Admission::kTakenUp) {
      ++counts.added;
    } else if (candidates[i].refused != Outcome::kNone) {
      counts.bad.emplace_back(candidates[i].url, std::string(OutcomeName(candidates[i].refused)));
    } else {
      ++counts.known;
    }
  }
  candidates.clear();
  anchors.clear();
}

SchedulerNode::SeedCounts SchedulerNode::AddSeeds(const std::vector<std::string>& urls) {
  SeedCounts counts = impl_->AdmitSeeds(urls);
  impl_->gate.AfterSync([] {});
  impl_->gate.Poke();
  return counts;
}

std::string SchedulerNode::Impl::WhyRefused(const wire::Frame& frame, const wire::Register& info) const {
  if (frame.version() != kProtocolVersion) {
    return fmt::format("protocol {} does not fit the scheduler's {}: install the same version of weft on every node",
                       frame.version(), kProtocolVersion);
  }
  if (info.tool()) return "";
  if (info.canonicaliser_version() != db->identity().canonicaliser_version()) {
    return fmt::format("this crawl's keys are made by canonicaliser {}, the node has {}: install the scheduler's version",
                       db->identity().canonicaliser_version(), info.canonicaliser_version());
  }
  if (info.parses() && info.public_suffix_version() != db->identity().public_suffix_version()) {
    return fmt::format("this crawl's shards are made by public suffix list '{}', the node has '{}'",
                       db->identity().public_suffix_version(), info.public_suffix_version());
  }
  return "";
}

void SchedulerNode::Impl::OnRegister(const PeerId& from, NodeEntry& node, const wire::Register& info) {
  node.info = info;
  node.registered = true;
  if (info.lineage() == db->identity().lineage() && info.highest_commit() > db->commit()) {
    observer.OnNotice(fmt::format(
        "{} has seen commit {} acknowledged, the CrawlDb ends at {}: it has lost acknowledged writes (rule 13)",
        info.name(), info.highest_commit(), db->commit()));
  }
  leases.NodeGone(from);
  Check(leases.AdoptHeld(from, info));
  wire::Frame frame;
  wire::Registered* reply = frame.mutable_registered();
  *reply->mutable_identity() = db->identity();
  reply->set_incarnation(db->incarnation());
  *reply->mutable_settings() = settings;
  reply->set_heartbeat_us(absl::ToInt64Microseconds(options.heartbeat));
  reply->set_dead_after_us(absl::ToInt64Microseconds(options.dead_after));
  FillParsers(nodes, reply->mutable_parsers());
  node.link.Send({std::move(frame), nullptr});
  if (info.parses()) nodes.PushParsers();
  if (stop != StopReason::kNone) DrainNodes(/*fetchers=*/!parsers_told);
}

void SchedulerNode::Impl::OnHeartbeat(const PeerId& from, NodeEntry& node, const wire::Frame& frame) {
  wire::Frame answer;
  leases.OnHeartbeat(from, node, frame.heartbeat(), *answer.mutable_heartbeat_reply());
  node.link.SendUnsequenced({std::move(answer), nullptr}, &frame);
}

void SchedulerNode::Impl::DispatchWork(const PeerId& from, NodeEntry& node, wire::Frame& frame) {
  switch (frame.body_case()) {
    case wire::Frame::kLeaseWanted:
      if (stop == StopReason::kNone) leases.OnWanted(from, frame.lease_wanted(), Budget());
      break;
    case wire::Frame::kLeaseRelease:
      Check(leases.OnRelease(from, frame.lease_release()));
      break;
    case wire::Frame::kUrlEnded:
      commits.Take(from, std::move(*frame.mutable_url_ended()));
      break;
    case wire::Frame::kPageResult:
      commits.Take(from, std::move(*frame.mutable_page_result()));
      break;
    case wire::Frame::kLinkBatch:
      commits.Take(from, frame.link_batch());
      break;
    case wire::Frame::kHostPermitWanted:
      leases.OnPermitWanted(from, frame.host_permit_wanted());
      break;
    case wire::Frame::kHostPause:
      Check(leases.OnPause(frame.host_pause()));
      break;
    case wire::Frame::kHostPermitDone:
      leases.OnPermitDone(frame.host_permit_done());
      break;
    case wire::Frame::kGoodbye: {
      node.said_goodbye = true;
      node.draining = true;
      if (node.info.parses()) nodes.PushParsers();
      break;
    }
    default:
      break;
  }
}

void SchedulerNode::Impl::OnSeeds(const PeerId& from, const wire::SeedBatch& batch) {
  SeedCounts counts = AdmitSeeds({batch.urls().begin(), batch.urls().end()});
  wire::Frame frame;
  wire::SeedReply* reply = frame.mutable_seed_reply();
  reply->set_added(counts.added);
  reply->set_known(counts.known);
  for (const auto& [url, reason] : counts.bad) {
    wire::SeedReply::Bad* bad = reply->add_bad();
    bad->set_url(url);
    bad->set_reason(reason);
  }
  gate.AfterSync([this, from, frame = std::move(frame)]() mutable { nodes.Send(from, std::move(frame)); });
}

void SchedulerNode::Impl::OnRecords(const PeerId& from, const wire::RecordsRequest& request) {
  wire::Frame frame;
  size_t limit = std::clamp<size_t>(request.limit(), 1, kMaxRecordRows);
  absl::Status status = FillRecords(*db, request, limit, *frame.mutable_records_reply());
  if (!status.ok()) return Fail(status);
  FillNodes(nodes, clock.SteadyNow(), frame.mutable_records_reply()->mutable_parsers());
  nodes.Send(from, std::move(frame));
}

void SchedulerNode::Impl::DispatchTool(const PeerId& from, wire::Frame& frame) {
  switch (frame.body_case()) {
    case wire::Frame::kSeedBatch:
      OnSeeds(from, frame.seed_batch());
      break;
    case wire::Frame::kRecordsRequest:
      OnRecords(from, frame.records_request());
      break;
    default:
      break;
  }
}

void SchedulerNode::Impl::Dispatch(const PeerId& from, NodeEntry& node, Message& message) {
  wire::Frame& frame = message.frame;
  switch (frame.body_case()) {
    case wire::Frame::kRegister: {
      std::string why = WhyRefused(frame, frame.register_());
      if (!why.empty()) {
        wire::Frame refusal;
        refusal.mutable_register_refused()->set_reason(why);
        node.link.Send({std::move(refusal), nullptr});
        return;
      }
      return OnRegister(from, node, frame.register_());
    }
    case wire::Frame::kHeartbeat:
      return OnHeartbeat(from, node, frame);
    default:
      if (!node.registered) return;
      if (node.info.tool()) {
        DispatchTool(from, frame);
      } else {
        DispatchWork(from, node, frame);
      }
  }
}

void SchedulerNode::OnMessage(const PeerId& from, Message message) {
  Impl& s = *impl_;
  if (!s.failed.ok()) return;
  absl::Time now = s.clock.SteadyNow();
  if (s.nodes.Find(from) == nullptr && message.frame.peer_session() != 0) {
    // Somebody who was talking to an earlier life of ours, or was forgotten for its silence: start over.
    wire::Frame frame;
    frame.set_version(kProtocolVersion);
    frame.set_session(s.session);
    frame.set_peer_session(message.frame.session());
    frame.mutable_session_unknown();
    s.bus.Send(from, {std::move(frame), nullptr});
    return;
  }
  NodeEntry* node = s.nodes.FindOrAdd(from, now);
  if (node == nullptr) return;
  SessionLink::Received received = node->link.Receive(std::move(message));
  if (received.peer_lost_us) return;
  if (received.new_session) {
    // The node begins anew: what it registered as, and its credit, belong to the session before.
    node->registered = false;
    node->lease_limit = node->leases_granted = 0;
    node->nonce = node->nonce_before = 0;
    node->heartbeat_received = absl::InfinitePast();
    node->said_goodbye = node->draining = false;
  }
  for (Message& delivered : received.deliver) {
    if (delivered.frame.body_case() == wire::Frame::kStatusRequest) {
      wire::Frame answer;
      *answer.mutable_status_reply() = Status();
      node->link.Send({std::move(answer), nullptr});
    } else {
      s.Dispatch(from, *node, delivered);
    }
    if (!s.failed.ok()) return;
  }
}

void SchedulerNode::Impl::ForgetSilentNodes() {
  absl::Time now = clock.SteadyNow();
  std::vector<PeerId> gone;
  for (const auto& [peer, node] : nodes.nodes()) {
    bool silent = now - node.last_heard > options.dead_after;
    if (silent && node.leases_held == 0) gone.push_back(peer);
  }
  std::sort(gone.begin(), gone.end());
  for (const PeerId& peer : gone) {
    bool parses = nodes.Find(peer)->info.parses();
    leases.NodeGone(peer);
    nodes.Remove(peer);
    if (parses) nodes.PushParsers();
  }
}

void SchedulerNode::Impl::EndSomeOrigins() {
  for (OriginEnding& ending : leases.TakeEndings()) endings.push_back(std::move(ending));
  if (endings.empty()) return;
  auto finished = commits.EndSome(endings.front(), kEndChunk);
  if (!finished.ok()) return Fail(finished.status());
  if (*finished) endings.erase(endings.begin());
}

void SchedulerNode::Impl::GrantIfAllowed() {
  if (stop != StopReason::kNone || clock.SteadyNow() < hold_grants_until) return;
  Check(leases.Grant(Budget()));
}

void SchedulerNode::Impl::CheckEnd() {
  if (stop != StopReason::kNone) return;
  StopReason reason = StopReason::kNone;
  if (NothingLeft()) {
    reason = options.stop_when_finished ? StopReason::kFinished : StopReason::kNone;
  } else if (settings.max_pages() > 0 && db->ledger().pages >= settings.max_pages()) {
    reason = StopReason::kMaxPages;
  } else if (settings.max_time_us() > 0 &&
             crawl_clock.Now() >= static_cast<CrawlTime>(settings.max_time_us())) {
    reason = StopReason::kMaxTime;
  }
  if (reason != StopReason::kNone) BeginStop(reason);
}

void SchedulerNode::Impl::BeginStop(StopReason reason) {
  if (stop != StopReason::kNone) return;
  stop = reason;
  stop_deadline = clock.SteadyNow() + options.drain + absl::Seconds(2);
  DrainNodes(/*fetchers=*/true);
}

// Fetchers first: parsers must be there for the pages that are still on their way.
void SchedulerNode::Impl::DrainNodes(bool fetchers) {
  wire::Frame frame;
  frame.mutable_drain()->set_deadline_us(absl::ToInt64Microseconds(options.drain));
  for (auto& [peer, node] : nodes.nodes()) {
    if (node.works() && node.info.fetches() == fetchers) node.link.Send({frame, nullptr});
  }
  if (!fetchers) parsers_told = true;
}

bool SchedulerNode::Impl::Gone(bool fetchers) const {
  for (const auto& [peer, node] : nodes.nodes()) {
    if (node.works() && node.info.fetches() == fetchers && !node.said_goodbye) return false;
  }
  return true;
}

void SchedulerNode::Impl::AdvanceStop() {
  if (stop == StopReason::kNone || done) return;
  bool late = clock.SteadyNow() >= stop_deadline;
  if (Gone(true) && !parsers_told) DrainNodes(/*fetchers=*/false);
  bool all_gone = Gone(true) && Gone(false);
  if (!(all_gone || late) || !commits.empty() || final_sync_asked) return;
  CrawlState state = CrawlState::kStopped;
  if (NothingLeft()) {
    state = CrawlState::kFinished;
  } else if (stop == StopReason::kInterrupted) {
    state = CrawlState::kInterrupted;
  }
  Check(db->PutMeta(kMetaState, CrawlStateName(state)));
  // Clean: every lease is back, so a later run need not wait for any.
  Check(db->PutMeta(kMetaClean, all_gone && leases.leases() == 0 ? "1" : "0"));
  Check(db->PutClock(crawl_clock.Now()));
  gate.AfterSync([this] { done = true; });
  final_sync_asked = true;
}

void SchedulerNode::OnTick() {
  Impl& s = *impl_;
  if (!s.failed.ok() || s.done) return;
  absl::Time now = s.clock.SteadyNow();
  absl::Duration gap = now - s.last_tick;
  s.last_tick = now;
  if (gap > kGap) {
    s.leases.ExtendDeadlines(gap);
    s.nodes.ExtendSilence(gap);
  }
  s.Check(s.commits.Flush());
  if (!s.failed.ok()) return;
  s.EndSomeOrigins();
  std::vector<std::string> anchors = s.commits.TakeNewAnchors();
  if (!anchors.empty()) s.Check(AppendAnchors(*s.db, anchors));
  s.Check(s.leases.Expire());
  if (s.db->NextDue().value_or(UINT64_MAX) <= s.crawl_clock.Now()) {
    s.Check(s.db->PromoteDue(s.crawl_clock.Now(), kPromoteChunk).status());
    s.frontier.TakeInserts();
  }
  s.ForgetSilentNodes();
  if (now - s.last_clock > kClockEvery) {
    s.last_clock = now;
    s.Check(s.db->PutClock(s.crawl_clock.Now()));
  }
  s.GrantIfAllowed();
  s.CheckEnd();
  s.AdvanceStop();
  for (const std::string& notice : s.leases.TakeNotices()) s.observer.OnNotice(notice);
  s.gate.Poke();
  s.Check(s.gate.health());
  s.Check(s.db->health());
}

absl::Time SchedulerNode::NextWake() const {
  const Impl& s = *impl_;
  if (!s.failed.ok() || s.done) return absl::InfiniteFuture();
  absl::Time now = s.clock.SteadyNow();
  if (!s.commits.empty() || !s.endings.empty()) return now;
  absl::Time wake = s.last_tick + kTick;
  std::optional<CrawlTime> ready = s.frontier.NextReadyTime();
  if (ready) {
    absl::Time at = s.crawl_clock.SteadyAt(*ready);
    if (at > now) wake = std::min(wake, at);
  }
  std::optional<CrawlTime> due = s.db->NextDue();
  if (due) wake = std::min(wake, std::max(s.crawl_clock.SteadyAt(*due), now));
  return wake;
}

void SchedulerNode::Stop(StopReason reason) { impl_->BeginStop(reason); }

bool SchedulerNode::stopped() const { return impl_->done; }
StopReason SchedulerNode::stop_reason() const { return impl_->stop; }
absl::Status SchedulerNode::health() const { return impl_->failed; }
const CrawlDb& SchedulerNode::db() const { return *impl_->db; }

wire::StatusReply SchedulerNode::Status() const {
  const Impl& s = *impl_;
  wire::StatusReply status;
  FillLedger(s.db->ledger(), s.frontier.out_count(), status);
  status.set_state(s.NothingLeft() ? "finished" : "running");
  status.set_hosts(s.frontier.host_count());
  FillNodes(s.nodes, s.clock.SteadyNow(), status.mutable_nodes());
  return status;
}

SchedulerNode::RateBound SchedulerNode::PoliteBound() const {
  const Impl& s = *impl_;
  RateBound bound;
  for (const auto& [id, host] : s.frontier.hosts()) {
    const HostState* state = s.db->FindHost(id);
    if (state == nullptr || state->pending() == 0) continue;
    ++bound.hosts;
    bound.delay = std::max(bound.delay, s.leases.DelayOf(*state));
  }
  return bound;
}

}  // namespace weft
