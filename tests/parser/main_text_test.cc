#include "parser/gumbo_main_text.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/parser/extraction.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::HasSubstr;
using ::testing::Not;

std::string MainOf(std::string_view html, bool main_text = true) {
  const Url url = UrlOf(kPageUrl);
  return NewGumboExtractor()
      ->Extract({.html = html, .url = &url, .content_type = "text/html; charset=utf-8", .want_text = true, .main_text = main_text})
      .text;
}

const std::string kParagraph = "Somebody wrote this paragraph for people who read it from its first to its last word, and it is long.";

TEST(MainText, ParagraphsStayAndMenusGo) {
  const std::string text = MainOf("<div><a href=/>Home</a> <a href=/x>Products</a></div><p>" + kParagraph + "</p><p>" + kParagraph +
                                  "</p><div><a href=/terms>Terms of use</a></div>");
  EXPECT_EQ(text, kParagraph + "\n" + kParagraph);
}

TEST(MainText, WhatIsNavigationByNameIsLeftOut) {
  for (const char* element : {"nav", "aside", "footer", "header", "div role=navigation", "div role=contentinfo"}) {
    const std::string text = MainOf(fmt::format("<{}>{} aside</{}><p>{} within", element, kParagraph, std::string_view(element).substr(0, 3) == "div" ? "div" : element, kParagraph));
    EXPECT_EQ(text, kParagraph + " within") << element;
  }
}

// Some sites wrap all of a page in one.
TEST(MainText, WhatIsInAFormMayBeContent) { EXPECT_EQ(MainOf("<form><p>" + kParagraph + "</form>"), kParagraph); }

TEST(MainText, AHeaderWithinTheArticleIsContent) {
  EXPECT_THAT(MainOf("<header>" + kParagraph + "one</header><article><header>" + kParagraph + "two</header><p>" + kParagraph + "</article>"),
              ::testing::AllOf(Not(HasSubstr("one")), HasSubstr("two")));
}

TEST(MainText, OfAPageWithAMainElementOnlyThatIsRead) {
  const std::string outside = "<p>" + kParagraph + " outside</p>";
  EXPECT_EQ(MainOf(outside + "<main><p>" + kParagraph + "</p></main>" + outside), kParagraph);
  EXPECT_EQ(MainOf(outside + "<div role=main><p>" + kParagraph + "</p></div>"), kParagraph);
  EXPECT_EQ(MainOf(outside + "<article><p>" + kParagraph + "</p></article>"), kParagraph);
  EXPECT_THAT(MainOf(outside + "<article><p>" + kParagraph + "</p></article><article><p>x</p></article>"), HasSubstr("outside"));
}

TEST(MainText, HeadingsStayWithWhatFollows) {
  EXPECT_EQ(MainOf("<h1>Title</h1><h2>First</h2><p>" + kParagraph + "</p><h2>Links</h2><p><a href=/>a</a> <a href=/>b</a></p>"),
            "Title\nFirst\n" + kParagraph);
}

// As PostgreSQL's reference pages have it.
TEST(MainText, AShortLineUnderTheHeadlineStays) {
  EXPECT_EQ(MainOf("<h2>ABORT</h2><p>ABORT -- abort the transaction</p><h2>Synopsis</h2><pre>ABORT</pre><h2>Description</h2><p>" + kParagraph),
            "ABORT\nABORT -- abort the transaction\nSynopsis\nABORT\nDescription\n" + kParagraph);
  EXPECT_EQ(MainOf("<h1>A</h1><p>" + kParagraph + "<h2>More of it</h2><p>not this one</p>"), "A\n" + kParagraph) << "not under others";
  EXPECT_EQ(MainOf("<h1>A</h1><p><a href=x>one two three</a></p><p>" + kParagraph + "<p>" + kParagraph),
            "A\n" + kParagraph + "\n" + kParagraph) << "a menu";
  EXPECT_EQ(MainOf("<h1>A</h1><p>nothing but this</p>"), "") << "nothing is content";
}

TEST(MainText, ProgramsAreContent) {
  EXPECT_EQ(MainOf("<p>" + kParagraph + "</p><pre>int <b>x</b>;\n<span>y</span></pre>"), kParagraph + "\nint x; y");
}

TEST(MainText, ShortBlocksStayBetweenLongOnes) {
  EXPECT_EQ(MainOf("<p>" + kParagraph + "</p><p>And so on.</p><p>" + kParagraph + "</p>"), kParagraph + "\nAnd so on.\n" + kParagraph);
}

TEST(MainText, AnyDepthIsReadWithoutRecursion) {
  std::string html;
  for (int i = 0; i < 300; ++i) html += "<div><b>";
  EXPECT_EQ(MainOf(html + kParagraph), kParagraph);
  EXPECT_EQ(MainOf(""), "");
}

// Of real sites: how much is kept, and that what a page is about is.
TEST(MainText, OnACorpus) {
  const char* corpus = std::getenv("WEFT_HTML_CORPUS");
  if (corpus == nullptr) GTEST_SKIP() << "WEFT_HTML_CORPUS names no directory of HTML pages";
  size_t pages = 0, all = 0, kept = 0, empty = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(corpus)) {
    const std::string name = entry.path().extension().string();
    if (!entry.is_regular_file() || (name != ".html" && name != ".htm")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string html((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const std::string text = MainOf(html);
    ++pages;
    all += MainOf(html, false).size();
    kept += text.size();
    empty += text.empty() ? 1 : 0;
    if (pages == 2000) break;
  }
  std::cout << fmt::format("{} pages, {} bytes of text, {} of main text ({:.0f}%), none in {} pages\n", pages, all, kept,
                           100.0 * static_cast<double>(kept) / static_cast<double>(all), empty);
  EXPECT_GT(pages, 0u);
  EXPECT_GT(kept, 0u);
  EXPECT_LT(kept, all);
}

}  // namespace
}  // namespace weft
