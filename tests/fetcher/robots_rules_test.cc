#include "fetcher/robots_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

using testing::ElementsAre;

RobotsRules ForWeft(std::string_view body) { return RobotsRules::Parse(body, "weft"); }

TEST(RobotsRules, DefaultAllowsEverything) { EXPECT_TRUE(RobotsRules().Allowed("/any")); }

TEST(RobotsRules, EmptyBodyAllowsEverything) { EXPECT_TRUE(ForWeft("").Allowed("/")); }

TEST(RobotsRules, TellWhoseGroupIsInForce) {
  using Group = RobotsRules::Group;
  EXPECT_EQ(ForWeft("").group(), Group::kNone);
  EXPECT_EQ(ForWeft("User-agent: other\nDisallow: /\n").group(), Group::kNone);
  EXPECT_EQ(ForWeft("User-agent: *\nDisallow: /\n").group(), Group::kEveryone);
  EXPECT_EQ(ForWeft("User-agent: *\nDisallow: /\nUser-agent: Weft\n").group(), Group::kNamed);
}

TEST(RobotsRules, VerdictNamesTheLineThatDecided) {
  const RobotsRules rules = ForWeft("# hello\r\nUser-agent: *\r\n\r\n  disallow :  /private  # keep out\r\n");
  const RobotsRules::Verdict verdict = rules.Check("/private/a");
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.rule, "disallow :  /private");
  EXPECT_EQ(verdict.line, 4);
}

TEST(RobotsRules, VerdictWithoutAMatchNamesNoLine) {
  const RobotsRules::Verdict verdict = ForWeft("User-agent: *\nDisallow: /private\n").Check("/public");
  EXPECT_TRUE(verdict.allowed);
  EXPECT_EQ(verdict.rule, "");
  EXPECT_EQ(verdict.line, 0);
}

TEST(RobotsRules, VerdictNamesTheAllowThatWonATie) {
  const RobotsRules rules = ForWeft("User-agent: *\nDisallow: /a\nAllow: /a\n");
  EXPECT_TRUE(rules.Check("/a").allowed);
  EXPECT_EQ(rules.Check("/a").rule, "Allow: /a");
}

TEST(RobotsRules, VerdictSurvivesACopyOfTheRules) {
  RobotsRules copy;
  {
    const RobotsRules rules = ForWeft("User-agent: *\nDisallow: /a\n");
    copy = rules;
  }
  EXPECT_EQ(copy.Check("/a").rule, "Disallow: /a");
}

TEST(RobotsRules, RobotsTxtItselfIsAlwaysAllowed) {
  const RobotsRules rules = ForWeft("User-agent: *\nDisallow: /\n");
  EXPECT_TRUE(rules.Allowed("/robots.txt"));
  EXPECT_FALSE(rules.Allowed("/robots.txt/x"));
}

TEST(RobotsRules, GroupsOfOneTokenAreMerged) {
  const RobotsRules rules =
      ForWeft("User-agent: Weft\nDisallow: /a\nUser-agent: x\nDisallow: /b\nUser-agent: WEFT\nDisallow: /c\n");
  EXPECT_FALSE(rules.Allowed("/a"));
  EXPECT_TRUE(rules.Allowed("/b"));
  EXPECT_FALSE(rules.Allowed("/c"));
}

TEST(RobotsRules, NamedGroupShutsOutTheStarGroup) {
  const RobotsRules rules = ForWeft("User-agent: *\nDisallow: /\nUser-agent: weft\nDisallow: /only\n");
  EXPECT_TRUE(rules.Allowed("/a"));
  EXPECT_FALSE(rules.Allowed("/only"));
}

TEST(RobotsRules, LongerTokenInTheFileIsAnotherAgent) {
  const RobotsRules rules = ForWeft("User-agent: weft-images\nDisallow: /\nUser-agent: wef\nDisallow: /\n");
  EXPECT_TRUE(rules.Allowed("/a"));
}

TEST(RobotsRules, EmptyProductTokenObeysOnlyTheStarGroup) {
  const RobotsRules rules = RobotsRules::Parse("User-agent: \nDisallow: /a\nUser-agent: *\nDisallow: /b\n", "");
  EXPECT_TRUE(rules.Allowed("/a"));
  EXPECT_FALSE(rules.Allowed("/b"));
}

TEST(RobotsRules, ReservedEscapesAreNotTheirCharacters) {
  const RobotsRules rules = ForWeft("User-agent: *\nDisallow: /a%2Fb\n");
  EXPECT_FALSE(rules.Allowed("/a%2fb"));
  EXPECT_TRUE(rules.Allowed("/a/b"));
}

TEST(RobotsRules, UnreservedEscapesAreTheirCharacters) {
  const RobotsRules rules = ForWeft("User-agent: *\nDisallow: /%61b\n");
  EXPECT_FALSE(rules.Allowed("/ab"));
  EXPECT_FALSE(rules.Allowed("/a%62"));
}

TEST(RobotsRules, BrokenEscapesMatchThemselves) {
  const RobotsRules rules = ForWeft("User-agent: *\nDisallow: /100%\nDisallow: /%zz\n");
  EXPECT_FALSE(rules.Allowed("/100%"));
  EXPECT_FALSE(rules.Allowed("/%zz"));
  EXPECT_TRUE(rules.Allowed("/10"));
}

TEST(RobotsRules, DollarInTheMiddleIsLiteral) {
  const RobotsRules rules = ForWeft("User-agent: *\nDisallow: /a$b\n");
  EXPECT_FALSE(rules.Allowed("/a$bc"));
  EXPECT_FALSE(rules.Allowed("/a%24b"));
  EXPECT_TRUE(rules.Allowed("/a"));
}

TEST(RobotsRules, LongestPatternWinsWhateverTheOrder) {
  for (const std::string_view body : {"User-agent: *\nAllow: /a/b\nDisallow: /a\n", "User-agent: *\nDisallow: /a\nAllow: /a/b\n"}) {
    EXPECT_TRUE(ForWeft(body).Allowed("/a/b/c")) << body;
    EXPECT_FALSE(ForWeft(body).Allowed("/a/c")) << body;
  }
}

TEST(RobotsRules, EveryLineEndIsRead) {
  const RobotsRules rules = ForWeft("User-agent: *\rDisallow: /a\r\nDisallow: /b\nDisallow: /c");
  EXPECT_EQ(rules.Check("/a").line, 2);
  EXPECT_EQ(rules.Check("/b").line, 3);
  EXPECT_EQ(rules.Check("/c").line, 4);
}

TEST(RobotsRules, ByteOrderMarkIsSkipped) {
  EXPECT_FALSE(ForWeft("\xEF\xBB\xBFUser-agent: *\nDisallow: /a\n").Allowed("/a"));
}

TEST(RobotsRules, NulAndControlBytesAreOrdinary) {
  const std::string body("User-agent: *\nDis\0allow: /a\nDisallow: /b\0c\n", 43);
  const RobotsRules rules = ForWeft(body);
  EXPECT_TRUE(rules.Allowed("/a"));
  EXPECT_FALSE(rules.Allowed("/b%00c"));
}

TEST(RobotsRules, BodyBeyondTheLimitIsCutAtAWholeLine) {
  std::string body = "User-agent: *\n";
  body.append(kMaxRobotsBytes - body.size() - 12, 'x');
  body += "\nDisallow: /secret/deep\nDisallow: /b\n";  // the limit falls behind "/", which alone would shut the site
  const RobotsRules rules = ForWeft(body);
  EXPECT_TRUE(rules.Allowed("/secret/deep"));
  EXPECT_TRUE(rules.Allowed("/x"));
  EXPECT_TRUE(rules.Allowed("/b"));
}

TEST(RobotsRules, LineThatEndsAtTheLimitIsRead) {
  std::string body = "User-agent: *\n";
  const std::string last = "\nDisallow: /a";
  body.append(kMaxRobotsBytes - body.size() - last.size(), 'x');
  body += last + "\nDisallow: /b\n";
  EXPECT_FALSE(ForWeft(body).Allowed("/a"));
  EXPECT_TRUE(ForWeft(body).Allowed("/b"));
}

TEST(RobotsRules, LineIsReadUpToItsLimit) {
  std::string line = "Disallow: /";
  line.append(kMaxRobotsLine - line.size(), 'a');
  const RobotsRules rules = ForWeft("User-agent: *\n" + line + "bbbb\n");
  const std::string path = line.substr(line.find('/'));
  EXPECT_FALSE(rules.Allowed(path));
  EXPECT_TRUE(rules.Allowed(path.substr(0, path.size() - 1)));
}

TEST(RobotsRules, CheckThatWouldStallIsGivenUpAsDisallowed) {
  std::string body = "User-agent: *\n";
  for (int i = 0; body.size() < kMaxRobotsBytes; ++i) body += "Disallow: *a*b" + std::to_string(i) + "\n";
  const RobotsRules rules = ForWeft(body);
  std::string path = "/";
  while (path.size() < 8000) path += "ab";
  EXPECT_FALSE(rules.Check(path).allowed);
  EXPECT_EQ(rules.Check(path).rule, "(too many wildcard rules for a path of this length)");
  EXPECT_TRUE(rules.Allowed("/abab")) << "ordinary paths are checked to the end";
}

TEST(RobotsRules, CrawlDelayOfTheOwnGroup) {
  const RobotsRules rules = ForWeft("User-agent: *\nCrawl-delay: 10\nDisallow: /x\nUser-agent: weft\nCrawl-delay: 2.5\n");
  EXPECT_EQ(rules.crawl_delay(), absl::Milliseconds(2500));
}

TEST(RobotsRules, CrawlDelayBeyondTheLimitIsTheLimit) {
  EXPECT_EQ(ForWeft("User-agent: *\nCrawl-delay: 1e300\n").crawl_delay(), kMaxCrawlDelay);
}

TEST(RobotsRules, CrawlDelayThatIsNoNumberIsIgnored) {
  for (const std::string_view value : {"", "-1", "nan", "inf", "soon", "1s", "0x10"}) {
    EXPECT_EQ(ForWeft("User-agent: *\nCrawl-delay: " + std::string(value)).crawl_delay(), std::nullopt) << value;
  }
}

TEST(RobotsRules, CrawlDelayDoesNotEndARunOfAgents) {
  const RobotsRules rules = ForWeft("User-agent: weft\nCrawl-delay: 1\nUser-agent: other\nDisallow: /\n");
  EXPECT_FALSE(rules.Allowed("/a"));
  EXPECT_EQ(rules.crawl_delay(), absl::Seconds(1));
}

TEST(RobotsRules, SitemapsComeAsWrittenWithoutRepeats) {
  const RobotsRules rules = ForWeft(
      "Sitemap: https://x.example/1.xml\nUser-agent: other\nSITEMAP: /2.xml\nDisallow: /\nSitemap: https://x.example/1.xml\n");
  EXPECT_THAT(rules.sitemaps(), ElementsAre("https://x.example/1.xml", "/2.xml"));
}

TEST(RobotsRules, HtmlErrorPageHoldsNoRules) {
  const RobotsRules rules = ForWeft("<!doctype html><title>404</title><p style=\"color: red\">Disallow: /</p>\n");
  EXPECT_TRUE(rules.Allowed("/a"));
}

TEST(RobotsToken, IsTheFirstProduct) {
  EXPECT_EQ(RobotsRules::TokenOf("Weft/1.0 (+https://weft.example)"), "Weft");
  EXPECT_EQ(RobotsRules::TokenOf("my-bot_2"), "my-bot_2");
}

TEST(RobotsToken, IsTheCompatibleNameBehindMozilla) {
  EXPECT_EQ(RobotsRules::TokenOf("Mozilla/5.0 (compatible; FooBot/2.1; +https://foo.example)"), "FooBot");
}

TEST(RobotsToken, OfABrowserIsMozilla) { EXPECT_EQ(RobotsRules::TokenOf("Mozilla/5.0 (X11; Linux)"), "Mozilla"); }

TEST(RobotsToken, OfNothingIsEmpty) {
  EXPECT_EQ(RobotsRules::TokenOf(""), "");
  EXPECT_EQ(RobotsRules::TokenOf("(none)"), "");
}

}  // namespace
}  // namespace weft
