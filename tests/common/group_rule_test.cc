#include "common/group_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> NamesOf(const GroupRules& rules, std::string_view host) {
  std::vector<std::string> names;
  for (const GroupRule* rule : rules.Of(host)) names.push_back(rule->name);
  return names;
}

TEST(GroupRule, IsReadFromNamedValues) {
  auto rule = ParseGroupRule("name=cdn hosts=A.example,*.b.example connections=2 delay=1s");
  ASSERT_TRUE(rule.ok()) << rule.status();
  EXPECT_EQ(rule->name, "cdn");
  EXPECT_THAT(rule->hosts, ElementsAre("a.example", "*.b.example"));
  EXPECT_EQ(rule->connections, 2u);
  EXPECT_EQ(rule->delay, absl::Seconds(1));
}

TEST(GroupRule, OfADelayAloneIsOneConnection) {
  auto rule = ParseGroupRule("name=x hosts=\"a.example, b.example\" delay=500ms");
  ASSERT_TRUE(rule.ok()) << rule.status();
  EXPECT_EQ(rule->connections, 1u);
  EXPECT_THAT(rule->hosts, ElementsAre("a.example", "b.example"));
}

TEST(GroupRule, SaysWhatIsWrong) {
  for (const auto& [text, why] : std::vector<std::pair<const char*, const char*>>{
           {"hosts=a.example delay=1s", "name"},
           {"name=x delay=1s", "hosts"},
           {"name=x hosts=a.example", "connections"},
           {"name=x hosts=a.example connections=0", "from 1"},
           {"name=x hosts=a.example connections=-1", "from 1"},
           {"name=x hosts=a.example delay=soon", "soon"},
           {"name=x hosts=a.example/b delay=1s", "not a host"},
           {"name=x hosts=a.*.example delay=1s", "not a host"},
           {"name=x hosts=a.example:80:1 delay=1s", "not a host"},
           {"name=x host=a.example delay=1s", "'host'"}}) {
    auto rule = ParseGroupRule(text);
    ASSERT_FALSE(rule.ok()) << text;
    EXPECT_THAT(std::string(rule.status().message()), HasSubstr(why)) << text;
  }
}

TEST(GroupRules, AHostBelongsToEveryRuleThatNamesItOnce) {
  GroupRules rules({"name=one hosts=a.example,*.b.example connections=1", "name=two hosts=*.example connections=1",
                    "name=twice hosts=x.b.example,*.b.example connections=1"});
  EXPECT_THAT(NamesOf(rules, "a.example"), ElementsAre("one", "two"));
  EXPECT_THAT(NamesOf(rules, "x.b.example"), ElementsAre("one", "two", "twice"));
  EXPECT_THAT(NamesOf(rules, "y.x.b.example"), ElementsAre("one", "two", "twice"));
  EXPECT_THAT(NamesOf(rules, "b.example"), ElementsAre("two")) << "a star stands for what is below";
  EXPECT_THAT(NamesOf(rules, "example"), IsEmpty());
  EXPECT_THAT(NamesOf(rules, "xb.example.org"), IsEmpty());
}

}  // namespace
}  // namespace weft
