#include "parser/sitemap_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/parser/sitemap_reading.h"

namespace weft {
namespace {

using test::Addresses;
using test::ReadSitemapText;
using test::Urlset;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(SitemapReader, AnEntryBringsItsFields) {
  const SitemapFile file = ReadSitemapText(
      Urlset("<url><loc>http://e.test/a?x=1&amp;y=2</loc><lastmod>2024-05-06</lastmod><priority>0.7</priority></url>"));
  EXPECT_EQ(file.kind, SitemapKind::kUrlset);
  ASSERT_THAT(Addresses(file.urls), ElementsAre("http://e.test/a?x=1&y=2"));
  EXPECT_EQ(file.urls[0].lastmod, "2024-05-06");
  EXPECT_EQ(absl::ToUnixSeconds(file.urls[0].lastmod_time.value()), 1714953600);
  EXPECT_EQ(file.urls[0].priority, 0.7);
  EXPECT_EQ(file.error_count, 0U);
  EXPECT_FALSE(file.salvaged);
}

TEST(SitemapReader, AnIndexNamesSitemapsAndNoPages) {
  const SitemapFile file = ReadSitemapText(
      "<sitemapindex><sitemap><loc>https://e.test/a.xml.gz</loc></sitemap><sitemap><loc>b.xml</loc></sitemap></sitemapindex>");
  EXPECT_EQ(file.kind, SitemapKind::kIndex);
  EXPECT_THAT(file.urls, IsEmpty());
  EXPECT_THAT(Addresses(file.sitemaps), ElementsAre("https://e.test/a.xml.gz", "http://e.test/maps/b.xml"));
  EXPECT_EQ(file.relative, 1U);
}

TEST(SitemapReader, PrefixesAreIgnoredButAFieldNeedsItsEntrysOwn) {
  const SitemapFile file = ReadSitemapText(
      "<sm:urlset><sm:url><image:loc>http://e.test/i1.png</image:loc><image:image><image:loc>http://e.test/i2.png</image:loc>"
      "</image:image><sm:loc>http://e.test/p</sm:loc></sm:url></sm:urlset>");
  EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/p"));
}

TEST(SitemapReader, LanguagesArePartOfTheirEntry) {
  const SitemapFile file = ReadSitemapText(Urlset(
      "<url><loc>http://e.test/en</loc><xhtml:link rel='alternate' hreflang='de' href='http://e.test/de?a&amp;b'/>"
      "<xhtml:link rel='stylesheet' href='http://e.test/css'/></url>"));
  ASSERT_EQ(file.urls.size(), 1U);
  ASSERT_EQ(file.urls[0].alternates.size(), 1U);
  EXPECT_EQ(file.urls[0].alternates[0].href(), "http://e.test/de?a&b");
}

TEST(SitemapReader, TwoLocsInOneEntryAreTwoEntriesAndLastmodBelongsToTheOneBeforeIt) {
  const SitemapFile file = ReadSitemapText(
      "<sitemapindex><sitemap><loc>http://e.test/1</loc><lastmod>2004</lastmod><loc>http://e.test/2</loc></sitemap></sitemapindex>");
  ASSERT_THAT(Addresses(file.sitemaps), ElementsAre("http://e.test/1", "http://e.test/2"));
  EXPECT_EQ(file.sitemaps[0].lastmod, "2004");
  EXPECT_EQ(file.sitemaps[1].lastmod, "");
}

TEST(SitemapReader, UnicodeSpacesAroundAUrlGo) {
  const SitemapFile file = ReadSitemapText(Urlset("<url><loc>\n \xC2\xA0http://e.test/a\xE2\x80\x83\xEF\xBB\xBF\t</loc></url>"));
  EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/a"));
}

TEST(SitemapReader, WhatIsNoHttpUrlIsAnError) {
  const SitemapFile file = ReadSitemapText(Urlset(
      "<url><loc>mailto:a@e.test</loc></url><url><loc>http://</loc></url><url><loc>http://e.test/ok</loc></url>"));
  EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/ok"));
  EXPECT_EQ(file.error_count, 2U);
}

TEST(SitemapReader, ALastmodInTheFutureIsNoHint) {
  const Url url = Url::Parse("http://e.test/sitemap.xml").value();
  const std::string body = Urlset("<url><loc>http://e.test/a</loc><lastmod>2031-01-01</lastmod></url>");
  SitemapInput input;
  input.body = body;
  input.url = &url;
  input.now = absl::FromUnixSeconds(1'700'000'000);
  const SitemapFile file = ReadSitemap(input);
  ASSERT_EQ(file.urls.size(), 1U);
  EXPECT_EQ(file.urls[0].lastmod, "2031-01-01");
  EXPECT_FALSE(file.urls[0].lastmod_time.has_value());
}

TEST(SitemapReader, TextHasAUrlALine) {
  const SitemapFile file = ReadSitemapText("\xEF\xBB\xBFhttp://e.test/1\r\n\r\n# note\r\n HTTPS://e.test/2 \rhttp://e.test/3");
  EXPECT_EQ(file.kind, SitemapKind::kText);
  EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/1", "https://e.test/2", "http://e.test/3"));
  EXPECT_EQ(file.error_count, 1U);
}

TEST(SitemapReader, RssItemsGiveTheirLinkOrTheirPermanentGuid) {
  const SitemapFile file = ReadSitemapText(
      "<rss version='2.0'><channel><link>http://e.test/</link><image><link>http://e.test/logo</link></image>"
      "<item><link>http://e.test/1</link><guid>http://e.test/?p=1</guid><pubDate>Thu, 05 Jan 17 13:34:52 +0100</pubDate></item>"
      "<item><guid>http://e.test/2</guid></item><item><guid isPermaLink='false'>http://e.test/3</guid></item>"
      "<item><atom:link href='http://e.test/self'/><guid>urn:4</guid></item></channel></rss>");
  EXPECT_EQ(file.kind, SitemapKind::kRss);
  ASSERT_THAT(Addresses(file.urls), ElementsAre("http://e.test/1", "http://e.test/2"));
  EXPECT_EQ(absl::ToUnixSeconds(file.urls[0].lastmod_time.value()), 1483619692);
}

TEST(SitemapReader, AnAtomEntryIsItsFirstAlternateLink) {
  const SitemapFile file = ReadSitemapText(
      "<feed xmlns='http://www.w3.org/2005/Atom'><link href='http://e.test/'/><entry><link rel='self' href='http://e.test/s'/>"
      "<link rel='alternate' href='/1'/><link href='http://e.test/1b'/><updated>2003-12-13T18:30:02Z</updated></entry></feed>");
  EXPECT_EQ(file.kind, SitemapKind::kAtom);
  ASSERT_THAT(Addresses(file.urls), ElementsAre("http://e.test/1"));
  EXPECT_EQ(absl::ToUnixSeconds(file.urls[0].lastmod_time.value()), 1071340202);
}

TEST(SitemapReader, RdfItemsAreReadAndChannelAndImageAreNot) {
  const SitemapFile file = ReadSitemapText(
      "<rdf:RDF><channel><link>http://e.test/c</link></channel><image><link>http://e.test/i</link></image>"
      "<item><link>http://e.test/1</link><dc:date>2020-01-02T03:04Z</dc:date></item></rdf:RDF>");
  EXPECT_EQ(file.kind, SitemapKind::kRdf);
  ASSERT_THAT(Addresses(file.urls), ElementsAre("http://e.test/1"));
  EXPECT_TRUE(file.urls[0].lastmod_time.has_value());
}

TEST(SitemapReader, OtherMarkupIsNoSitemap) {
  for (const char* body : {"<!doctype html><html><body><a href='http://e.test/x'>x</a><url><loc>http://e.test/y</loc></url></html>",
                           "just words", "", "\x1f\x8b", "<", "{\"loc\": \"http://e.test/\"}"}) {
    const SitemapFile file = ReadSitemapText(body);
    EXPECT_EQ(file.kind, SitemapKind::kUnknown) << body;
    EXPECT_THAT(file.urls, IsEmpty()) << body;
  }
}

TEST(SitemapReader, OneOrTwoLayersOfGzipAreUndoneWhateverTheTypeSays) {
  const std::string body = Urlset("<url><loc>http://e.test/a</loc></url>");
  for (const std::string& packed : {test::Gzip(body), test::Gzip(test::Gzip(body))}) {
    const SitemapFile file = ReadSitemapText(packed, "text/html; charset=utf-8");
    EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/a"));
    EXPECT_EQ(file.error_count, 0U);
  }
  EXPECT_EQ(ReadSitemapText(test::Gzip(test::Gzip(test::Gzip(body)))).kind, SitemapKind::kUnknown);
}

TEST(SitemapReader, OtherEncodingsAreConverted) {
  const std::string latin = "<?xml version='1.0' encoding='ISO-8859-1'?><urlset><url><loc>http://e.test/\xE9</loc></url></urlset>";
  EXPECT_THAT(Addresses(ReadSitemapText(latin).urls), ElementsAre("http://e.test/%C3%A9"));
  std::string wide = "\xFF\xFE";
  for (const char c : std::string_view("<urlset><url><loc>http://e.test/w</loc></url></urlset>")) wide += {c, '\0'};
  EXPECT_THAT(Addresses(ReadSitemapText(wide).urls), ElementsAre("http://e.test/w"));
}

TEST(SitemapReader, AnUnknownBodyIsRecognisedByItsFirstElement) {
  EXPECT_TRUE(LooksLikeSitemap(Urlset("")));
  EXPECT_TRUE(LooksLikeSitemap(test::Gzip("\n<?xml version='1.0'?><!-- <html> --><s:sitemapindex>" + std::string(9000, ' '))));
  EXPECT_FALSE(LooksLikeSitemap("<rss><channel/></rss>"));
  EXPECT_FALSE(LooksLikeSitemap("<html><urlset/></html>"));
  EXPECT_FALSE(LooksLikeSitemap("http://e.test/a\n"));
  EXPECT_FALSE(LooksLikeSitemap(""));
  EXPECT_FALSE(LooksLikeSitemap("<!--"));
}

}  // namespace
}  // namespace weft
