// What pages ask of robots, obeyed by the parser: which links it sends, and what it notes.
#include "tests/parser/parser_node_fixture.h"
#include "tests/parser/sitemap_reading.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kHtml = "Content-Type: text/html\r\n";

class ParserDirectivesTest : public ParserNodeTest {
 protected:
  ParserDirectivesTest() {
    parts_.real_extractor = true;
    settings_.set_robots_token("Weft");
  }
  wire::PageResult Read(const std::string& body, const std::string& fields = "", int status = 200) {
    if (!registered_) Register();
    registered_ = true;
    wire::Page page = Page(fmt::format("https://a.example/{}", ++pages_), kHtml + fields, status);
    page.set_wall_us(1'600'000'000'000'000);  // September 2020
    SendPage(std::move(page), body);
    Work();
    return Results().empty() ? wire::PageResult() : Results().back();
  }

 private:
  bool registered_ = false;
  int pages_ = 0;
};

TEST_F(ParserDirectivesTest, ALinkThatSaysNofollowIsLeftOut) {
  const wire::PageResult result = Read("<a href=/a rel='me NoFollow'>a</a><a href=/b>b</a><a href=/c rel=ugc>c</a>");
  EXPECT_THAT(LinksOf(result), ElementsAre("https://a.example/b", "https://a.example/c"));
  EXPECT_EQ(result.note(), "nofollow-links:1");
}

TEST_F(ParserDirectivesTest, TheResultTellsWhatTheTextIsLike) {
  const std::string text = "<p>Some words that stand on this page and on no other one";
  const uint64_t sketch = Read(text).sim_hash();
  EXPECT_NE(sketch, 0u);
  EXPECT_EQ(Read("<title>page 2</title>" + text).sim_hash(), sketch);
  EXPECT_NE(Read("<p>Quite another text, of which not a single pair is found above").sim_hash(), sketch);
  EXPECT_EQ(Read("").sim_hash(), 0u);
}

TEST_F(ParserDirectivesTest, AUrlThatAnotherLinkNamesWithoutNofollowIsSent) {
  EXPECT_THAT(LinksOf(Read("<a href=/a rel=nofollow>a</a><a href=/a>a</a>")), ElementsAre("https://a.example/a"));
}

TEST_F(ParserDirectivesTest, OfAPageThatSaysNofollowNoLinkIsSent) {
  for (const char* name : {"robots", "WEFT"}) {
    const wire::PageResult result = Read(fmt::format("<meta name={} content='index, nofollow'><a href=/a>a</a>", name));
    EXPECT_THAT(LinksOf(result), IsEmpty()) << name;
    EXPECT_EQ(result.note(), "nofollow");
  }
  EXPECT_THAT(LinksOf(Read("<a href=/b>b</a>", "X-Robots-Tag: weft: nofollow\r\n")), IsEmpty());
}

TEST_F(ParserDirectivesTest, WhatIsSaidToAnotherRobotIsNotForUs) {
  EXPECT_THAT(LinksOf(Read("<meta name=otherbot content=none><a href=/a>a</a>", "X-Robots-Tag: otherbot: nofollow\r\n")),
              ElementsAre("https://a.example/a"));
}

TEST_F(ParserDirectivesTest, NoindexIsNotedAndItsLinksAreFollowed) {
  const wire::PageResult result = Read("<meta name=robots content=noindex><a href=/a>a</a>");
  EXPECT_THAT(LinksOf(result), ElementsAre("https://a.example/a"));
  EXPECT_EQ(result.note(), "noindex");
  EXPECT_EQ(result.payload_bytes(), 0u + std::string("<meta name=robots content=noindex><a href=/a>a</a>").size());
  EXPECT_EQ(Read("x", "X-Robots-Tag: none\r\n").note(), "noindex,nofollow");
}

TEST_F(ParserDirectivesTest, AMomentHasPassedWhenItLiesBeforeThatOfFetching) {
  EXPECT_EQ(Read("x", "X-Robots-Tag: unavailable_after: 25 Jun 2010 15:00:00 PST\r\n").note(), "noindex");
  EXPECT_EQ(Read("x", "X-Robots-Tag: unavailable_after: 25 Jun 2021 15:00:00 PST\r\n").note(), "");
}

TEST_F(ParserDirectivesTest, ARedirectIsFollowedWhateverItSays) {
  const wire::PageResult result = Read("", "X-Robots-Tag: none\r\nLocation: /there\r\n", 301);
  EXPECT_EQ(result.redirect().url(), "https://a.example/there");
  EXPECT_EQ(result.note(), "");
}

TEST_F(ParserDirectivesTest, WhoIgnoresRobotsIgnoresThemToo) {
  settings_.set_ignore_robots(true);
  const wire::PageResult result = Read("<meta name=robots content=none><a href=/a rel=nofollow>a</a>", "X-Robots-Tag: none\r\n");
  EXPECT_THAT(LinksOf(result), ElementsAre("https://a.example/a"));
  EXPECT_EQ(result.note(), "");
}

TEST_F(ParserDirectivesTest, WhoIgnoresNofollowStillNotesNoindex) {
  settings_.set_nofollow("ignore");
  const wire::PageResult result = Read("<meta name=robots content=none><a href=/a rel=nofollow>a</a>");
  EXPECT_THAT(LinksOf(result), ElementsAre("https://a.example/a"));
  EXPECT_EQ(result.note(), "noindex");
}

TEST_F(ParserDirectivesTest, ASitemapIsReadWhateverItAsks) {
  EXPECT_THAT(LinksOf(Read(Urlset("<url><loc>https://a.example/x</loc></url>"), "X-Robots-Tag: noindex, nofollow\r\n")), IsEmpty())
      << "called HTML, and no sitemap";
  Register();
  wire::Page page = Page("https://a.example/s.xml", "Content-Type: text/xml\r\nX-Robots-Tag: noindex, nofollow\r\n");
  page.mutable_ticket()->set_sitemap_level(1);
  SendPage(std::move(page), Urlset("<url><loc>https://a.example/x</loc></url>"));
  Work();
  EXPECT_THAT(LinksOf(Results().back()), ElementsAre("https://a.example/x"));
}

}  // namespace
}  // namespace weft::test
