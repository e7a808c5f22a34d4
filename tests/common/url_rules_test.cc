#include "common/url_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const absl::Duration kDay = absl::Hours(24);

UrlRules Rules(const std::vector<std::string>& texts) {
  auto rules = UrlRules::Parse(texts);
  EXPECT_TRUE(rules.ok()) << ErrorText(rules.status());
  return rules.ok() ? *std::move(rules) : UrlRules();
}

std::string ErrorOf(std::string_view text) { return ErrorText(CheckUrlRule(text)); }

TEST(UrlRules, WithoutRulesNothingIsSaid) {
  UrlRules rules;
  EXPECT_TRUE(rules.empty());
  EXPECT_EQ(rules.Priority("https://a.example/"), 0);
  EXPECT_EQ(rules.Recrawl("https://a.example/"), RecrawlRule());
}

TEST(UrlRules, APatternIsFoundAnywhereInTheUrl) {
  UrlRules rules = Rules({R"(match=/news/\d+ priority=20)"});
  EXPECT_EQ(rules.Priority("https://a.example/x/news/7?y"), 20);
  EXPECT_EQ(rules.Priority("https://a.example/news/x"), 0);
}

TEST(UrlRules, TheFirstThatMatchesWins) {
  UrlRules rules = Rules({"match=/a/b priority=-100", "match=/a priority=100"});
  EXPECT_EQ(rules.Priority("https://h/a/b"), -100);
  EXPECT_EQ(rules.Priority("https://h/a/c"), 100);
}

TEST(UrlRules, EachPropertyIsDecidedByItself) {
  UrlRules rules = Rules({"match=/a recrawl=1h..2h", "match=/a/b priority=5 recrawl=3h..4h", "match=/ recrawl-at=\"daily 03:00\""});
  EXPECT_EQ(rules.Priority("https://h/a/b"), 5);
  RecrawlRule recrawl = rules.Recrawl("https://h/a/b");
  EXPECT_EQ(recrawl.least, absl::Hours(1));
  EXPECT_EQ(recrawl.most, absl::Hours(2));
  EXPECT_EQ(recrawl.at, RecrawlTime::Parse("daily 03:00").value());
}

TEST(UrlRules, BoundsMayBeGivenOneByOne) {
  UrlRules rules = Rules({"match=/a recrawl-min=10m", "match=/ recrawl-max=3d"});
  EXPECT_EQ(rules.Recrawl("https://h/a").least, absl::Minutes(10));
  EXPECT_EQ(rules.Recrawl("https://h/a").most, kDay * 3);
  EXPECT_EQ(rules.Recrawl("https://h/b").least, std::nullopt);
}

TEST(UrlRules, BoundsOfTwoRulesThatCrossFollowTheShorterEnd) {
  UrlRules rules = Rules({"match=/a recrawl-min=5d", "match=/ recrawl-max=3d"});
  EXPECT_EQ(rules.Recrawl("https://h/a").most, kDay * 5);
}

TEST(UrlRules, OneIntervalIsBothBounds) {
  RecrawlRule recrawl = Rules({"match=. recrawl=6h"}).Recrawl("https://h/");
  EXPECT_EQ(recrawl.least, absl::Hours(6));
  EXPECT_EQ(recrawl.most, absl::Hours(6));
}

TEST(UrlRules, OffBeatsWhatComesLaterOnly) {
  UrlRules rules = Rules({"match=/keep recrawl=1h..2h", "match=/ recrawl=off", "match=. recrawl-at=\"daily 03:00\""});
  EXPECT_FALSE(rules.Recrawl("https://h/keep").never);
  EXPECT_TRUE(rules.Recrawl("https://h/x").never);
  EXPECT_FALSE(rules.Recrawl("https://h/x").at.has_value());
}

TEST(UrlRules, ManyRulesAnswerAsFewDo) {
  std::vector<std::string> texts;
  for (int i = 0; i < 60; ++i) texts.push_back(fmt::format("match=/p{}/ priority={}", i % 30, i));
  UrlRules rules = Rules(texts);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(rules.Priority(fmt::format("https://h/x/p{}/y", i)), i);
  EXPECT_EQ(rules.Priority("https://h/p30/"), 0);
}

TEST(UrlRules, RulesStandInTheSettings) {
  wire::CrawlSettings settings;
  settings.add_rule("match=x priority=3");
  EXPECT_EQ(UrlRules::Of(settings).value().Priority("https://h/x"), 3);
}

TEST(UrlRules, WhatIsWrongIsToldWithItsPlaceAndItsCure) {
  EXPECT_THAT(ErrorOf("priority=1"), AllOf(HasSubstr("'priority=1'"), HasSubstr("match is missing")));
  EXPECT_THAT(ErrorOf("match=x"), HasSubstr("add priority"));
  EXPECT_THAT(ErrorOf("match=x prio=1"), AllOf(HasSubstr("'prio'"), HasSubstr("expected match, priority")));
  EXPECT_THAT(ErrorOf("match=a(b priority=1"), AllOf(HasSubstr("'a(b'"), HasSubstr("RE2")));
  for (const char* bad : {"101", "-101", "1.5", "high", "+"}) {
    EXPECT_THAT(ErrorOf(fmt::format("match=x priority={}", bad)), HasSubstr("from -100 to 100")) << bad;
  }
  EXPECT_THAT(ErrorOf("match=x recrawl=soon"), AllOf(HasSubstr("recrawl"), HasSubstr("duration")));
  EXPECT_THAT(ErrorOf("match=x recrawl=0"), HasSubstr("from 1s"));
  EXPECT_THAT(ErrorOf("match=x recrawl=2h..1h"), HasSubstr("longer than the longest"));
  EXPECT_THAT(ErrorOf("match=x recrawl=1h recrawl-max=2h"), HasSubstr("twice"));
  EXPECT_THAT(ErrorOf("match=x recrawl=off recrawl-at=\"daily 03:00\""), HasSubstr("contradict"));
  EXPECT_THAT(ErrorOf("match=x recrawl-at=daily"), AllOf(HasSubstr("recrawl-at"), HasSubstr("weekly mon 03:00")));
}

TEST(UrlRules, ATagIsOfAHostByTheFirstRuleThatNamesOne) {
  auto rules = UrlRules::Parse({"match=^https://shop\\.eu/ priority=9", "match=\\.eu/ tag=eu", "match=^http://[a-z.]*render tag=render",
                                "match=. tag=rest"});
  ASSERT_TRUE(rules.ok()) << rules.status();
  EXPECT_TRUE(rules->has_tags());
  EXPECT_EQ(rules->Tag("shop.eu"), "eu");
  EXPECT_EQ(rules->Tag("a.render.example"), "render") << "whatever the scheme";
  EXPECT_EQ(rules->Tag("eu.example"), "rest");
  EXPECT_EQ(UrlRules::Parse({"match=x priority=1"})->Tag("x"), "");
}

TEST(UrlRules, ATagsMatchNamesNoPath) {
  EXPECT_THAT(ErrorOf("match=/video/ tag=render"), HasSubstr("whole hosts"));
  EXPECT_THAT(ErrorOf("match=^https://a\\.example/x tag=eu"), HasSubstr("whole hosts"));
  EXPECT_THAT(ErrorOf("match=//a\\.example/x tag=eu"), HasSubstr("whole hosts"));
  EXPECT_THAT(ErrorOf("match=x tag=EU"), HasSubstr("lower-case"));
  for (const char* good : {"match=\\.eu/ tag=eu", "match=^https?://(a|b)\\.eu/$ tag=eu", "match=://([^/]+\\.)?eu\\.example/ tag=eu",
                           "match=^https://a\\.eu/|^https://b\\.eu/ tag=eu", "match=127.0.0.1 tag=eu", "match=//a\\.eu/ tag=eu", "match=//(a|b)\\.eu/|//c\\.eu/ tag=eu"}) {
    EXPECT_TRUE(CheckUrlRule(good).ok()) << good << ": " << CheckUrlRule(good);
  }
}

TEST(UrlRules, AProxyIsOfAHostByTheFirstRuleThatNamesOne) {
  auto rules = UrlRules::Parse({"match=^https://shop\\.eu/ priority=9", "match=//direct\\.eu/ proxy=none",
                                "match=\\.eu/ proxy=socks5h://127.0.0.1:1080", "match=\\.eu/ proxy=http://late:1"});
  ASSERT_TRUE(rules.ok()) << rules.status();
  EXPECT_TRUE(rules->has_proxies());
  EXPECT_EQ(rules->Proxy("shop.eu"), "socks5h://127.0.0.1:1080");
  EXPECT_EQ(rules->Proxy("direct.eu"), "") << "none is an answer";
  EXPECT_EQ(rules->Proxy("eu.example"), std::nullopt);
  EXPECT_FALSE(UrlRules::Parse({"match=x tag=eu"})->has_proxies());
}

TEST(UrlRules, AProxysMatchNamesNoPath) {
  EXPECT_THAT(ErrorOf("match=/video/ proxy=http://127.0.0.1:3128"), HasSubstr("a proxy is for whole hosts"));
  EXPECT_THAT(ErrorOf("match=/video/ proxy=none"), HasSubstr("whole hosts"));
}

TEST(UrlRules, WhatIsNoProxyIsToldWithoutItsPassword) {
  EXPECT_THAT(ErrorOf("match=x proxy=ftp://me:secret@h:21"), AllOf(HasSubstr("socks5h"), HasSubstr("proxy=none")));
  EXPECT_THAT(ErrorOf("match=x proxy="), HasSubstr("not a URL"));
  for (const char* bad : {"match=x proxy=ftp://me:secret@h:21", "match=x proxy=http://me:secret@h:1 priority=1000",
                          "match=/a/b proxy=http://me:secret@h:1", "match=( proxy=http://me:secret@h:1",
                          "proxy=http://me:secret@h:1", "match=x proxy=\"http://me:secret@h:1", "match=x proxy=http://me:a secret@h:1",
                          "match=x proxy=http://h:1 proxy=http://me:secret@h:1", "proxy=http://me:secret@h:1 match=x match=y"}) {
    EXPECT_FALSE(CheckUrlRule(bad).ok()) << bad;
    EXPECT_THAT(ErrorOf(bad), Not(HasSubstr("secret"))) << bad;
  }
}

TEST(UrlRules, ARuleIsShownWithoutItsProxysPassword) {
  EXPECT_EQ(MaskUrlRule("match=//a/ proxy=http://me:secret@h:1 tag=eu"), "match=//a/ proxy=http://…@h:1 tag=eu");
  EXPECT_EQ(MaskUrlRule("match=me@example priority=1"), "match=me@example priority=1");
}

TEST(UrlRules, TooManyAreRefused) {
  std::vector<std::string> texts(kMaxUrlRules + 1, "match=x priority=1");
  EXPECT_THAT(ErrorText(UrlRules::Parse(texts).status()), HasSubstr("at most"));
}

}  // namespace
}  // namespace weft
