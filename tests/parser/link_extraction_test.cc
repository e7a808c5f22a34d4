// Which links a page has, by the tree and by the linear scan alike: each case runs through both.
#include <gmock/gmock.h>

#include "tests/parser/extraction.h"

namespace weft {
namespace {

using test::Described;
using test::ExtractFrom;
using test::ForceLinearScan;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LinkExtraction : public ::testing::TestWithParam<bool> {
 protected:
  static ExtractedPage Extract(std::string_view html) {
    ExtractedPage page = ExtractFrom(GetParam() ? ForceLinearScan(html) : std::string(html));
    EXPECT_EQ(page.linear_scan, GetParam());
    return page;
  }
  static std::vector<std::string> Links(std::string_view html) { return Described(Extract(html).links); }
};

INSTANTIATE_TEST_SUITE_P(By, LinkExtraction, ::testing::Bool(),
                         [](const auto& by) { return by.param ? "LinearScan" : "Tree"; });

TEST_P(LinkExtraction, TakesAnchorsAreasAndFramesInDocumentOrder) {
  EXPECT_THAT(Links("<body><a href=1>x</a><map><area href=2></map><iframe src=3></iframe><a href=1>again</a>"),
              ElementsAre("navigation http://example.com/dir/1", "navigation http://example.com/dir/2",
                          "frame http://example.com/dir/3", "navigation http://example.com/dir/1"));
}

TEST_P(LinkExtraction, TakesFramesOfAFrameset) {
  EXPECT_THAT(Links("<html><head></head><frameset><frame src=/a><frame src=/b></frameset></html>"),
              ElementsAre("frame http://example.com/a", "frame http://example.com/b"));
}

TEST_P(LinkExtraction, GivesHttpAndHttpsOnly) {
  EXPECT_THAT(Links("<a href=javascript:x()>j</a><a href=mailto:a@b>m</a><a href=ftp://h/f>f</a>"
                    "<a href=data:text/html,x>d</a><a href='http://'>no host</a><a href=https://h/s>s</a>"),
              ElementsAre("navigation https://h/s"));
}

TEST_P(LinkExtraction, AnAnchorWithoutHrefIsNoLink) { EXPECT_THAT(Links("<a name=x>x</a><area shape=rect>"), IsEmpty()); }

TEST_P(LinkExtraction, AnEmptyHrefNamesThePageButAnEmptyFrameNamesNothing) {
  EXPECT_THAT(Links("<a href>x</a><iframe src></iframe>"),
              ElementsAre("navigation http://example.com/dir/page.html?q=1"));
}

TEST_P(LinkExtraction, KeepsTheFragmentOfALinkWithinThePage) {
  EXPECT_THAT(Links("<a href='#top'>x</a>"), ElementsAre("navigation http://example.com/dir/page.html?q=1#top"));
}

TEST_P(LinkExtraction, TheFirstBaseWithHrefCountsAlsoForLinksBeforeIt) {
  EXPECT_THAT(Links("<body><a href=a>a</a><base target=_blank><base href=//cdn.example/x/y><base href=/no/>"
                    "<a href=b>b</a>"),
              ElementsAre("navigation http://cdn.example/x/a", "navigation http://cdn.example/x/b"));
}

TEST_P(LinkExtraction, AnUnusableFirstBaseLeavesThePagesOwnUrl) {
  EXPECT_THAT(Links("<base href='http://:1/'><base href=/two/><a href=a>a</a>"),
              ElementsAre("navigation http://example.com/dir/a"));
  EXPECT_THAT(Links("<base href='data:text/html,x'><a href=a>a</a>"),
              ElementsAre("navigation http://example.com/dir/a"));
}

TEST_P(LinkExtraction, NofollowIsATokenOfRelInAnyCase) {
  EXPECT_THAT(Links("<a href=1 rel=NoFollow></a><a href=2 rel='x\tnofollow\n'></a><a href=3 rel=nofollowx></a>"),
              ElementsAre("navigation http://example.com/dir/1 nofollow", "navigation http://example.com/dir/2 nofollow",
                          "navigation http://example.com/dir/3"));
}

TEST_P(LinkExtraction, ResolvesReferencesInAttributeValues) {
  EXPECT_THAT(Links("<a href='?a=1&amp;b=2&copy=3&lt;&#x41;&#66;'></a>"),
              ElementsAre("navigation http://example.com/dir/page.html?a=1&b=2&copy=3%3CAB"));
}

TEST_P(LinkExtraction, TheFirstOfRepeatedAttributesCounts) {
  EXPECT_THAT(Links("<a href=1 HREF=2 href=3></a>"), ElementsAre("navigation http://example.com/dir/1"));
}

TEST_P(LinkExtraction, AttributesMayBeWrittenInEveryLegalAndBrokenWay) {
  EXPECT_THAT(Links("<A/HREF = \"a>b\"class=x/><a href='c' /><a\nhref=d/e/><a =x href=f><a x='y'href=g>"),
              ElementsAre("navigation http://example.com/dir/a%3Eb", "navigation http://example.com/dir/c",
                          "navigation http://example.com/dir/d/e/", "navigation http://example.com/dir/f",
                          "navigation http://example.com/dir/g"));
}

TEST_P(LinkExtraction, MarkupInRawTextAndCommentsIsNoMarkup) {
  EXPECT_THAT(Links("<title><a href=1></title><script>'<a href=2>'</script><style><a href=3></style>"
                    "<textarea><a href=4></textarea><xmp><a href=5></xmp><iframe><a href=6></iframe>"
                    "<noembed><a href=7></noembed><!-- <a href=8> --><!--><a href=9><!-- --!><a href=10>"),
              ElementsAre("navigation http://example.com/dir/9", "navigation http://example.com/dir/10"));
}

TEST_P(LinkExtraction, AScriptMayHoldItsOwnEndTagInAnEscapedScript) {
  EXPECT_THAT(Links("<script><!-- <script> </script> <a href=1> --></script><a href=2>"),
              ElementsAre("navigation http://example.com/dir/2"));
  EXPECT_THAT(Links("<script><!-- x </script><a href=3>"), ElementsAre("navigation http://example.com/dir/3"));
}

TEST_P(LinkExtraction, NoscriptIsMarkupForACrawler) {
  EXPECT_THAT(Links("<body><noscript><a href=n>n</a></noscript>"), ElementsAre("navigation http://example.com/dir/n"));
}

TEST_P(LinkExtraction, ATemplatesContentIsNotPartOfThePage) {
  EXPECT_THAT(Links("<body><template><base href=/x/><a href=1></a><template></template></template><a href=2>"),
              ElementsAre("navigation http://example.com/dir/2"));
}

TEST_P(LinkExtraction, SvgLinksCountAndSvgStyleHoldsMarkup) {
  EXPECT_THAT(Links("<svg><style><a href=1></a></style><a xlink:href=2></a><title><b>t</b></title></svg>"
                    "<a xlink:href=3></a><a href=4></a>"),
              ElementsAre("navigation http://example.com/dir/1", "navigation http://example.com/dir/2",
                          "navigation http://example.com/dir/4"));
}

TEST_P(LinkExtraction, ATagThatTheEndCutsIsNoTag) {
  EXPECT_THAT(Links("<a href=1></a><a href=2"), ElementsAre("navigation http://example.com/dir/1"));
  EXPECT_THAT(Links("<a href=1></a><a href='2>"), ElementsAre("navigation http://example.com/dir/1"));
  EXPECT_THAT(Links("<a href=1></a><!-- <a href=2>"), ElementsAre("navigation http://example.com/dir/1"));
}

TEST_P(LinkExtraction, OnlyTheFirstValidRefreshCounts) {
  EXPECT_THAT(Links("<meta http-equiv=refresh content='x;url=0'><meta http-equiv=Refresh content='5;url=a'>"
                    "<meta http-equiv=refresh content='0;url=b'>"),
              ElementsAre("refresh http://example.com/dir/a"));
}

TEST_P(LinkExtraction, ARefreshWithoutUrlNamesThePageWhateverTheBase) {
  EXPECT_THAT(Links("<base href=/x/><meta http-equiv=refresh content=7>"),
              ElementsAre("refresh http://example.com/dir/page.html?q=1"));
}

TEST_P(LinkExtraction, TheTitleIsTheFirstOneInHtmlWithSpaceCollapsed) {
  EXPECT_EQ(Extract("<body><svg><title>drawing</title></svg><title> my\t\n page &amp; &lt;b> </title><title>2</title>").title,
            "my page & <b>");
}

TEST_P(LinkExtraction, VisibleTextLeavesOutWhatIsNotShown) {
  EXPECT_EQ(Extract("<head><title>t</title><style>s</style></head><body>one<script>2</script><template>3</template>"
                    "<noscript>4</noscript><iframe>5</iframe> two &amp; three").text,
            "one two & three");
}

TEST_P(LinkExtraction, BlockElementsEndLinesOfVisibleText) {
  EXPECT_EQ(Extract("<body> a  <b>b</b>c<p>d\n e</p><div><div>f</div></div>g<br>h<table><tr><td>1<td>2<tr><td>3</table>").text,
            "a bc\nd e\nf\ng\nh\n1 2\n3");
}

TEST(LinkExtractorText, IsGivenOnlyWhenAsked) {
  const Url url = test::UrlOf(test::kPageUrl);
  EXPECT_EQ(NewGumboExtractor()->Extract({.html = "<p>x", .url = &url, .content_type = ""}).text, "");
}

// The builder makes the first anchor twice, once a paragraph; the page names its target once.
TEST_P(LinkExtraction, FollowsTheTreeBuildersCorrections) {
  EXPECT_THAT(Links("<p><a href=1>one<p>two<a href=2>three<table><tr><a href=3>four</a><td><a href=4>five"
                            "</table>six"),
              ::testing::UnorderedElementsAre(
                  "navigation http://example.com/dir/1", "navigation http://example.com/dir/2",
                  "navigation http://example.com/dir/3", "navigation http://example.com/dir/4"));
}

TEST(LinkExtractorCharset, AQueryIsEncodedLikeThePageAndAPathIsNot) {
  const ExtractedPage page = ExtractFrom("<a href='/\xE9?\xE9'>x</a>", "text/html; charset=latin1");
  EXPECT_EQ(page.charset, "windows-1252");
  EXPECT_THAT(Described(page.links), ElementsAre("navigation http://example.com/%C3%A9?%E9"));
}

TEST(LinkExtractorCharset, WhatThePagesEncodingLacksIsEscapedInAQuery) {
  EXPECT_THAT(Described(ExtractFrom("<a href='?&#x20AC;&#x416;'>x</a>", "text/html; charset=koi8-r").links),
              ElementsAre("navigation http://example.com/dir/page.html?%26%238364%3B%F6"));
}

TEST(LinkExtractorCharset, Utf16PagesSendUtf8Queries) {
  std::string html = "\xFF\xFE";
  for (const char c : std::string_view("<a href='?x'>")) html += {c, '\0'};
  const size_t at = html.find('x');
  html.replace(at, 2, "\xE9\x00", 2);
  EXPECT_THAT(Described(ExtractFrom(html).links), ElementsAre("navigation http://example.com/dir/page.html?%C3%A9"));
}

TEST(LinkExtractorReuse, OneExtractorForgetsEachPage) {
  const Url url = test::UrlOf(test::kPageUrl);
  const auto extractor = NewGumboExtractor();
  const LinkExtractor::Input first{.html = "<base href=/x/><title>t</title><a href=1>", .url = &url, .content_type = ""};
  const LinkExtractor::Input second{.html = "<a href=2>", .url = &url, .content_type = ""};
  extractor->Extract(first);
  const ExtractedPage page = extractor->Extract(second);
  EXPECT_EQ(page.title, "");
  EXPECT_THAT(Described(page.links), ElementsAre("navigation http://example.com/dir/2"));
}

}  // namespace
}  // namespace weft
