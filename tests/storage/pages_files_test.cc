#include "storage/pages_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/storage/warc_test_support.h"

namespace weft::test {
namespace {

class PagesFilesTest : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) { std::ofstream(directory_.path() + "/" + name, std::ios::binary) << text; }
  absl::StatusOr<std::string> Read(const std::string& name, uint64_t offset = 0, uint64_t length = 100) {
    return NewPagesReader(directory_.path())->Read(name, offset, length);
  }

  TempDirectory directory_;
};

TEST_F(PagesFilesTest, AFileIsReadWhereverOneAsks) {
  Write("a.warc.gz", "0123456789");
  EXPECT_EQ(*Read("a.warc.gz"), "0123456789");
  EXPECT_EQ(*Read("a.warc.gz", 3, 4), "3456");
  EXPECT_EQ(*Read("a.warc.gz", 8, 4), "89");
  EXPECT_EQ(*Read("a.warc.gz", 10, 4), "");
  EXPECT_EQ(*Read("a.warc.gz", UINT64_MAX, UINT64_MAX), "");
}

TEST_F(PagesFilesTest, OneThatIsStillWrittenIsReadByItsLaterName) {
  Write("a.warc.gz.open", "0123");
  EXPECT_EQ(*Read("a.warc.gz"), "0123");
}

TEST_F(PagesFilesTest, WhatIsNoWarcFileOfTheDirectoryIsNotRead) {
  Write("keys", "secret");
  Write("pages-directory-id", "0123456789abcdef");
  std::filesystem::create_directory(directory_.path() + "/below");
  Write("below/a.warc.gz", "below");
  const std::string outside = "../" + std::filesystem::path(directory_.path()).filename().string() + "/a.warc.gz";
  for (const std::string& name : {std::string("keys"), std::string("pages-directory-id"), std::string("below/a.warc.gz"), outside,
                                  std::string("/etc/passwd"), std::string(""), std::string(".warc.gz"), std::string("a\0.warc.gz", 10)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Read(name).status())) << name;
  }
}

TEST_F(PagesFilesTest, AFileThatIsNotThereIsNotFound) { EXPECT_TRUE(absl::IsNotFound(Read("a.warc").status())); }

}  // namespace
}  // namespace weft::test
