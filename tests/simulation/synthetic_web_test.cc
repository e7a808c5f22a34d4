#include "tests/support/synthetic_web.h"

#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "common/crawl_key.h"
#include "common/http_message.h"
#include "parser/link_extractor.h"

namespace weft::test {
namespace {

WebOptions Busy() {
  WebOptions options;
  options.hosts = 40;
  options.pages = 600;
  options.troubled_hosts = 0.4;
  options.odd_pages = 0.4;
  return options;
}

TEST(SyntheticWeb, IsTheSameForTheSameSeed) {
  SyntheticWeb first(5, Busy());
  SyntheticWeb second(5, Busy());
  EXPECT_EQ(first.ExpectedEnds(), second.ExpectedEnds());
  EXPECT_NE(first.ExpectedEnds(), SyntheticWeb(6, Busy()).ExpectedEnds());
}

TEST(SyntheticWeb, HoldsTheAskedNumbersAndOneLargeHost) {
  WebOptions options;
  options.hosts = 2000;
  options.pages = 10'000;
  SyntheticWeb web(1, options);
  EXPECT_EQ(web.hosts().size(), 2000u);
  EXPECT_LE(web.pages().size(), 10'000u);
  EXPECT_GT(web.pages().size(), 6000u);
  EXPECT_GT(web.largest_host(), 100u);
}

TEST(SyntheticWeb, EverySpellingOfALinkHasTheKeyOfItsPage) {
  SyntheticWeb web(7, Busy());
  int spellings = 0;
  for (const WebPage& page : web.pages()) {
    Url base = Url::Parse(web.KeyOf(page)).value();
    EXPECT_EQ(CrawlKey(base), web.KeyOf(page));
    for (const auto& [to, spelling] : page.links) {
      std::string href = spelling;
      for (size_t at = href.find("&amp;"); at != std::string::npos; at = href.find("&amp;")) href.erase(at + 1, 4);
      Url url = Url::Parse(href, base).value();
      const WebPage& target = web.pages()[static_cast<size_t>(to)];
      ASSERT_EQ(CrawlKey(url), web.KeyOf(target)) << spelling;
      spellings += url.request_target_url() != web.KeyOf(target);
    }
  }
  EXPECT_GT(spellings, 50);
}

// A patient crawler of a few lines finds the set of pages that ExpectedEnds promises as done, in another order.
std::set<std::string> CrawlSimply(SyntheticWeb& web) {
  auto extractor = NewGumboExtractor();
  std::set<std::string> done;
  std::set<std::string> seen;
  std::deque<std::string> stack;
  for (const std::string& seed : web.SeedUrls()) stack.push_back(seed);
  absl::Time now = absl::UnixEpoch() + absl::Seconds(100);
  while (!stack.empty()) {
    Url url = Url::Parse(stack.back()).value();
    stack.pop_back();
    if (!seen.insert(CrawlKey(url)).second) continue;
    web.Resolve(url.host(), now);
    web.Refuses(url.host(), now);
    for (int tries = 0; tries < 20; ++tries) {
      now += absl::Seconds(60);
      auto address = web.Resolve(url.host(), now);
      if (!address || address->IsSpecial() || web.Disallowed(url.origin(), url.path_and_query())) break;
      const WebHost* host = web.FindHost(url.host());
      if (host->robots == WebHost::Robots::kHangs || host->temper == WebHost::Temper::kThrottlesForEver) break;
      WebAnswer answer = web.Ask(url.origin(), url.path_and_query(), now);
      if (answer.kind != WebAnswer::Kind::kResponse || answer.throttled) continue;
      HttpHead head = HttpHead::ParseResponse(answer.head).value();
      if (head.status() == 502) continue;
      if (head.Has("Location")) {
        Url target = Url::Parse(head.Get("Location"), url).value();
        if (CrawlKey(target) == CrawlKey(url)) continue;
        stack.push_back(target.href());
      }
      done.insert(CrawlKey(url));
      PayloadView payload;
      ExtractPayload(head, answer.body, payload);
      Decoded decoded = DecodeContent(head, payload.payload);
      LinkExtractor::Input input;
      input.html = decoded.body;
      input.url = &url;
      input.content_type = head.Get("Content-Type");
      if (MimeEssence(input.content_type) != "text/html" || head.status() != 200) break;
      for (const ExtractedLink& link : extractor->Extract(input).links) stack.push_back(link.url.href());
      break;
    }
  }
  return done;
}

TEST(SyntheticWeb, ASimpleCrawlEndsWithTheExpectedSet) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SyntheticWeb web(seed, Busy());
    std::set<std::string> expected;
    for (const auto& [key, ends] : web.ExpectedEnds()) {
      if (ends.front() == Outcome::kResponse) expected.insert(key);
    }
    EXPECT_EQ(CrawlSimply(web), expected) << "seed " << seed;
  }
}

TEST(SyntheticWeb, HasEveryKindOfTrouble) {
  std::set<WebHost::Temper> tempers;
  std::set<WebHost::Robots> robots;
  std::set<WebPage::Kind> kinds;
  std::set<Outcome> ends;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    WebOptions options = Busy();
    options.hosts = 300;
    options.poison_pages = 1;
    options.long_redirects = true;
    SyntheticWeb web(seed, options);
    for (const WebHost& host : web.hosts()) {
      tempers.insert(host.temper);
      robots.insert(host.robots);
    }
    for (const WebPage& page : web.pages()) kinds.insert(page.kind);
    for (const auto& [key, end] : web.ExpectedEnds()) ends.insert(end.front());
  }
  EXPECT_EQ(tempers.size(), 11u);
  EXPECT_EQ(robots.size(), 8u);
  EXPECT_EQ(kinds.size(), 10u);
  EXPECT_GE(ends.size(), 8u);
}

TEST(SyntheticWeb, OffScopeLinksAreExpectedAsRefused) {
  WebOptions options = Busy();
  options.every_host_in_scope = false;
  SyntheticWeb web(3, options);
  size_t refused = 0;
  for (const auto& [key, ends] : web.ExpectedEnds()) refused += ends.front() == Outcome::kScope;
  EXPECT_GT(refused, 10u);
}

}  // namespace
}  // namespace weft::test
