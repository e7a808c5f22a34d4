// The scheduler's desks over a CrawlDb in memory, a bus that records, and a clock moved by hand; with short ways to say
// what nodes do. Not the SchedulerNode: what it calls at each tick the tests call themselves.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "scheduler/commit_desk.h"
#include "scheduler/lease_desk.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_pool.h"
#include "tests/support/memory_kv.h"
#include "tests/support/recording_bus.h"

namespace weft::test {

class RecordingObserver : public SchedulerObserver {
 public:
  void OnUrlEnd(const UrlEnd& end) override { ends.push_back(end); }
  void OnNotice(const std::string& text) override { notices.push_back(text); }

  std::vector<UrlEnd> ends;
  std::vector<std::string> notices;
};

class DeskTest : public testing::Test {
 protected:
  void SetUp() override { Build(); }
  void TearDown() override {
    if (!db_->health().ok()) return;
    EXPECT_TRUE(db_->ledger().AddsUp());
    EXPECT_EQ(db_->Recount()->pending, db_->ledger().pending);
  }

  // Starts a scheduler's life on the disk, with the settings and options as they are now.
  void Build() {
    commits_.reset(), leases_.reset(), gate_.reset(), intake_.reset(), frontier_.reset(), nodes_.reset();
    db_.reset();
    CrawlDbOptions db_options;
    db_options.create.set_fingerprint_seed(1);
    db_ = CrawlDb::Open(OpenMemoryKv(disk_), db_options, *random_).value();
    scope_ = Scope::Make(settings_, suffixes_).value();
    nodes_ = std::make_unique<NodeTable>(bus_, /*session=*/77);
    frontier_ = std::make_unique<Frontier>(*db_);
    crawl_clock_ = std::make_unique<CrawlClock>(clock_, db_->stored_clock());
    intake_ = std::make_unique<LinkIntake>(db_->identity(), suffixes_, *scope_);
    intake_->set_settings(settings_);
    gate_ = std::make_unique<SyncGate>(db_, pool_);
    leases_ = std::make_unique<LeaseDesk>(options_, settings_, *db_, *frontier_, *nodes_, *scope_, *crawl_clock_,
                                          clock_, *random_, *suffixes_);
    commits_ = std::make_unique<CommitDesk>(*db_, *frontier_, *nodes_, *leases_, *intake_, *scope_, *gate_,
                                            *crawl_clock_, clock_, observer_);
    frontier_->Load(0);
  }

  void Seed(const std::vector<std::string>& urls) {
    std::vector<Candidate> candidates;
    for (const std::string& text : urls) {
      Url url = Url::Parse(text).value();
      scope_->AddAnchor(url);
      candidates.push_back(intake_->FromSeed(url));
    }
    ASSERT_TRUE(db_->Admit(candidates, Now()).ok());
    frontier_->TakeInserts();
  }
  // `count` seeds on one host, "https://HOST/0" and so on.
  void SeedHost(const std::string& host, int count, const std::string& scheme = "https") {
    std::vector<std::string> urls;
    for (int i = 0; i < count; ++i) urls.push_back(fmt::format("{}://{}/{:03}", scheme, host, i));
    Seed(urls);
  }

  NodeEntry& Node(const PeerId& peer) { return *nodes_->FindOrAdd(peer, clock_.SteadyNow()); }
  // A fetcher that has registered and may be given `credit` leases.
  void AddFetcher(const PeerId& peer, uint64_t credit = 100) {
    NodeEntry& node = Node(peer);
    node.registered = true;
    node.info.set_fetches(true);
    node.info.set_node_id(std::hash<std::string>{}(peer));
    Beat(peer, credit);
  }
  wire::HeartbeatReply Beat(const PeerId& peer, uint64_t credit = 0, const std::vector<wire::LeaseBeat>& held = {}) {
    NodeEntry& node = Node(peer);
    wire::Heartbeat beat;
    beat.set_nonce_echo(node.nonce);
    beat.set_lease_limit(credit);
    for (const wire::LeaseBeat& one : held) *beat.add_leases() = one;
    wire::HeartbeatReply reply;
    leases_->OnHeartbeat(peer, node, beat, reply);
    return reply;
  }
  static wire::LeaseBeat Held(const wire::LeaseGrant& grant, uint64_t asked = 0) {
    wire::LeaseBeat held;
    *held.mutable_epoch() = grant.epoch();
    held.set_asked(asked);
    return held;
  }

  // What Grant hands out now, in order, to whomever.
  std::vector<wire::LeaseGrant> Grant(uint64_t budget = UINT64_MAX) {
    size_t before = bus_.sent.size();
    absl::Status status = leases_->Grant(budget);
    EXPECT_TRUE(status.ok()) << status;
    return GrantsSince(before);
  }
  // The one grant that there is to hand out.
  wire::LeaseGrant GrantOne() {
    std::vector<wire::LeaseGrant> grants = Grant();
    EXPECT_EQ(grants.size(), 1u);
    return grants.empty() ? wire::LeaseGrant() : grants.front();
  }
  wire::LeaseGrant TopUp(const PeerId& peer, const wire::LeaseGrant& grant, uint32_t urls,
                         uint64_t budget = UINT64_MAX) {
    wire::LeaseWanted wanted;
    *wanted.mutable_epoch() = grant.epoch();
    wanted.set_urls(urls);
    size_t before = bus_.sent.size();
    leases_->OnWanted(peer, wanted, budget);
    std::vector<wire::LeaseGrant> grants = GrantsSince(before);
    return grants.empty() ? wire::LeaseGrant() : grants.front();
  }
  std::vector<wire::LeaseGrant> GrantsSince(size_t before) const {
    std::vector<wire::LeaseGrant> grants;
    for (size_t i = before; i < bus_.sent.size(); ++i) {
      if (bus_.sent[i].message.frame.has_lease_grant()) grants.push_back(bus_.sent[i].message.frame.lease_grant());
    }
    return grants;
  }
  static std::vector<std::string> UrlsOf(const wire::LeaseGrant& grant) {
    std::vector<std::string> urls;
    for (const wire::UrlTicket& ticket : grant.urls()) urls.push_back(ticket.url());
    return urls;
  }

  // Nothing of it was asked.
  static wire::LeaseRelease Unasked(const wire::LeaseGrant& grant, wire::LeaseRelease::Why why) {
    wire::LeaseRelease release;
    *release.mutable_epoch() = grant.epoch();
    release.set_why(why);
    release.set_last_request_age_us(-1);
    for (const wire::UrlTicket& ticket : grant.urls()) release.add_unused(ticket.key());
    return release;
  }
  // All of it was asked, the last just now.
  static wire::LeaseRelease Asked(const wire::LeaseGrant& grant, wire::LeaseRelease::Why why = wire::LeaseRelease::EMPTY) {
    wire::LeaseRelease release = Unasked(grant, why);
    release.clear_unused();
    release.set_last_request_age_us(0);
    return release;
  }
  void Release(const PeerId& peer, const wire::LeaseRelease& release) {
    absl::Status status = leases_->OnRelease(peer, release);
    EXPECT_TRUE(status.ok()) << status;
  }

  // How the parser "p" and fetchers tell of ends.
  static wire::PageResult Page(const wire::UrlTicket& ticket, int status = 200) {
    wire::PageResult result;
    *result.mutable_ticket() = ticket;
    result.set_status(static_cast<uint32_t>(status));
    result.set_outcome(static_cast<uint32_t>(Outcome::kResponse));
    return result;
  }
  void TakePage(const wire::PageResult& result) { commits_->Take("p", result); }
  void TakeEnded(const PeerId& peer, const wire::UrlTicket& ticket, Outcome outcome) {
    wire::UrlEnded ended;
    *ended.mutable_ticket() = ticket;
    ended.set_outcome(static_cast<uint32_t>(outcome));
    commits_->Take(peer, ended);
  }
  void Flush() {
    absl::Status status = commits_->Flush();
    EXPECT_TRUE(status.ok()) << status;
  }
  // Flushes and lets the sync finish, so that acknowledgements go out.
  void FlushAndSync() {
    Flush();
    gate_->Poke();
    pool_.RunAll();
  }
  std::vector<wire::EndedAck::One> AcksTo(const PeerId& peer) const {
    std::vector<wire::EndedAck::One> ones;
    for (const wire::Frame& frame : bus_.Of(peer, wire::Frame::kEndedAck)) {
      for (const auto& one : frame.ended_ack().ended()) ones.push_back(one);
    }
    return ones;
  }
  // Ends, to the last URL, what was given up.
  void EndGivenUp() {
    for (OriginEnding& ending : leases_->TakeEndings()) {
      for (int round = 0; round < 1000; ++round) {
        auto finished = commits_->EndSome(ending, 10);
        ASSERT_TRUE(finished.ok()) << finished.status();
        if (*finished) break;
      }
    }
  }

  std::optional<UrlRecord> Find(const std::string& text) {
    Candidate c = intake_->FromSeed(Url::Parse(text).value());
    return db_->Find(c.key, c.shard).value();
  }
  bool IsOut(const std::string& text) { return frontier_->FindOut(intake_->KeyOf(Url::Parse(text).value())) != nullptr; }
  const HostState& Host(const std::string& host) { return *db_->FindHost(host); }
  CrawlTime Now() const { return crawl_clock_->Now(); }

  std::unique_ptr<Random> random_ = SeededRandom(3);
  MemoryDisk disk_;
  ManualClock clock_;
  ManualPool pool_;
  RecordingBus bus_;
  RecordingObserver observer_;
  SchedulerOptions options_;
  wire::CrawlSettings settings_;
  std::shared_ptr<const PublicSuffixes> suffixes_ = PublicSuffixes::Load().value();
  std::shared_ptr<CrawlDb> db_;
  std::unique_ptr<Scope> scope_;
  std::unique_ptr<NodeTable> nodes_;
  std::unique_ptr<Frontier> frontier_;
  std::unique_ptr<CrawlClock> crawl_clock_;
  std::unique_ptr<LinkIntake> intake_;
  std::unique_ptr<SyncGate> gate_;
  std::unique_ptr<LeaseDesk> leases_;
  std::unique_ptr<CommitDesk> commits_;
};

}  // namespace weft::test
