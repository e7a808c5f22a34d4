#include "scheduler/frontier.h"

#include "tests/storage/crawl_db_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = AttemptEnd::Kind;

class FrontierTest : public CrawlDbTest {
 protected:
  void SetUp() override {
    CrawlDbTest::SetUp();
    frontier_ = std::make_unique<Frontier>(*db_);
  }
  void TearDown() override {
    frontier_.reset();
    CrawlDbTest::TearDown();
  }
  // Takes from whatever is ready, and notes it as out.
  std::vector<std::string> TakeSome(size_t limit, CrawlTime now = 0) {
    std::vector<std::string> urls;
    FrontierHost* host = frontier_->NextReady(now);
    if (host == nullptr) return urls;
    auto origin = frontier_->PickOrigin(*host, now);
    EXPECT_TRUE(origin.ok()) << origin.status();
    if (!origin.ok() || *origin == nullptr) return urls;
    auto taken = frontier_->Take(*host, **origin, limit);
    EXPECT_TRUE(taken.ok()) << taken.status();
    for (QueuedUrl& url : *taken) {
      urls.push_back(url.record.url);
      MarkOut(url.record.url, host->id, (*origin)->origin, url.position);
    }
    return urls;
  }
  void MarkOut(const std::string& url, uint64_t host, const std::string& origin, uint64_t position) {
    OutUrl out;
    out.host_id = host;
    out.origin = origin;
    out.position = position;
    frontier_->MarkOut(MakeCandidate(url).key, out);
  }
  void Return(const std::string& url) { frontier_->Return(MakeCandidate(url).key); }
  static std::string U(int i) { return fmt::format("https://a.example/{:03}", i); }

  std::unique_ptr<Frontier> frontier_;
};

TEST_F(FrontierTest, HandsOutInOrderAndNothingTwice) {
  for (int i = 0; i < 5; ++i) Admit(U(i));
  frontier_->TakeInserts();
  EXPECT_THAT(TakeSome(3), ElementsAre(U(0), U(1), U(2)));
  EXPECT_THAT(TakeSome(3), ElementsAre(U(3), U(4)));
  EXPECT_THAT(TakeSome(3), IsEmpty());
}

TEST_F(FrontierTest, LongQueuesAreHandedOutWhole) {
  std::set<std::string> seen;
  for (int i = 0; i < 300; ++i) Admit(U(i));
  frontier_->TakeInserts();
  for (int round = 0; round < 400; ++round) {
    for (std::string& url : TakeSome(7)) EXPECT_TRUE(seen.insert(url).second) << url;
  }
  EXPECT_EQ(seen.size(), 300u);
}

TEST_F(FrontierTest, ReturnedOnesComeAgainFirst_Rule23) {
  for (int i = 0; i < 6; ++i) Admit(U(i));
  frontier_->TakeInserts();
  TakeSome(4);
  Return(U(2));
  Return(U(1));
  EXPECT_THAT(TakeSome(10), ElementsAre(U(1), U(2), U(4), U(5)));
}

TEST_F(FrontierTest, ReturnWakesAHostThatHadRunDry) {
  Admit(U(0));
  frontier_->TakeInserts();
  TakeSome(1);
  EXPECT_THAT(TakeSome(1), IsEmpty());
  EXPECT_EQ(frontier_->NextReadyTime(), std::nullopt);
  Return(U(0));
  EXPECT_THAT(TakeSome(1), ElementsAre(U(0)));
}

TEST_F(FrontierTest, InsertsBelowTheCursorAreFound_Rule6) {
  Admit(U(5), 3);
  frontier_->TakeInserts();
  TakeSome(1);
  Admit(U(1), 1);
  frontier_->TakeInserts();
  EXPECT_THAT(TakeSome(5), ElementsAre(U(1)));
}

TEST_F(FrontierTest, InsertsAmongThoseReadAheadComeInOrder) {
  for (int i = 0; i < 4; ++i) Admit(U(i), 3);
  frontier_->TakeInserts();
  TakeSome(1);   // the others are read ahead
  Admit(U(9), 1);
  frontier_->TakeInserts();
  EXPECT_THAT(TakeSome(2), ElementsAre(U(9), U(1)));
}

TEST_F(FrontierTest, NeverHandsOutWhatIsOutAlthoughItWasReadAhead) {
  for (int i = 0; i < 4; ++i) Admit(U(i));
  frontier_->TakeInserts();
  TakeSome(1);   // the others are read ahead
  // A fetcher of an earlier life registers and names one of them as held.
  const HostState* host = Host("a.example");
  MarkOut(U(2), host->id, "https://a.example", Find(U(2))->queue_position);
  EXPECT_THAT(TakeSome(5), ElementsAre(U(1), U(3)));
}

TEST_F(FrontierTest, WhatIsOutBesideTheWindowComesBackInItsPlace) {
  for (int i = 0; i < 4; ++i) Admit(U(i));
  frontier_->TakeInserts();
  TakeSome(1);
  const HostState* host = Host("a.example");
  MarkOut(U(2), host->id, "https://a.example", Find(U(2))->queue_position);
  TakeSome(5);
  Return(U(2));
  EXPECT_THAT(TakeSome(5), ElementsAre(U(2)));
}

// It read the same stretch of the queue for ever.
TEST_F(FrontierTest, PassesOverALongStretchThatIsOutBehindTheWindow) {
  for (int i = 0; i < 300; ++i) Admit(U(i));
  frontier_->TakeInserts();
  EXPECT_EQ(TakeSome(299).size(), 299u);
  Return(U(0));
  EXPECT_THAT(TakeSome(10), ElementsAre(U(0), U(299)));
}

TEST_F(FrontierTest, ABusyHostIsNotReady) {
  Admit(U(0));
  Admit("http://a.example/0");   // another origin of the same name (rule 20)
  frontier_->TakeInserts();
  FrontierHost* host = frontier_->NextReady(0);
  ASSERT_NE(host, nullptr);
  TakeSome(1);
  frontier_->MarkBusy(*host);
  EXPECT_EQ(frontier_->NextReady(1'000'000'000), nullptr);
  frontier_->MarkFree(*host);
  EXPECT_EQ(frontier_->NextReady(0), host);
}

TEST_F(FrontierTest, InsertsDoNotWakeABusyHost) {
  Admit(U(0));
  frontier_->TakeInserts();
  FrontierHost* host = frontier_->NextReady(0);
  TakeSome(1);
  frontier_->MarkBusy(*host);
  Admit(U(1));
  frontier_->TakeInserts();
  EXPECT_EQ(frontier_->NextReady(0), nullptr);
  frontier_->MarkFree(*host);
  EXPECT_THAT(TakeSome(5), ElementsAre(U(1)));
}

TEST_F(FrontierTest, OriginsOfAHostTakeTurns) {
  Admit("http://a.example/1");
  Admit("http://a.example/2");
  Admit("https://a.example/1");
  Admit("https://a.example/2");
  frontier_->TakeInserts();
  std::vector<std::string> origins;
  for (int i = 0; i < 4; ++i) {
    for (const std::string& url : TakeSome(1)) origins.push_back(SplitOrigin(url)->origin);
  }
  ASSERT_EQ(origins.size(), 4u);
  EXPECT_NE(origins[0], origins[1]);
  EXPECT_EQ(origins[0], origins[2]);
  EXPECT_EQ(origins[1], origins[3]);
}

TEST_F(FrontierTest, AnOriginThatWaitsDoesNotHoldUpTheOther) {
  Admit("http://a.example/1");
  Admit("https://a.example/1");
  frontier_->TakeInserts();
  FrontierHost* host = frontier_->NextReady(0);
  frontier_->OriginOf(*host, "http://a.example").not_before = 500;
  frontier_->Refile(*host);
  EXPECT_THAT(TakeSome(5), ElementsAre("https://a.example/1"));
  EXPECT_THAT(TakeSome(5), IsEmpty());
  EXPECT_EQ(frontier_->NextReadyTime(), 500u);
  EXPECT_THAT(TakeSome(5, 500), ElementsAre("http://a.example/1"));
}

TEST_F(FrontierTest, HostsAreReadyInOrderOfTheirTimes) {
  for (const char* name : {"a", "b", "c"}) Admit(fmt::format("https://{}.example/", name));
  frontier_->TakeInserts();
  auto wait = [&](const std::string& name, CrawlTime until) {
    FrontierHost& host = frontier_->FindOrAdd(*Host(name));
    host.not_before = until;
    frontier_->Refile(host);
  };
  wait("a.example", 300);
  wait("b.example", 100);
  wait("c.example", 200);
  EXPECT_EQ(frontier_->NextReady(99), nullptr);
  EXPECT_EQ(frontier_->NextReadyTime(), 100u);
  std::vector<std::string> order;
  while (FrontierHost* host = frontier_->NextReady(1000)) {
    order.push_back(host->host);
    frontier_->MarkBusy(*host);
  }
  EXPECT_THAT(order, ElementsAre("b.example", "c.example", "a.example"));
}

TEST_F(FrontierTest, LoadKeepsPersistedWaitsAndTheOneOfTheCrash_Rule19) {
  Admit("https://a.example/");
  Admit("https://b.example/");
  HostState state = *Host("a.example");
  state.not_before = 900;
  ASSERT_TRUE(db_->PutPoliteness(state, 0).ok());
  Frontier loaded(*db_);
  loaded.Load(/*no_request_before=*/400);
  EXPECT_EQ(loaded.NextReady(399), nullptr);
  ASSERT_NE(loaded.NextReady(400), nullptr);
  EXPECT_EQ(loaded.NextReady(400)->host, "b.example");
  loaded.MarkBusy(*loaded.NextReady(400));
  EXPECT_EQ(loaded.NextReady(899), nullptr);
  EXPECT_EQ(loaded.NextReadyTime(), 900u);
  ASSERT_NE(loaded.NextReady(900), nullptr);
  EXPECT_EQ(loaded.NextReady(900)->host, "a.example");
}

TEST_F(FrontierTest, AfterACrashHostsStayOnDiskUntilTheyMayBeAsked_Rule19) {
  for (int i = 0; i < 50; ++i) Admit(fmt::format("https://h{}.example/", i));
  Frontier loaded(*db_);
  loaded.Load(/*no_request_before=*/400);
  EXPECT_EQ(loaded.NextReady(399), nullptr);
  EXPECT_EQ(loaded.NextReadyTime(), 400u);
  EXPECT_THAT(loaded.hosts(), IsEmpty());
}

TEST_F(FrontierTest, IdleHostsLeaveMemoryAndComeBackInTheirTurn) {
  Frontier small(*db_, {.idle_hosts = 2, .window = 3, .choice = 1});
  small.Load(0);
  std::set<std::string> expected;
  for (int i = 0; i < 60; ++i) {
    Admit(fmt::format("https://h{}.example/{}", i % 20, i));
    expected.insert(fmt::format("https://h{}.example/{}", i % 20, i));
  }
  small.TakeInserts();
  std::set<std::string> seen;
  size_t most = 0;
  CrawlTime now = 0;
  for (int round = 0; round < 200 && seen.size() < expected.size(); ++round) {
    FrontierHost* host = small.NextReady(++now);
    if (host == nullptr) continue;
    auto origin = small.PickOrigin(*host, now);
    ASSERT_TRUE(origin.ok());
    if (*origin == nullptr) continue;
    auto taken = small.Take(*host, **origin, 1);
    ASSERT_TRUE(taken.ok());
    for (const QueuedUrl& url : *taken) {
      EXPECT_TRUE(seen.insert(url.record.url).second) << url.record.url;
      OutUrl out;
      out.host_id = host->id;
      out.shard = host->shard;
      out.origin = (*origin)->origin;
      out.position = url.position;
      small.MarkOut(url.key, out);
      Commit(End(url.record.url, Kind::kDone));
      small.Forget(url.key);
    }
    // As a release does.
    HostState state = *Host(host->host);
    state.not_before = host->not_before = now + 7;
    small.FillHeads(state);
    ASSERT_TRUE(db_->PutPoliteness(state, now).ok());
    small.Refile(*host);
    most = std::max(most, small.hosts().size());
  }
  EXPECT_EQ(seen, expected);
  EXPECT_LE(most, 4u);
  while (FrontierHost* host = small.NextReady(now + 100)) EXPECT_EQ(*small.PickOrigin(*host, now + 100), nullptr);
  small.NextReady(now + 200);
  EXPECT_LE(small.hosts().size(), 4u);
}

TEST_F(FrontierTest, WhatWasHandedOutAndEndedIsNotWalkedThroughAgainAfterARestart_Rule6) {
  for (int i = 0; i < 5; ++i) Admit(U(i));
  frontier_->TakeInserts();
  TakeSome(4);
  for (int i : {0, 1, 3}) {
    Commit(End(U(i), Kind::kDone));
    frontier_->Forget(MakeCandidate(U(i)).key);
  }
  HostState state = *Host("a.example");
  frontier_->FillHeads(state);
  ASSERT_TRUE(db_->PutPoliteness(state, 0).ok());
  EXPECT_EQ(Host("a.example")->origins.front().head, Find(U(2))->queue_position) << "it is still out";
  frontier_ = std::make_unique<Frontier>(*db_);
  frontier_->Load(0);
  EXPECT_THAT(TakeSome(10), ElementsAre(U(2), U(4)));
}

TEST_F(FrontierTest, AnInsertBelowTheHeadLowersIt_Rule6) {
  Admit(U(0), 3);
  frontier_->TakeInserts();
  TakeSome(1);
  Admit(U(1), 1);  // not yet taken note of
  HostState state = *Host("a.example");
  frontier_->FillHeads(state);
  ASSERT_TRUE(db_->PutPoliteness(state, 0).ok());
  EXPECT_LE(Host("a.example")->origins.front().head, Find(U(1))->queue_position);
  Admit(U(2), 0);
  frontier_ = std::make_unique<Frontier>(*db_);
  frontier_->Load(0);
  EXPECT_THAT(TakeSome(10), ElementsAre(U(2), U(1), U(0)));
}

TEST_F(FrontierTest, AHostWhoseNextUrlIsWorthMoreComesFirst) {
  db_->SetPriorities([](std::string_view url) { return url.find("good") != std::string_view::npos ? 50 : 0; });
  Admit("https://a.example/plain");
  Admit("https://b.example/good");
  Frontier loaded(*db_);
  loaded.Load(0);
  ASSERT_NE(loaded.NextReady(0), nullptr);
  EXPECT_EQ(loaded.NextReady(0)->host, "b.example");
}

TEST_F(FrontierTest, WaitingWeighsMoreThanPriorityInTheEnd) {
  constexpr CrawlTime kSecond = 1'000'000;
  db_->SetPriorities([](std::string_view url) { return url.find("good") != std::string_view::npos ? 50 : -50; });
  Admit("https://a.example/plain");
  Admit("https://b.example/good");
  frontier_->Load(0);
  // b is asked once a second and always has something good; a waits.
  CrawlTime now = 0;
  std::string asked;
  for (; now < 300 * kSecond && asked != "a.example"; now += kSecond) {
    FrontierHost* host = frontier_->NextReady(now);
    ASSERT_NE(host, nullptr);
    asked = host->host;
    host->not_before = now;
    frontier_->Refile(*host);
  }
  EXPECT_EQ(asked, "a.example");
  EXPECT_GE(now, 95 * kSecond);
  EXPECT_LE(now, 105 * kSecond);
}

TEST_F(FrontierTest, LoadLeavesOutHostsWithoutAnythingPending) {
  Admit("https://a.example/");
  Commit(End("https://a.example/", Kind::kDone));
  Frontier loaded(*db_);
  loaded.Load(0);
  EXPECT_EQ(loaded.NextReadyTime(), std::nullopt);
}

TEST(HostOfOriginTest, TakesSchemeAndPortOff) {
  EXPECT_EQ(HostOfOrigin("https://example.com:8443"), "example.com");
  EXPECT_EQ(HostOfOrigin("http://example.com"), "example.com");
  EXPECT_EQ(HostOfOrigin("http://[::1]:81"), "[::1]");
  EXPECT_EQ(HostOfOrigin("nonsense"), "");
}

}  // namespace
}  // namespace weft::test
