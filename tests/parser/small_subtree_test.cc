// Icons, formulas and selects, as pages mostly have them and not: the linear extractor answers as the one that builds a tree.
#include "parser/small_subtree.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/parser/extractor_answers.h"

namespace weft {
namespace {

using test::Answer;
using test::Ask;

std::multiset<std::string> LinksOf(const std::string& html) {
  auto linear = NewLinearExtractor();
  auto tree = NewGumboExtractor();
  const Answer answer = Ask(*linear, html, LinkKinds::All());
  EXPECT_EQ(answer, Ask(*tree, html, LinkKinds::All())) << html;
  EXPECT_EQ(Ask(*linear, html), Ask(*tree, html)) << html;
  return answer.links;
}

std::string Navigation(const std::string& name) { return "http://example.com/dir/" + name + " navigation"; }

using Set = std::multiset<std::string>;

TEST(SmallSubtree, LinksInAnIconAndAfterItCount) {
  EXPECT_EQ(LinksOf("<svg viewBox='0 0 9 9'><a href=1><path d=z /></a></svg><a href=2>"), (Set{Navigation("1"), Navigation("2")}));
  EXPECT_EQ(LinksOf("<svg><a xlink:href=1 /></SVG><a href=2>"), (Set{Navigation("1"), Navigation("2")}));
  EXPECT_EQ(LinksOf("<svg/><a href=2>"), Set{Navigation("2")});
}

TEST(SmallSubtree, TitleOfAnIconIsNotThePages) {
  auto linear = NewLinearExtractor();
  EXPECT_EQ(Ask(*linear, "<svg><title>Icon</title></svg><title>Page</title>").title, "Page");
  EXPECT_EQ(Ask(*linear, "<svg><title>Icon<title>again</svg>").title, "again</svg>");  // HTML's rules hold in it
}

TEST(SmallSubtree, RawTextBeginsAgainBehindAnIcon) {
  EXPECT_EQ(LinksOf("<svg><style><a href=1></a></style></svg><style><a href=no></style><a href=2>"),
            (Set{Navigation("1"), Navigation("2")}));
  EXPECT_EQ(LinksOf("<svg><g></svg><script>'<a href=no>'</script>"), Set{});
}

TEST(SmallSubtree, CdataIsTextWithin) {
  EXPECT_EQ(LinksOf("<svg><![CDATA[<a href=no>]]></svg><![CDATA[<a href=2>]]>"), Set{});
  EXPECT_EQ(LinksOf("<svg><![CDATA[<a href=no>]]></svg><a href=2>"), Set{Navigation("2")});
}

TEST(SmallSubtree, HtmlWithinEndsIt) {
  EXPECT_EQ(LinksOf("<svg><g><div><title>t</title><script><a href=no></script>"), Set{});
  EXPECT_EQ(LinksOf("<svg><g><foreignObject><style><a href=no></style>"), Set{});
  EXPECT_EQ(LinksOf("<p><svg><g></p><style><a href=no></style>"), Set{});
}

TEST(SmallSubtree, DepthHasNoBound) {
  for (const int depth : {15, 16, 17, 40, 600}) {
    std::string html = "<svg>";
    for (int i = 0; i < depth; ++i) html += "<g>";
    EXPECT_EQ(LinksOf(html + "<a href=1></a></svg><style><a href=no></style>"), Set{Navigation("1")}) << depth;
  }
}

TEST(SmallSubtree, SelectsHoldNoLinksAndEnd) {
  EXPECT_EQ(LinksOf("<select><option>a<option>b</select><a href=1>"), Set{Navigation("1")});
  EXPECT_EQ(LinksOf("<select><option><a href=no></select><a href=1>"), Set{Navigation("1")});
  EXPECT_EQ(LinksOf("<select><option><svg><a href=no></svg></select><a href=1>"), Set{Navigation("1")});
  EXPECT_EQ(LinksOf("<select><option><input><a href=1>"), Set{Navigation("1")});  // an input ends it
  EXPECT_EQ(LinksOf("<select><option><select><a href=1>"), Set{Navigation("1")});  // so does another
}

// 13.2.6.4.7: a table makes no formatting element anew, so that the one before it is out of its scope.
TEST(SmallSubtree, EndTagOfAnAnchorOutsideTheTableDoesNotEndAnIcon) {
  EXPECT_EQ(LinksOf("<table><a href=1><table><svg></a><style><a href=no></style>"), Set{Navigation("1")});
}

}  // namespace
}  // namespace weft
