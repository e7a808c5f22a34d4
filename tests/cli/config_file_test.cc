#include "cli/config_file.h"

#include <gmock/gmock.h>

#include "tests/cli/parse_line.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ReadConfigFile, GivesKeysInOrderWithTheirLines) {
  const test::ScratchDir dir;
  const auto entries = ReadConfigFile(dir.Write("c.toml", "# c\nzeta = 'z'\nalpha = 12\n\nflag = true\nlist = ['a', 'b']\n"));
  ASSERT_TRUE(entries.ok()) << ErrorText(entries.status());
  ASSERT_EQ(entries->size(), 4u);
  EXPECT_EQ((*entries)[0].key, "zeta");
  EXPECT_EQ((*entries)[0].line, 2);
  EXPECT_THAT((*entries)[1].values, ElementsAre("12"));
  EXPECT_THAT((*entries)[2].values, ElementsAre("true"));
  EXPECT_THAT((*entries)[3].values, ElementsAre("a", "b"));
  EXPECT_TRUE((*entries)[3].is_list);
  EXPECT_EQ((*entries)[3].line, 6);
}

TEST(ReadConfigFile, NamesTheLineOfASyntaxError) {
  const test::ScratchDir dir;
  const std::string path = dir.Write("c.toml", "a = 1\nb = \n");
  EXPECT_THAT(ErrorText(ReadConfigFile(path).status()), StartsWith(path + ":2: "));
}

TEST(ReadConfigFile, RefusesTablesAndOtherValues) {
  const test::ScratchDir dir;
  const std::string path = dir.Path("c.toml");
  dir.Write("c.toml", "a = 1\n[limits]\nmax-pages = 3\n");
  EXPECT_THAT(ErrorText(ReadConfigFile(path).status()), AllOf(StartsWith(path + ":2: "), HasSubstr("'limits' is a table")));
  dir.Write("c.toml", "delay = 1.5\n");
  EXPECT_THAT(ErrorText(ReadConfigFile(path).status()), AllOf(HasSubstr(":1: delay: "), HasSubstr("text in quotes")));
  dir.Write("c.toml", "exclude = [['a']]\n");
  EXPECT_THAT(ErrorText(ReadConfigFile(path).status()), HasSubstr(":1: exclude: "));
}

TEST(ReadConfigFile, AnArrayOfTablesIsAListOfNamedValues) {
  const test::ScratchDir dir;
  const auto entries = ReadConfigFile(
      dir.Write("c.toml", "[[rule]]\nmatch = 'a b'\npriority = 10\n[[rule]]\nhosts = ['x', 'y']\n"));
  ASSERT_TRUE(entries.ok()) << ErrorText(entries.status());
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_TRUE((*entries)[0].is_list);
  EXPECT_THAT((*entries)[0].values, ElementsAre("match=\"a b\" priority=10", "hosts=x,y"));
}

TEST(ReadConfigFile, ATableWithinAnArrayOfTablesIsRefused) {
  const test::ScratchDir dir;
  const std::string path = dir.Write("c.toml", "[[rule]]\nmatch = 1.5\n");
  EXPECT_THAT(ErrorText(ReadConfigFile(path).status()), AllOf(HasSubstr(":2: rule.match: "), HasSubstr("text in quotes")));
  dir.Write("c.toml", "[[rule]]\nhosts = ['a,b']\n");
  EXPECT_THAT(ErrorText(ReadConfigFile(path).status()), HasSubstr(":2: rule.hosts: "));
}

TEST(ReadConfigFile, SaysWhatToDoAboutAMissingFile) {
  const test::ScratchDir dir;
  EXPECT_THAT(ErrorText(ReadConfigFile(dir.Path("none.toml")).status()),
              AllOf(HasSubstr("none.toml"), HasSubstr("--config")));
  EXPECT_FALSE(ReadConfigFile(dir.Path("")).ok());
}

TEST(ReadConfigFile, AnEmptyFileIsNoError) {
  const test::ScratchDir dir;
  const auto entries = ReadConfigFile(dir.Write("c.toml", ""));
  ASSERT_TRUE(entries.ok());
  EXPECT_TRUE(entries->empty());
}

}  // namespace
}  // namespace weft
