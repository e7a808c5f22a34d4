// Documents made to hurt the tree builder. What is checked is counted work, memory and output, never wall time.
#include <pthread.h>

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parser/bounded_gumbo.h"
#include "parser/html_prescan.h"
#include "tests/parser/extraction.h"
#include "tests/parser/extractor_answers.h"

namespace weft {
namespace {

using test::ExtractFrom;
using test::Repeat;

std::string Attributes(std::string_view tag, size_t count) {
  std::string out = fmt::format("<{}", tag);
  for (size_t i = 0; i < count; ++i) out += fmt::format(" a{}=1", i);
  return out + ">";
}

constexpr std::string_view kLink = "<a href=/found>x</a>";

class RefusedByThePrescan : public ::testing::TestWithParam<std::pair<std::string, PrescanVerdict>> {};

TEST_P(RefusedByThePrescan, AndItsLinksAreFoundAllTheSame) {
  const std::string html = std::string(kLink) + GetParam().first;
  EXPECT_EQ(PrescanHtml(html), GetParam().second);
  const ExtractedPage page = ExtractFrom(html);
  EXPECT_TRUE(page.linear_scan);
  ASSERT_FALSE(page.links.empty());
  EXPECT_EQ(page.links[0].url.href(), "http://example.com/found");
}

INSTANTIATE_TEST_SUITE_P(
    Html, RefusedByThePrescan,
    ::testing::Values(std::pair(Repeat("<div>", 10'000), PrescanVerdict::kTooDeep),
                      std::pair(Repeat("<div>", 20'000), PrescanVerdict::kTooDeep),
                      std::pair(Repeat("<div>", 40'000), PrescanVerdict::kTooDeep),
                      std::pair(Repeat("<span>", 400'000), PrescanVerdict::kTooDeep),
                      std::pair(Repeat("<span>", 5'000), PrescanVerdict::kTooDeep),
                      std::pair(Repeat("<a><b><i>", 8'000), PrescanVerdict::kTooDeep),
                      std::pair(Attributes("p", 20'000), PrescanVerdict::kTooManyAttributes),
                      std::pair(Repeat("<html x>", 1'000), PrescanVerdict::kTooManyMerges),
                      std::pair(Repeat("<p>text", 1'300'000), PrescanVerdict::kTooLarge)));

// The estimate can be fooled: end tags that the tree builder ignores, markup that the pre-scan takes for raw text,
// attributes below the limit on elements that pile up. The bound inside the tree builder holds.
class SlipsThroughThePrescan : public ::testing::TestWithParam<std::string> {};

TEST_P(SlipsThroughThePrescan, AndIsStoppedWithinItsBounds) {
  const std::string html = std::string(kLink) + GetParam();
  ASSERT_EQ(PrescanHtml(html), PrescanVerdict::kTree);
  BoundedGumbo gumbo;
  EXPECT_EQ(gumbo.Parse(html), nullptr);
  // The last charge may overshoot by one allocation's worth of depth.
  EXPECT_LT(gumbo.work(), 2 * TreeWorkLimit(html.size()));
  const ExtractedPage page = ExtractFrom(html);
  EXPECT_TRUE(page.linear_scan);
  ASSERT_FALSE(page.links.empty());
}

INSTANTIATE_TEST_SUITE_P(Html, SlipsThroughThePrescan,
                         ::testing::Values(Repeat("<div><object></div></object>", 20'000),
                                           Repeat("<div><select></div></select>", 20'000),
                                           "<svg><style>" + Repeat("<g>", 20'000),
                                           Repeat(Attributes("b", 30), 10'000),
                                           Repeat("<b a=1 b=2 c=3 d=4 e=5><object></b></object>", 3'000)));

TEST(BoundedGumbo, StopsATreeThatOutgrowsItsMemory) {
  std::string html;
  for (int i = 0; i < 300; ++i) html += fmt::format("<b x={}>", i);
  html += Repeat("<p>x</p>", 30'000);  // each paragraph opens all of them again
  BoundedGumbo gumbo;
  EXPECT_EQ(gumbo.Parse(html), nullptr);
}

TEST(BoundedGumbo, KeepsLittleMemoryBetweenPages) {
  BoundedGumbo gumbo;
  ASSERT_NE(gumbo.Parse(Repeat("<p>some text</p>", 50'000)), nullptr);
  EXPECT_GT(gumbo.bytes(), 4U << 20);
  gumbo.Reset();
  EXPECT_LE(gumbo.bytes(), GumboArena::kKeptBytes);
}

TEST(BoundedGumbo, ParsesOnAfterAStoppedPage) {
  BoundedGumbo gumbo;
  EXPECT_EQ(gumbo.Parse(Repeat("<div>", 40'000)), nullptr);
  EXPECT_NE(gumbo.Parse("<p>fine"), nullptr);
}

TEST(BoundedGumbo, ChargesAnOrdinaryPageFarBelowTheLimit) {
  const std::string row = "<div class=row><ul><li><a href=x>some words</a> and more of them</li></ul></div>\n";
  const std::string html = "<html><body><div><div><div><div>" + Repeat(row, 2'000);
  BoundedGumbo gumbo;
  ASSERT_NE(gumbo.Parse(html), nullptr);
  EXPECT_LT(gumbo.work() * 5, TreeWorkLimit(html.size()));
}

TEST(HostilePage, UnclosedElementsThatCloseThemselvesAreNotDeep) {
  const ExtractedPage page = ExtractFrom("<table>" + Repeat("<tr><td><p>x<br><img src=i>", 20'000));
  EXPECT_FALSE(page.linear_scan);
}

TEST(HostilePage, SelfClosingSvgIsNotDeep) {
  EXPECT_FALSE(ExtractFrom("<svg>" + Repeat("<rect x=1 y=2 />", 20'000) + "</svg>").linear_scan);
}

TEST(HostilePage, MoreLinksThanAPageMayHaveAreCutAndSaidSo) {
  const ExtractedPage page = ExtractFrom(Repeat("<a href=x>", 150'000));
  EXPECT_EQ(page.links.size(), 100'000U);
  EXPECT_TRUE(page.links_cut);
}

TEST(HostilePage, ALongBaseDoesNotMultiplyTheOutput) {
  const std::string base = "<base href='http://h/" + std::string(8'000, 'b') + "/'>";
  const ExtractedPage page = ExtractFrom(base + Repeat("<a href></a>", 90'000));
  size_t bytes = 0;
  for (const ExtractedLink& link : page.links) bytes += link.url.href().size();
  EXPECT_LE(bytes, 33U << 20);
  EXPECT_TRUE(page.links_cut);
}

TEST(HostilePage, AnOrdinaryPageIsNotCut) { EXPECT_FALSE(ExtractFrom("<a href=x>").links_cut); }

// Runs on a stack of 256 KiB: nothing may recurse over a tree.
void OnASmallStack(const std::function<void()>& body) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 << 10);
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    (*static_cast<const std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, const_cast<std::function<void()>*>(&body)), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TEST(HostilePage, TheDeepestTreeThatIsBuiltIsSafeOnASmallStack) {
  OnASmallStack([] {
    const ExtractedPage page = ExtractFrom(Repeat("<span>", 1'000) + std::string(kLink) + std::string(200'000, 'x'));
    EXPECT_FALSE(page.linear_scan);
    EXPECT_EQ(page.links.size(), 1U);
  });
}

TEST(HostilePage, DeeperDocumentsAreSafeOnASmallStack) {
  OnASmallStack([] { EXPECT_TRUE(ExtractFrom(Repeat("<span>", 400'000)).linear_scan); });
}

// Documents that fail an assertion of gumbo 0.10.1 ("state->_text_node._buffer.length == 0" in handle_in_table).
TEST(FailedAssertion, EndsTheParseAndNotTheProcess) {
  auto tree = NewGumboExtractor();
  auto linear = NewLinearExtractor();
  for (const std::string html : {"<template><colgroup><math><mi><![CDATA[<a href=no>]]>\n",
                                 "<table><svg><foreignObject><![CDATA[<a href=no>]]>'"}) {
    BoundedGumbo gumbo;
    EXPECT_EQ(gumbo.Parse(html), nullptr) << html;
    EXPECT_EQ(test::Ask(*tree, html), test::Ask(*linear, html));
    EXPECT_NE(gumbo.Parse("<p>next</p>"), nullptr);
  }
}

}  // namespace
}  // namespace weft
