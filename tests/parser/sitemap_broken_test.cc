// Sitemaps that are broken, or made to hurt.
#include <fmt/format.h>
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

std::string Repeat(std::string_view piece, size_t times) {
  std::string out;
  out.reserve(piece.size() * times);
  for (size_t i = 0; i < times; ++i) out += piece;
  return out;
}

TEST(BrokenSitemap, RawAmpersandsAreTakenAsTheyStand) {
  const SitemapFile file = ReadSitemapText(Urlset(
      "<url><loc>http://e.test/0</loc></url><url><loc>http://e.test/1?a=1&b=2&amp;c=3</loc><lastmod>2020</lastmod></url>"
      "<url><loc>http://e.test/2?x&y</loc></url>"));
  EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/0", "http://e.test/1?a=1&b=2&c=3", "http://e.test/2?x&y"));
  EXPECT_EQ(file.urls[1].lastmod, "2020");
  EXPECT_TRUE(file.salvaged);
}

TEST(BrokenSitemap, AnUndeclaredEntityCostsItsEntryAlone) {
  const SitemapFile file = ReadSitemapText(Urlset(
      "<url><loc>http://e.test/0</loc></url><url><loc>http://e.test/&nbsp;1</loc></url><url><loc>http://e.test/2</loc></url>"));
  EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/0", "http://e.test/2"));
  EXPECT_GE(file.error_count, 1U);
}

TEST(BrokenSitemap, AFileThatBreaksOffKeepsItsCompleteEntries) {
  const std::string whole = Urlset("<url><loc>http://e.test/0</loc></url><url><loc>http://e.test/1</loc><lastmod>2020</lastmod></url>");
  const size_t in_second_loc = whole.find("/1<") + 1;
  EXPECT_THAT(Addresses(ReadSitemapText(whole.substr(0, in_second_loc)).urls), ElementsAre("http://e.test/0"));
  const size_t behind_second_loc = whole.find("<lastmod>") + 12;
  EXPECT_THAT(Addresses(ReadSitemapText(whole.substr(0, behind_second_loc)).urls), ElementsAre("http://e.test/0", "http://e.test/1"));
  // Wherever it breaks off.
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_LE(ReadSitemapText(whole.substr(0, size)).urls.size(), 2U);
}

TEST(BrokenSitemap, AGzipThatBreaksOffKeepsWhatCameBefore) {
  std::string body = "<urlset>";
  for (int i = 0; i < 2000; ++i) body += fmt::format("<url><loc>http://e.test/{}</loc></url>", i * 7919 % 100003);
  const std::string packed = test::Gzip(body + "</urlset>");
  const SitemapFile file = ReadSitemapText(packed.substr(0, packed.size() / 2));
  EXPECT_GT(file.urls.size(), 500U);
  EXPECT_LT(file.urls.size(), 2000U);
  EXPECT_GE(file.error_count, 1U);
}

TEST(BrokenSitemap, MissingEndTagsDoNotSwallowTheNextEntry) {
  const SitemapFile file = ReadSitemapText("<urlset><url><loc>http://e.test/0<lastmod>2020</url><url><loc>http://e.test/1</loc>"
                                           "<url><loc>http://e.test/2</loc></url></urlset>");
  EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/0", "http://e.test/1", "http://e.test/2"));
}

TEST(BrokenSitemap, NothingIsReadTwiceAroundAFault) {
  const SitemapFile file = ReadSitemapText(
      "<urlset><url><loc>http://e.test/0</loc></url><url><loc>http://e.test/1</loc><loc>http://e.test/2</loc><x></url>"
      "<url><loc>http://e.test/3</loc></url>");
  EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/0", "http://e.test/1", "http://e.test/2", "http://e.test/3"));
}

TEST(BrokenSitemap, ControlBytesAndWarningsBeforeTheMarkup) {
  EXPECT_THAT(Addresses(ReadSitemapText("Warning: foo in bar.php on line 3\n" + Urlset("<url><loc>http://e.test/0</loc></url>")).urls),
              ElementsAre("http://e.test/0"));
  EXPECT_THAT(Addresses(ReadSitemapText(Urlset("<url><loc>http://e.test/0</loc><x>\x01\xFF</x></url>")).urls),
              ElementsAre("http://e.test/0"));
}

TEST(BrokenSitemap, TheTolerantScanKnowsCdataCommentsAndAttributes) {
  const SitemapFile file = ReadSitemapText(
      "<urlset a=b><!-- <url><loc>http://e.test/no</loc></url> --><url><loc>http://e.test/<![CDATA[1&2]]></loc>"
      "<xhtml:link rel=alternate rel='alternate' href=\"http://e.test/de?a&amp;b\" /></url>"
      "<url><loc>http://e.test/&#50;&#x33;</loc></url></urlset>");
  ASSERT_THAT(Addresses(file.urls), ElementsAre("http://e.test/1&2", "http://e.test/23"));
  ASSERT_EQ(file.urls[0].alternates.size(), 1U);
  EXPECT_EQ(file.urls[0].alternates[0].href(), "http://e.test/de?a&b");
}

TEST(HostileSitemap, EntitiesAreRefusedAndTheRestIsRead) {
  const SitemapFile file = ReadSitemapText(
      "<?xml version='1.0'?><!DOCTYPE urlset [<!ENTITY a 'http://e.test/a'><!ENTITY b '&a;&a;&a;&a;'>"
      "<!ENTITY x SYSTEM 'file:///etc/hostname'>]><urlset><url><loc>http://e.test/0</loc></url>"
      "<url><loc>&a;</loc></url><url><loc>http://e.test/&x;</loc></url><url><loc>&b;</loc></url></urlset>");
  EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/0"));
  ASSERT_FALSE(file.errors.empty());
  EXPECT_THAT(file.errors[0], testing::HasSubstr("entities are refused"));
}

TEST(HostileSitemap, AnExternalDocumentTypeIsNotFetchedAndItsEntitiesAreUnknown) {
  const SitemapFile file = ReadSitemapText(
      "<!DOCTYPE rss PUBLIC '-//Netscape//DTD RSS 0.91//EN' 'file:///etc/hostname'><rss><channel>"
      "<item><link>http://e.test/0</link></item><item><link>http://e.test/&eacute;</link></item></channel></rss>");
  EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/0"));
}

TEST(HostileSitemap, InflatedBytesAreCapped) {
  // A run of blanks packs a thousandfold: the ratio ends it, long before the size would.
  const std::string bomb = test::Gzip(Urlset("<url><loc>http://e.test/0</loc></url>" + std::string(40 << 20, ' ')));
  const SitemapFile file = ReadSitemapText(bomb);
  EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/0"));
  EXPECT_TRUE(file.cut);
  const SitemapFile twice = ReadSitemapText(test::Gzip(bomb));
  EXPECT_TRUE(twice.cut);
}

TEST(HostileSitemap, BytesBeyondTheLimitAreNotRead) {
  std::string body = "<urlset><url><loc>http://e.test/0</loc></url><!--" + std::string(kMaxSitemapBytes, 'x') +
                     "--><url><loc>http://e.test/1</loc></url></urlset>";
  const SitemapFile file = ReadSitemapText(body);
  EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/0"));
  EXPECT_TRUE(file.cut);
}

TEST(HostileSitemap, UrlsOfAFileAreCapped) {
  const std::string entry = "<url><loc>/a</loc></url>";
  const SitemapFile file = ReadSitemapText("<urlset>" + Repeat(entry, kMaxSitemapUrls + 10) + "</urlset>");
  EXPECT_EQ(file.urls.size(), kMaxSitemapUrls);
  EXPECT_TRUE(file.cut);
  EXPECT_FALSE(file.salvaged);
}

TEST(HostileSitemap, ResolvedBytesAreCapped) {
  const std::string base = "http://e.test/" + std::string(8000, 'd') + "/sitemap.xml";
  const SitemapFile file = ReadSitemapText("<urlset>" + Repeat("<url><loc>a</loc></url>", 20'000) + "</urlset>", "", base);
  EXPECT_LT(file.urls.size(), 4300U);
  EXPECT_TRUE(file.cut);
}

TEST(HostileSitemap, DepthErrorsAndTextAreCapped) {
  EXPECT_THAT(ReadSitemapText("<urlset>" + Repeat("<a>", 100'000) + "<url><loc>http://e.test/0</loc></url>").urls, IsEmpty());
  const SitemapFile bad = ReadSitemapText("<urlset>" + Repeat("<url><loc>ftp:x</loc></url>", 1000) + "</urlset>");
  EXPECT_EQ(bad.error_count, 1000U);
  EXPECT_EQ(bad.errors.size(), kMaxSitemapErrors);
  const SitemapFile lengthy = ReadSitemapText("<urlset><url><loc>http://e.test/" + std::string(1 << 20, 'a') +
                                              "</loc></url><url><loc>http://e.test/0</loc></url></urlset>");
  EXPECT_THAT(Addresses(lengthy.urls), ElementsAre("http://e.test/0"));
}

TEST(HostileSitemap, ManyDistinctNamesFallBackToTheScanThatKeepsNone) {
  std::string body = "<urlset>";
  for (int i = 0; i < 200'000; ++i) body += fmt::format("<n{}/>", i);
  const SitemapFile file = ReadSitemapText(body + "<url><loc>http://e.test/0</loc></url></urlset>");
  EXPECT_THAT(Addresses(file.urls), ElementsAre("http://e.test/0"));
  EXPECT_TRUE(file.salvaged);
}

// Each of these made some parser or other quadratic; with 2 MB a quadratic one would not come back.
TEST(HostileSitemap, RepeatedFragmentsTakeLinearTime) {
  for (const char* piece : {"<![CDATA[", "<!--", "<?", "<!", "<!DOCTYPE a [", "<url a=\"", "<url a='", "</url", "<url", "<", "&", "&a;",
                            "<url><loc>", "<sitemap><loc>x", "]]>", "<a b='\"'", "]>", "\xC2\xA0"}) {
    ReadSitemapText("<urlset>&" + Repeat(piece, (2 << 20) / std::string_view(piece).size()));
  }
  const std::string attribute = "<urlset a='" + std::string(4 << 20, 'x') + "'><url><loc>http://e.test/0</loc></url></urlset>";
  EXPECT_THAT(Addresses(ReadSitemapText(attribute).urls), ElementsAre("http://e.test/0"));
}

}  // namespace
}  // namespace weft
