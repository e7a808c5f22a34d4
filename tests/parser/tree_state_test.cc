// Where the standard of now and gumbo's of 2015 part, or where few pages lead: by clause of the HTML standard.
#include <gmock/gmock.h>

#include <fstream>
#include <string>

#include "parser/linear_scan.h"
#include "tests/parser/extraction.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ExtractedPage Scan(std::string_view html, LinkKinds kinds = kFollowedKinds, bool want_details = false) {
  const Url url = test::UrlOf(test::kPageUrl);
  LinkExtractor::Input input;
  input.html = html;
  input.url = &url;
  input.content_type = "text/html; charset=utf-8";
  input.kinds = kinds;
  input.want_details = want_details;
  return NewLinearExtractor()->Extract(input);
}

std::vector<std::string> Links(std::string_view html) {
  std::vector<std::string> links;
  for (const ExtractedLink& link : Scan(html).links) links.push_back(link.url.href().substr(23));
  return links;
}

// 13.2.6.5: an end tag whose tag name is "br" or "p".
TEST(ForeignContent, IsEndedByTheEndTagsOfPAndBr) {
  EXPECT_EQ(Scan("<svg></p><title>t</title>").title, "t");
  EXPECT_EQ(Scan("<math></br><title>t</title>").title, "t");
  EXPECT_EQ(Scan("<svg><g></g><title>t</title></svg>").title, "");
}

// 13.2.6.4.7: </br> is treated as <br>, which sets the frameset-ok flag to "not ok".
TEST(Framesets, AreForbiddenAfterTheEndTagOfBr) {
  EXPECT_THAT(Links("<a href=1>x</a></br><frameset><frame src=2>"), ElementsAre("1"));
  EXPECT_THAT(Links("<a href=1></a><frameset><frame src=2>"), ElementsAre("2"));
}

TEST(Framesets, TakeThePlaceOfTheBodyAndKeepTheHead) {
  const ExtractedPage page = Scan("<head><title>t</title><base href=/b/><meta http-equiv=refresh content='1;url=r'></head>"
                                  "<a href=1></a><p><base href=/c/><frameset><frame src=2><a href=3></frameset>");
  EXPECT_EQ(page.title, "t");
  EXPECT_EQ(page.base, "http://example.com/b/");
  EXPECT_THAT(test::Described(page.links), ElementsAre("refresh http://example.com/b/r", "frame http://example.com/b/2"));
}

TEST(Framesets, EndWithTextBeforeThem) { EXPECT_THAT(Links("x<frameset><frame src=2></frameset><a href=1>"), ElementsAre("1")); }

// 13.2.6.4.7: the end tags of applet, marquee and object need their element in scope.
TEST(ForeignContent, IsNotEndedByAnObjectThatIsOutOfScope) {
  EXPECT_EQ(Scan("<object><marquee><svg><g></object><title>t</title>").title, "");
  EXPECT_EQ(Scan("<object><svg><g></object><title>t</title>").title, "t");
}

// 13.2.4.1: only HTML elements tell the insertion mode.
TEST(Selects, InForeignTablesEndInTheBody) {
  EXPECT_THAT(Links("<math><colgroup><mi><select></select><a href=1>x</a>"), ElementsAre("1"));
}

// 13.2.5.7: "</>" is nothing.
TEST(ForeignContent, DoesNotChangeByAnEmptyEndTag) {
  EXPECT_THAT(Links("<svg><a></><title>t</title><template><br><a href=x>"), ElementsAre("x"));
}

TEST(Selects, HoldNoLinks) {
  EXPECT_THAT(Links("<select><option><a href=1>x</a></select><a href=2>y</a>"), ElementsAre("2"));
  EXPECT_THAT(Links("<select><a href=1><input><a href=2>"), ElementsAre("2"));
  EXPECT_THAT(Links("<table><tr><td><select><a href=1><td><a href=2>"), ElementsAre("2"));
}

TEST(Templates, HoldNoLinksOfTheDocument) {
  EXPECT_THAT(Links("<template><a href=1></a><table><td><template></template><a href=2></template><a href=3>"),
              ElementsAre("3"));
  EXPECT_EQ(Scan("<template><title>no</title></template><title>t</title>").title, "t");
  EXPECT_THAT(Links("<template><script><a href=1></template></script><a href=2></template><a href=3>"), ElementsAre("3"));
}

TEST(ForeignContent, HasMarkupWhereHtmlHasRawText) {
  EXPECT_THAT(Links("<svg><style><a href=1></a></style></svg><style><a href=2></style>"), ElementsAre("1"));
  EXPECT_THAT(Links("<svg><![CDATA[<a href=1>]]><a xlink:href=2></a></svg><![CDATA[<a href=3>]]>"), ElementsAre("2"));
  EXPECT_THAT(Links("<svg><foreignObject><style><a href=1></style><a href=2>"), ElementsAre("2"));
  EXPECT_THAT(Links("<math><annotation-xml encoding='TEXT/html'><style><a href=1></style><a href=2>"), ElementsAre("2"));
  EXPECT_THAT(Links("<math><annotation-xml><style><p><a href=1></style>"), ElementsAre("1"));
}

// HTML 4.6.1: a link is an a of HTML or of SVG.
TEST(ForeignContent, OfMathMLNamesNoLinks) {
  EXPECT_THAT(Links("<math><a href=1>x</a><mi><a href=2>y</a></mi></math><a href=3>z</a>"), ElementsAre("2", "3"));
}

// 13.2.4.3: the formatting elements that a paragraph's end closed are made anew; what is made anew names nothing twice.
TEST(Anchors, ThatAreMadeAnewCountOnce) {
  EXPECT_THAT(Links("<p><a href=1>one<p>two<svg></svg><p>three"), ElementsAre("1"));
}

TEST(OpenElements, BeyondTheBoundCostNoLinks) {
  const std::string deep = test::Repeat("<span>", 100'000) + "<svg><g>" + test::Repeat("<g>", 100'000) + "<a xlink:href=1></a>" +
                           test::Repeat("</g>", 100'001) + "</svg><a href=2>x</a>";
  EXPECT_THAT(Links(deep), ElementsAre("1", "2"));
}

LinkKinds Everything() { return LinkKinds::All(); }

std::vector<std::string> AllOf(std::string_view html) {
  std::vector<std::string> links;
  for (const ExtractedLink& link : Scan(html, Everything()).links) {
    links.push_back(std::string(LinkKindName(link.kind)) + " " + link.url.href().substr(23));
  }
  return links;
}

TEST(LinkKindsOfElements, AreThoseOfTheirAttributes) {
  EXPECT_THAT(AllOf("<link rel=canonical href=1><link rel='alternate' href=2><link rel=NEXT href=3><link rel=prev href=4>"),
              ElementsAre("canonical 1", "alternate 2", "next 3", "prev 4"));
  EXPECT_THAT(AllOf("<link rel='alternate stylesheet' href=1><link rel='shortcut icon' href=2><link rel=manifest href=3>"
                    "<link rel=preconnect href=4><link rel=author href=5>"),
              ElementsAre("style 1", "image 2", "resource 3", "cite 5"));
  EXPECT_THAT(AllOf("<img src=1 srcset='2 1x, 3 2x' longdesc=4><picture><source srcset=5><source src=6></picture>"),
              ElementsAre("image 1", "image 2", "image 3", "cite 4", "image 5", "media 6"));
  EXPECT_THAT(AllOf("<video src=1 poster=2><track src=3></video><audio src=4></audio><embed src=5><object data=6></object>"),
              ElementsAre("media 1", "image 2", "media 3", "media 4", "embed 5", "embed 6"));
  EXPECT_THAT(AllOf("<script src=1></script><form action=2><input type=image src=3 formaction=4><button formaction=5></form>"),
              ElementsAre("script 1", "form 2", "image 3", "form 4", "form 5"));
  EXPECT_THAT(AllOf("<blockquote cite=1></blockquote><table background=2><tr><td><q cite=3></q></table>"),
              ElementsAre("cite 1", "image 2", "cite 3"));
  EXPECT_THAT(AllOf("<svg><image href=1 xlink:href=2 /><use xlink:href=3 /><script href=4 /></svg>"),
              ElementsAre("image 1", "resource 3", "script 4"));
}

TEST(LinkKindsOfElements, AreLeftOutUnlessAskedFor) {
  EXPECT_THAT(Links("<img src=1><script src=2></script><link rel=next href=3><form action=4><a href=5>"), ElementsAre("5"));
}

TEST(Css, NamesUrls) {
  EXPECT_THAT(AllOf("<style>@import 'one'; @import url(two); /* url(no) */ a { background: URL( \"three\" ) } "
                    "b { content: 'url(no)'; src: url(f\\6fur) } @import \"five\" screen;</style>"),
              ElementsAre("style one", "style two", "resource three", "resource four", "style five"));
  EXPECT_THAT(AllOf("<p style=\"background:url('six')\">"), ElementsAre("resource six"));
  EXPECT_THAT(AllOf("<style>@import 'cut by the line\n; url(;\\</style>"), ElementsAre("resource ;%EF%BF%BD"));
}

// CSS Syntax 3, 4.3.6 and 4.3.14.
TEST(Css, BadUrlsNameNothing) {
  EXPECT_THAT(AllOf("<style>a{b:url(bad url.png)} c{d:url(b'd) e:url(b(d)} f{g:url( good )}</style>"), ElementsAre("resource good"));
  EXPECT_THAT(AllOf("<style>a{b:url(bad \\) still)} c{d:url(open</style>"), ElementsAre("resource open"));
}

TEST(Css, NamespacesAreNamesOnly) {
  EXPECT_THAT(AllOf("<style>@namespace svg url(http://www.w3.org/2000/svg); @namespace 'x'; a{b:url(c)}</style>"),
              ElementsAre("resource c"));
}

TEST(Srcset, IsParsedByTheStandard) {
  EXPECT_THAT(AllOf("<img srcset=' ,, a,b 1x , c,, d (x,y) 2x,e,f 3w'>"),
              ElementsAre("image a,b", "image c", "image d", "image e,f"));
  EXPECT_THAT(AllOf("<img srcset=''>"), IsEmpty());
}

TEST(Details, AreRelAndTextOfALink) {
  const ExtractedPage page = Scan("<a href=1 rel='me  next'> one <b>two</b><p>three</a><a href=2></a><area href=3>", kFollowedKinds, true);
  ASSERT_EQ(page.links.size(), 3u);
  EXPECT_EQ(page.links[0].rel, "me  next");
  EXPECT_EQ(page.links[0].text, "one twothree");
  EXPECT_EQ(page.links[1].text, "");
  EXPECT_EQ(page.links[2].text, "");
}

// What is left out would be disobeyed.
TEST(Facts, AllThatIsAskedOfRobotsIsKept) {
  const ExtractedPage page = Scan(test::Repeat("<meta name=robots content=index>", 100) + "<meta name=robots content='" +
                                  std::string(50'000, ' ') + "nofollow'>");
  ASSERT_EQ(page.meta_robots.size(), 101u);
  EXPECT_EQ(page.meta_robots.back(), "nofollow");
}

// 4.6.7: nofollow, on forms too.
TEST(LinkKindsOfElements, AFormHasARelation) {
  const ExtractedPage page = Scan("<form rel=nofollow action=1></form>", {LinkKind::kForm});
  ASSERT_EQ(page.links.size(), 1u);
  EXPECT_TRUE(page.links[0].nofollow);
}

TEST(Facts, AreTheFirstOfEach) {
  const ExtractedPage page = Scan(
      "<html lang=' de-CH '><head><meta name=Description content=' a  b '><meta name=description content=no>"
      "<link rel=canonical href=/c><link rel=canonical href=/no><meta name=ROBOTS content='noindex, nofollow'>"
      "<meta name=Weft content=none><meta name=otherbot content=no><base href=/b/>");
  EXPECT_EQ(page.language, "de-CH");
  EXPECT_EQ(page.description, "a b");
  EXPECT_EQ(page.canonical, "http://example.com/c");
  EXPECT_EQ(page.base, "http://example.com/b/");
  EXPECT_THAT(page.meta_robots, ElementsAre("noindex, nofollow", "none"));
}

TEST(Facts, AreTheSameFromATree) {
  const std::string html =
      "<html lang=de><title>t</title><meta name=description content='d'><link rel=canonical href=/c>"
      "<meta name=robots content=none><body><a rel=x href=1>one <b>two</b></a><img srcset='a 1x, b' src=c style='x:url(d)'>";
  const Url url = test::UrlOf(test::kPageUrl);
  LinkExtractor::Input input{.html = html, .url = &url, .content_type = "", .want_details = true};
  input.kinds = Everything();
  const ExtractedPage linear = NewLinearExtractor()->Extract(input);
  const ExtractedPage tree = NewGumboExtractor()->Extract(input);
  EXPECT_EQ(test::Described(linear.links), test::Described(tree.links));
  EXPECT_EQ(linear.links.size(), 6u);
  EXPECT_EQ(linear.description, tree.description);
  EXPECT_EQ(linear.language, tree.language);
  EXPECT_EQ(linear.canonical, tree.canonical);
  EXPECT_EQ(linear.meta_robots, tree.meta_robots);
  ASSERT_EQ(tree.links.size(), linear.links.size());
  for (size_t i = 0; i < tree.links.size(); ++i) {
    EXPECT_EQ(linear.links[i].rel, tree.links[i].rel);
    EXPECT_EQ(linear.links[i].text, tree.links[i].text);
  }
}

}  // namespace
}  // namespace weft
