// Sitemaps in the parser: which pages are read as one, and what becomes of them.
#include "tests/parser/parser_node_fixture.h"
#include "tests/parser/sitemap_reading.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kXml = "Content-Type: text/xml\r\n";

class ParserSitemapTest : public ParserNodeTest {
 protected:
  // What the parser reports of one page; `level`: as which it was asked for.
  wire::PageResult Read(const std::string& body, uint32_t level = 1, const std::string& fields = kXml) {
    if (!registered_) Register();
    registered_ = true;
    wire::Page page = Page(fmt::format("https://a.example/{}", ++pages_), fields);
    page.mutable_ticket()->set_sitemap_level(level);
    SendPage(std::move(page), body);
    Work();
    return Results().empty() ? wire::PageResult() : Results().back();
  }
  static std::vector<std::string> Kinds(const wire::PageResult& result) {
    std::vector<std::string> kinds;
    for (const wire::Link& link : result.links()) kinds.emplace_back(LinkKindName(static_cast<LinkKind>(link.kind())));
    return kinds;
  }

 private:
  bool registered_ = false;
  int pages_ = 0;
};

TEST_F(ParserSitemapTest, ItsUrlsAreLinksWithTheirLastmod) {
  const wire::PageResult result =
      Read(Urlset("<url><loc>https://a.example/x</loc><lastmod>2023-05-06</lastmod></url><url><loc>https://a.example/y</loc></url>"));
  ASSERT_THAT(LinksOf(result), ElementsAre("https://a.example/x", "https://a.example/y"));
  EXPECT_THAT(Kinds(result), ElementsAre("navigation", "navigation"));
  EXPECT_EQ(result.links(0).lastmod_us(), 1'683'331'200'000'000);
  EXPECT_EQ(result.links(1).lastmod_us(), 0);
  EXPECT_EQ(result.note(), "sitemap:urlset");
}

TEST_F(ParserSitemapTest, AnIndexNamesSitemaps) {
  const wire::PageResult result = Read(Gzip("<sitemapindex><sitemap><loc>https://a.example/s</loc></sitemap></sitemapindex>"));
  EXPECT_THAT(LinksOf(result), ElementsAre("https://a.example/s"));
  EXPECT_THAT(Kinds(result), ElementsAre("sitemap"));
}

TEST_F(ParserSitemapTest, ASitemapIsNamedAgainThoughItsUrlIsKnownAsAPage) {
  wire::PageResult first = Read(Urlset("<url><loc>https://a.example/s</loc></url>"));
  AckResult(first);
  EXPECT_THAT(LinksOf(Read(Urlset("<url><loc>https://a.example/s</loc></url>"))), IsEmpty());
  EXPECT_THAT(LinksOf(Read("<sitemapindex><sitemap><loc>https://a.example/s</loc></sitemap></sitemapindex>")), SizeIs(1));
}

TEST_F(ParserSitemapTest, WithRecrawlsWhatChangedWhenIsToldEachTime) {
  settings_.set_recrawl(true);
  const std::string body = Urlset("<url><loc>https://a.example/x</loc><lastmod>2023-05-06</lastmod></url>"
                                  "<url><loc>https://a.example/y</loc></url>");
  wire::PageResult first = Read(body);
  AckResult(first);
  EXPECT_THAT(LinksOf(Read(body)), ElementsAre("https://a.example/x"));
}

TEST_F(ParserSitemapTest, ValidatorsOfAPageGoOnWithTheResult) {
  const wire::PageResult result = Read("x", 0, "ETag: \"7\"\r\nLast-Modified: Sat, 21 Nov 2026 10:00:00 GMT\r\n");
  EXPECT_EQ(result.etag(), "\"7\"");
  EXPECT_EQ(result.last_modified(), "Sat, 21 Nov 2026 10:00:00 GMT");
  EXPECT_EQ(Read("x", 0, "ETag: " + std::string(300, 'x') + "\r\n").etag(), "");
  EXPECT_EQ(Read("x", 0, "ETag: \"\xe9\"\r\n").etag(), "") << "no UTF-8: the message could not be read";
}

TEST_F(ParserSitemapTest, APageThatWasOnlyCalledASitemapIsAPage) {
  EXPECT_THAT(LinksOf(Read("/1\n/2", 1, "Content-Type: text/html\r\n")),
              ElementsAre("https://a.example/1", "https://a.example/2"));
}

TEST_F(ParserSitemapTest, FeedsAndTextAreReadOnlyWhereTheyAreNamed) {
  const std::string feed = "<rss><channel><item><link>https://a.example/i</link></item></channel></rss>";
  EXPECT_THAT(LinksOf(Read(feed, 1)), ElementsAre("https://a.example/i"));
  EXPECT_THAT(LinksOf(Read(feed, 0)), IsEmpty());
  EXPECT_THAT(LinksOf(Read("https://a.example/t\n", 0, "Content-Type: text/plain\r\n")), IsEmpty());
  EXPECT_THAT(LinksOf(Read("https://a.example/t\n", 1, "Content-Type: text/plain\r\n")), ElementsAre("https://a.example/t"));
}

TEST_F(ParserSitemapTest, ASitemapThatALinkLedToIsRecognised) {
  EXPECT_THAT(LinksOf(Read(Urlset("<url><loc>https://a.example/x</loc></url>"), 0)), ElementsAre("https://a.example/x"));
}

TEST_F(ParserSitemapTest, SwitchedOffASitemapIsAFileLikeOthers) {
  settings_.add_sitemaps("off");
  EXPECT_THAT(LinksOf(Read(Urlset("<url><loc>https://a.example/x</loc></url>"), 0)), IsEmpty());
}

TEST_F(ParserSitemapTest, TheSitemapsOfRobotsGoOnWithTheResult) {
  Register();
  wire::Page page = Page("https://a.example/");
  page.add_sitemaps("https://a.example/s.xml");
  SendPage(std::move(page), "x");
  Work();
  ASSERT_THAT(Results(), SizeIs(1));
  EXPECT_THAT(Results()[0].sitemaps(), ElementsAre("https://a.example/s.xml"));
}

}  // namespace
}  // namespace weft::test
