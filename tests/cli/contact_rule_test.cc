#include "cli/contact_rule.h"

#include <gmock/gmock.h>

#include "common/status.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Check(const std::vector<std::string>& seeds, const std::vector<std::string>& networks,
                  const std::string& contact = "") {
  wire::CrawlSettings settings;
  for (const std::string& network : networks) settings.add_allow_private_net(network);
  settings.set_contact(contact);
  std::vector<Url> urls;
  std::vector<std::string> argv = {"weft", "crawl"};
  for (const std::string& seed : seeds) {
    urls.push_back(*Url::Parse(seed));
    argv.push_back(seed);
  }
  argv.insert(argv.end(), {"--out", "my crawl"});
  return ErrorText(CheckContact(urls, settings, argv));
}

TEST(ContactRule, AsksForAContactAndPrintsTheWholeCommand) {
  EXPECT_THAT(Check({"https://example.com/?a=1&b"}, {}),
              HasSubstr("\n  weft crawl 'https://example.com/?a=1&b' --out 'my crawl' --contact you@example.org"));
}

TEST(ContactRule, HoldsForSitemapsThatTheUserNames) {
  wire::CrawlSettings settings;
  settings.add_sitemaps("auto");
  const std::vector<Url> seeds = {*Url::Parse("http://localhost/")};
  EXPECT_TRUE(CheckContact(seeds, settings, {"weft"}).ok());
  settings.add_sitemaps("https://example.com/s.xml");
  EXPECT_THAT(ErrorText(CheckContact(seeds, settings, {"weft"})), HasSubstr("example.com"));
}

TEST(ContactRule, IsMetByAContact) { EXPECT_EQ(Check({"https://example.com/"}, {}, "you@example.org"), ""); }

TEST(ContactRule, LocalhostNeedsNone) {
  EXPECT_EQ(Check({"http://localhost:8000/"}, {}), "");
  EXPECT_NE(Check({"http://localhost.example.com/"}, {}), "");
}

TEST(ContactRule, AddressesInsideAnAllowedNetworkNeedNone) {
  EXPECT_EQ(Check({"http://127.0.0.1:8000/", "http://127.9.9.9/"}, {"127.0.0.0/8"}), "");
  EXPECT_EQ(Check({"http://[fd00::1]/"}, {"10.0.0.0/8", "fd00::/8"}), "");
}

TEST(ContactRule, OneSeedOutsideIsEnough) {
  EXPECT_THAT(Check({"http://127.0.0.1/", "https://example.com/"}, {"127.0.0.0/8"}), HasSubstr("example.com"));
}

TEST(ContactRule, APrivateAddressThatIsNotAllowedIsToldSo) {
  EXPECT_THAT(Check({"http://127.0.0.1:8000/"}, {}),
              AllOf(HasSubstr("is a private address"), HasSubstr("--allow-private-net 127.0.0.1\n"),
                    HasSubstr("--allow-private-net 127.0.0.1 --contact you@example.org")));
  EXPECT_THAT(Check({"http://8.8.8.8/"}, {}), Not(HasSubstr("--allow-private-net")));
}

TEST(ContactRule, AllPrivateAddressesAreNamedAtOnce) {
  EXPECT_THAT(Check({"http://127.0.0.1:8000/", "http://127.0.0.2/", "http://127.0.0.1/x", "https://8.8.8.8/", "http://10.0.0.1/"}, {"10.0.0.0/8"}),
              AllOf(HasSubstr("127.0.0.1 and 1 more are private addresses"),
                    HasSubstr("--allow-private-net 127.0.0.1 --allow-private-net 127.0.0.2\n"), Not(HasSubstr("--allow-private-net 10."))));
}

TEST(ContactRule, NamesAreNotResolved) {
  EXPECT_NE(Check({"http://localtest.me/"}, {"127.0.0.0/8"}), "");
}

TEST(ShellCommand, QuotesWhatAShellWouldRead) {
  EXPECT_EQ(ShellCommand({"weft", "a b", "", "it's", "$HOME", "plain-1"}), R"(weft 'a b' '' 'it'\''s' '$HOME' plain-1)");
}

}  // namespace
}  // namespace weft
