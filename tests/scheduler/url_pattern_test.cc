#include "scheduler/url_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include <fmt/format.h>

namespace weft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string TextOf(std::string_view href) { return PatternOf(href).Text(); }
uint32_t Month(uint32_t year, uint32_t month) { return year * 12 + month - 1; }

TEST(UrlPatternTest, NumbersDatesAndIdsAreReplaced) {
  EXPECT_EQ(TextOf("https://shop.example/item-4711/view"), "shop.example/item-{n}/view");
  EXPECT_EQ(TextOf("https://a.example/2031/05/17/"), "a.example/{n}/{n}/{n}/");
  EXPECT_EQ(TextOf("https://a.example/f/8f3a1c22e9b0477d.html"), "a.example/f/{id}.html");
  EXPECT_EQ(TextOf("https://a.example/550e8400-e29b-41d4-a716-446655440000"),
            TextOf("https://a.example/123e4567-e89b-12d3-a456-426614174000"));
}

TEST(UrlPatternTest, WordsStay) {
  EXPECT_EQ(TextOf("https://a.example/docs/java.base/java/lang/String.html"), "a.example/docs/java.base/java/lang/String.html");
  EXPECT_FALSE(PatternOf("https://a.example/docs/effectiveness/deadbeef").has_slots);
}

TEST(UrlPatternTest, OfAQueryTheNamesStaySortedAndOnce) {
  EXPECT_EQ(TextOf("https://a.example/p?size=3&Color=red&size=4&color=blue"), "a.example/p?color&size");
  EXPECT_EQ(PatternOf("https://a.example/p?a=1&a=2&a=3&b=1").parameter_repeats, 3u);
  EXPECT_EQ(PatternOf("https://a.example/p?a=1&a=2&a=3&b=1").parameters, 4u);
  EXPECT_EQ(TextOf("https://a.example/p?"), "a.example/p");
  EXPECT_EQ(TextOf("https://a.example/p?17"), "a.example/p?{n}");
}

TEST(UrlPatternTest, HostIsWithoutPortAndUser) {
  EXPECT_EQ(PatternOf("http://u:p@a.example:8080/x").host, "a.example");
  EXPECT_EQ(PatternOf("http://[::1]:8080/x").host, "[::1]");
  EXPECT_EQ(PatternOf("http://[::1]/x").host, "[::1]");
}

TEST(UrlPatternTest, DirectoryIsThePathUpToItsLastSlash) {
  EXPECT_EQ(PatternOf("http://a.example/x/y12/z?q=/").DirectoryText(), "a.example/x/y{n}/*");
  EXPECT_EQ(PatternOf("http://a.example/x/").DirectoryText(), "a.example/x/*");
  EXPECT_EQ(PatternOf("http://a.example/").DirectoryText(), "a.example/*");
}

TEST(UrlPatternTest, CountsHowOftenASegmentStandsThere) {
  EXPECT_EQ(PatternOf("http://a.example/a/b/a/b/a/b/").repeats, 3u);
  EXPECT_EQ(PatternOf("http://a.example/a/b/a/b/a/b/").repeated, "a");
  EXPECT_EQ(PatternOf("http://a.example/x/1/2/3/4/5/6").repeats, 3u) << "numbers count half";
  EXPECT_EQ(PatternOf("http://a.example/a//b//c//").repeats, 1u) << "empty ones do not count";
}

TEST(UrlPatternTest, FindsDatesWhereverTheyStand) {
  EXPECT_EQ(PatternOf("http://a.example/cal/2031/5/").month, Month(2031, 5));
  EXPECT_EQ(PatternOf("http://a.example/cal/2031-05-17").month, Month(2031, 5));
  EXPECT_EQ(PatternOf("http://a.example/cal/20311117").month, Month(2031, 11));
  EXPECT_EQ(PatternOf("http://a.example/cal?month=5&year=2031").month, Month(2031, 5));
  EXPECT_EQ(PatternOf("http://a.example/cal?from=2031-05").month, Month(2031, 5));
  EXPECT_EQ(PatternOf("http://a.example/cal/2031/13/").month, 0u);
  EXPECT_EQ(PatternOf("http://a.example/item/20319988").month, 0u);
  EXPECT_EQ(PatternOf("http://a.example/item/2031").month, 0u) << "a number alone is no date";
}

TEST(UrlPatternTest, FindsSessions) {
  EXPECT_THAT(PatternOf("http://a.example/p?x=1&PHPSESSID=1").sessions, ElementsAre("?phpsessid"));
  EXPECT_THAT(PatternOf("http://a.example/p;jsessionid=1A2B?x=1").sessions, ElementsAre(";jsessionid"));
  EXPECT_THAT(PatternOf("http://a.example/(S(abcd))/p").sessions, ElementsAre("/1"));
  EXPECT_TRUE(PatternOf("http://a.example/p?k=8f3a1c22e9b0477d&sid=1").known_session);
  EXPECT_THAT(PatternOf("http://a.example/p?k=8f3a1c22e9b0477d&sid=1").sessions, ElementsAre("?sid", "?k"));
  EXPECT_THAT(PatternOf("http://a.example/x/8f3a1c22e9b0477d/p").sessions, ElementsAre("/2"));
  EXPECT_THAT(PatternOf("http://a.example/item/12345?page=3&color=darkslateblue").sessions, IsEmpty());
  EXPECT_EQ(TextOf("http://a.example/p;jsessionid=1A2B"), "a.example/p");
}

TEST(UrlPatternTest, IsBoundedForAnyUrl) {
  std::string deep = "http://a.example";
  for (int i = 0; i < 4000; ++i) deep += "/x" + std::string(static_cast<size_t>(i % 3), 'y');
  EXPECT_LT(TextOf(deep).size(), 200u);
  EXPECT_EQ(PatternOf(deep).segments, 4000u);
  std::string wide = "http://a.example/?";
  for (int i = 0; i < 2000; ++i) wide += fmt::format("a{}=1&", std::string(static_cast<size_t>(i % 50), 'b'));
  EXPECT_LT(TextOf(wide).size(), 2000u);
}

TEST(UrlPatternTest, TakesAnyBytes) {
  const uint64_t seed = 7;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  constexpr std::string_view kBytes = "ht/:?#&;=@[]()S%12034-._ab\xff\x00"
                                      "zZ";
  for (int i = 0; i < 20'000; ++i) {
    std::string text = random() % 2 == 0 ? "http://" : "";
    for (uint64_t n = random() % 40; n > 0; --n) text += kBytes[random() % kBytes.size()];
    const UrlPattern pattern = PatternOf(text);
    ASSERT_LT(pattern.Text().size(), 2000u) << text;
    ASSERT_TRUE(pattern.directory.ends_with('/')) << text;
  }
}

}  // namespace
}  // namespace weft
