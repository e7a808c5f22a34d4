#include "scheduler/link_intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/link_kind.h"

namespace weft::test {
namespace {

class LinkIntakeTest : public testing::Test {
 protected:
  LinkIntakeTest() {
    settings_.set_scope("host");
    identity_.set_fingerprint_seed(4);
    Build();
  }
  void Build() {
    scope_ = Scope::Make(settings_, suffixes_).value();
    scope_->AddAnchor(Url::Parse("https://a.example.com/").value());
    intake_ = std::make_unique<LinkIntake>(identity_, suffixes_, *scope_);
    intake_->set_settings(settings_);
    source_.set_key(std::string(16, 's'));
    source_.set_shard(7);
    source_.set_depth(2);
  }
  std::optional<Candidate> Link(const std::string& url) {
    wire::Link link;
    link.set_url(url);
    return intake_->FromLink(link, source_);
  }
  std::optional<Candidate> Sitemap(const std::string& url) {
    wire::Link link;
    link.set_url(url);
    link.set_kind(static_cast<uint32_t>(LinkKind::kSitemap));
    return intake_->FromLink(link, source_);
  }
  std::optional<Candidate> Redirect(const std::string& url, const Fingerprint& referrer = {}) {
    wire::Link link;
    link.set_url(url);
    return intake_->FromRedirect(link, source_, referrer, 3);
  }
  Candidate Seed(const std::string& url) { return intake_->FromSeed(Url::Parse(url).value()); }
  void SetMaxDepth(uint32_t depth) {
    settings_.set_has_max_depth(true);
    settings_.set_max_depth(depth);
    intake_->set_settings(settings_);
  }

  wire::CrawlSettings settings_;
  wire::CrawlIdentity identity_;
  wire::UrlTicket source_;
  std::shared_ptr<const PublicSuffixes> suffixes_ = PublicSuffixes::Load().value();
  std::unique_ptr<Scope> scope_;
  std::unique_ptr<LinkIntake> intake_;
};

TEST_F(LinkIntakeTest, ALinkIsOneDeeperThanItsPageAndNamesIt) {
  auto link = Link("https://a.example.com:8443/x?y#z");
  ASSERT_TRUE(link.has_value());
  EXPECT_EQ(link->depth, 3u);
  EXPECT_EQ(link->referrer, Fingerprint::FromBytes(source_.key()));
  EXPECT_EQ(link->referrer_shard, 7);
  EXPECT_EQ(link->origin(), "https://a.example.com:8443");
  EXPECT_EQ(link->host(), "a.example.com");
  EXPECT_EQ(link->url, "https://a.example.com:8443/x?y");
  EXPECT_EQ(link->redirect_hops, 0u);
  EXPECT_FALSE(link->seed);
  EXPECT_EQ(link->refused, Outcome::kNone);
}

TEST_F(LinkIntakeTest, ASitemapOfASitemapKeepsItsDepthAndItsUrlsAreOneDeeper) {
  source_.set_sitemap_level(1);
  auto nested = Sitemap("https://a.example.com/s");
  EXPECT_EQ(nested->depth, 2u);
  EXPECT_EQ(nested->sitemap_level, 2u);
  auto page = Link("https://a.example.com/p");
  EXPECT_EQ(page->depth, 3u);
  EXPECT_EQ(page->sitemap_level, 0u);
}

TEST_F(LinkIntakeTest, SitemapsBelowEachOtherAreBounded) {
  source_.set_sitemap_level(4);
  EXPECT_EQ(Sitemap("https://a.example.com/s")->refused, Outcome::kNone);
  source_.set_sitemap_level(5);
  EXPECT_EQ(Sitemap("https://a.example.com/s")->refused, Outcome::kDepth);
}

// Else a chain of files that are only recognised would never get deeper.
TEST_F(LinkIntakeTest, ASitemapThatAPageNamesIsOneDeeperThanThePage) {
  auto sitemap = Sitemap("https://a.example.com/s");
  EXPECT_EQ(sitemap->depth, 3u);
  EXPECT_EQ(sitemap->sitemap_level, 1u);
}

TEST_F(LinkIntakeTest, TheScopeHoldsForSitemapsOfRobots) {
  EXPECT_EQ(intake_->FromRobots("https://a.example.com/s", source_)->refused, Outcome::kNone);
  EXPECT_EQ(intake_->FromRobots("https://cdn.example.com/s", source_)->refused, Outcome::kScope);
  EXPECT_FALSE(intake_->FromRobots("ftp://a.example.com/s", source_).has_value());
}

TEST_F(LinkIntakeTest, ASitemapOfRobotsHasTheDepthOfWhatRobotsWasAskedFor) {
  auto sitemap = intake_->FromRobots("https://a.example.com/s", source_);
  EXPECT_EQ(sitemap->depth, 2u);
  EXPECT_EQ(sitemap->sitemap_level, 1u);
  SetMaxDepth(3);
  EXPECT_TRUE(intake_->FromRobots("https://a.example.com/s", source_).has_value());
  SetMaxDepth(2);  // all that it names would be too deep
  EXPECT_FALSE(intake_->FromRobots("https://a.example.com/s", source_).has_value());
}

TEST_F(LinkIntakeTest, GivenSitemapsReplaceThoseOfRobots) {
  settings_.add_sitemaps("https://other.example/s");
  intake_->set_settings(settings_);
  EXPECT_FALSE(intake_->FromRobots("https://a.example.com/s", source_).has_value());
  settings_.add_sitemaps("auto");
  intake_->set_settings(settings_);
  EXPECT_TRUE(intake_->FromRobots("https://a.example.com/s", source_).has_value());
}

TEST_F(LinkIntakeTest, AGivenSitemapIsInTheScopeAndBringsNobodyIntoIt) {
  auto sitemap = intake_->FromGivenSitemap("https://other.example/s");
  EXPECT_EQ(sitemap->refused, Outcome::kNone);
  EXPECT_EQ(sitemap->depth, 0u);
  EXPECT_EQ(sitemap->sitemap_level, 1u);
  EXPECT_FALSE(sitemap->seed);
  EXPECT_EQ(Link("https://other.example/p")->refused, Outcome::kScope);
}

TEST_F(LinkIntakeTest, ARedirectedSitemapIsASitemap) {
  source_.set_sitemap_level(2);
  EXPECT_EQ(Redirect("https://a.example.com/moved")->sitemap_level, 2u);
}

TEST_F(LinkIntakeTest, SwitchedOffNothingIsASitemap) {
  settings_.add_sitemaps("off");
  intake_->set_settings(settings_);
  EXPECT_FALSE(intake_->FromRobots("https://a.example.com/s", source_).has_value());
  EXPECT_EQ(Sitemap("https://a.example.com/s")->sitemap_level, 0u);
}

TEST_F(LinkIntakeTest, WhatIsNoHttpUrlIsNoCandidate) {
  for (const char* text : {"", "x", "/relative", "ftp://a.example.com/", "mailto:a@b", "javascript:1", "data:,x",
                           "http://", "https://a b/", "http://[::1", "file:///etc/passwd"}) {
    EXPECT_FALSE(Link(text).has_value()) << text;
    EXPECT_FALSE(Redirect(text).has_value()) << text;
  }
}

TEST_F(LinkIntakeTest, TheKeyIsMadeHereAndNotTakenFromTheNode) {
  wire::Link link;
  link.set_url("https://a.example.com/x");
  link.set_key(std::string(16, 'z'));
  auto candidate = intake_->FromLink(link, source_);
  EXPECT_EQ(candidate->key, intake_->KeyOf(Url::Parse("https://a.example.com/x").value()));
  EXPECT_EQ(candidate->key, Link("https://A.example.com:443/./x#f")->key);
}

TEST_F(LinkIntakeTest, AllHostsOfARegistrableDomainLieOnOneShard) {
  uint16_t shard = Link("https://a.example.com/")->shard;
  EXPECT_EQ(shard, ShardOf("example.com"));
  EXPECT_EQ(Link("http://deep.b.example.com:81/")->shard, shard);
  EXPECT_EQ(Seed("http://c.example.com/").shard, shard);
  EXPECT_EQ(Link("http://one.co.uk/")->shard, ShardOf("one.co.uk"));
  EXPECT_EQ(Link("http://127.0.0.1/")->shard, ShardOf("127.0.0.1"));
}

TEST_F(LinkIntakeTest, ScopeIsAskedOfEveryLink) {
  EXPECT_EQ(Link("https://b.example.com/")->refused, Outcome::kScope);
}

TEST_F(LinkIntakeTest, TheDepthLimitIsInclusive) {
  SetMaxDepth(3);
  EXPECT_EQ(Link("https://a.example.com/1")->refused, Outcome::kNone);
  source_.set_depth(3);
  EXPECT_EQ(Link("https://a.example.com/1")->refused, Outcome::kDepth);
  EXPECT_EQ(Link("https://b.example.com/1")->refused, Outcome::kScope);   // the reason that stays
}

TEST_F(LinkIntakeTest, ARedirectKeepsTheDepthOfItsSource_Rule7) {
  SetMaxDepth(2);
  auto target = Redirect("https://a.example.com/next");
  EXPECT_EQ(target->depth, 2u);
  EXPECT_EQ(target->redirect_hops, 1u);
  EXPECT_EQ(target->refused, Outcome::kNone);
  EXPECT_FALSE(target->seed);
  source_.set_seed(true);
  EXPECT_TRUE(Redirect("https://a.example.com/next")->seed);
}

TEST_F(LinkIntakeTest, ARedirectTargetIsNamedByWhoNamedItsSource) {
  EXPECT_EQ(Redirect("https://a.example.com/n", {5, 6})->referrer, (Fingerprint{5, 6}));
  EXPECT_EQ(Redirect("https://a.example.com/n", {5, 6})->referrer_shard, 3);
  EXPECT_EQ(Redirect("https://a.example.com/n")->referrer, Fingerprint::FromBytes(source_.key()));
  EXPECT_EQ(Redirect("https://a.example.com/n")->referrer_shard, 7);
}

TEST_F(LinkIntakeTest, TenRedirectsAreFollowedAndNoMore_Rule7) {
  source_.set_redirect_hops(9);
  EXPECT_EQ(Redirect("https://a.example.com/n")->refused, Outcome::kNone);
  source_.set_redirect_hops(10);
  EXPECT_EQ(Redirect("https://a.example.com/n")->refused, Outcome::kRedirectHops);
}

TEST_F(LinkIntakeTest, SeedsAreInWhateverTheScopeButNotExcludedOnes) {
  settings_.add_exclude("/secret");
  Build();
  EXPECT_EQ(Seed("https://elsewhere.example/").refused, Outcome::kNone);
  EXPECT_TRUE(Seed("https://elsewhere.example/").seed);
  EXPECT_EQ(Seed("https://elsewhere.example/").depth, 0u);
  EXPECT_EQ(Seed("https://elsewhere.example/secret").refused, Outcome::kExcluded);
}

TEST_F(LinkIntakeTest, JudgeSaysOfARecordWhatALinkWouldHear) {
  settings_.add_exclude("/secret");
  Build();
  SetMaxDepth(2);
  UrlRecord record;
  auto judge = [&](const std::string& url, uint32_t depth, bool seed) {
    record.url = url;
    record.depth = depth;
    record.seed = seed;
    return intake_->Judge(record);
  };
  EXPECT_EQ(judge("https://a.example.com/", 2, false), Outcome::kNone);
  EXPECT_EQ(judge("https://a.example.com/", 3, false), Outcome::kDepth);
  EXPECT_EQ(judge("https://b.example.com/", 1, false), Outcome::kScope);
  EXPECT_EQ(judge("https://b.example.com/", 0, true), Outcome::kNone);
  EXPECT_EQ(judge("https://b.example.com/secret", 0, true), Outcome::kExcluded);
  EXPECT_EQ(judge("nonsense", 0, false), Outcome::kScheme);
}

TEST_F(LinkIntakeTest, KeyRulesOfTheCrawlHold) {
  identity_.mutable_keys()->set_http_is_https(true);
  Build();
  EXPECT_EQ(Link("http://a.example.com/x")->key, Link("https://a.example.com/x")->key);
  // What is asked is what the page named.
  EXPECT_EQ(Link("http://a.example.com/x")->origin(), "http://a.example.com");
}

TEST_F(LinkIntakeTest, AnotherCrawlHasOtherKeys_Rule9) {
  Fingerprint key = Link("https://a.example.com/x")->key;
  identity_.set_fingerprint_seed(5);
  Build();
  EXPECT_NE(Link("https://a.example.com/x")->key, key);
}

}  // namespace
}  // namespace weft::test
