// The extractor that skips the tree where it can gives the same links and title as the one that always builds it: on broken
// HTML from seeds, and on every page below the directory that WEFT_HTML_CORPUS names.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include "tests/parser/extractor_answers.h"

namespace weft {
namespace {

using test::Answer;
using test::Ask;
using test::BrokenHtml;

uint32_t NumberOf(const char* variable, uint32_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}
uint32_t FirstSeed() { return NumberOf("WEFT_FIRST_SEED", 1); }
uint32_t Seeds() { return NumberOf("WEFT_SEEDS", 30'000); }

TEST(ExtractorAgreement, OnBrokenHtml) {
  auto tree = NewGumboExtractor();
  auto page = NewLinearExtractor();
  size_t links = 0;
  const uint32_t first = FirstSeed();
  const uint32_t seeds = Seeds();
  int unlike = 0;
  for (uint32_t seed = first; seed < first + seeds; ++seed) {
    std::string html = BrokenHtml(seed);
    const Answer expected = Ask(*tree, html);
    links += expected.links.size();
    if (test::AnswerAlike(*tree, *page, html)) continue;
    ++unlike;
    EXPECT_EQ(Ask(*page, html), expected) << "seed " << seed << ": " << html;
    EXPECT_EQ(Ask(*page, html, LinkKinds::All()), Ask(*tree, html, LinkKinds::All())) << "seed " << seed << ": " << html;
    if (unlike > 20) break;
  }
  std::cout << seeds << " documents from seed " << first << ", " << links << " links, " << unlike << " unlike\n";
  EXPECT_GT(links, seeds / 2);
}

// 13.2.5.80 keeps the control that a reference names, and the URL parser strips it at both ends (URL 4.4).
TEST(ExtractorAgreement, OnControlsRoundAReference) {
  const std::multiset<std::string> expected = {"http://example.com/dir/page.html?q=1 navigation", "http://example.com/dir/x navigation"};
  auto tree = NewGumboExtractor();
  auto page = NewLinearExtractor();
  for (int control = 1; control <= 0x20; ++control) {
    const auto links = [](const std::string& around) {
      return fmt::format("<a href=\"{0}\"></a><a href=\"{0}x{0}\"></a>", around);
    };
    const std::string encoded = links(fmt::format("&#x{:02x};", control));
    EXPECT_EQ(Ask(*page, encoded).links, expected) << encoded;
    EXPECT_EQ(Ask(*tree, encoded).links, expected) << encoded;
    // Gumbo makes U+FFFD of a control that stands in the page as it is.
    EXPECT_EQ(Ask(*page, links(std::string(1, static_cast<char>(control)))).links, expected) << control;
  }
}

TEST(ExtractorAgreement, OnACorpus) {
  const char* corpus = std::getenv("WEFT_HTML_CORPUS");
  if (corpus == nullptr) GTEST_SKIP() << "WEFT_HTML_CORPUS names no directory of HTML pages";
  auto tree = NewGumboExtractor();
  auto page = NewLinearExtractor();
  int pages = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(corpus)) {
    std::string name = entry.path().extension().string();
    if (!entry.is_regular_file() || (name != ".html" && name != ".htm")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::string html((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    ++pages;
    EXPECT_TRUE(test::AnswerAlike(*page, *tree, html)) << entry.path();
  }
  std::cout << pages << " pages\n";
  EXPECT_GT(pages, 0);
}

}  // namespace
}  // namespace weft
