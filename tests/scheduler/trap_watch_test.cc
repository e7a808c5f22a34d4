#include "scheduler/trap_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/url.h"
#include "tests/support/manual_clock.h"

namespace weft::test {
namespace {

using testing::HasSubstr;

class TrapWatchTest : public testing::Test {
 protected:
  TrapWatchTest() : watch_(list_, *PublicSuffixes::Load(), clock_) {
    clock_.Advance(absl::FromCivil(absl::CivilDay(2026, 11, 21), absl::UTCTimeZone()) - clock_.WallNow());
  }
  bool Refused(const std::string& href) { return watch_.Judge(href, Url::Parse(href)->host()) != nullptr; }
  // As a crawl does it: a URL that is refused is not fetched.
  bool Crawl(const std::string& href, uint64_t sketch) {
    if (Refused(href)) return false;
    watch_.Queued(href);
    watch_.Stored(href, sketch);
    return true;
  }
  uint64_t Distinct() { return random_() | 1; }
  static constexpr uint64_t kSame = 0x123456789abcdef0;
  std::string Reasons() const {
    std::string reasons;
    for (const wire::Trap& trap : list_.list().traps()) reasons += trap.reason() + " " + trap.match() + "\n";
    return reasons;
  }
  // How many of `most` URLs are crawled before one is refused.
  int Crawled(int most, const std::function<std::string(int)>& url, const std::function<uint64_t(int)>& sketch) {
    for (int i = 0; i < most; ++i) {
      if (!Crawl(url(i), sketch(i))) return i;
    }
    return most;
  }

  ManualClock clock_;
  TrapList list_;
  std::mt19937_64 random_{1};
  TrapWatch watch_;
};

TEST_F(TrapWatchTest, ACalendarThatReachesFarIntoTheFutureIsTrappedThereAlone) {
  const auto url = [](int i) { return fmt::format("http://a.example/cal?year={}&month={}", 2026 + i / 12, i % 12 + 1); };
  EXPECT_LE(Crawled(1000, url, [&](int) { return Distinct(); }), 100);
  EXPECT_EQ(Reasons(), "calendar a.example/cal?month&year\n");
  EXPECT_FALSE(Refused("http://a.example/cal?year=2027&month=3"));
  EXPECT_TRUE(Refused("http://a.example/cal?year=2040&month=3"));
}

TEST_F(TrapWatchTest, ACalendarWithNothingInItIsTrappedAsAWhole) {
  const auto url = [](int i) { return fmt::format("http://a.example/{}/{:02}/", 2026 - i / 12, 12 - i % 12); };
  EXPECT_LE(Crawled(1000, url, [](int i) { return (kSame ^ 0xfff) * static_cast<uint64_t>(i % 12 * 2 + 1); }), 100);
  EXPECT_EQ(Reasons(), "calendar a.example/{n}/{n}/\n");
  EXPECT_TRUE(Refused("http://a.example/1999/01/"));
}

TEST_F(TrapWatchTest, AYearOfDaysAndAnArchiveOfDecadesAreNone) {
  EXPECT_EQ(Crawled(365, [](int i) { return fmt::format("http://a.example/day/2026-{:02}-{:02}", i / 31 + 1, i % 31 + 1); },
                    [](int i) { return i % 3 == 0 ? kSame : kSame ^ 0xffff; }), 365);
  EXPECT_EQ(Crawled(4000, [](int i) { return fmt::format("http://news.example/{}/{:02}/", 1850 + i / 12 % 175, i % 12 + 1); },
                    [&](int) { return Distinct(); }), 4000);
  EXPECT_EQ(Reasons(), "");
}

TEST_F(TrapWatchTest, NumbersThatLookLikeDatesAreNone) {
  // A forum: thread and page.
  EXPECT_EQ(Crawled(3000, [](int i) { return fmt::format("http://a.example/thread/{}/{}", i, i % 20 + 1); },
                    [&](int) { return Distinct(); }), 3000);
  EXPECT_EQ(Reasons(), "");
}

TEST_F(TrapWatchTest, PathsThatRepeatASegmentAreTrappedAndOthersOfTheHostAreNot) {
  std::string path = "http://a.example/";
  const auto url = [&](int) { return path += "a/"; };
  EXPECT_LE(Crawled(1000, url, [&](int) { return Distinct(); }), 30);
  EXPECT_THAT(Reasons(), HasSubstr("repeated-segments"));
  EXPECT_FALSE(Refused("http://a.example/a/b/c/a"));
  EXPECT_FALSE(Refused("http://b.example/a/a/a/a/a/a"));
}

TEST_F(TrapWatchTest, PathsThatGrowAreTrapped) {
  std::string path = "http://a.example/";
  const auto url = [&](int i) { return path += std::string(1, static_cast<char>('a' + i % 26)) + std::string(static_cast<size_t>(i / 26), 'x') + "/"; };
  EXPECT_LE(Crawled(1000, url, [&](int) { return Distinct(); }), 60);
  EXPECT_THAT(Reasons(), HasSubstr("endless-depth"));
}

TEST_F(TrapWatchTest, SessionsAreTrappedButForTheFirstOfEachPage) {
  const auto url = [&](int i) { return fmt::format("http://a.example/p/{}?sid={:x}", "abcdefghij"[i % 10], random_()); };
  const auto sketch = [](int i) { return kSame * static_cast<uint64_t>(2 * (i % 10) + 1); };
  const int crawled = Crawled(1000, url, sketch);
  EXPECT_LE(crawled, 60);
  EXPECT_EQ(Reasons(), "session-ids a.example?sid\n");
  EXPECT_TRUE(Crawl("http://a.example/new?sid=1", Distinct()));
  Crawl("http://a.example/new?sid=2", Distinct());
  EXPECT_FALSE(Crawl("http://a.example/new?sid=3", Distinct()));
}

TEST_F(TrapWatchTest, IdsOfThingsAreNoSessions) {
  EXPECT_EQ(Crawled(5000, [&](int) { return fmt::format("http://a.example/item/{:016x}?ref={:016x}", random_(), random_()); },
                    [&](int) { return Distinct(); }), 5000);
  EXPECT_EQ(Reasons(), "");
}

TEST_F(TrapWatchTest, SetsOfParametersWithoutEndAreTrapped) {
  const auto url = [](int i) {
    std::string query;
    for (int bit = 0; bit < 12; ++bit) query += (i * 37 + 15) >> bit & 1 ? fmt::format("&f{}=1", static_cast<char>('a' + bit)) : "";
    return "http://a.example/list?a=1&b=2" + query;
  };
  EXPECT_LE(Crawled(4000, url, [&](int) { return Distinct(); }), 200);
  EXPECT_EQ(Reasons(), "query-explosion a.example/list\n");
  EXPECT_FALSE(Refused("http://a.example/list?a=1&b=2&fa=1"));
}

TEST_F(TrapWatchTest, AWikisActionsAreNoExplosion) {
  const std::vector<std::string> kinds = {"", "&action=edit", "&action=history", "&oldid=12&diff=prev", "&printable=yes&uselang=de"};
  EXPECT_EQ(Crawled(5000, [&](int i) { return fmt::format("http://a.example/index.php?title=T{}&x=1{}", i / 5, kinds[static_cast<size_t>(i % 5)]); },
                    [&](int) { return Distinct(); }), 5000);
  EXPECT_EQ(Reasons(), "");
}

TEST_F(TrapWatchTest, PagesThatAreAllTheSameOneAreSoft404s) {
  const int crawled = Crawled(5000, [](int i) { return fmt::format("http://a.example/item/{}", i); }, [](int) { return kSame; });
  EXPECT_GE(crawled, 200);
  EXPECT_LE(crawled, 210);
  EXPECT_THAT(Reasons(), HasSubstr("soft-404 a.example/item/{n}"));
}

TEST_F(TrapWatchTest, SoNamedByWordsTheyAreFoundByTheirDirectory) {
  const auto word = [&](int) {
    std::string name = "http://a.example/lost/";
    for (int i = 0; i < 9; ++i) name += static_cast<char>('a' + random_() % 26);
    return name;
  };
  const int crawled = Crawled(5000, word, [](int) { return kSame; });
  EXPECT_GE(crawled, 300);
  EXPECT_LE(crawled, 310);
  EXPECT_EQ(Reasons(), "soft-404 a.example/lost/*\n");
}

TEST_F(TrapWatchTest, NearDuplicatesAloneAreTrappedOnlyWhereTheyAreVeryMany) {
  const auto sketch = [](int i) { return kSame * static_cast<uint64_t>(2 * (i % 8) + 1); };
  const int crawled = Crawled(5000, [](int i) { return fmt::format("http://a.example/item/{}", i); }, sketch);
  EXPECT_GE(crawled, 1000);
  EXPECT_LE(crawled, 1010);
  EXPECT_THAT(Reasons(), HasSubstr("near-duplicates a.example/item/{n}"));
}

TEST_F(TrapWatchTest, PagesOfWhichSomeAreAlikeAreNoTrap) {
  EXPECT_EQ(Crawled(10'000, [](int i) { return fmt::format("http://a.example/item/{}", i); },
                    [&](int i) { return i % 10 == 0 ? Distinct() : kSame; }), 10'000);
  EXPECT_EQ(Reasons(), "");
}

TEST_F(TrapWatchTest, PagesWithoutTextAreNoTrap) {
  EXPECT_EQ(Crawled(10'000, [](int i) { return fmt::format("http://a.example/photo/{}.jpg", i); }, [](int) { return uint64_t{0}; }),
            10'000);
  EXPECT_EQ(Reasons(), "");
}

TEST_F(TrapWatchTest, HostsOfOneDomainWithTheSameFirstPageAreALinkFarm) {
  const int crawled = Crawled(10'000, [](int i) { return fmt::format("http://s{}.farm.example/", i); }, [](int) { return kSame; });
  EXPECT_GE(crawled, 100);
  EXPECT_LE(crawled, 110);
  EXPECT_EQ(Reasons(), "link-farm *.farm.example\n");
  EXPECT_TRUE(Refused("http://other.farm.example/x"));
  EXPECT_FALSE(Refused("http://otherfarm.example/x"));
}

TEST_F(TrapWatchTest, HostsOfOneDomainThatDifferAreNone) {
  EXPECT_EQ(Crawled(3000, [](int i) { return fmt::format("http://s{}.blogs.example/", i); }, [&](int) { return Distinct(); }), 3000);
  EXPECT_EQ(Reasons(), "");
}

TEST_F(TrapWatchTest, WhatIsReleasedIsNotTrappedAgainAndCanBeHeld) {
  const auto url = [](int i) { return fmt::format("http://a.example/item/{}", i); };
  EXPECT_LT(Crawled(1000, url, [](int) { return kSame; }), 1000);
  const uint64_t id = list_.list().traps(0).id();
  google::protobuf::RepeatedField<uint64_t> ids;
  ids.Add(id);
  ids.Add(4711);
  EXPECT_THAT(list_.Release(ids), testing::ElementsAre(4711u));
  watch_.Reload();
  EXPECT_TRUE(Crawl("http://a.example/item/5000", kSame));
  EXPECT_TRUE(Crawl("http://a.example/item/5001", kSame));
  list_.Hold(ids);
  watch_.Reload();
  EXPECT_FALSE(Crawl("http://a.example/item/5002", kSame));
}

TEST_F(TrapWatchTest, SaysOnceWhatItFound) {
  Crawled(1000, [](int i) { return fmt::format("http://a.example/item/{}", i); }, [](int) { return kSame; });
  EXPECT_EQ(watch_.TakeFound().size(), 1u);
  EXPECT_TRUE(watch_.TakeFound().empty());
  const wire::Trap& trap = list_.list().traps(0);
  EXPECT_EQ(trap.pages(), 200u);
  EXPECT_EQ(trap.near_duplicates(), 199u);
  EXPECT_THAT(trap.example(), HasSubstr("http://a.example/item/"));
}

TEST_F(TrapWatchTest, RemembersWhatWasUsedLastOnly) {
  RecentMap<int> map(3);
  for (const char* key : {"a", "b", "c"}) map.Touch(key) = 1;
  ASSERT_NE(map.Find("a"), nullptr);
  map.Touch("d") = 1;
  EXPECT_EQ(map.size(), 3u);
  EXPECT_EQ(map.Find("b"), nullptr);
  EXPECT_NE(map.Find("a"), nullptr);
}

}  // namespace
}  // namespace weft::test
