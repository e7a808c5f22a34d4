#include "scheduler/scheduler_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/sitemap_choice.h"
#include "common/status.h"
#include "common/units.h"
#include "scheduler/scheduler_node_impl.h"

namespace weft {

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
  anchors_known = anchors->size();
  auto places = ReadPagesPlaces(*db);
  if (!places.ok()) return Fail(places.status());
  pages_places = *std::move(places);
}

std::string SchedulerNode::Impl::JudgedBy() const {
  return fmt::format("{}/{}/{}{}", settings.scope_version(),
                     settings.has_max_depth() ? fmt::format("{}", settings.max_depth()) : "none", anchors_known,
                     limits.JudgedBy());
}

Outcome SchedulerNode::Impl::JudgeAnew(const UrlRecord& record) {
  const Outcome outcome = intake.Judge(record);
  auto url = Url::Parse(record.url);
  return outcome != Outcome::kNone || !url.ok() ? outcome : limits.Judge(record, intake.FromSeed(*url));
}

// A host that comes into the scope while the crawl runs, by a seed or its redirect, may have been refused before: which
// of its URLs were named before and which after is chance. They are judged once more at the end of the crawl, for that
// takes a scan; parsers need not name them again (rule 3).
void SchedulerNode::Impl::NoteAnchors(size_t added) {
  anchors_known += added;
  const LedgerCounts counts = db->ledger();
  if (counts.refused.contains(Outcome::kScope) || counts.refused.contains(Outcome::kPrefix)) return;
  anchors_judged = anchors_known;
  Check(db->PutMeta(kMetaJudged, JudgedBy()));
}

// A wider scope takes up what was refused before, a narrower one refuses what still waits.
void SchedulerNode::Impl::RejudgeIfChanged() {
  const std::string judged_by = JudgedBy();
  auto before = db->GetMeta(kMetaJudged);
  if (!before.ok()) return Fail(before.status());
  if (before->has_value() && **before != judged_by) {
    auto changed = db->Rejudge([&](const UrlRecord& record) { return JudgeAnew(record); }, crawl_clock.Now());
    if (!changed.ok()) return Fail(changed.status());
    if (*changed > 0) observer.OnNotice(fmt::format("{} URLs are judged anew by the changed scope or limits", *changed));
  }
  Check(db->PutMeta(kMetaJudged, judged_by));
  anchors_judged = anchors_known;
}

void SchedulerNode::Impl::SetPriorities() {
  auto rules = UrlRules::Of(settings);
  if (!rules.ok()) return Fail(rules.status());
  if (!rules->has_priorities()) return;
  db->SetPriorities([rules = *std::move(rules)](std::string_view url) { return rules.Priority(url); });
}

void SchedulerNode::Start() {
  Impl& s = *impl_;
  if (!s.failed.ok()) return;
  s.Check(s.resubmits.Open());
  s.Check(s.recrawls.Open());
  s.LoadScope();
  s.SetPriorities();
  s.Check(s.limits.Open());
  auto clean = s.db->GetMeta(kMetaClean);
  if (!clean.ok()) return s.Fail(clean.status());
  bool was_clean = s.db->created_now() || clean->value_or("") == "1";
  // A crash forgets when each host was asked last, and which leases were out (rules 18, 19).
  CrawlTime no_request_before = 0;
  CrawlTime leases_over = 0;
  if (!was_clean) {
    absl::Duration delay = absl::Microseconds(s.settings.delay_us());
    absl::Duration leases_may_run = absl::ZeroDuration();
    if (!s.options.nodes_die_with_us) leases_may_run = s.options.lease + s.options.lease_grace;
    s.hold_grants_until = s.opened + leases_may_run;
    // The last request under one of them may end as late as that.
    leases_over = s.crawl_clock.Now() + CrawlMicros(leases_may_run);
    no_request_before = leases_over + CrawlMicros(delay);
  }
  s.RejudgeIfChanged();
  s.Check(s.db->PutMeta(kMetaClean, "0"));
  s.Check(s.db->PutMeta(kMetaState, "running"));
  s.Check(s.db->PutMeta(kMetaSettings, s.settings.SerializeAsString()));
  s.AdmitGivenSitemaps();
  s.Check(s.leases.Open(leases_over));
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
  AdmitGivenSitemaps();
  frontier.TakeInserts();
  return counts;
}

// Not before the first seed: a crawl that has read them alone would be finished.
void SchedulerNode::Impl::AdmitGivenSitemaps() {
  if (!failed.ok() || db->ledger().discovered == 0) return;
  std::vector<Candidate> candidates;
  for (const std::string& text : GivenSitemaps(settings)) {
    if (auto candidate = intake.FromGivenSitemap(text)) candidates.push_back(*std::move(candidate));
  }
  if (!candidates.empty()) Check(db->Admit(candidates, crawl_clock.Now()).status());
}

void SchedulerNode::Impl::AdmitSeedChunk(std::vector<Candidate>& candidates, std::vector<std::string>& anchors,
                                         SeedCounts& counts) {
  if (candidates.empty() || !failed.ok()) return;
  Check(AppendAnchors(*db, anchors));
  if (!anchors.empty()) NoteAnchors(anchors.size());
  limits.JudgeCandidates(candidates);
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
    NoteHeard(*nodes.Find(peer));
    leases.NodeGone(peer);
    nodes.Remove(peer);
    if (parses) nodes.PushParsers();
  }
}

void SchedulerNode::Impl::EndSomeOrigins() {
  for (OriginEnding& ending : leases.TakeEndings()) endings.push_back(std::move(ending));
  // Many hosts may have little each: they are ended together.
  for (size_t ended = 0; ended < kEndsATurn && !endings.empty(); ++ended) {
    auto finished = commits.EndSome(endings.front(), kEndChunk);
    if (!finished.ok()) return Fail(finished.status());
    if (!*finished) return;
    endings.pop_front();
  }
}

// What a trap has refused and is in none any more. URLs that wait, or are out, are not touched.
uint64_t SchedulerNode::Impl::TakeUpReleased() {
  const auto judge = [this](const UrlRecord& record) {
    if (record.state == UrlState::kPending) return Outcome::kNone;
    return record.reason == Outcome::kTrap ? JudgeAnew(record) : record.reason;
  };
  auto changed = db->Rejudge(judge, crawl_clock.Now());
  if (!changed.ok()) {
    Fail(changed.status());
    return 0;
  }
  if (anchors_judged == anchors_known) Check(db->PutMeta(kMetaJudged, JudgedBy()));
  frontier.TakeInserts();
  return *changed;
}

void SchedulerNode::Impl::WatchLimits() {
  for (OriginEnding& ending : limits.TakeEndings()) endings.push_back(std::move(ending));
  for (const std::string& notice : limits.TakeNotices()) observer.OnNotice(notice);
  Check(limits.Save(/*counts=*/false));
}

void SchedulerNode::Impl::GrantIfAllowed() {
  if (!GrantsNow()) return;
  Check(leases.Grant(Budget()));
}

void SchedulerNode::Impl::CheckEnd() {
  if (!MayGrant()) return;
  if (NothingLeft() && anchors_judged != anchors_known) {
    RejudgeIfChanged();
    frontier.TakeInserts();
  }
  StopReason reason = StopReason::kNone;
  if (NothingLeft()) {
    // With recrawls there is always more to come. Durably: nodes that are told to stop do not come back should the last
    // writes be lost.
    if (options.stop_when_finished && !recrawls.on() && gate.idle()) reason = StopReason::kFinished;
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
  if (NothingLeft() && (db->ledger().discovered > 0 || stop == StopReason::kFinished)) {
    state = CrawlState::kFinished;
  } else if (stop == StopReason::kInterrupted) {
    state = CrawlState::kInterrupted;
  }
  Check(db->PutMeta(kMetaState, CrawlStateName(state)));
  // Clean: every lease is back, of an earlier life that had crashed too, so a later run need not wait for any.
  const bool none_out = all_gone && leases.leases() == 0 && clock.SteadyNow() >= hold_grants_until;
  Check(db->PutMeta(kMetaClean, none_out ? "1" : "0"));
  Check(db->PutClock(crawl_clock.Now()));
  Check(resubmits.NoteWall());
  Check(limits.Save(true));
  gate.AfterSync([this] { done = true; });
  final_sync_asked = true;
}

// Nobody else is to blame for that: all that waits for others waits as much longer (rule 30).
void SchedulerNode::Impl::StoodStill(absl::Duration gap) {
  leases.ExtendDeadlines(gap);
  nodes.ExtendSilence(gap);
  resubmits.ExtendPatience(gap);
  leavers.ExtendDeadlines(gap);
  stop_deadline += gap;
}

void SchedulerNode::OnTick() {
  Impl& s = *impl_;
  s.Check(s.gate.health());  // of a sync that ended since: nothing more is said to anybody (rule 4)
  if (!s.failed.ok() || s.done) return;
  absl::Time now = s.clock.SteadyNow();
  absl::Duration gap = now - s.last_tick;
  s.last_tick = now;
  if (gap > kGap) s.StoodStill(gap);
  if (s.order != nullptr) s.order->set_waits(!s.endings.empty());
  s.Check(s.commits.Flush());
  if (!s.failed.ok()) return;
  s.WatchLimits();
  s.EndSomeOrigins();
  std::vector<std::string> anchors = s.commits.TakeNewAnchors();
  if (!anchors.empty()) {
    s.Check(AppendAnchors(*s.db, anchors));
    s.NoteAnchors(anchors.size());
  }
  s.Check(s.leases.Expire());
  if (s.stop == StopReason::kNone) s.Check(s.recrawls.Poke());
  if (s.stop == StopReason::kNone && s.db->NextDue().value_or(UINT64_MAX) <= s.crawl_clock.Now()) {
    s.Check(s.db->PromoteDue(s.crawl_clock.Now(), kPromoteChunk).status());
    s.frontier.TakeInserts();
  }
  s.SettleTwins();
  s.leavers.OnTick();
  s.suspects.OnTick();
  s.checkpoints.OnTick();
  s.records.OnTick();
  s.Check(s.records.health());
  s.ForgetSilentNodes();
  if (now - s.last_clock > kClockEvery) {
    s.last_clock = now;
    s.Check(s.db->PutClock(s.crawl_clock.Now()));
    s.Check(s.resubmits.NoteWall());
    s.Check(s.limits.Save(true));
    s.WritePlacesIfDue();
  }
  if (s.stop == StopReason::kNone) s.Check(s.resubmits.Ask());
  s.GrantIfAllowed();
  s.CheckEnd();
  s.AdvanceStop();
  for (const std::string& notice : s.leases.TakeNotices()) s.observer.OnNotice(notice);
  s.leases.routes().Watch(s.nodes);
  for (const std::string& notice : s.leases.routes().TakeNotices()) s.observer.OnNotice(notice);
  s.Check(s.seen.Poke());
  s.gate.Poke();
  s.Check(s.gate.health());
  s.Check(s.db->health());
}

absl::Time SchedulerNode::NextWake() const {
  Impl& s = *impl_;
  if (!s.failed.ok() || s.done) return absl::InfiniteFuture();
  absl::Time now = s.clock.SteadyNow();
  if (!s.commits.empty() || !s.endings.empty()) return now;
  absl::Time wake = s.last_tick + kTick;
  std::optional<CrawlTime> ready = s.frontier.NextReadyTime();
  if (ready) {
    absl::Time at = s.crawl_clock.SteadyAt(*ready);
    if (at > now) wake = std::min(wake, at);
  }
  // Room that may not be granted is taken by nobody, and would be told at every turn.
  std::optional<CrawlTime> freed = s.GrantsNow() ? s.leases.NextFreed() : std::nullopt;
  if (freed) wake = std::min(wake, std::max(s.crawl_clock.SteadyAt(*freed), now));
  std::optional<CrawlTime> due = s.db->NextDue();
  if (due && s.stop == StopReason::kNone) wake = std::min(wake, std::max(s.crawl_clock.SteadyAt(*due), now));
  return wake;
}

void SchedulerNode::Stop(StopReason reason) { impl_->BeginStop(reason); }

bool SchedulerNode::stopped() const { return impl_->done; }
StopReason SchedulerNode::stop_reason() const { return impl_->stop; }
absl::Status SchedulerNode::health() const { return impl_->failed; }
const CrawlDb& SchedulerNode::db() const { return *impl_->db; }

// Why nothing is fetched although there is something to fetch.
void SchedulerNode::Impl::FillWarnings(wire::StatusReply& status) const {
  if (db->ledger().pending == 0 || stop != StopReason::kNone) return;
  const absl::Duration held = hold_grants_until - clock.SteadyNow();
  if (held > absl::ZeroDuration()) {
    status.add_warnings(fmt::format("no host is asked for another {}: the scheduler before did not end in order, and its leases may be in use until then",
                                    weft::FormatDuration(absl::Ceil(held, absl::Seconds(1)))));
  }
  const bool fetchers = std::any_of(nodes.nodes().begin(), nodes.nodes().end(), [](const auto& one) {
    return one.second.works() && one.second.info.fetches() && !one.second.said_goodbye;
  });
  if (!fetchers && !options.nodes_die_with_us) status.add_warnings("no worker is connected: weft worker --join FILE --pages DIR, where FILE comes from weft token new");
}

wire::StatusReply SchedulerNode::Status() const {
  const Impl& s = *impl_;
  wire::StatusReply status;
  FillLedger(s.db->ledger(), s.frontier.out_count(), status);
  FillRecrawls(s.db->ledger(), s.db->NextDue(), s.crawl_clock.Now(), status);
  // Without a seed it waits for one: nothing has been crawled that could be finished.
  // With recrawls it waits for what is due next.
  const bool over = s.NothingLeft() && s.db->ledger().discovered > 0 && (!s.recrawls.on() || s.stop != StopReason::kNone);
  status.set_state(over ? "finished" : "running");
  status.set_hosts(s.db->host_counts().all);
  FillNodes(s.nodes, s.keys, s.clock.SteadyNow(), 3 * s.options.heartbeat, status.mutable_nodes());
  s.checkpoints.FillStatus(*status.mutable_checkpoint());
  s.leases.routes().FillWaits(s.nodes, status);
  FillGonePlaces(s.pages_places, s.nodes, status.mutable_places());
  FillTraps(s.limits.traps(), status);
  s.FillWarnings(status);
  FillRefusals(s.bus.refusals(), s.refused_frames, s.refused_registrations, status);
  return status;
}

SchedulerNode::RateBound SchedulerNode::PoliteBound() const {
  const Impl& s = *impl_;
  RateBound bound;
  bound.hosts = s.db->host_counts().pending;
  // Of those that are in memory: the others wait for the same reasons.
  for (const auto& [id, host] : s.frontier.hosts()) {
    const HostState* state = s.db->FindHost(host.shard, id);
    if (state == nullptr || state->pending() == 0) continue;
    bound.delay = std::max(bound.delay, s.leases.DelayOf(*state));
  }
  return bound;
}

}  // namespace weft
