#include "parser/page_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/parser/extraction.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

PageFacts FactsOf(std::string_view html, std::string_view content_type = "text/html; charset=utf-8") {
  const Url url = UrlOf(kPageUrl);
  PageFacts facts;
  NewGumboExtractor()->Extract({.html = html, .url = &url, .content_type = content_type, .facts = &facts});
  return facts;
}

std::string Time(const std::optional<absl::Time>& time) {
  return time ? absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", *time, absl::UTCTimeZone()) : "none";
}

TEST(PageFacts, HeadingsInTheirOrder) {
  const PageFacts facts = FactsOf("<h1>One  <b>and</b>\nmore</h1><p>text<h3>Three &amp; </h3><h2></h2><h2>Two<script>x</script></h2>");
  EXPECT_THAT(facts.headings, ElementsAre(Pair(1, "One and more"), Pair(3, "Three &"), Pair(2, "Two")));
  EXPECT_EQ(facts.HeadingsJson(), R"([[1,"One and more"],[3,"Three &"],[2,"Two"]])");
}

TEST(PageFacts, OpenGraphKeepsRepeatsAsAList) {
  const PageFacts facts = FactsOf("<meta property=og:title content='T'><meta property='OG:Image' content=a><meta property=og:image content=b>"
                                  "<meta name=twitter:card content=summary><meta name=viewport content=x><meta property=og:empty>");
  EXPECT_EQ(facts.OpenGraphJson(), R"({"og:title":"T","og:image":["a","b"],"twitter:card":"summary"})");
}

TEST(PageFacts, JsonLdIsTakenWhereItIsJson) {
  const PageFacts facts = FactsOf("<script type='application/ld+json'>{ \"@type\": \"Article\", \"name\": \"\xc3\xa9\" }</script>"
                                  "<script type='application/ld+json'>not json</script><script>{\"a\":1}</script>"
                                  "<script type='Application/LD+JSON'>[{\"b\":1},{\"c\":2}]</script>");
  EXPECT_EQ(facts.JsonLdJson(), "[{\"@type\":\"Article\",\"name\":\"\xc3\xa9\"},{\"b\":1},{\"c\":2}]");
}

TEST(PageFacts, OfNothingThereIsNoJson) {
  const PageFacts facts = FactsOf("<p>text");
  EXPECT_EQ(facts.HeadingsJson() + facts.OpenGraphJson() + facts.JsonLdJson(), "");
  EXPECT_FALSE(facts.published || facts.modified);
}

TEST(PageFacts, DatesOfMetaElements) {
  const PageFacts facts = FactsOf("<meta property='article:published_time' content='2026-01-02T03:04:05+01:00'>"
                                  "<meta name='last-modified' content='2026-02-03'>");
  EXPECT_EQ(Time(facts.published), "2026-01-02T02:04:05Z");
  EXPECT_EQ(Time(facts.modified), "2026-02-03T00:00:00Z");
}

TEST(PageFacts, JsonLdBeatsMetaAndMetaBeatsTime) {
  const std::string time = "<article><time datetime=2026-03-03>x</time></article>";
  const std::string meta = "<meta name=date content=2026-02-02>";
  const std::string json = "<script type=application/ld+json>{\"@graph\":[{\"datePublished\":\"2026-01-01\",\"dateModified\":\"2026-01-05\"}]}</script>";
  EXPECT_EQ(Time(FactsOf(time).published), "2026-03-03T00:00:00Z");
  EXPECT_EQ(Time(FactsOf(time + meta).published), "2026-02-02T00:00:00Z");
  EXPECT_EQ(Time(FactsOf(time + meta + json).published), "2026-01-01T00:00:00Z");
  EXPECT_EQ(Time(FactsOf(time + meta + json).modified), "2026-01-05T00:00:00Z");
}

TEST(PageFacts, ATimeCountsByWhatItIsCalled) {
  EXPECT_EQ(Time(FactsOf("<time datetime=2026-01-01>event</time>").published), "none");
  EXPECT_EQ(Time(FactsOf("<article><time datetime=2026-01-01></time><time itemprop=datePublished datetime=2026-01-02></time>").published),
            "2026-01-02T00:00:00Z");
  EXPECT_EQ(Time(FactsOf("<time class='entry-date updated' datetime=2026-01-03></time>").modified), "2026-01-03T00:00:00Z");
  EXPECT_EQ(Time(FactsOf("<time pubdate datetime=2026-01-04></time>").published), "2026-01-04T00:00:00Z");
}

TEST(PageFacts, AWrongDateIsPassedOver) {
  EXPECT_EQ(Time(FactsOf("<meta name=date content='last week'><meta name=date content='2026-01-02 10:00:00'>").published),
            "2026-01-02T10:00:00Z");
  EXPECT_EQ(Time(FactsOf("<meta name=date content='2026-02-30'>").published), "none");
}

TEST(PageFacts, XhtmlHasThemToo) {
  EXPECT_THAT(FactsOf("<html xmlns='http://www.w3.org/1999/xhtml'><body><h1>A</h1></body></html>", "application/xhtml+xml").headings,
              ElementsAre(Pair(1, "A")));
}

TEST(PageFacts, WhatIsTooMuchIsLeftOut) {
  const PageFacts many = FactsOf(Repeat("<h2>x</h2>", 3000) + Repeat("<meta property=og:x content=y>", 1000));
  EXPECT_EQ(many.headings.size(), PageFacts::kMostHeadings);
  EXPECT_EQ(many.open_graph.size(), PageFacts::kMostProperties);
  const PageFacts longer = FactsOf("<h1>" + Repeat("\xc3\xa9", 5000) + "</h1>");
  EXPECT_LE(longer.headings.at(0).second.size(), PageFacts::kMostTextBytes);
  EXPECT_NE(longer.HeadingsJson().find("\xc3\xa9\"]]"), std::string::npos) << "cut between characters";
  const std::string script = "<script type=application/ld+json>";
  EXPECT_THAT(FactsOf(script + "{\"a\":\"" + std::string(600'000, 'x') + "\"}</script>").json_ld, IsEmpty());
  EXPECT_THAT(FactsOf(script + Repeat("[", 100'000) + Repeat("]", 100'000) + "</script>").json_ld, IsEmpty());
}

TEST(PageFacts, APageWhoseTreeCostsTooMuchHasNone) {
  EXPECT_THAT(FactsOf(ForceLinearScan("<h1>x</h1>")).headings, IsEmpty());
}

TEST(PageFacts, TheLinearExtractorReadsTheSame) {
  const Url url = UrlOf(kPageUrl);
  PageFacts facts;
  const ExtractedPage page = NewLinearExtractor()->Extract({.html = "<h1>x</h1><a href=/y>z</a>", .url = &url, .content_type = "", .facts = &facts});
  EXPECT_THAT(facts.headings, ElementsAre(Pair(1, "x")));
  EXPECT_EQ(page.links.size(), 1u);
}

}  // namespace
}  // namespace weft
