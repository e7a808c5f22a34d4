#include "cli/key_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status.h"

namespace weft {
namespace {

using testing::HasSubstr;

class KeyFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/weft-keys-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  static mode_t ModeOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }
  std::string folder_;
};

TEST_F(KeyFilesTest, APrivateFileIsItsOwnersAlone) {
  const mode_t before = umask(0);
  EXPECT_TRUE(WritePrivateFile(folder_ + "/f", "secret").ok());
  umask(before);
  EXPECT_EQ(ModeOf(folder_ + "/f"), 0600u);
  EXPECT_EQ(ReadPrivateFile(folder_ + "/f").value_or(""), "secret");
}

TEST_F(KeyFilesTest, WritingAgainReplacesTheFileAndItsMode) {
  std::ofstream(folder_ + "/f") << "old";
  chmod((folder_ + "/f").c_str(), 0644);
  EXPECT_TRUE(WritePrivateFile(folder_ + "/f", "new").ok());
  EXPECT_EQ(ModeOf(folder_ + "/f"), 0600u);
  EXPECT_EQ(ReadPrivateFile(folder_ + "/f").value_or(""), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(KeyFilesTest, WhatOthersMayReadIsRefusedWithTheWayOut) {
  ASSERT_TRUE(WritePrivateFile(folder_ + "/f", "secret").ok());
  for (mode_t mode : {0640u, 0604u, 0620u}) {
    chmod((folder_ + "/f").c_str(), mode);
    EXPECT_THAT(ErrorText(ReadPrivateFile(folder_ + "/f").status()), HasSubstr("chmod 600 " + folder_ + "/f")) << mode;
  }
  EXPECT_TRUE(absl::IsNotFound(ReadPrivateFile(folder_ + "/g").status()));
}

TEST_F(KeyFilesTest, TheSchedulersPairIsMadeOnceAndKept) {
  auto first = OpenSchedulerPair(folder_ + "/keys");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(ModeOf(folder_ + "/keys"), 0700u);
  EXPECT_EQ(ModeOf(folder_ + "/keys/scheduler.key"), 0600u);
  auto again = OpenSchedulerPair(folder_ + "/keys");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->public_key, first->public_key);
  EXPECT_EQ(again->secret_key, first->secret_key);
}

TEST_F(KeyFilesTest, ADamagedPairIsToldAndNotReplaced) {
  ASSERT_TRUE(OpenSchedulerPair(folder_).ok());
  ASSERT_TRUE(WritePrivateFile(folder_ + "/scheduler.key", "weft-key-1\nabc\n").ok());
  EXPECT_THAT(ErrorText(OpenSchedulerPair(folder_).status()), HasSubstr("holds no key pair"));
  EXPECT_EQ(ReadPrivateFile(folder_ + "/scheduler.key").value_or(""), "weft-key-1\nabc\n");
}

}  // namespace
}  // namespace weft
