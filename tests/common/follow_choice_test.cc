#include "common/follow_choice.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "common/status.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::vector<std::string> Named(std::string_view names) {
  const auto kinds = ParseFollow(names);
  if (!kinds.ok()) return {ErrorText(kinds.status())};
  std::vector<std::string> found;
  for (uint8_t kind = 0; kind <= kLastLinkKind; ++kind) {
    if (kinds->Has(static_cast<LinkKind>(kind))) found.emplace_back(LinkKindName(static_cast<LinkKind>(kind)));
  }
  return found;
}

TEST(ParseFollow, TakesNamesWithCommasBetween) {
  EXPECT_THAT(Named("next,image"), ElementsAre("next", "image"));
  EXPECT_THAT(Named(" navigation , resource "), ElementsAre("navigation", "resource"));
}

TEST(ParseFollow, DefaultIsWhatIsFollowedOtherwise) {
  EXPECT_EQ(Named("default"), Named(kFollowDefault));
  EXPECT_THAT(Named("default"), ElementsAre("navigation", "frame", "refresh"));
  EXPECT_THAT(Named("default,image"), ElementsAre("navigation", "frame", "refresh", "image"));
}

TEST(ParseFollow, AllIsEveryKindThatAPageCanName) {
  EXPECT_THAT(Named("all"), SizeIs(15));
  EXPECT_FALSE(ParseFollow("all")->Has(LinkKind::kSitemap));
  EXPECT_FALSE(ParseFollow("all")->Has(LinkKind::kNone));
}

TEST(ParseFollow, AWrongNameIsToldWithWhatIsTaken) {
  for (const char* names : {"img", "navigation,img", "img,navigation"}) {
    EXPECT_THAT(Named(names), ElementsAre(HasSubstr("'img' is no kind of link; expected, with commas between them: navigation, frame")));
  }
  for (const char* names : {"", ",", "navigation,", "Navigation", "none", "seed", "navigation frame"}) {
    EXPECT_THAT(Named(names), ElementsAre(HasSubstr("is no kind of link; expected"))) << names;
  }
}

TEST(ParseFollow, SitemapsAndRedirectsHaveTheirOwnRules) {
  EXPECT_THAT(Named("navigation,sitemap"), ElementsAre(HasSubstr("--sitemaps says which sitemaps are read")));
  EXPECT_THAT(Named("redirect"), ElementsAre(HasSubstr("redirects are always followed")));
}

TEST(FollowedKinds, OfSettingsWithoutAChoiceAreTheDefault) {
  wire::CrawlSettings settings;
  EXPECT_TRUE(FollowedKinds(settings).Has(LinkKind::kNavigation));
  EXPECT_FALSE(FollowedKinds(settings).Has(LinkKind::kImage));
  settings.set_follow("image");
  EXPECT_FALSE(FollowedKinds(settings).Has(LinkKind::kNavigation));
  EXPECT_TRUE(FollowedKinds(settings).Has(LinkKind::kImage));
}

}  // namespace
}  // namespace weft
