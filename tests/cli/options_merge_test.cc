#include "cli/options_merge.h"

#include <gmock/gmock.h>

#include "cli/version.h"
#include "tests/cli/parse_line.h"

namespace weft {
namespace {

using test::Crawl;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

wire::CrawlSettings StoredBy(std::vector<std::string> options) {
  wire::CrawlSettings settings = Crawl(std::move(options)).settings;
  CompleteSettings(settings);
  return settings;
}

TEST(CompleteSettings, MakesTheUserAgentFromTheContact) {
  const wire::CrawlSettings settings = StoredBy({"--contact", "you@example.org"});
  EXPECT_EQ(settings.user_agent(), fmt::format("Weft/{} (+you@example.org)", WeftVersion()));
  EXPECT_EQ(settings.robots_token(), "Weft");
}

TEST(CompleteSettings, KeepsAUserAgentThatWasGiven) {
  const wire::CrawlSettings settings = StoredBy({"--user-agent", "MyBot/2.0 (+https://example.org) Extra/1"});
  EXPECT_EQ(settings.user_agent(), "MyBot/2.0 (+https://example.org) Extra/1");
  EXPECT_EQ(settings.robots_token(), "MyBot");
}

TEST(RobotsToken, IsTheFirstProductWithoutItsVersion) {
  EXPECT_EQ(RobotsToken("MyBot"), "MyBot");
  EXPECT_EQ(RobotsToken("My-Bot (x)"), "My-Bot");
  EXPECT_EQ(RobotsToken("Bot; x"), "Bot");
}

TEST(MergeWithStored, WithoutOptionsChangesNothing) {
  const wire::CrawlSettings stored = StoredBy({"--delay", "3s", "--max-depth", "2", "--contact", "you@example.org"});
  const auto merged = MergeWithStored(stored, Crawl({}));
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(merged->settings.SerializeAsString(), stored.SerializeAsString());
  EXPECT_THAT(merged->differences, IsEmpty());
  EXPECT_FALSE(merged->scope_changed);
}

TEST(MergeWithStored, GivenOptionsReplaceStoredOnesAndAreTold) {
  const wire::CrawlSettings stored = StoredBy({"--delay", "3s", "--max-pages", "5"});
  const auto merged = MergeWithStored(stored, Crawl({"--delay", "500ms", "--max-pages", "none", "--max-depth", "4"}));
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(merged->settings.delay_us(), 500'000);
  EXPECT_EQ(merged->settings.max_pages(), 0u);
  EXPECT_EQ(merged->settings.max_depth(), 4u);
  EXPECT_TRUE(merged->settings.has_max_depth());
  EXPECT_THAT(merged->differences,
              ElementsAre("max-pages: 5 -> none", "max-depth: none -> 4", "delay: 3s -> 500ms"));
}

TEST(MergeWithStored, AGivenDefaultReplacesAStoredValue) {
  const auto merged = MergeWithStored(StoredBy({"--delay", "3s"}), Crawl({"--delay", "1s"}));
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(merged->settings.delay_us(), 1'000'000);
}

TEST(MergeWithStored, TheSameValueAgainIsNoDifference) {
  const auto merged = MergeWithStored(StoredBy({"--exclude", "a", "--scope", "any"}),
                                      Crawl({"--exclude", "a", "--scope", "any"}));
  ASSERT_TRUE(merged.ok());
  EXPECT_THAT(merged->differences, IsEmpty());
}

TEST(MergeWithStored, AnEmptyValueEmptiesAList) {
  const auto merged = MergeWithStored(StoredBy({"--resolve", "a.example:80:127.0.0.1"}), Crawl({"--resolve", ""}));
  ASSERT_TRUE(merged.ok());
  EXPECT_THAT(merged->settings.resolve(), IsEmpty());
  EXPECT_THAT(merged->differences, ElementsAre("resolve: a.example:80:127.0.0.1 -> none"));
}

TEST(MergeWithStored, RefusesAnotherScope) {
  for (const std::vector<std::string>& change :
       {std::vector<std::string>{"--scope", "any"}, {"--include", "x"}, {"--exclude", "x"}}) {
    const auto merged = MergeWithStored(StoredBy({"--delay", "3s"}), Crawl(change));
    ASSERT_FALSE(merged.ok()) << change[0];
    EXPECT_THAT(ErrorText(merged.status()), AllOf(HasSubstr(change[0].substr(2)), HasSubstr("--change-scope")));
  }
}

TEST(MergeWithStored, ChangesTheScopeWhenAskedAndRaisesItsVersion) {
  const auto merged = MergeWithStored(StoredBy({}), Crawl({"--scope", "any", "--change-scope"}));
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(merged->settings.scope(), "any");
  EXPECT_EQ(merged->settings.scope_version(), 2u);
  EXPECT_TRUE(merged->scope_changed);
  EXPECT_THAT(merged->differences, ElementsAre("scope: host -> any"));
}

TEST(MergeWithStored, KeepsWhatIsNoOption) {
  wire::CrawlSettings stored = StoredBy({});
  stored.add_seed_hosts("example.com");
  stored.set_warc_size_bytes(77);
  const auto merged = MergeWithStored(stored, Crawl({"--delay", "0"}));
  ASSERT_TRUE(merged.ok());
  EXPECT_THAT(merged->settings.seed_hosts(), ElementsAre("example.com"));
  EXPECT_EQ(merged->settings.warc_size_bytes(), 77u);
}

TEST(MergeWithStored, TheDefaultUserAgentFollowsTheContact) {
  const auto merged = MergeWithStored(StoredBy({"--contact", "a@example.org"}), Crawl({"--contact", "b@example.org"}));
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(merged->settings.user_agent(), DefaultUserAgent("b@example.org"));
  const auto kept = MergeWithStored(StoredBy({"--user-agent", "MyBot/1"}), Crawl({"--contact", "b@example.org"}));
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->settings.user_agent(), "MyBot/1");
}

TEST(MergeWithStored, DoesNotPrintSecrets) {
  const auto merged = MergeWithStored(StoredBy({"--header", "Cookie: old-secret"}),
                                      Crawl({"--header", "Cookie: new-secret"}));
  ASSERT_TRUE(merged.ok());
  ASSERT_EQ(merged->differences.size(), 1u);
  EXPECT_THAT(merged->differences[0], AllOf(HasSubstr("Cookie"), HasSubstr("changed"), Not(HasSubstr("secret"))));
  EXPECT_THAT(merged->settings.header(), ElementsAre("Cookie: new-secret"));
}

TEST(AddSeedHosts, KeepsEachOnce) {
  wire::CrawlSettings settings;
  AddSeedHosts({*Url::Parse("https://b.example/x"), *Url::Parse("http://a.example:81/"), *Url::Parse("https://b.example/y")},
               settings);
  AddSeedHosts({*Url::Parse("http://a.example/")}, settings);
  EXPECT_THAT(settings.seed_hosts(), ElementsAre("b.example", "a.example"));
}

}  // namespace
}  // namespace weft
