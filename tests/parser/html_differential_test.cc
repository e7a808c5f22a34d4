// On sane documents the linear scan finds what the tree holds; on broken ones neither crashes, and both stay within bounds.
#include <gmock/gmock.h>

#include <iostream>
#include <random>

#include "parser/bounded_gumbo.h"
#include "parser/gumbo_walk.h"
#include "parser/linear_scan.h"
#include "tests/parser/extraction.h"

namespace weft {
namespace {

using test::Described;

struct Found {
  std::vector<std::string> links;
  std::string title;
  std::string text;
  bool operator==(const Found&) const = default;
};

Found ByTree(std::string_view html) {
  BoundedGumbo gumbo;
  const GumboOutput* tree = gumbo.Parse(html);
  if (tree == nullptr) return {{"no tree"}, "", ""};
  LinkCollector links;
  WalkedPage walked = WalkTree(*tree, true, &links);
  ExtractedPage page;
  links.Resolve(test::UrlOf(test::kPageUrl), "UTF-8", &page);
  return {Described(page.links), walked.title, walked.text};
}

Found ByScan(std::string_view html) {
  LinkCollector links;
  ScannedPage scanned = LinearScan(html, true, &links);
  ExtractedPage page;
  links.Resolve(test::UrlOf(test::kPageUrl), "UTF-8", &page);
  return {Described(page.links), scanned.title, scanned.text};
}

// Sane HTML from a seed: properly nested, links of every kind, references, raw text, comments, tables, SVG.
class SaneHtml {
 public:
  explicit SaneHtml(uint32_t seed) : random_(seed) {}

  std::string Page() {
    std::string html = Pick({"<!DOCTYPE html>", "<!doctype html PUBLIC \"-//W3C//DTD\">", ""});
    html += "<html><head><title>" + Words() + "</title>";
    if (Chance(3)) html += "<base href='" + Pick({"/b/", "http://other.example/x/y", "?z"}) + "'>";
    if (Chance(4)) html += "<meta http-equiv=\"Refresh\" content=\"3; URL='" + Reference() + "'\">";
    if (Chance(2)) html += "<style>a > b { content: '<a href=no>' }</style>";
    if (Chance(2)) html += "<script>if (a<b) { x = '<a href=no>'; }</script>";
    html += "</head><body class=c>";
    for (int i = 0; i < 6; ++i) html += Block(0);
    return html + "</body></html>";
  }

 private:
  uint32_t Next(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
  bool Chance(uint32_t one_in) { return Next(one_in) == 0; }
  std::string Pick(std::initializer_list<std::string_view> of) {
    return std::string(*(of.begin() + Next(static_cast<uint32_t>(of.size()))));
  }
  std::string Words() {
    return Pick({"plain words", "caf\xC3\xA9 &amp; more", "5 &lt; 6", "a &nbsp; b", "&#8364; &eacute;t&eacute", "x\n  y",
                 "R&D", "&notanentity; &#x1F600;", "1 < 2"});
  }
  std::string Reference() {
    return Pick({"a.html", "/root/x?q=1&amp;r=2", "../up", "?a=1&b=2&copy=3", "#f", "//h.example/p", "https://s.example/",
                 "mailto:x@y", "sp ace", "&#47;n", "", "\xC3\xBC?\xC3\xBC"});
  }
  std::string Quoted(const std::string& value) {
    const std::string quote = Pick({"\"", "'"});
    return quote + value + quote;
  }
  std::string Link() {
    const std::string rel = Pick({"", " rel=nofollow", " rel=\"me NOFOLLOW\"", " class='x > y' disabled"});
    return "<a" + rel + " href=" + Quoted(Reference()) + ">" + Words() + "</a>";
  }
  std::string Inline() {
    switch (Next(7)) {
      case 0: return Link();
      case 1: return "<b>" + Words() + " " + Link() + "</b>";
      case 2: return "<!-- <a href=no> -- -->";
      case 3: return "<img src=i.png alt='<a href=no>'><br/>";
      case 4: return "<svg viewBox='0 0 1 1'><title>t</title><a xlink:href=s><path d=m /></a></svg>";
      case 5: return "<iframe src=" + Quoted(Reference()) + "><a href=no></iframe>";
      default: return Words();
    }
  }
  std::string Block(int depth) {
    switch (depth > 3 ? 0 : Next(7)) {
      case 0: return "<p>" + Inline() + " " + Inline() + "</p>\n";
      case 1: return "<div id=d>" + Block(depth + 1) + Inline() + Block(depth + 1) + "</div>";
      case 2: return "<ul><li>" + Inline() + "<li>" + Inline() + "</ul>";
      case 3: return "<table><tbody><tr><td>" + Inline() + "</td><th>" + Block(depth + 1) + "</th></tr></tbody></table>";
      case 4: return "<map name=m><area href=" + Quoted(Reference()) + "></map><textarea><a href=no></textarea>";
      case 5: return "<noscript>" + Link() + "</noscript><template>" + Link() + "</template>";
      default: return "<h2>" + Inline() + "</h2><pre>\n" + Words() + "</pre><hr>";
    }
  }

  std::minstd_rand random_;
};

TEST(TreeAndLinearScan, AgreeOnSanePages) {
  constexpr uint32_t kFirstSeed = 20'000;
  size_t links = 0;
  for (uint32_t seed = kFirstSeed; seed < kFirstSeed + 1'500; ++seed) {
    const std::string html = SaneHtml(seed).Page();
    const Found tree = ByTree(html);
    const Found scan = ByScan(html);
    links += tree.links.size();
    ASSERT_EQ(tree.links, scan.links) << "seed " << seed << "\n" << html;
    ASSERT_EQ(tree.title, scan.title) << "seed " << seed << "\n" << html;
    ASSERT_EQ(tree.text, scan.text) << "seed " << seed << "\n" << html;
  }
  EXPECT_GT(links, 10'000U);
}

TEST(TreeAndLinearScan, AgreeOnHandwrittenPages) {
  for (const std::string_view html : {
           std::string_view("<p>old <font color=red>style<p>page <a href=1>one<br><a href=2>two"),
           std::string_view("<A HREF=\"x\">upper</A><HR><DL><DT><A HREF='y'>t</A><DD>d</DL>"),
           std::string_view("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><body><a href='x'/>y</body></html>"),
           std::string_view("text only"), std::string_view(""),
           std::string_view("<a href=1>a</a><![CDATA[ <a href=2>b</a> ]]>"),
           std::string_view("<svg><![CDATA[ <a href=2> ]]></svg><a href=3>x</a>"),
           std::string_view("<svg><foreignObject><style><a href=1></style><p><a href=2>x</a></p>"
                            "</foreignObject><style><a href=3></a></style></svg>"),
           std::string_view("<svg><p><style><a href=1></style><a href=2>x</a>"),
           std::string_view("<script><!--\n<script></script><a href=no>\n--></script><a href=2>x</a>"),
           std::string_view("<script><!--></script><a href=2>x</a>"),
           std::string_view("<textarea>\n</textareas><a href=no></textarea ><a href=2>x</a>"),
           std::string_view("<a href=1></a><plaintext><a href=no></plaintext>"),
           std::string_view("</><//><a href=1>x</a></ a><a href=2>y</a>"),
           std::string_view("a<b>c</b> 1<2 <3 <a href=1>x</a>"),
           std::string_view("<a href='&#0;&#x110000;&#xD800;&#128;&bogus;&amp&AMP;&ampx&lt=&ltx'>x</a>"),
       }) {
    EXPECT_EQ(ByTree(html).links, ByScan(html).links) << html;
    EXPECT_EQ(ByTree(html).title, ByScan(html).title) << html;
    EXPECT_EQ(ByTree(html).text, ByScan(html).text) << html;
  }
}

// Tears a page: bytes changed, pieces cut, doubled and moved, tags thrown in.
std::string Broken(std::string html, std::minstd_rand* random) {
  constexpr std::string_view kPieces[] = {
      "<table>", "</table>", "<select>", "<svg>", "<math>", "<template>", "</template>", "<b>", "</b>", "<a href=x>", "</a>",
      "<form>", "</p>", "</br>", "<frameset>", "<!--", "-->", "<script>", "<style>", "<title>", "<plaintext>",
      "<caption>", "<td>",
      "<col>", "</body>", "</html>", "<head>", "<body x=y>", "<nobr>", "<button>", "<option>", "<li>", "<h1>", "<mi>",
      "<annotation-xml encoding=text/html>", "<foreignObject>", "<desc>", "<isindex prompt=x>", "<image>", "<input type=hidden>",
      "<font color=x>", "<![CDATA[", "&", "&#", "&#x", "<a ", "='", "\"", std::string_view("\0", 1),
      "\xF0\x9F", "\xC0\x80", "\r"};
  const auto below = [random](size_t bound) { return static_cast<size_t>((*random)()) % std::max<size_t>(bound, 1); };
  for (size_t edits = 1 + below(12); edits > 0; --edits) {
    const size_t at = below(html.size());
    switch (below(4)) {
      case 0: html.insert(at, kPieces[below(std::size(kPieces))]); break;
      case 1: html.erase(at, below(40)); break;
      case 2: html.insert(below(html.size()), html.substr(at, below(200))); break;
      default:
        if (!html.empty()) html[at] = static_cast<char>(below(256));
    }
  }
  return html;
}

TEST(BrokenHtml, NeverCrashesAnExtractorInAnyEncoding) {
  constexpr uint32_t kSeed = 7;
  std::cout << "seed " << kSeed << "\n";
  std::minstd_rand random(kSeed);
  const Url url = test::UrlOf(test::kPageUrl);
  const auto extractor = NewGumboExtractor();
  constexpr std::string_view kTypes[] = {"text/html; charset=utf-8", "", "text/html; charset=shift_jis",
                                         "text/html; charset=gb18030", "text/html; charset=iso-2022-jp",
                                         "text/html; charset=utf-16"};
  for (uint32_t round = 0; round < 3'000; ++round) {
    const std::string html = Broken(SaneHtml(round).Page(), &random);
    const ExtractedPage page = extractor->Extract(
        {.html = html, .url = &url, .content_type = kTypes[round % std::size(kTypes)], .want_text = true});
    for (const ExtractedLink& link : page.links) ASSERT_TRUE(link.url.is_http()) << "round " << round;
    ASSERT_LE(page.text.size(), html.size() * 3) << "round " << round;
    ByScan(html);
  }
}

}  // namespace
}  // namespace weft
