#include "fetcher/proxy_choice.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

ProxyChoice Choice(const std::vector<std::string>& rules, const std::string& general = "") {
  wire::CrawlSettings settings;
  for (const std::string& rule : rules) settings.add_rule(rule);
  settings.set_proxy(general);
  return ProxyChoice::Of(settings).value();
}

TEST(ProxyChoice, IsNoneWhereNothingIsSaid) {
  EXPECT_EQ(Choice({}).For("a.example"), "");
  EXPECT_EQ(Choice({"match=. priority=1"}).For("a.example"), "");
}

TEST(ProxyChoice, IsTheCrawlsWhereNoRuleSaysOtherwise) {
  const ProxyChoice choice = Choice({"match=//b\\. proxy=none", "match=//c\\. proxy=http://c:2"}, "http://all:1");
  EXPECT_EQ(choice.For("a.example"), "http://all:1");
  EXPECT_EQ(choice.For("b.example"), "");
  EXPECT_EQ(choice.For("c.example"), "http://c:2");
}

TEST(ProxyChoice, RulesThatCannotBeReadAreNotPassedOver) {
  wire::CrawlSettings settings;
  settings.add_rule("match=x of-a-later-version=1");
  EXPECT_FALSE(ProxyChoice::Of(settings).ok());
}

}  // namespace
}  // namespace weft
