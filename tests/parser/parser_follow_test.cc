// Which links of a page a parser sends: those of the kinds that --follow names.
#include "tests/parser/parser_node_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kPage = "<a href=/n>x</a><img src=/i><link rel=next href=/next><link rel=stylesheet href=/s.css>";
constexpr const char* kCss = "@import '/more.css'; p { background: url(/p.png) }";

class ParserFollowTest : public ParserNodeTest {
 protected:
  ParserFollowTest() { parts_.real_extractor = true; }

  wire::PageResult Read(const std::string& body, const std::string& fields = "Content-Type: text/html\r\n") {
    SendPage(Page(fmt::format("https://a.example/{}", ++pages_), fields), body);
    Work();
    return Results().empty() ? wire::PageResult() : Results().back();
  }

 private:
  int pages_ = 0;
};

TEST_F(ParserFollowTest, WithoutAChoiceWhatAReaderCouldGoTo) {
  Register();
  EXPECT_THAT(LinksOf(Read(kPage)), ElementsAre("https://a.example/n"));
  EXPECT_THAT(LinksOf(Read(kCss, "Content-Type: text/css\r\n")), IsEmpty());
}

TEST_F(ParserFollowTest, TheKindsThatAreNamedAndNoOthers) {
  settings_.set_follow("image,next");
  Register();
  EXPECT_THAT(LinksOf(Read(kPage)), ElementsAre("https://a.example/i", "https://a.example/next"));
}

TEST_F(ParserFollowTest, StyleSheetsAreSearchedWhereTheirLinksAreWanted) {
  settings_.set_follow("style");
  Register();
  EXPECT_THAT(LinksOf(Read(kPage)), ElementsAre("https://a.example/s.css"));
  EXPECT_THAT(LinksOf(Read(kCss, "Content-Type: text/css\r\n")), ElementsAre("https://a.example/more.css"));
  EXPECT_THAT(LinksOf(Read(kCss, "Content-Type: text/plain\r\n")), IsEmpty());
}

TEST_F(ParserFollowTest, TheLinkHeaderOfAnyTypeNamesLinks) {
  settings_.set_follow("navigation,next");
  Register();
  const std::string fields = "Link: </two>; rel=next, </i>; rel=icon\r\nlink: </three>; rel=\"next nofollow\"\r\n";
  EXPECT_THAT(LinksOf(Read("%PDF", "Content-Type: application/pdf\r\n" + fields)), ElementsAre("https://a.example/two"));
  EXPECT_THAT(LinksOf(Read(kPage, "Content-Type: text/html\r\n" + fields)),
              ElementsAre("https://a.example/two", "https://a.example/n", "https://a.example/next"));
  EXPECT_THAT(LinksOf(Read("", fields)), ElementsAre("https://a.example/two"));
}

TEST_F(ParserFollowTest, TheKindsOfAnotherSchedulerTakeThePlaceOfTheFirstThoughLinksAreCached) {
  Register();
  AckResult(Read(kPage));
  settings_.set_follow("navigation,image");
  Reopened(2, 1, 17);
  EXPECT_THAT(LinksOf(Read(kPage)), ElementsAre("https://a.example/i"));
}

}  // namespace
}  // namespace weft::test
