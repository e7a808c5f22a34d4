// Budgets and traps, between the desks.
#include "scheduler/limit_desk.h"

#include "scheduler/host_budget.h"
#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kSame = 0x123456789abcdef0;

class LimitDeskTest : public DeskTest {
 protected:
  void Start() {
    limits_.reset();
    Build();
    limits_ = std::make_unique<LimitDesk>(settings_, *db_, *scope_, suffixes_, clock_);
    ASSERT_TRUE(limits_->Open().ok());
    commits_->set_limits(limits_.get());
    AddFetcher("f");
  }
  void TearDown() override {
    DeskTest::TearDown();
    commits_.reset(), limits_.reset();
  }
  // Hands in one page after another of all that is handed out now; answers how many.
  int Crawl(const std::vector<std::string>& links = {}, uint64_t sketch = 0) {
    int pages = 0;
    for (const wire::LeaseGrant& grant : Grant()) {
      for (const wire::UrlTicket& ticket : grant.urls()) {
        wire::PageResult result = Page(ticket);
        result.set_sim_hash(sketch);
        result.set_payload_bytes(1000);
        result.set_took_us(500'000);
        for (const std::string& link : links) result.add_links()->set_url(link);
        TakePage(result);
        ++pages;
      }
      Flush();
      Release("f", Asked(grant));
    }
    End();
    clock_.Advance(absl::Hours(1));
    Beat("f", 1000);
    return pages;
  }
  void End() {
    for (OriginEnding& ending : limits_->TakeEndings()) EXPECT_TRUE(*commits_->EndSome(ending, 100'000));
    EXPECT_TRUE(limits_->Save(true).ok());
  }
  uint64_t Refused(Outcome reason) {
    const auto refused = db_->ledger().refused;
    const auto found = refused.find(reason);
    return found == refused.end() ? 0 : found->second;
  }
  const HostState& HostOf(const std::string& name) { return *db_->FindHost(name); }

  std::unique_ptr<LimitDesk> limits_;
};

TEST_F(LimitDeskTest, AHostKeepsWhatWasTakenFromItOverARestart) {
  Start();
  SeedHost("a.example", 3);
  SeedHost("b.example", 1);
  EXPECT_EQ(Crawl(), 4);
  Start();
  EXPECT_EQ(HostOf("a.example").pages, 3u);
  EXPECT_EQ(HostOf("a.example").answers, 3u);
  EXPECT_EQ(HostOf("a.example").bytes, 3000u);
  EXPECT_EQ(HostOf("a.example").asked_us, 1'500'000u);
  EXPECT_EQ(HostOf("b.example").pages, 1u);
}

TEST_F(LimitDeskTest, NoMorePagesGoOutThanTheBudgetHas) {
  settings_.set_host_max_pages(5);
  Start();
  SeedHost("a.example", 20);
  EXPECT_EQ(Crawl(), 5);
  EXPECT_EQ(Refused(Outcome::kHostBudget), 15u);
  EXPECT_EQ(Crawl(), 0);
}

TEST_F(LimitDeskTest, LinksToASpentHostAreRefusedAndThoseToOthersAreNot) {
  settings_.set_host_max_pages(1);
  settings_.set_scope("any");
  Start();
  SeedHost("a.example", 1);
  Crawl({"https://a.example/x", "https://b.example/y"});
  SeedHost("c.example", 1);
  EXPECT_EQ(Crawl({"https://a.example/z"}), 2);
  EXPECT_EQ(Find("https://a.example/z")->reason, Outcome::kHostBudget);
  EXPECT_EQ(Find("https://a.example/x")->reason, Outcome::kHostBudget);
  EXPECT_EQ(Find("https://b.example/y")->state, UrlState::kDone);
}

TEST_F(LimitDeskTest, ABudgetOfBytesOrTimeEndsToo) {
  settings_.set_host_max_bytes(2500);
  Start();
  SeedHost("a.example", 50);
  EXPECT_LE(Crawl(), 8) << "of a host that nobody knows little goes out at first";
  EXPECT_EQ(Crawl(), 0);
  settings_.set_host_max_bytes(0);
  settings_.set_host_max_time_us(1'000'000);
  Start();
  SeedHost("b.example", 50);
  EXPECT_LE(Crawl(), 8);
  EXPECT_EQ(Crawl(), 0);
  EXPECT_GT(Refused(Outcome::kHostBudget), 0u);
}

TEST_F(LimitDeskTest, ARaisedBudgetTakesUpWhatWasRefused) {
  settings_.set_host_max_pages(5);
  Start();
  SeedHost("a.example", 20);
  Crawl();
  const std::string before = limits_->JudgedBy();
  settings_.set_host_max_pages(8);
  Start();
  EXPECT_NE(limits_->JudgedBy(), before);
  const auto judge = [&](const UrlRecord& record) { return limits_->Judge(record, intake_->FromSeed(*Url::Parse(record.url))); };
  EXPECT_EQ(*db_->Rejudge(judge, Now()), 15u);
  frontier_->TakeInserts();
  EXPECT_EQ(Crawl(), 3);
  EXPECT_EQ(Refused(Outcome::kHostBudget), 12u);
}

TEST_F(LimitDeskTest, BatchesShrinkAsABudgetIsSpent) {
  wire::CrawlSettings settings;
  HostState host;
  EXPECT_EQ(HostBudgetBatch(settings, &host, 0, 64), 64u);
  settings.set_host_max_pages(10);
  host.pages = host.answers = 7;
  EXPECT_EQ(HostBudgetBatch(settings, &host, 0, 64), 3u);
  EXPECT_EQ(HostBudgetBatch(settings, &host, 2, 64), 1u);
  EXPECT_EQ(HostBudgetBatch(settings, &host, 3, 64), 0u);
  settings.set_host_max_time_us(20'000'000);
  host.asked_us = 14'000'000;
  EXPECT_EQ(HostBudgetBatch(settings, &host, 0, 64), 3u);
  host.asked_us = 17'000'000;
  EXPECT_EQ(HostBudgetBatch(settings, &host, 0, 64), 1u);
  EXPECT_FALSE(HostBudgetSpent(settings, host));
  host.asked_us = 20'000'000;
  EXPECT_TRUE(HostBudgetSpent(settings, host));
}

class LimitDeskTrapTest : public LimitDeskTest {
 protected:
  // A trap of "/a/a/a/...", whose last links wait in the queue.
  void FallInto() {
    Start();
    SeedHost("a.example", 1);
    std::vector<std::string> links = {"https://a.example/other"};
    std::string url = "https://a.example/";
    for (int i = 0; i < 40; ++i) links.push_back(url += "a/");
    Crawl(links);
  }
};

TEST_F(LimitDeskTrapTest, WhatWaitsInItIsRefusedAndNothingElse) {
  FallInto();
  EXPECT_EQ(Find("https://a.example/a/a/a/a/a/")->reason, Outcome::kTrap);
  EXPECT_EQ(Find("https://a.example/a/")->state, UrlState::kPending);
  EXPECT_EQ(Find("https://a.example/other")->state, UrlState::kPending);
  EXPECT_EQ(Refused(Outcome::kTrap), 37u);
  EXPECT_EQ(limits_->traps().list().traps(0).refused(), 37u) << "weft traps and the ledger say the same";
  EXPECT_EQ(Crawl(), 4);
  ASSERT_EQ(limits_->TakeNotices().size(), 1u);
}

TEST_F(LimitDeskTrapTest, FurtherLinksAreRefusedAndCounted) {
  FallInto();
  Crawl({"https://a.example/a/b/a/b/a/b/a/b"});
  EXPECT_EQ(Find("https://a.example/a/b/a/b/a/b/a/b")->reason, Outcome::kTrap);
  EXPECT_EQ(limits_->traps().list().traps(0).refused(), 37u + 4u) << "what waited, and the link on each of four pages";
}

TEST_F(LimitDeskTrapTest, ARestartKeepsIt) {
  settings_.set_scope("any");
  FallInto();
  Start();
  SeedHost("b.example", 1);
  Crawl({"https://a.example/a/b/a/b/a/b/a/b"});
  EXPECT_EQ(Find("https://a.example/a/b/a/b/a/b/a/b")->reason, Outcome::kTrap);
  ASSERT_EQ(limits_->traps().list().traps_size(), 1);
  EXPECT_THAT(limits_->traps().list().traps(0).example(), HasSubstr("https://a.example/a/"));
}

TEST_F(LimitDeskTrapTest, SeedsAreInNoTrap) {
  FallInto();
  Candidate seed = intake_->FromSeed(*Url::Parse("https://a.example/a/a/a/a/a/a/seed"));
  limits_->JudgeCandidates(std::span(&seed, 1));
  EXPECT_EQ(seed.refused, Outcome::kNone);
  seed.seed = false;
  limits_->JudgeCandidates(std::span(&seed, 1));
  EXPECT_EQ(seed.refused, Outcome::kTrap);
}

TEST_F(LimitDeskTrapTest, ReleasedItsUrlsAreAdmissibleAgain) {
  FallInto();
  const std::string before = limits_->JudgedBy();
  wire::TrapsRequest request;
  request.add_release(limits_->traps().list().traps(0).id());
  request.add_release(99);
  wire::TrapsReply reply;
  EXPECT_TRUE(limits_->Decide(request, reply));
  EXPECT_THAT(reply.unknown(), ElementsAre(99u));
  EXPECT_TRUE(reply.list().traps(0).released());
  EXPECT_NE(limits_->JudgedBy(), before);
  const UrlRecord record = *Find("https://a.example/a/a/a/a/a/");
  EXPECT_EQ(limits_->Judge(record, intake_->FromSeed(*Url::Parse(record.url))), Outcome::kNone);
  EXPECT_FALSE(limits_->Decide(request, reply)) << "released already";
}

TEST_F(LimitDeskTrapTest, HeldAgainWhatWaitsEnds) {
  FallInto();
  wire::TrapsRequest release, hold;
  wire::TrapsReply reply;
  release.add_release(1);
  hold.add_hold(1);
  ASSERT_TRUE(limits_->Decide(release, reply));
  const auto judge = [&](const UrlRecord& record) { return limits_->Judge(record, intake_->FromSeed(*Url::Parse(record.url))); };
  EXPECT_EQ(*db_->Rejudge(judge, Now()), 37u);
  EXPECT_EQ(Refused(Outcome::kTrap), 0u);
  ASSERT_TRUE(limits_->Decide(hold, reply));
  End();
  EXPECT_EQ(Refused(Outcome::kTrap), 37u);
}

TEST_F(LimitDeskTrapTest, SwitchedOffNothingIsTrapped) {
  settings_.set_traps("off");
  FallInto();
  EXPECT_EQ(Refused(Outcome::kTrap), 0u);
  EXPECT_EQ(limits_->traps().list().traps_size(), 0);
}

TEST_F(LimitDeskTest, AFarmsOwnSeedHostIsSpared) {
  settings_.set_scope("any");
  settings_.set_domain_connections(1000);
  Start();
  SeedHost("www.farm.example", 1);
  std::vector<std::string> links = {"https://www.farm.example/more"};
  for (int i = 0; i < 150; ++i) links.push_back(fmt::format("https://s{}.farm.example/", i));
  Crawl(links, kSame);
  Crawl({"https://www.farm.example/still", "https://s999.farm.example/"}, kSame);
  EXPECT_EQ(Find("https://s999.farm.example/")->reason, Outcome::kTrap);
  EXPECT_EQ(Find("https://www.farm.example/still")->reason, Outcome::kNone);
}

}  // namespace
}  // namespace weft::test
