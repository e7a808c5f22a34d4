// The commands of two words and those that read WARC files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/options_help.h"
#include "tests/cli/parse_line.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using test::Parse;

std::string ErrorOf(std::vector<std::string> words) {
  const auto line = Parse(std::move(words));
  return line.ok() ? "" : ErrorText(line.status());
}

constexpr Command kArchiveCommands[] = {Command::kWarcCheck, Command::kWarcCat, Command::kWarcExtract, Command::kIndex, Command::kWacz, Command::kImport};

TEST(ArchiveOptions, CommandsTakeTheirFiles) {
  const auto check = Parse({"warc", "check", "a.warc", "--json", "b"});
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_EQ(check->command, Command::kWarcCheck);
  EXPECT_THAT(check->invocation.files, ElementsAre("a.warc", "b"));
  EXPECT_TRUE(check->invocation.json);
  const auto cat = Parse({"warc", "cat", "a.warc", "--offset", "0", "--uri", "http://a/", "--payload"});
  ASSERT_TRUE(cat.ok()) << cat.status();
  EXPECT_TRUE(cat->given.contains("offset"));
  EXPECT_EQ(cat->invocation.uri, "http://a/");
  EXPECT_TRUE(cat->invocation.payload);
  EXPECT_EQ(Parse({"index", "a", "--out", "f"})->invocation.out_dir, "f");
  EXPECT_EQ(Parse({"wacz", "a", "--out", "f", "--title", "t"})->invocation.title, "t");
  EXPECT_EQ(Parse({"import", "a", "--out", "d", "--max-depth", "2"})->settings.max_depth(), 2u);
}

TEST(ArchiveOptions, WhatIsMissingIsSaid) {
  EXPECT_THAT(ErrorOf({"warc"}), HasSubstr("warc check, warc cat and warc extract"));
  EXPECT_THAT(ErrorOf({"warc", "check"}), HasSubstr("no file is named; usage: weft warc check FILE|DIR..."));
  EXPECT_THAT(ErrorOf({"warc", "extract", "a"}), HasSubstr("--out is missing (Where the files go); usage"));
  EXPECT_THAT(ErrorOf({"wacz", "a"}), HasSubstr("--out is missing (the file to write, which is replaced when it is complete); usage"));
  EXPECT_THAT(ErrorOf({"wacz", "a"}), HasSubstr("usage: weft wacz FILE|DIR... --out FILE"));
  EXPECT_THAT(ErrorOf({"warc", "cat", "a", "--offset", "x"}), HasSubstr("--offset"));
  EXPECT_THAT(ErrorOf({"index", "a", "--json"}), HasSubstr("'weft index' does not take --json"));
}

TEST(ArchiveOptions, HelpsFitATerminalAndTheirExamplesParse) {
  size_t examples = 0;
  for (const Command command : kArchiveCommands) {
    const std::string help = CommandHelp(command);
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 130u) << line;
      if (!line.starts_with("  weft ")) continue;
      std::istringstream split(line);
      std::vector<std::string> words;
      for (std::string word; split >> word;) words.push_back(word);
      EXPECT_TRUE(ParseCommandLine(words).ok()) << line;
      ++examples;
    }
  }
  EXPECT_GE(examples, 8u);
}

}  // namespace
}  // namespace weft
