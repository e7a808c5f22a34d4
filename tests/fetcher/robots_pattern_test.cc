#include "fetcher/robots_pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft {
namespace {

// The definition of 2.2.3 by itself: a table over every (pattern, path) prefix.
bool ReferenceMatch(std::string_view pattern, bool anchored, std::string_view path) {
  std::vector<bool> row(path.size() + 1, false);
  row[0] = true;
  for (const char c : pattern) {
    std::vector<bool> next(path.size() + 1, false);
    for (size_t i = 0; i <= path.size(); ++i) {
      if (c == '*') {
        next[i] = row[i] || (i > 0 && next[i - 1]);
      } else {
        next[i] = i > 0 && row[i - 1] && path[i - 1] == c;
      }
    }
    row = next;
  }
  if (anchored) return row[path.size()];
  for (const bool reached : row) {
    if (reached) return true;
  }
  return false;
}

// All strings over `alphabet` of at most `size` characters.
std::vector<std::string> AllStrings(std::string_view alphabet, size_t size) {
  std::vector<std::string> all = {""};
  for (size_t begin = 0, round = 0; round < size; ++round) {
    const size_t end = all.size();
    for (size_t i = begin; i < end; ++i) {
      for (const char c : alphabet) all.push_back(all[i] + c);
    }
    begin = end;
  }
  return all;
}

TEST(RobotsPattern, MatchesByDefinitionOnAllSmallInputs) {
  const std::vector<std::string> patterns = AllStrings("ab*", 6);
  const std::vector<std::string> paths = AllStrings("ab", 6);
  for (const std::string& pattern : patterns) {
    for (const std::string& path : paths) {
      for (const bool anchored : {false, true}) {
        ASSERT_EQ(RobotsWildcardMatch(pattern, anchored, path), ReferenceMatch(pattern, anchored, path))
            << pattern << (anchored ? "$ " : " ") << path;
      }
    }
  }
}

TEST(RobotsPattern, RunOfStarsCollapses) {
  const RobotsPattern pattern = NormalizeRobotsPattern("/*****a**b$");
  EXPECT_EQ(pattern.text, "/*a*b");
  EXPECT_TRUE(pattern.wild);
  EXPECT_TRUE(pattern.anchored);
  EXPECT_EQ(pattern.octets, 11u);
}

TEST(RobotsPattern, ManyStarsOverALongPathStayCheap) {
  std::string pattern = "/";
  for (int i = 0; i < 2000; ++i) pattern += "*a";
  pattern += "b$";
  const std::string path = "/" + std::string(8000, 'a');
  // A backtracking matcher would not come back from the first round.
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(RobotsWildcardMatch(pattern, true, path));
}

TEST(RobotsPattern, NormalizingIsIdempotent) {
  const std::string once = NormalizeRobotsPath("/a%7e%2f<\xC3\xA9%zz%4?x=*$ %25");
  EXPECT_EQ(once, "/a~%2F%3C%C3%A9%25zz%254?x=%2A%24%20%25");
  EXPECT_EQ(NormalizeRobotsPath(once), once);
}

}  // namespace
}  // namespace weft
