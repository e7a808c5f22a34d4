// Sitemaps on their way through the scheduler: from an end that names them to the ticket under which they are fetched.
#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

constexpr const char* kSitemap = "https://a.example/s.xml";

class SitemapsTest : public DeskTest {
 protected:
  wire::UrlTicket OutTicket(const std::string& url) {
    Seed({url});
    AddFetcher("f");
    grant_ = GrantOne();
    return grant_.urls(0);
  }
  // What is handed out next.
  wire::UrlTicket NextTicket() {
    Release("f", Asked(grant_));
    clock_.Advance(absl::Hours(1));
    Beat("f", 1000);
    grant_ = GrantOne();
    return grant_.urls_size() > 0 ? grant_.urls(0) : wire::UrlTicket();
  }
  wire::LeaseGrant grant_;
};

TEST_F(SitemapsTest, WhatComesWithAPageIsFetchedAsASitemap) {
  wire::PageResult result = Page(OutTicket("https://a.example/"));
  result.add_sitemaps(kSitemap);
  TakePage(result);
  Flush();
  const wire::UrlTicket ticket = NextTicket();
  EXPECT_EQ(ticket.url(), kSitemap);
  EXPECT_EQ(ticket.sitemap_level(), 1u);
  EXPECT_EQ(ticket.depth(), 0u);
}

TEST_F(SitemapsTest, WhatComesWithARefusalIsFetchedToo) {
  wire::UrlEnded ended;
  *ended.mutable_ticket() = OutTicket("https://a.example/");
  ended.set_outcome(static_cast<uint32_t>(Outcome::kRobots));
  ended.add_sitemaps(kSitemap);
  commits_->Take("f", ended);
  Flush();
  EXPECT_EQ(Find("https://a.example/")->state, UrlState::kRefused);
  EXPECT_EQ(NextTicket().url(), kSitemap);
}

TEST_F(SitemapsTest, APageThatIsALinkAndASitemapIsASitemap) {
  wire::PageResult result = Page(OutTicket("https://a.example/"));
  result.add_links()->set_url(kSitemap);
  result.add_sitemaps(kSitemap);
  TakePage(result);
  Flush();
  EXPECT_EQ(Find(kSitemap)->sitemap_level, 1u);
}

TEST_F(SitemapsTest, AWaitingPageBecomesASitemapAndAStoredOneStaysAsItIs) {
  wire::PageResult result = Page(OutTicket("https://a.example/"));
  result.add_links()->set_url(kSitemap);
  TakePage(result);
  Flush();
  EXPECT_EQ(Find(kSitemap)->sitemap_level, 0u);
  wire::PageResult again = Page(NextTicket());
  ASSERT_EQ(again.ticket().url(), kSitemap);
  again.add_sitemaps("https://a.example/");
  again.add_sitemaps(kSitemap);
  TakePage(again);
  Flush();
  EXPECT_EQ(Find(kSitemap)->sitemap_level, 1u);
  EXPECT_EQ(Find("https://a.example/")->sitemap_level, 0u);
}

TEST_F(SitemapsTest, TheirNumberIsBoundedWhateverANodeSends) {
  wire::PageResult result = Page(OutTicket("https://a.example/"));
  for (int i = 0; i < 1000; ++i) result.add_sitemaps(fmt::format("https://a.example/s{}", i));
  TakePage(result);
  Flush();
  EXPECT_EQ(db_->ledger().discovered, 201u);
}

}  // namespace
}  // namespace weft::test
