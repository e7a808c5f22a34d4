// The extractor that skips the tree where it can gives the same links and title as the one that always builds it: on broken
// HTML from seeds, and on every page below the directory that WEFT_HTML_CORPUS names.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <set>

#include "parser/html_prescan.h"
#include "parser/link_extractor.h"
#include "tests/parser/extraction.h"

namespace weft {
namespace {

struct Answer {
  std::set<std::string> links;
  std::string title;
  bool operator==(const Answer&) const = default;
};

Answer Ask(LinkExtractor& extractor, const std::string& html) {
  Url url = test::UrlOf(test::kPageUrl);
  LinkExtractor::Input input;
  input.html = html;
  input.url = &url;
  input.content_type = "text/html; charset=utf-8";
  ExtractedPage page = extractor.Extract(input);
  Answer answer;
  for (const ExtractedLink& link : page.links) {
    answer.links.insert(link.url.href() + " " + std::string(LinkKindName(link.kind)) + (link.nofollow ? " nofollow" : ""));
  }
  answer.title = page.title;
  return answer;
}

// Tags in any order, closed or not.
std::string BrokenHtml(uint32_t seed) {
  static const char* const kPieces[] = {
      "<div>", "</div>", "<p>", "</p>", "<a href=x>", "<a href='y?a=1&amp;b'>", "</a>", "<b>", "</b>", "<i>", "</i>",
      "<table>", "</table>", "<tr>", "<td>", "</td>", "</tr>", "<ul>", "<li>", "</ul>", "<!-- <a href=no> -->", "text & more",
      "<br>", "</br>", "<h1>", "</h1>", "<span>", "</span>", "<title>t</title>", "<script>'<a href=no>'</script>",
      "<style><a href=no></style>", "<textarea><a href=no></textarea>", "<iframe src=f><a href=no></iframe>",
      "<area href=m>", "<base href='/b/'>", "<meta http-equiv=refresh content='1;url=r'>", "<noscript>", "</noscript>",
      "<select>", "</select>", "<template>", "</template>", "<svg>", "</svg>", "<a href=q rel=nofollow>", "<form>", "</form>",
      "<body>", "</body>", "<html>", "</html>", "<head>", "</head>", "<a name=n>", "<a href=\"z", "\">", "<!", "</>", "<a/href=s>",
      "<frameset>", "<frame src=g>", "<option>", "<caption>", "<button>", "</button>", "<nobr>", "<center>", "<pre>", "\n"};
  std::mt19937 random(seed);
  std::string html;
  for (auto left = 3 + random() % 40; left > 0; --left) html += kPieces[random() % std::size(kPieces)];
  return html;
}

TEST(ExtractorAgreement, OnBrokenHtml) {
  auto tree = NewGumboExtractor();
  auto page = NewPageExtractor();
  int plain = 0;
  for (uint32_t seed = 1; seed <= 30'000; ++seed) {
    std::string html = BrokenHtml(seed);
    if (PrescanHtml(html) == PrescanVerdict::kPlain) ++plain;
    ASSERT_EQ(Ask(*page, html), Ask(*tree, html)) << "seed " << seed << ": " << html;
  }
  std::cout << plain << " of 30000 documents needed no tree\n";
  EXPECT_GT(plain, 3000);
}

TEST(ExtractorAgreement, OnACorpus) {
  const char* corpus = std::getenv("WEFT_HTML_CORPUS");
  if (corpus == nullptr) GTEST_SKIP() << "WEFT_HTML_CORPUS names no directory of HTML pages";
  auto tree = NewGumboExtractor();
  auto page = NewPageExtractor();
  int pages = 0;
  int plain = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(corpus)) {
    std::string name = entry.path().extension().string();
    if (!entry.is_regular_file() || (name != ".html" && name != ".htm")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::string html((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    ++pages;
    if (PrescanHtml(html) == PrescanVerdict::kPlain) ++plain;
    EXPECT_EQ(Ask(*page, html), Ask(*tree, html)) << entry.path();
  }
  std::cout << pages << " pages, " << plain << " of them without a tree\n";
  EXPECT_GT(pages, 0);
}

}  // namespace
}  // namespace weft
