// Pages in the XML syntax: the same answers from both extractors, which read them in one way.
#include <gmock/gmock.h>

#include "tests/parser/extraction.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kXhtmlType = "application/xhtml+xml";

ExtractedPage Xhtml(std::string_view body, std::string_view content_type = kXhtmlType) {
  const Url url = test::UrlOf(test::kPageUrl);
  LinkExtractor::Input input{.html = body, .url = &url, .content_type = content_type, .want_text = true, .want_details = true};
  input.kinds = LinkKinds::All();
  return NewLinearExtractor()->Extract(input);
}

std::vector<std::string> Links(std::string_view body) {
  std::vector<std::string> links;
  for (const ExtractedLink& link : Xhtml(body).links) links.push_back(link.url.href().substr(23));
  return links;
}

std::string Root(std::string_view body) {
  return fmt::format("<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\">{}</html>", body);
}

TEST(Xhtml, AnyElementMayCloseItself) {
  const ExtractedPage page =
      Xhtml(Root("<head><title/><script src='s'/><style/></head><textarea/><iframe src='f'/><a href='1'>x</a><title>no</title>"));
  EXPECT_EQ(page.title, "");
  EXPECT_THAT(test::Described(page.links),
              ElementsAre("script http://example.com/dir/s", "frame http://example.com/dir/f", "navigation http://example.com/dir/1"));
}

TEST(Xhtml, CdataIsText) {
  EXPECT_THAT(Links(Root("<script><![CDATA[<a href='no'/>]]></script><![CDATA[<a href='no'/>]]><a href='1'/>")), ElementsAre("1"));
  EXPECT_EQ(Xhtml(Root("<title>a &amp; <![CDATA[b &amp; <c>]]></title>")).title, "a & b &amp; <c>");
  EXPECT_THAT(Links(Root("<style><![CDATA[@import 'i';]]> p{background:url('&#x61;')}</style>")), ElementsAre("i", "a"));
}

TEST(Xhtml, ElementsMayHaveAPrefix) {
  EXPECT_THAT(Links("<h:html xmlns:h='http://www.w3.org/1999/xhtml'><h:a href='1'/><o:a xmlns:o='urn:x' href='no'/><x:a href='no'/></h:html>"),
              ElementsAre("1"));
  EXPECT_THAT(Links(Root("<s:svg xmlns:s='http://www.w3.org/2000/svg'><s:a xlink:href='1'/><a href='2'/></s:svg>")), ElementsAre("1", "2"));
}

TEST(Xhtml, ADefaultNamespaceHoldsUntilItsElementEnds) {
  EXPECT_THAT(Links(Root("<svg xmlns='http://www.w3.org/2000/svg'><a xlink:href='1'/><g><image href='i'/></g></svg><a xlink:href='no'/>"
                         "<a href='2'/><x xmlns='urn:x'><a href='no'/><y/></x><x xmlns='urn:x'/><a href='3'/>")),
              ElementsAre("1", "i", "2", "3"));
}

TEST(Xhtml, NothingIsImplied) {
  // In HTML the inner a would end the outer one, and the table throw both out.
  const ExtractedPage page = Xhtml(Root("<table><a href='1'>x<a href='2'>y</a></a></table>"));
  ASSERT_EQ(page.links.size(), 2U);
  EXPECT_EQ(page.links[1].text, "y");
}

TEST(Xhtml, ATemplatesContentIsNotOfTheDocument) {
  EXPECT_THAT(Links(Root("<template><a href='no'/><p><title>no</title></p></template><a href='1'/>")), ElementsAre("1"));
  EXPECT_EQ(Xhtml(Root("<template><title>no</title></template><title>t</title>")).title, "t");
}

TEST(Xhtml, BrokenXmlGivesWhatCanBeRead) {
  EXPECT_THAT(Links("<html><body><p>one<br><p>two<a href=1>x</p></i></b><a href='2'"), ElementsAre("1"));
  EXPECT_THAT(Links(Root("<script>if (a<b && c>d) { \"</x>\" }</script><a href='1'/>")), ElementsAre("1"));
  EXPECT_THAT(Links(""), IsEmpty());
}

TEST(Xhtml, TextIsThatOfTheBody) {
  EXPECT_EQ(Xhtml(Root("<head><title>t</title></head><body><p>a &lt;</p><p>b<![CDATA[c]]></p><script>no</script></body>")).text, "a <\nbc");
}

TEST(Xhtml, IsUtf8UnlessItSaysOtherwise) {
  EXPECT_EQ(Xhtml(Root("<a href='?&#xE4;'/>")).charset, "UTF-8");
  EXPECT_EQ(Xhtml("<?xml version='1.0' encoding='iso-8859-2'?><html><meta charset='big5'/></html>").charset, "ISO-8859-2");
  EXPECT_EQ(Xhtml(Root("<meta charset='big5'/>")).charset, "UTF-8");
  EXPECT_EQ(Xhtml(Root("x"), "application/xhtml+xml; charset=koi8-r").charset, "KOI8-R");
  EXPECT_EQ(Xhtml("<?xml version='1.0'?><html>\xE4\xF6</html>").charset, "windows-1252");
}

TEST(Xhtml, IsReadAsSuchByItsTypeOnly) {
  const std::string page = Root("<title/><a href='1'>x</a>");
  EXPECT_EQ(Xhtml(page).links.size(), 1U);
  EXPECT_EQ(Xhtml(page, "application/xml").links.size(), 1U);
  EXPECT_THAT(Xhtml(page, "text/html").links, IsEmpty());  // there <title/> opens a title that nothing ends
}

TEST(Xhtml, TheTreeExtractorReadsItAlike) {
  const ExtractedPage page = test::ExtractFrom(Root("<title/><a href='1'>x</a>"), kXhtmlType);
  EXPECT_THAT(test::Described(page.links), ElementsAre("navigation http://example.com/dir/1"));
  EXPECT_FALSE(page.linear_scan);
}

TEST(Xhtml, HostilePagesTakeLinearTime) {
  std::string page = "<html>";
  for (int i = 0; i < 400'000; ++i) page += "<i>";
  for (int i = 0; i < 400'000; ++i) page += "</b>";
  for (int i = 0; i < 40'000; ++i) page += fmt::format("<p{} xmlns:p{}='urn:x'>", i, i);
  EXPECT_THAT(Links(page + "<a href='1'/>"), ElementsAre("1"));
}

}  // namespace
}  // namespace weft
