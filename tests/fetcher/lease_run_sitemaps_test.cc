// Sitemaps that robots.txt names, told with what ends first under the lease.
#include "tests/fetcher/lease_run_fixture.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class LeaseSitemapsTest : public LeaseRunTest {
 protected:
  LeaseSitemapsTest() { AddUrls(2); }
};

TEST_F(LeaseSitemapsTest, TheyAreAbsoluteAndHttp) {
  Rules("Sitemap: https://a.example/1.xml#x\nSITEMAP: /2.xml.gz\nsitemap: ftp://a.example/3\nsitemap: http://[\n"
        "Sitemap: https://u:p@b.example/4");
  Begin();
  EXPECT_THAT(run_->sitemaps(),
              ElementsAre("https://a.example/1.xml", "https://a.example/2.xml.gz", "https://b.example/4"));
}

TEST_F(LeaseSitemapsTest, TheyAreKnownBeforeTheFirstUrlIsAsked) {
  grant_.clear_robots();
  BeginResolved();
  EXPECT_THAT(run_->sitemaps(), IsEmpty());
  run_->OnRobotsEnd(Response(200), "User-agent: *\nSitemap: s.xml\n");
  EXPECT_THAT(run_->sitemaps(), ElementsAre("https://a.example/s.xml"));
}

TEST_F(LeaseSitemapsTest, ARelativeOneIsRelativeToTheFileThatWasRead) {
  grant_.clear_robots();
  BeginResolved();
  run_->OnRobotsEnd(Response(301, "Location: https://a.example/deep/robots.txt\r\n"), "");
  run_->Advance();
  run_->OnRobotsEnd(Response(200), "Sitemap: s.xml\n");
  EXPECT_THAT(run_->sitemaps(), ElementsAre("https://a.example/deep/s.xml"));
}

TEST_F(LeaseSitemapsTest, OnceToldTheyAreGone) {
  Rules("Sitemap: /1.xml\n");
  Begin();
  run_->SitemapsTold();
  EXPECT_THAT(run_->sitemaps(), IsEmpty());
}

TEST_F(LeaseSitemapsTest, TheirNumberIsBounded) {
  std::string body;
  for (int i = 0; i < 5000; ++i) body += fmt::format("Sitemap: /{}.xml\n", i);
  Rules(body);
  Begin();
  EXPECT_THAT(run_->sitemaps(), SizeIs(200));
}

TEST_F(LeaseSitemapsTest, SwitchedOffThereAreNone) {
  settings_.read_sitemaps = false;
  Rules("Sitemap: /1.xml\n");
  Begin();
  EXPECT_THAT(run_->sitemaps(), IsEmpty());
}

}  // namespace
}  // namespace weft::test
