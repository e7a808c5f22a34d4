// --order popular at the scheduler's desks: whose links count, how often, and what moves for it.
#include "scheduler/popular_order.h"

#include "common/order_choice.h"
#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr char kHub[] = "https://a.example/hub";

class PopularOrderTest : public DeskTest {
 protected:
  void SetUp() override {
    DeskTest::SetUp();
    Begin();
  }
  void Begin() {
    order_ = std::make_unique<PopularOrder>(*db_, *frontier_, clock_);
    db_->SetPopular(true);
    commits_->set_order(order_.get());
    AddFetcher("f", 1000);
    Node("p");
  }
  void TearDown() override {
    commits_->set_order(nullptr);
    DeskTest::TearDown();
  }
  // The pages of a.example that link to others, all out with a fetcher.
  std::vector<wire::UrlTicket> OutPages(int count) {
    SeedHost("a.example", count);
    grant_ = GrantOne();
    const wire::LeaseGrant more = TopUp("f", grant_, static_cast<uint32_t>(count));
    std::vector<wire::UrlTicket> tickets(grant_.urls().begin(), grant_.urls().end());
    tickets.insert(tickets.end(), more.urls().begin(), more.urls().end());
    EXPECT_THAT(tickets, SizeIs(count));
    return tickets;
  }
  // A page of `links` links, of which these are told.
  static wire::PageResult Linking(const wire::UrlTicket& ticket, const std::vector<std::string>& told, uint32_t links = 0) {
    wire::PageResult result = Page(ticket);
    for (const std::string& url : told) result.add_links()->set_url(url);
    result.set_links_seen(links);
    return result;
  }
  void AddSuppressed(wire::PageResult& result, const std::string& url, bool same_host = true) {
    wire::SuppressedLink* one = result.add_suppressed();
    one->set_key(KeyOf(url).ToBytes());
    one->set_same_host(same_host);
  }
  Fingerprint KeyOf(const std::string& url) { return intake_->KeyOf(Url::Parse(url).value()); }
  uint32_t ScoreOf(const std::string& url) { return order_->scores().ScoreOf(KeyOf(url)); }
  uint64_t PositionOf(const std::string& url) { return Find(url)->queue_position; }
  // Shares a whole page among 16 links.
  static constexpr uint32_t kShare = kPageWorth / PopularOrder::kFewestLinks;

  std::unique_ptr<PopularOrder> order_;
  wire::LeaseGrant grant_;
};

TEST_F(PopularOrderTest, APageSharesItsWorthAmongItsLinks) {
  std::vector<wire::UrlTicket> pages = OutPages(2);
  TakePage(Linking(pages[0], {kHub, "https://a.example/x"}, 64));
  Flush();
  EXPECT_EQ(ScoreOf(kHub), kPageWorth / 64);
  TakePage(Linking(pages[1], {kHub}));
  Flush();
  EXPECT_EQ(ScoreOf(kHub), kPageWorth / 64 + kShare) << "one with few links gives no more than one with sixteen";
}

TEST_F(PopularOrderTest, WhatAPageWasGivenItHandsOn) {
  std::vector<wire::UrlTicket> pages = OutPages(3);
  const std::string second = pages[1].url();
  TakePage(Linking(pages[0], {second}));
  Flush();
  EXPECT_EQ(ScoreOf(second), kShare);
  TakePage(Linking(pages[1], {kHub}));
  Flush();
  EXPECT_EQ(ScoreOf(second), 0u);
  EXPECT_EQ(ScoreOf(kHub), (kPageWorth + kShare) / PopularOrder::kFewestLinks);
}

TEST_F(PopularOrderTest, LinksThatAParserSuppressesCountToo) {
  std::vector<wire::UrlTicket> pages = OutPages(2);
  TakePage(Linking(pages[0], {kHub}));
  Flush();
  wire::PageResult result = Linking(pages[1], {}, 1);
  AddSuppressed(result, kHub);
  TakePage(result);
  Flush();
  EXPECT_EQ(ScoreOf(kHub), 2 * kShare);
}

TEST_F(PopularOrderTest, NoMoreSuppressedLinksAreTakenThanAreToBeSent) {
  std::vector<wire::UrlTicket> pages = OutPages(1);
  wire::PageResult result = Linking(pages[0], {}, 1000);
  for (int i = 0; i < kMaxSuppressedLinks; ++i) AddSuppressed(result, fmt::format("https://a.example/{}", i));
  result.mutable_suppressed(0)->set_key("short");
  AddSuppressed(result, kHub);
  EXPECT_THAT(PopularOrder::SuppressedIn(result).named, SizeIs(kMaxSuppressedLinks - 1));
  TakePage(result);
  Flush();
  EXPECT_EQ(ScoreOf(kHub), 0u);
  EXPECT_GT(ScoreOf("https://a.example/7"), 0u);
}

TEST_F(PopularOrderTest, AResultThatIsSentAgainCountsOnce_Rule2) {
  std::vector<wire::UrlTicket> pages = OutPages(1);
  wire::PageResult result = Linking(pages[0], {kHub}, 1);
  AddSuppressed(result, "https://a.example/known");
  TakePage(result);
  TakePage(result);
  Flush();
  TakePage(result);
  Flush();
  EXPECT_EQ(ScoreOf(kHub), kShare);
  EXPECT_EQ(ScoreOf("https://a.example/known"), kShare);
}

TEST_F(PopularOrderTest, AnAttemptThatWasSupersededCountsNothing_Rule2) {
  std::vector<wire::UrlTicket> pages = OutPages(1);
  pages[0].set_generation(3);
  TakePage(Linking(pages[0], {kHub}));
  Flush();
  EXPECT_EQ(ScoreOf(kHub), 0u);
}

TEST_F(PopularOrderTest, ALinkToItselfASitemapAndARefusedLinkCountNothing) {
  std::vector<wire::UrlTicket> pages = OutPages(2);
  TakePage(Linking(pages[0], {pages[0].url(), "https://out-of-scope.example/"}));
  pages[1].set_sitemap_level(1);
  wire::PageResult sitemap = Linking(pages[1], {kHub});
  AddSuppressed(sitemap, "https://a.example/known");
  TakePage(sitemap);
  Flush();
  for (const std::string url : {pages[0].url().c_str(), "https://out-of-scope.example/", kHub, "https://a.example/known"}) {
    EXPECT_EQ(ScoreOf(url), 0u) << url;
  }
}

TEST_F(PopularOrderTest, WhatManyPagesNameMovesAhead) {
  std::vector<wire::UrlTicket> pages = OutPages(6);
  TakePage(Linking(pages[0], {"https://a.example/early"}));
  Flush();
  TakePage(Linking(pages[1], {kHub}));
  Flush();
  const uint64_t before = PositionOf(kHub);
  EXPECT_GT(before, PositionOf("https://a.example/early"));
  for (size_t i = 2; i < 4; ++i) {
    TakePage(Linking(pages[i], {kHub}));
    Flush();
  }
  EXPECT_EQ(PositionOf(kHub), before) << "three of sixteenth are no quarter";
  TakePage(Linking(pages[4], {kHub}));
  Flush();
  EXPECT_LT(PositionOf(kHub), PositionOf("https://a.example/early"));
  Release("f", Asked(grant_));
  clock_.Advance(absl::Minutes(1));
  Beat("f", 2000);
  EXPECT_THAT(UrlsOf(GrantOne()), ElementsAre(kHub, "https://a.example/early"));
}

TEST_F(PopularOrderTest, WhatIsOutIsNotMoved) {
  std::vector<wire::UrlTicket> pages = OutPages(7);
  const std::string out = pages[6].url();
  const uint64_t before = PositionOf(out);
  for (size_t i = 0; i < 6; ++i) TakePage(Linking(pages[i], {out}));
  Flush();
  EXPECT_EQ(ScoreOf(out), 6 * kShare);
  EXPECT_TRUE(IsOut(out));
  EXPECT_EQ(PositionOf(out), before);
}

TEST_F(PopularOrderTest, WhatIsDoneIsLookedUpOnceAndNoMore) {
  std::vector<wire::UrlTicket> pages = OutPages(1);
  TakePage(Page(pages[0]));
  Flush();
  const auto name_it = [&](uint64_t times) {
    const LinkVotes votes{{{KeyOf(pages[0].url()), static_cast<uint16_t>(pages[0].shard())}}, 1};
    for (uint64_t i = 1; i <= times; ++i) order_->Committed({i, i}, votes);
    ASSERT_TRUE(order_->MoveUp(Now()).ok());
  };
  const uint64_t commit = db_->commit();
  const uint64_t before = disk_.reads();
  name_it(4);
  const uint64_t once = disk_.reads();
  EXPECT_GT(once, before);
  name_it(1000);
  EXPECT_EQ(disk_.reads(), once);
  EXPECT_EQ(db_->commit(), commit) << "nothing was written";
}

TEST_F(PopularOrderTest, NothingMovesWhileQueuesAreEndedAndWhatWasHandedOutMeanwhileStays) {
  std::vector<wire::UrlTicket> pages = OutPages(6);
  TakePage(Linking(pages[0], {kHub, "https://a.example/other"}));
  Flush();
  const uint64_t hub = PositionOf(kHub);
  const uint64_t other = PositionOf("https://a.example/other");
  order_->set_waits(true);
  for (size_t i = 1; i < 5; ++i) TakePage(Linking(pages[i], {kHub, "https://a.example/other"}));
  Flush();
  EXPECT_EQ(PositionOf(kHub), hub);
  OutUrl out;
  out.host_id = db_->HostId("a.example");
  out.origin = "https://a.example";
  out.shard = static_cast<uint16_t>(pages[0].shard());
  out.position = hub;
  frontier_->MarkOut(KeyOf(kHub), out);
  order_->set_waits(false);
  ASSERT_TRUE(order_->MoveUp(Now()).ok());
  EXPECT_EQ(PositionOf(kHub), hub);
  EXPECT_LT(PositionOf("https://a.example/other"), other);
}

TEST_F(PopularOrderTest, ALinkToAnotherHostMovesWhatWasOnceSentInFull) {
  settings_.set_scope("any");
  Build();
  Begin();
  std::vector<wire::UrlTicket> pages = OutPages(7);
  const std::string elsewhere = "https://b.example/hub";
  TakePage(Linking(pages[0], {"https://b.example/early"}));
  TakePage(Linking(pages[1], {elsewhere}));
  Flush();
  for (size_t i = 2; i < 6; ++i) {
    wire::PageResult result = Linking(pages[i], {}, 1);
    AddSuppressed(result, elsewhere, /*same_host=*/false);
    AddSuppressed(result, "https://c.example/never-seen", /*same_host=*/false);
    TakePage(result);
  }
  Flush();
  EXPECT_LT(PositionOf(elsewhere), PositionOf("https://b.example/early"));
}

TEST_F(PopularOrderTest, ASitemapsPriorityAndFreshnessBringNearer) {
  wire::Link link;
  EXPECT_EQ(order_->Nearer(link), 0);
  const auto with = [&link](uint32_t priority) -> const wire::Link& {
    link.set_priority(priority);
    return link;
  };
  EXPECT_EQ(order_->Nearer(with(1)), -2);
  EXPECT_EQ(order_->Nearer(with(51)), 0);
  EXPECT_EQ(order_->Nearer(with(76)), 1);
  EXPECT_EQ(order_->Nearer(with(101)), 2);
  EXPECT_EQ(order_->Nearer(with(UINT32_MAX)), 2);
  link.set_lastmod_us(absl::ToUnixMicros(clock_.WallNow() - absl::Hours(24)));
  EXPECT_EQ(order_->Nearer(with(101)), 3);
  link.set_lastmod_us(absl::ToUnixMicros(clock_.WallNow() - absl::Hours(24 * 30)));
  EXPECT_EQ(order_->Nearer(with(101)), 2);
}

TEST_F(PopularOrderTest, LinksOfASitemapAreQueuedByIt) {
  std::vector<wire::UrlTicket> pages = OutPages(1);
  wire::PageResult result = Linking(pages[0], {"https://a.example/low", "https://a.example/high"});
  result.mutable_links(0)->set_priority(1);
  result.mutable_links(1)->set_priority(101);
  TakePage(result);
  Flush();
  EXPECT_LT(PositionOf("https://a.example/high"), PositionOf("https://a.example/low"));
}

TEST_F(PopularOrderTest, BreadthCountsNothing) {
  commits_->set_order(nullptr);
  db_->SetPopular(false);
  std::vector<wire::UrlTicket> pages = OutPages(6);
  TakePage(Linking(pages[0], {kHub}));
  Flush();
  const uint64_t before = PositionOf(kHub);
  for (size_t i = 1; i < 6; ++i) TakePage(Linking(pages[i], {kHub}));
  Flush();
  EXPECT_EQ(ScoreOf(kHub), 0u);
  EXPECT_EQ(PositionOf(kHub), before);
}

}  // namespace
}  // namespace weft::test
