// The inside of SchedulerNode, for its own files: its life (scheduler_node.cc) and what it answers nodes and tools
// (scheduler_dispatch.cc).
#pragma once

#include <algorithm>
#include <deque>
#include <utility>

#include "common/order_choice.h"
#include "common/status.h"
#include "common/units.h"
#include "common/url_rules.h"
#include "scheduler/anchor_list.h"
#include "scheduler/checkpoint_desk.h"
#include "scheduler/commit_desk.h"
#include "scheduler/crawl_clock.h"
#include "scheduler/frontier.h"
#include "scheduler/lease_desk.h"
#include "scheduler/limit_desk.h"
#include "scheduler/link_intake.h"
#include "scheduler/node_desk.h"
#include "scheduler/node_keys.h"
#include "scheduler/node_table.h"
#include "scheduler/pages_places.h"
#include "scheduler/popular_order.h"
#include "scheduler/records_desk.h"
#include "scheduler/recrawl_desk.h"
#include "scheduler/resubmit_desk.h"
#include "scheduler/scheduler_node.h"
#include "scheduler/scope.h"
#include "scheduler/seen_keeper.h"
#include "scheduler/status_report.h"
#include "scheduler/suspect_desk.h"
#include "scheduler/sync_gate.h"

namespace weft {

inline constexpr absl::Duration kTick = absl::Milliseconds(200);
inline constexpr absl::Duration kClockEvery = absl::Seconds(5);
inline constexpr absl::Duration kGap = absl::Seconds(3);
inline constexpr size_t kSeedChunk = 1000;
inline constexpr size_t kEndChunk = 500;
inline constexpr uint64_t kJudgeAtTheEnd = UINT64_MAX;
inline constexpr size_t kEndsATurn = 200;                 // origins
inline constexpr uint64_t kMostJudgedAtOnce = 1'000'000;  // beyond it a scan has to wait for the end of the crawl
inline constexpr size_t kPromoteChunk = 5000;
inline constexpr absl::Duration kHeardEvery = absl::Minutes(1);

struct SchedulerNode::Impl {
  Impl(const SchedulerOptions& o, const wire::CrawlSettings& s, std::unique_ptr<CrawlDb> d,
       std::shared_ptr<const PublicSuffixes> suffixes_in, const Clock& c, Random& r, Bus& b, WorkPool& pool,
       SchedulerObserver& obs, std::unique_ptr<Scope> sc)
      : options(o), settings(s), clock(c), random(r), bus(b), observer(obs), session(r.NextId()), db(std::move(d)),
        suffixes(std::move(suffixes_in)), scope(std::move(sc)), crawl_clock(c, db->stored_clock()), frontier(*db, o.frontier),
        nodes(b, session), suspects(nodes), gate(db, pool), seen(*db, gate, pool), intake(db->identity(), suffixes, *scope),
        leases(options, settings, *db, frontier, nodes, *scope, crawl_clock, c, r, *suffixes),
        commits(*db, frontier, nodes, leases, intake, *scope, gate, crawl_clock, c, obs),
        limits(settings, *db, *scope, suffixes, c), resubmits(*db, nodes, gate, c, obs),
        recrawls(*db, settings, crawl_clock, c), leavers(options, nodes, leases, *db, c), checkpoints(options, db, nodes, c, obs),
        records(db, o.reading_pool, nodes), opened(c.SteadyNow()), last_tick(opened), last_clock(opened) {
    intake.set_settings(settings);
    commits.set_limits(&limits);
    commits.set_recrawls(&recrawls);
    if (!OrderIsPopular(settings)) return;
    order = std::make_unique<PopularOrder>(*db, frontier, clock);
    commits.set_order(order.get());
    db->SetPopular(true);
  }

  void Fail(const absl::Status& status) {
    if (failed.ok()) failed = status;
  }
  void Check(const absl::Status& status) {
    if (!status.ok()) Fail(status);
  }

  uint64_t Budget() const;
  void FillWarnings(wire::StatusReply& status) const;
  // New requests may be allowed.
  bool MayGrant() const { return stop == StopReason::kNone && !resubmits.busy(); }
  bool GrantsNow() const { return MayGrant() && clock.SteadyNow() >= hold_grants_until; }
  SeedCounts AdmitSeeds(const std::vector<std::string>& urls);
  void AdmitGivenSitemaps();
  void AdmitSeedChunk(std::vector<Candidate>& candidates, std::vector<std::string>& anchors, SeedCounts& counts);
  void BeginStop(StopReason reason);
  void LoadScope();
  void SetPriorities();
  std::string JudgedBy() const;
  void RejudgeIfChanged();
  void NoteAnchors(size_t added);
  void NotePagesPlace(const wire::Register& info);
  void NoteHeard(const NodeEntry& parser);
  void WritePlacesIfDue();
  void OnRegister(const PeerId& from, NodeEntry& node, const wire::Register& info);
  std::string WhyRefused(const wire::Frame& frame, const PeerKey& key) const;
  bool MaySpeak(const PeerId& from, const PeerKey& key);
  void RefuseNode(const PeerId& peer, NodeEntry& node, const std::string& reason);
  const NodeEntry* FindTwin(const PeerId& peer, const NodeEntry& node, absl::Time heard_after) const;
  bool CameBefore(const NodeEntry& node, const NodeEntry& other) const;
  void RefuseTwinsOf(const NodeEntry& node);
  bool ReplaceTwins(const NodeEntry& node, bool& parsers_changed);
  void SettleTwins();
  void SendAllowedKeys(NodeEntry& parser);
  void SayUnknown(const PeerId& peer, uint64_t session_of_peer);
  void AcknowledgeAfterSync(const PeerId& parser);
  void OnHeartbeat(const PeerId& from, NodeEntry& node, const wire::Frame& frame);
  void Dispatch(const PeerId& from, NodeEntry& node, Message& message);
  void DispatchWork(const PeerId& from, NodeEntry& node, wire::Frame& frame);
  void DispatchTool(const PeerId& from, wire::Frame& frame);
  void OnSeeds(const PeerId& from, const wire::SeedBatch& batch);
  void OnNodeRequest(const PeerId& from, const wire::NodeRequest& request);
  void OnTraps(const PeerId& from, const wire::TrapsRequest& request);
  Outcome JudgeAnew(const UrlRecord& record);
  void WatchLimits();
  uint64_t TakeUpReleased();
  void OnRecords(const PeerId& from, const wire::RecordsRequest& request);
  void ForgetSilentNodes();
  void EndSomeOrigins();
  void GrantIfAllowed();
  void CheckEnd();
  void StoodStill(absl::Duration gap);
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
  SuspectDesk suspects;
  SyncGate gate;
  SeenKeeper seen;
  LinkIntake intake;
  LeaseDesk leases;
  CommitDesk commits;
  LimitDesk limits;
  ResubmitDesk resubmits;
  RecrawlDesk recrawls;
  NodeDesk leavers;
  CheckpointDesk checkpoints;
  RecordsDesk records;
  std::unique_ptr<PopularOrder> order;  // null: breadth-first
  std::deque<OriginEnding> endings;
  uint64_t anchors_known = 0;
  uint64_t anchors_judged = 0;  // what was refused by scope has been judged by these
  PagesPlaces pages_places;
  absl::Time places_written = absl::InfinitePast();
  NodeKeys keys;
  uint64_t refused_frames = 0;
  uint64_t arrivals = 0;   // nodes that have registered so far
  uint64_t refused_registrations = 0;
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

}  // namespace weft
