#include "cli/seed_list.h"

#include <gmock/gmock.h>

#include <sstream>

#include "tests/cli/parse_line.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

struct Read {
  std::vector<std::string> hrefs;
  std::vector<std::string> problems;
  std::string error;
};

Read ReadAll(const std::vector<std::string>& arguments, const std::vector<std::string>& files = {},
             const std::string& standard_input = "") {
  std::istringstream input(standard_input);
  const auto list = ReadSeeds(arguments, files, input);
  if (!list.ok()) return {{}, {}, ErrorText(list.status())};
  Read read{{}, list->problems, ""};
  for (const Url& url : list->urls) read.hrefs.push_back(url.href());
  return read;
}

TEST(SeedArguments, AUrlIsTakenAsItIs) {
  EXPECT_THAT(ReadAll({"http://example.com/a?b#c"}).hrefs, ElementsAre("http://example.com/a?b#c"));
}

TEST(SeedArguments, AHostMeansHttps) {
  EXPECT_THAT(ReadAll({"example.com/path"}).hrefs, ElementsAre("https://example.com/path"));
  EXPECT_THAT(ReadAll({"example.com:8443"}).hrefs, ElementsAre("https://example.com:8443/"));
  EXPECT_THAT(ReadAll({"localhost:8443/x"}).hrefs, ElementsAre("https://localhost:8443/x"));
  EXPECT_THAT(ReadAll({"[::1]:80/"}).hrefs, ElementsAre("https://[::1]:80/"));
}

TEST(SeedArguments, AnExistingFileIsAList) {
  const test::ScratchDir dir;
  EXPECT_THAT(ReadAll({dir.Write("example.com", "https://a.example/\n")}).hrefs, ElementsAre("https://a.example/"));
}

TEST(SeedArguments, ADashIsStandardInput) {
  EXPECT_THAT(ReadAll({"-"}, {}, "https://a.example/\n").hrefs, ElementsAre("https://a.example/"));
  EXPECT_THAT(ReadAll({}, {"-"}, "b.example").hrefs, ElementsAre("https://b.example/"));
}

TEST(SeedArguments, AnythingElseIsAnError) {
  for (const char* bad : {"foo", "mailto:you@example.com", "javascript:alert(1)", "two words.example", "", ".example",
                          "ftp://example.com/", "https://", "http://[bad/", "https://exa mple.com/", "user@example.com"}) {
    EXPECT_THAT(ReadAll({bad}).error, HasSubstr("is not a seed")) << bad;
  }
}

TEST(SeedArguments, AMissingFileIsNotTakenForAHost) {
  EXPECT_THAT(ReadAll({"seeds.txt"}).error, AllOf(HasSubstr("seeds.txt does not exist"), HasSubstr("https://")));
  EXPECT_THAT(ReadAll({"./lists/today"}).error, HasSubstr("does not exist"));
  EXPECT_THAT(ReadAll({"example.com/seeds.txt"}).hrefs, ElementsAre("https://example.com/seeds.txt"));
}

TEST(SeedArguments, OneBadArgumentStopsAll) {
  EXPECT_THAT(ReadAll({"https://example.com/", "foo"}).error, HasSubstr("'foo' is not a seed"));
}

TEST(SeedArguments, RepeatedSeedsAreKeptOnce) {
  EXPECT_THAT(ReadAll({"example.com", "https://example.com/", "https://EXAMPLE.com"}).hrefs,
              ElementsAre("https://example.com/"));
}

TEST(SeedFiles, HaveCommentsBlankLinesAndAnyLineEnd) {
  const test::ScratchDir dir;
  const std::string file = dir.Write(
      "s", "\xEF\xBB\xBFhttps://a.example/\r\n# comment\n\n   b.example/x   # why\nhttps://c.example/#frag\n\t\nd.example");
  EXPECT_THAT(ReadAll({}, {file}).hrefs, ElementsAre("https://a.example/", "https://b.example/x",
                                                     "https://c.example/#frag", "https://d.example/"));
}

TEST(SeedFiles, ABadLineIsNamedAndTheRestGoesOn) {
  const test::ScratchDir dir;
  const std::string file = dir.Write("s", "https://a.example/\nnot a url\nftp://b.example/\nhttps://c.example/\n");
  const Read read = ReadAll({}, {file});
  EXPECT_THAT(read.hrefs, ElementsAre("https://a.example/", "https://c.example/"));
  EXPECT_THAT(read.problems, ElementsAre(AllOf(StartsWith(file + ":2: 'not a url'"), HasSubstr("blank")),
                                         AllOf(StartsWith(file + ":3: "), HasSubstr("http://"))));
}

TEST(SeedFiles, BinaryAndEndlessLinesAreProblems) {
  const test::ScratchDir dir;
  const std::string file = dir.Write(
      "s", std::string("https://a.example/\0x\n", 21) + std::string(1 << 20, 'x') + "\nhttps://b.example/\n");
  const Read read = ReadAll({}, {file});
  EXPECT_THAT(read.hrefs, ElementsAre("https://b.example/"));
  ASSERT_EQ(read.problems.size(), 2u);
  EXPECT_THAT(read.problems[0], HasSubstr("control"));
  EXPECT_THAT(read.problems[1], HasSubstr("longer than"));
  EXPECT_LT(read.problems[1].size(), 300u);
}

TEST(SeedFiles, AMissingOneIsAnError) {
  EXPECT_THAT(ReadAll({}, {"/nonexistent/s"}).error, AllOf(HasSubstr("/nonexistent/s"), HasSubstr("does not exist")));
}

TEST(SeedArguments, AFolderNamedLikeAHostIsAHost) {
  const test::ScratchDir dir;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::create_directory(dir.Path("example.com"));
  std::filesystem::current_path(dir.Path(""));
  EXPECT_THAT(ReadAll({"example.com"}).hrefs, ElementsAre("https://example.com/"));
  EXPECT_THAT(ReadAll({dir.Path("example.com")}).error, HasSubstr("is a directory"));
  std::filesystem::current_path(before);
}

TEST(SeedFiles, ADirectoryIsAnError) { EXPECT_THAT(ReadAll({}, {"/tmp"}).error, HasSubstr("is a directory")); }

TEST(SeedFiles, AnEmptyOneIsAnError) {
  const test::ScratchDir dir;
  EXPECT_THAT(ReadAll({}, {dir.Write("s", "")}).error, HasSubstr("holds no seed"));
  EXPECT_THAT(ReadAll({}, {dir.Write("s", "# only\n\n")}).error, HasSubstr("holds no seed"));
  EXPECT_THAT(ReadAll({"-"}).error, HasSubstr("standard input holds no seed"));
}

TEST(SeedFiles, NoGoodLineLeftIsAnErrorWithTheLines) {
  const test::ScratchDir dir;
  std::string junk;
  for (int i = 0; i < 9; ++i) junk += "junk\n";
  const std::string file = dir.Write("s", junk);
  EXPECT_THAT(ReadAll({}, {file}).error,
              AllOf(HasSubstr("no seed is left"), HasSubstr(file + ":5: 'junk'"), HasSubstr("and 4 more")));
}

TEST(SeedList, RepeatsAreCounted) {
  std::istringstream none;
  auto seeds = ReadSeeds({"https://a.example/", "a.example", "https://b.example/"}, {}, none);
  ASSERT_TRUE(seeds.ok()) << seeds.status();
  EXPECT_EQ(seeds->repeats, 1u);
  EXPECT_EQ(seeds->urls.size(), 2u);
  EXPECT_EQ(LeftOutText(*seeds), "1 repeats a seed above");
}

TEST(SeedList, TellsHowManyLinesWereLeftOut) {
  EXPECT_EQ(LeftOutText({}), "");
  SeedList list;
  list.problems = {"x"};
  EXPECT_EQ(LeftOutText(list), "1 line is no seed and left out");
  list.problems.push_back("y");
  list.repeats = 3;
  EXPECT_EQ(LeftOutText(list), "2 lines are no seed and left out, 3 repeat a seed above");
}

TEST(SeedFiles, NothingAtAllIsAnError) { EXPECT_THAT(ReadAll({}).error, HasSubstr("no seed is left")); }

}  // namespace
}  // namespace weft
