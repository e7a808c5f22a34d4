#include "parser/link_header.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

HeaderLinks Read(const std::vector<std::string_view>& fields, LinkKinds kinds = LinkKinds::All()) {
  const Url url = Url::Parse("https://e.test/dir/page?q=1").value();
  return ReadLinkHeaders(fields, url, kinds);
}

// "kind url", and " nofollow" where it says so.
std::vector<std::string> Links(std::string_view field) {
  std::vector<std::string> found;
  for (const ExtractedLink& link : Read({field}).links) {
    found.push_back(std::string(LinkKindName(link.kind)) + " " + link.url.href() + (link.nofollow ? " nofollow" : ""));
  }
  return found;
}

const std::string kNextA = "next https://e.test/a";
const std::string kPrevB = "prev https://e.test/b";

TEST(LinkHeader, IsATargetWithItsRelation_Rfc8288_3) {
  EXPECT_THAT(Links("</a>; rel=next"), ElementsAre(kNextA));
  EXPECT_THAT(Links("</a>; rel=\"next\""), ElementsAre(kNextA));
  EXPECT_THAT(Links(" <../a>;rel=NEXT "), ElementsAre(kNextA));
  EXPECT_THAT(Links("</a> ; REL = \"me  next\" ; title=\"x\""), ElementsAre(kNextA));
  EXPECT_THAT(Links("</a>; hreflang=de; media=\"screen, print\"; title*=UTF-8'de'n%c3%a4; rel=next; x"), ElementsAre(kNextA));
  EXPECT_THAT(Links("<>; rel=canonical"), ElementsAre("canonical https://e.test/dir/page?q=1"));
}

TEST(LinkHeader, ValuesStandBehindCommasAndInSeveralFields) {
  EXPECT_THAT(Links("</a>; rel=next, </b>; rel=prev"), ElementsAre(kNextA, kPrevB));
  EXPECT_THAT(Links(",, </a>;rel=next,,</b>;rel=prev,"), ElementsAre(kNextA, kPrevB));
  EXPECT_THAT(Read({"</a>;rel=next", "", "</b>;rel=prev"}).links, SizeIs(2));
}

TEST(LinkHeader, CommasAndSemicolonsInsideBracketsAndQuotesEndNothing) {
  EXPECT_THAT(Links("</a,b;c>; title=\"x, </no>; rel=next\"; rel=next"), ElementsAre("next https://e.test/a,b;c"));
  EXPECT_THAT(Links(R"(</a>; title="a \", </no>; rel=prev"; rel=next, </b>; rel=prev)"), ElementsAre(kNextA, kPrevB));
}

TEST(LinkHeader, KindsAreThoseOfLinkElements) {
  EXPECT_THAT(Links("</s>; rel=\"alternate stylesheet\", </i>; rel=icon, </p>; rel=preload; as=style, </l>; rel=license, "
                    "<//cdn.test>; rel=preconnect, </f>; rel=alternate; type=\"application/rss+xml\""),
              ElementsAre("style https://e.test/s", "image https://e.test/i", "resource https://e.test/p", "cite https://e.test/l",
                          "alternate https://e.test/f"));
}

TEST(LinkHeader, GivesTheKindsThatAreWanted) {
  EXPECT_THAT(Read({"</a>; rel=next, </b>; rel=prev, </c>; rel=canonical"}, {LinkKind::kPrev}).links, SizeIs(1));
}

TEST(LinkHeader, NofollowIsATokenOfTheRelation) {
  EXPECT_THAT(Links("</a>; rel=\"next nofollow\""), ElementsAre(kNextA + " nofollow"));
}

TEST(LinkHeader, WithoutARelationItNamesNothing_Rfc8288_3_3) {
  EXPECT_THAT(Links("</a>, </b>; rel=\"\", </c>; rel, </d>; rev=next, </e>; title=rel"), IsEmpty());
}

TEST(LinkHeader, TheFirstRelationCounts_Rfc8288_3_3) {
  EXPECT_THAT(Links("</a>; rel=next; rel=prev"), ElementsAre(kNextA));
}

TEST(LinkHeader, WithAnotherContextItIsNotThePages_Rfc8288_3_2) {
  EXPECT_THAT(Links("</a>; rel=next; anchor=\"/other\", </a>; anchor=\"#part\"; rel=next"), IsEmpty());
  EXPECT_THAT(Links("</a>; rel=next; anchor=\"\", </b>; rel=prev; anchor=\"https://e.test/dir/page?q=1\""),
              ElementsAre(kNextA, kPrevB));
  EXPECT_EQ(Read({"</c>; rel=canonical; anchor=\"/other\""}).canonical, "");
}

TEST(LinkHeader, TheFirstCanonicalCountsWantedOrNot) {
  EXPECT_EQ(Read({"</a>; rel=next, </c>; rel=canonical", "</d>; rel=canonical"}, {LinkKind::kNext}).canonical, "https://e.test/c");
}

TEST(LinkHeader, WhatIsNoLinkIsSkippedUpToTheNextComma) {
  EXPECT_THAT(Links("nonsense, </a>; rel=next"), ElementsAre(kNextA));
  EXPECT_THAT(Links("x \"a, </no>; rel=next\", </a>; rel=next"), ElementsAre(kNextA));
  EXPECT_THAT(Links("x <a, b>; rel=next, </a>; rel=next"), ElementsAre(kNextA));
  EXPECT_THAT(Links("</a>; rel=next junk; more, </b> junk; rel=next, </b>; rel=prev"),
              ElementsAre(kNextA, kPrevB));
  EXPECT_THAT(Links("<mailto:x>; rel=next, <http://[>; rel=next, </a>; rel=next"), ElementsAre(kNextA));
}

TEST(LinkHeader, WhatIsUnclosedEndsWithTheField) {
  EXPECT_THAT(Links("</a; rel=next, </b"), IsEmpty());
  EXPECT_THAT(Links("</a>; rel=\"next"), ElementsAre(kNextA));
  EXPECT_THAT(Links("</a>; rel=next, </b>; rel=prev; title=\"x, </c>; rel=next"), ElementsAre(kNextA, kPrevB));
}

TEST(LinkHeader, ThePagesOwnCanonicalCountsBeforeTheHeaders) {
  ExtractedPage page;
  AddHeaderLinks(Read({"</c>; rel=canonical"}), &page);
  EXPECT_EQ(page.canonical, "https://e.test/c");
  AddHeaderLinks(Read({"</d>; rel=canonical"}), &page);
  EXPECT_EQ(page.canonical, "https://e.test/c");
  EXPECT_THAT(page.links, SizeIs(2));
}

TEST(LinkHeader, TheirNumberIsBounded) {
  std::string field;
  for (size_t i = 0; i <= kMaxHeaderLinks; ++i) field += "</a>;rel=next,";
  EXPECT_THAT(Read({field}).links, SizeIs(kMaxHeaderLinks));
  EXPECT_TRUE(Read({field}).cut);
}

TEST(LinkHeader, AnyBytesTakeLinearTime) {
  for (const char* piece : {"<", "<>", "<>;", "\"", "\\", ",", ";", "<>,", "<>;rel,", "<>;rel=\"", "<a>;rel=\"\\", "x=", "=;", "< >;rel= ;"}) {
    std::string field;
    while (field.size() < 4'000'000) field += piece;
    EXPECT_LE(Read({field}).links.size(), kMaxHeaderLinks) << piece;
  }
}

}  // namespace
}  // namespace weft
