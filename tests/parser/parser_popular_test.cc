// --order popular in the parser: links that are not sent again are named all the same, and a sitemap's priorities go along.
#include "common/order_choice.h"
#include "tests/parser/parser_node_fixture.h"
#include "tests/parser/sitemap_reading.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class ParserPopularTest : public ParserNodeTest {
 protected:
  void Begin(const std::string& order) {
    settings_.set_order(order);
    Register();
  }
  wire::PageResult Read(const std::string& url, const std::string& body) {
    SendPage(Page(url), body);
    Work();
    return Results().empty() ? wire::PageResult() : Results().back();
  }
  static std::string KeyOf(const std::string& url) { return Fingerprinter(3).Of(url).ToBytes(); }
};

TEST_F(ParserPopularTest, WhatIsSuppressedIsNamedByItsKey) {
  Begin("popular");
  wire::PageResult first = Read("https://a.example/p1", "/1\nhttps://b.example/2\n");
  EXPECT_THAT(first.suppressed(), IsEmpty());
  AckResult(first);
  const wire::PageResult second = Read("https://a.example/p2", "/1\n/1\n/3\nhttps://b.example/2\n");
  EXPECT_THAT(LinksOf(second), ElementsAre("https://a.example/3"));
  ASSERT_THAT(second.suppressed(), SizeIs(2)) << "each once";
  EXPECT_EQ(second.suppressed(0).key(), KeyOf("https://a.example/1"));
  EXPECT_TRUE(second.suppressed(0).same_host());
  EXPECT_EQ(second.suppressed(1).key(), KeyOf("https://b.example/2"));
  EXPECT_FALSE(second.suppressed(1).same_host());
}

TEST_F(ParserPopularTest, BreadthNamesNone) {
  for (const char* order : {"", "breadth"}) {
    Begin(order);
    AckResult(Read("https://a.example/p1", "/1\n"));
    const wire::PageResult second = Read("https://a.example/p2", "/1\n");
    EXPECT_THAT(LinksOf(second), IsEmpty());
    EXPECT_THAT(second.suppressed(), IsEmpty()) << order;
  }
}

TEST_F(ParserPopularTest, NoMoreThanTheSchedulerTakes) {
  std::string links;
  for (int i = 0; i < kMaxSuppressedLinks + 50; ++i) links += fmt::format("/{}\n", i);
  options_.credit_bytes = 1 << 20;
  Make();
  Begin("popular");
  AckResult(Read("https://a.example/p1", links));
  const wire::PageResult second = Read("https://a.example/p2", links);
  EXPECT_THAT(second.links(), IsEmpty());
  EXPECT_THAT(second.suppressed(), SizeIs(kMaxSuppressedLinks));
  EXPECT_EQ(second.links_seen(), static_cast<uint32_t>(kMaxSuppressedLinks + 50));
}

TEST_F(ParserPopularTest, ASitemapsPriorityGoesAlong) {
  const std::string body = Urlset("<url><loc>https://a.example/x</loc><priority>0.8</priority></url>"
                                  "<url><loc>https://a.example/y</loc><priority>0.0</priority></url>"
                                  "<url><loc>https://a.example/z</loc></url>"
                                  "<url><loc>https://a.example/w</loc><priority>7</priority></url>");
  const auto priorities = [&](const std::string& url) {
    wire::Page page = Page(url, "Content-Type: text/xml\r\n");
    page.mutable_ticket()->set_sitemap_level(1);
    SendPage(std::move(page), body);
    Work();
    std::vector<uint32_t> found;
    const std::vector<wire::PageResult> results = Results();
    for (const wire::Link& link : results.back().links()) found.push_back(link.priority());
    return found;
  };
  Begin("popular");
  EXPECT_THAT(priorities("https://a.example/s1"), ElementsAre(81, 1, 0, 0));
  Begin("breadth");
  EXPECT_THAT(priorities("https://a.example/s2"), ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace weft::test
