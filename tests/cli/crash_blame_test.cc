#include "cli/crash_blame.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace weft {
namespace {

// A process with two parsers; it crashes when the pair goes out of scope with a page named.
class CrashBlameTest : public ::testing::Test {
 protected:
  struct Process {
    explicit Process(const std::string& folder)
        : first(folder + "/parsing-0", folder + "/parsing.blame"), second(folder + "/parsing-1", folder + "/parsing.blame") {}
    CrashBlame first;
    CrashBlame second;
  };

  void SetUp() override {
    std::string folder = ::testing::TempDir() + "/crash-blame-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

TEST_F(CrashBlameTest, ThePageThatWasNamedIsBlamed) {
  { Process(folder_).first.Name("poison"); }
  Process next(folder_);
  EXPECT_EQ(next.first.CrashesOn("poison"), 1u);
  EXPECT_EQ(next.first.CrashesOn("another"), 0u);
}

TEST_F(CrashBlameTest, AllThatWereBlamedAreToldWithTheirCounts) {
  const std::string key("\x00\x01\xfe\xff key of ten", 16);
  { Process(folder_).first.Name(key); }
  { Process(folder_).second.Name(key); }
  { Process(folder_).second.Name("another"); }
  Process next(folder_);
  EXPECT_EQ(next.first.Blamed(), (std::map<std::string, uint32_t>{{key, 2}, {"another", 1}}));
}

TEST_F(CrashBlameTest, WhatWasReadToItsEndIsNot) {
  {
    Process process(folder_);
    process.first.Name("page");
    process.first.Name("");
  }
  EXPECT_EQ(Process(folder_).first.CrashesOn("page"), 0u);
}

TEST_F(CrashBlameTest, ParsersOfADirectoryCountTogether) {
  { Process(folder_).second.Name("poison"); }
  { Process(folder_).first.Name("poison"); }
  { Process(folder_).second.Name("poison"); }
  Process next(folder_);
  EXPECT_EQ(next.first.CrashesOn("poison"), 3u);
  EXPECT_EQ(next.second.CrashesOn("poison"), 3u);
}

TEST_F(CrashBlameTest, TwoParsersThatNamedThePageAtOnceCountTwice) {
  {
    Process process(folder_);
    process.first.Name("poison");
    process.second.Name("poison");
  }
  EXPECT_EQ(Process(folder_).first.CrashesOn("poison"), 2u);
}

TEST_F(CrashBlameTest, ACountIsNotTakenTwice) {
  { Process(folder_).first.Name("poison"); }
  { Process process(folder_); }
  EXPECT_EQ(Process(folder_).first.CrashesOn("poison"), 1u);
}

TEST_F(CrashBlameTest, NoFilesMeanNoBlame) {
  CrashBlame lost(folder_ + "/missing/parsing-0", folder_ + "/missing/parsing.blame");
  lost.Name("page");
  EXPECT_EQ(lost.CrashesOn("page"), 0u);
}

}  // namespace
}  // namespace weft
