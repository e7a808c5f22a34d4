#include "scheduler/scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace weft {
namespace {

class ScopeTest : public testing::Test {
 protected:
  std::unique_ptr<Scope> Make(const std::string& kind, const std::vector<std::string>& include = {},
                              const std::vector<std::string>& exclude = {}) {
    wire::CrawlSettings settings;
    settings.set_scope(kind);
    for (const std::string& pattern : include) settings.add_include(pattern);
    for (const std::string& pattern : exclude) settings.add_exclude(pattern);
    auto scope = Scope::Make(settings, suffixes_);
    EXPECT_TRUE(scope.ok()) << scope.status();
    return *std::move(scope);
  }
  Outcome Judge(const Scope& scope, const std::string& text) {
    Url url = Url::Parse(text).value();
    std::string domain = suffixes_->RegistrableDomain(url.host());
    return scope.Judge({url.href(), url.host(), domain});
  }
  static bool Add(Scope& scope, const std::string& text) { return scope.AddAnchor(Url::Parse(text).value()); }

  std::shared_ptr<const PublicSuffixes> suffixes_ = PublicSuffixes::Load().value();
};

TEST_F(ScopeTest, HostTakesTheHostWhateverSchemeAndPort) {
  auto scope = Make("host");
  Add(*scope, "http://a.example.com/x");
  EXPECT_EQ(Judge(*scope, "https://a.example.com:8443/y"), Outcome::kNone);
  EXPECT_EQ(Judge(*scope, "http://b.example.com/"), Outcome::kScope);
}

TEST_F(ScopeTest, NothingSaidMeansHost) {
  auto scope = Make("");
  Add(*scope, "http://a.example.com/");
  EXPECT_EQ(Judge(*scope, "http://b.example.com/"), Outcome::kScope);
}

TEST_F(ScopeTest, DomainTakesSiblingsAndNotWhatOnlySharesASuffix) {
  auto scope = Make("domain");
  Add(*scope, "http://www.example.co.uk/");
  EXPECT_EQ(Judge(*scope, "http://blog.example.co.uk/"), Outcome::kNone);
  EXPECT_EQ(Judge(*scope, "http://example.co.uk/"), Outcome::kNone);
  EXPECT_EQ(Judge(*scope, "http://other.co.uk/"), Outcome::kScope);
  EXPECT_EQ(Judge(*scope, "http://notexample.co.uk/"), Outcome::kScope);
}

TEST_F(ScopeTest, PrefixEndsAtTheSeedsLastSlash) {
  auto scope = Make("prefix");
  Add(*scope, "http://a.example/docs/index.html?x=/y");
  EXPECT_EQ(Judge(*scope, "http://a.example/docs/deep/page"), Outcome::kNone);
  EXPECT_EQ(Judge(*scope, "http://a.example/docs/"), Outcome::kNone);
  EXPECT_EQ(Judge(*scope, "http://a.example/docs2/"), Outcome::kPrefix);
  EXPECT_EQ(Judge(*scope, "http://a.example/"), Outcome::kPrefix);
  EXPECT_EQ(Judge(*scope, "http://b.example/docs/"), Outcome::kScope);
}

TEST_F(ScopeTest, PrefixIsNotFoundInAQuery) {
  auto scope = Make("prefix");
  Add(*scope, "http://a.example/docs/");
  EXPECT_EQ(Judge(*scope, "http://a.example/go?to=http://a.example/docs/"), Outcome::kPrefix);
}

TEST_F(ScopeTest, ASlashInTheQueryMakesNoPrefix) {
  auto scope = Make("prefix");
  Add(*scope, "http://a.example/view?page=docs/x");
  EXPECT_EQ(Judge(*scope, "http://a.example/other"), Outcome::kNone);  // the prefix is "/"
}

TEST_F(ScopeTest, AnyTakesAll) {
  auto scope = Make("any");
  EXPECT_EQ(Judge(*scope, "http://whatever.example/"), Outcome::kNone);
}

TEST_F(ScopeTest, IncludeAddsToTheScope) {
  auto scope = Make("host", {"/shared/"});
  Add(*scope, "http://a.example/");
  EXPECT_EQ(Judge(*scope, "http://b.example/shared/x"), Outcome::kNone);
  EXPECT_EQ(Judge(*scope, "http://b.example/own"), Outcome::kScope);
  EXPECT_EQ(Judge(*scope, "http://a.example/own"), Outcome::kNone);
}

TEST_F(ScopeTest, ExcludeWinsOverScopeAndInclude) {
  auto scope = Make("any", {"pdf"}, {"\\.pdf$"});
  EXPECT_EQ(Judge(*scope, "http://a.example/x.pdf"), Outcome::kExcluded);
  EXPECT_EQ(Judge(*scope, "http://a.example/x.pdf.html"), Outcome::kNone);
}

TEST_F(ScopeTest, ExcludeHoldsForSeedsAndScopeDoesNot) {
  auto scope = Make("host", {}, {"logout"});
  EXPECT_EQ(scope->JudgeSeed("http://a.example/logout"), Outcome::kExcluded);
  EXPECT_EQ(scope->JudgeSeed("http://a.example/"), Outcome::kNone);
}

TEST_F(ScopeTest, LongUrlsAreRefusedAsSuch) {
  auto scope = Make("any");
  std::string url = "http://a.example/" + std::string(kMaxUrlBytes, 'x');
  EXPECT_EQ(Judge(*scope, url), Outcome::kUrlTooLong);
  EXPECT_EQ(Judge(*scope, url.substr(0, kMaxUrlBytes)), Outcome::kNone);
}

TEST_F(ScopeTest, AnAnchorIsNewOnce) {
  auto scope = Make("host");
  EXPECT_TRUE(Add(*scope, "http://a.example/1"));
  EXPECT_FALSE(Add(*scope, "http://a.example/2"));
  EXPECT_TRUE(scope->IsAnchorHost("a.example"));
  EXPECT_FALSE(scope->IsAnchorHost("b.example"));
}

TEST_F(ScopeTest, ASecondPrefixOfAHostIsNew) {
  auto scope = Make("prefix");
  EXPECT_TRUE(Add(*scope, "http://a.example/one/"));
  EXPECT_TRUE(Add(*scope, "http://a.example/two/"));
  EXPECT_FALSE(Add(*scope, "http://a.example/two/page"));
}

TEST_F(ScopeTest, ABadPatternIsNamed) {
  wire::CrawlSettings settings;
  settings.add_exclude("ok");
  settings.add_exclude("(unclosed");
  auto scope = Scope::Make(settings, suffixes_);
  ASSERT_FALSE(scope.ok());
  EXPECT_THAT(std::string(scope.status().message()), testing::HasSubstr("--exclude '(unclosed'"));
}

TEST_F(ScopeTest, AnUnknownScopeIsNamed) {
  wire::CrawlSettings settings;
  settings.set_scope("site");
  auto scope = Scope::Make(settings, suffixes_);
  ASSERT_FALSE(scope.ok());
  EXPECT_THAT(std::string(scope.status().message()), testing::HasSubstr("--scope 'site'"));
}

}  // namespace
}  // namespace weft
