// The tokenizer's states (HTML standard 13.2.5) and the tree builder's insertion modes (13.2.6.4), by what they do to links: each
// page is read by both extractors, which must say the same.
#include <gtest/gtest.h>

#include "tests/parser/extraction.h"

namespace weft {
namespace {


// Links below /dir/ by their last part, joined; and the title, where there is one.
std::string Read(LinkExtractor& extractor, std::string_view html) {
  const Url url = test::UrlOf(test::kPageUrl);
  const ExtractedPage page = extractor.Extract({.html = html, .url = &url, .content_type = "text/html; charset=utf-8"});
  std::string answer;
  for (const ExtractedLink& link : page.links) {
    const std::string& href = link.url.href();
    answer += fmt::format("{}{}", answer.empty() ? "" : " ", href.starts_with("http://example.com/dir/") ? href.substr(23) : href);
  }
  return page.title.empty() ? answer : fmt::format("{} [{}]", answer, page.title);
}

void Expect(std::string_view html, std::string_view answer) {
  EXPECT_EQ(Read(*NewLinearExtractor(), html), answer) << html;
  EXPECT_EQ(Read(*NewGumboExtractor(), html), answer) << "tree: " << html;
}

TEST(TokenizerState, DataAndTagOpen) {
  Expect("a < b <1 <a href=1> <%a href=no> & <a href=2>", "1 2");
  Expect("<", "");
}

TEST(TokenizerState, RcdataEndsAtItsOwnEndTag) {
  Expect("<title>a<b>&amp;</titlex></title ><a href=1>", "1 [a<b>&</titlex>]");
  Expect("<textarea></a><a href=no></TEXTAREA/><a href=1>", "1");
  Expect("<textarea><a href=no>", "");
}

TEST(TokenizerState, RawtextEndsAtItsOwnEndTag) {
  Expect("<style></b><a href=no><!-- </style --></style><a href=1>", "1");
  Expect("<xmp><a href=no></xm></xmp\t><a href=1><iframe><a href=no></iframe><noembed></xmp><a href=no></noembed><a href=2>", "1 2");
}

TEST(TokenizerState, PlaintextNeverEnds) { Expect("<a href=1></a><plaintext></plaintext><a href=no>", "1"); }

TEST(TokenizerState, EndTagOpenAndTagName) {
  Expect("<a href=1></><a href=2></ a href=no><a href=3></3><A HREF=4></A\n>", "1 2 3 4");
  Expect("<a-b href=no><a\fhref=1><a/href=2><ab href=no>", "1 2");
  Expect("<a href=1></a", "1");
}

TEST(TokenizerState, ScriptData) {
  Expect("<script><a href=no></scriptx></script/><a href=1>", "1");
  Expect("<script></SCRIPT\n><a href=1>", "1");
}

TEST(TokenizerState, ScriptDataEscapedAndDoubleEscaped) {
  Expect("<script><!-- </script><a href=1>", "1");
  Expect("<script><!-- <script> </script><a href=no> --></script><a href=1>", "1");
  Expect("<script><!-- <script> --> <a href=no></script><a href=1>", "1");
  Expect("<script><!-- <scriptx> </script><a href=1>", "1");
  Expect("<script><!--> <script> </script><a href=1>", "1");
  Expect("<script><!- <script> </script><a href=1>", "1");
  Expect("<script><!-- <script> </script> </script><a href=1>", "1");
}

TEST(TokenizerState, AttributeNames) {
  Expect("<a href=1 href=no><a HReF=2><a =href=no href=3><a href\n=\n4><a / href=5><a x/href=6><a 'href=no href=7>", "1 2 3 4 5 6 7");
  Expect("<a href>x</a><a href=1 \"='>'>", "page.html?q=1 1");
}

TEST(TokenizerState, AttributeValues) {
  Expect("<a href=\"1'>\"><a href='2\">'><a href=3\"'<=`><a href=4/><a href='5'x=y><a href= '6'>", "1'%3E 2%22%3E 3%22'%3C=%60 4/ 5 6");
  Expect("<a href=>x<a href=1>", "page.html?q=1 1");
  Expect("<a href='1", "");
  Expect("<a href='1' x", "");
}

TEST(TokenizerState, SelfClosingMeansNothingToHtml) {
  Expect("<a href=1 /><title/>t<a href=no></title><script/><a href=no></script><a href=2>", "1 2 [t<a href=no>]");
}

TEST(TokenizerState, BogusCommentAndMarkupDeclaration) {
  Expect("<?php echo '<a href=no>' ?><a href=1><!x <a href=no><a href=2><![CDATA[<a href=no>]]><a href=3><!->x<a href=4>", "1 2 3 4");
  Expect("<!doctype html PUBLIC \"<a href=no\"><a href=1>", "1");
}

TEST(TokenizerState, Comments) {
  Expect("<!--><a href=1><!---><a href=2><!----><a href=3><!--x--!><a href=4><!--x-- ><a href=no>--><a href=5>", "1 2 3 4 5");
  Expect("<!-- <!-- --><a href=1><!--x--!--><a href=2><!---!><a href=no>--><a href=3>", "1 2 3");
  Expect("<!--<a href=no>", "");
  Expect("<!-- -- --><a href=1><!--x---><a href=2>", "1 2");
}

TEST(TokenizerState, CdataIsTextInForeignContentOnly) {
  Expect("<svg><![CDATA[<a href=no>]]]]><a href=1></svg><![CDATA[x><a href=2>", "1 2");
  Expect("<svg><![CDATA[<a href=no>", "");
}

TEST(TokenizerState, CharacterReferences) {
  Expect("<a href='?a=1&copy=2&copy;&ampx&amp=&amp;&notit;&notin;&#x31;&#49&#0;'>",
         "page.html?a=1&copy=2%C2%A9&ampx&amp=&&notit;%E2%88%8911%EF%BF%BD");
  Expect("<a href='&#x110000;&#xD800;&#;&#x;&;&nosuch;'>", "%EF%BF%BD%EF%BF%BD&#;&#x;&;&nosuch;");
}

TEST(InsertionMode, InitialToAfterHead) {
  Expect(" x<a href=1><html><head><title>t</title>", "1 [t]");
  Expect("</p></b><link rel=x href=no></head><title>late</title><a href=1>", "1 [late]");
  Expect("<head></head><base href=/b/><a href=1>", "http://example.com/b/1");
  Expect("<html><html lang=x><head><head><a href=1>", "1");
}

TEST(InsertionMode, InHeadNoscript) {
  Expect("<head><noscript><meta http-equiv=refresh content='0;url=r'></noscript><title>t</title>", "r [t]");
  Expect("<head><noscript><a href=1></noscript><title>t</title><a href=2>", "1 2 [t]");
}

TEST(InsertionMode, InBody) {
  Expect("<p><a href=1>x<p>y<a href=2>z<div></a><a href=3></p></div></body><a href=4></html><a href=5>", "1 2 3 4 5");
  Expect("<body><body background=x><a href=1></head><frameset><frame src=no>", "1");
  Expect("<form action=x><form><a href=1></form></form><button><button><a href=2>", "1 2");
}

TEST(InsertionMode, Text) { Expect("<textarea>\n<a href=no></textarea><title>x", " [x]"); }

TEST(InsertionMode, TablesKeepEveryLink) {
  Expect("<table><tr><td><a href=1></td></tr><caption><a href=2></table>", "1 2");
  Expect("<table><colgroup><col><a href=1></colgroup></table>", "1");
  Expect("<table><a href=1><a href=2><tr><a href=3><td><table><td><a href=4></table></table><a href=5>", "1 2 3 4 5");
  Expect("<table><form><tr><td></form><a href=1></table><td><th><a href=2>", "1 2");
}

TEST(InsertionMode, InSelectAndInSelectInTable) {
  Expect("<select><a href=no><option><a href=no></select><a href=1>", "1");
  Expect("<table><td><select><option><a href=no></td><a href=1></table>", "1");
  Expect("<select><textarea><a href=1>", "");
  Expect("<select><input><a href=1>", "1");
}

TEST(InsertionMode, InTemplate) {
  Expect("<template><a href=no><table><tr><td><a href=no></template><a href=1>", "1");
  Expect("<template><template><a href=no></template><a href=no></template></template><a href=1>", "1");
  Expect("<template><a href=no>", "");
}

TEST(InsertionMode, InFramesetAndAfter) {
  Expect("<frameset><frame src=1><frameset><frame src=2></frameset><a href=no></frameset><a href=no><frame src=no><noframes><a href=no></noframes></html><a href=no>",
         "1 2");
  Expect("<div><frameset><frame src=1>", "1");
  Expect("x<frameset><frame src=no><a href=1>", "1");
}

TEST(InsertionMode, ForeignContent) {
  Expect("<svg><a href=1><p><a href=2>", "1 2");
  Expect("<svg><title><a href=1></title></svg><title>t</title>", "1 [t]");
  Expect("<svg><foreignObject><a href=1><svg></foreignObject><a href=2></svg></foreignObject><a href=3>", "1 2 3");
  Expect("<svg/><a href=1><svg><a href=2 /><a href=3>", "1 2 3");
  Expect("<math><mtext><a href=1></a></mtext><mglyph><a href=no></math><a href=2>", "1 2");
  Expect("<svg><font size=1><a href=1></svg>", "1");
  Expect("<svg><script><a href=1></script></svg>", "1");
}

// 13.2.5.33: the first of a name counts; U+0000 in a value is U+FFFD.
TEST(TokenizerState, NulBecomesTheReplacementCharacter) {
  const std::string html("<a href='x\0y'>", 14);
  EXPECT_EQ(Read(*NewLinearExtractor(), html), "x%EF%BF%BDy");
}

}  // namespace
}  // namespace weft
