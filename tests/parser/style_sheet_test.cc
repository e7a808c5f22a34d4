#include "parser/style_sheet.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Read(std::string_view css, std::string_view content_type = "text/css",
                              LinkKinds kinds = kStyleSheetKinds) {
  const Url url = Url::Parse("https://e.test/css/main.css?v=1").value();
  LinkExtractor::Input input;
  input.html = css;
  input.url = &url;
  input.content_type = content_type;
  input.kinds = kinds;
  std::vector<std::string> found;
  for (const ExtractedLink& link : ReadStyleSheet(input).links) {
    found.push_back(std::string(LinkKindName(link.kind)) + " " + link.url.href());
  }
  return found;
}

TEST(StyleSheet, NamesWhatItImportsAndWhatItShows) {
  EXPECT_THAT(Read("@import 'a.css'; @import url(/b.css) screen; p { background: url(\"../i/p.png\") }"
                   "@font-face { src: url(f.woff2) format('woff2') } /* url(no.png) */"),
              ElementsAre("style https://e.test/css/a.css", "style https://e.test/b.css", "resource https://e.test/i/p.png",
                          "resource https://e.test/css/f.woff2"));
}

TEST(StyleSheet, GivesTheKindsThatAreWanted) {
  const char* css = "@import 'a.css'; p { background: url(p.png) }";
  EXPECT_THAT(Read(css, "text/css", {LinkKind::kStyle}), ElementsAre("style https://e.test/css/a.css"));
  EXPECT_THAT(Read(css, "text/css", {LinkKind::kResource}), ElementsAre("resource https://e.test/css/p.png"));
}

TEST(StyleSheet, NamesNoDataUrls) { EXPECT_THAT(Read("p{background:url(data:image/png;base64,AA)}"), IsEmpty()); }

TEST(StyleSheet, ItsEncodingIsThatOfMarkHeaderOrRule_CssSyntax3_2) {
  EXPECT_THAT(Read("a{b:url(\xE9)}", "text/css; charset=latin1"), ElementsAre("resource https://e.test/css/%C3%A9"));
  EXPECT_THAT(Read("@charset \"latin2\";a{b:url(\xE6)}"), ElementsAre("resource https://e.test/css/%C4%87"));
  EXPECT_THAT(Read("@charset \"utf-16\";a{b:url(\xC3\xA9)}"), ElementsAre("resource https://e.test/css/%C3%A9"));
  EXPECT_THAT(Read(" @charset \"latin1\";a{b:url(\xC3\xA9)}"), ElementsAre("resource https://e.test/css/%C3%A9"));
  EXPECT_THAT(Read("\xEF\xBB\xBF" "a{b:url(\xC3\xA9)}", "text/css; charset=latin1"),
              ElementsAre("resource https://e.test/css/%C3%A9"));
  EXPECT_THAT(Read(std::string_view("\xFF\xFE" "a\0{\0b\0:\0u\0r\0l\0(\0x\0)\0", 20)), ElementsAre("resource https://e.test/css/x"));
}

TEST(StyleSheet, QueriesAreUtf8) {
  EXPECT_THAT(Read("a{b:url(?\xE9)}", "text/css; charset=latin1"), ElementsAre("resource https://e.test/css/main.css?%C3%A9"));
}

}  // namespace
}  // namespace weft
