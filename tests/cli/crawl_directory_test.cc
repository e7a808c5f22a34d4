#include "cli/crawl_directory.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace weft {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class CrawlDirectoryTest : public testing::Test {
 protected:
  CrawlDirectoryTest() {
    std::string pattern = fs::temp_directory_path() / "weft-dir-XXXXXX";
    root_ = mkdtemp(pattern.data());
    path_ = root_ + "/crawl";
  }
  ~CrawlDirectoryTest() override { fs::remove_all(root_); }
  std::unique_ptr<CrawlDirectory> Open() {
    auto directory = CrawlDirectory::OpenForCrawl(path_);
    EXPECT_TRUE(directory.ok()) << directory.status();
    return directory.ok() ? std::move(*directory) : nullptr;
  }
  static void Touch(const std::string& file) { std::ofstream(file) << "x"; }
  // Why a crawl may not begin there.
  std::string Refusal() {
    auto directory = CrawlDirectory::OpenForCrawl(path_);
    EXPECT_FALSE(directory.ok());
    return directory.ok() ? "" : std::string(directory.status().message());
  }

  std::string root_;
  std::string path_;
};

TEST_F(CrawlDirectoryTest, IsMadeWithItsParentsAndItsWarcFolder) {
  path_ = root_ + "/a/b/crawl";
  auto directory = Open();
  EXPECT_TRUE(fs::is_directory(directory->warc_path()));
  EXPECT_EQ(directory->db_path(), path_ + "/crawl.db");
  EXPECT_EQ(directory->log_path(), path_ + "/crawl.log");
  EXPECT_EQ(directory->running_pid(), 0);
}

TEST_F(CrawlDirectoryTest, AnEmptyDirectoryWillDo) {
  fs::create_directory(path_);
  EXPECT_NE(Open(), nullptr);
}

TEST_F(CrawlDirectoryTest, SomebodyElsesFilesAreLeftAlone) {
  fs::create_directory(path_);
  Touch(path_ + "/thesis.doc");
  EXPECT_THAT(Refusal(), HasSubstr("holds something else ('thesis.doc')"));
  EXPECT_FALSE(fs::exists(path_ + "/weft.lock"));
  EXPECT_FALSE(fs::exists(path_ + "/warc"));
}

TEST_F(CrawlDirectoryTest, ASchedulersDirectoryIsNotGoneOnWithAsACrawl) {
  ASSERT_TRUE(CrawlDirectory::OpenForScheduler(path_).ok());
  EXPECT_THAT(Refusal(), HasSubstr("go on with: weft scheduler --data " + path_));
  EXPECT_FALSE(fs::exists(path_ + "/warc"));
  EXPECT_TRUE(CrawlDirectory::OpenForScheduler(path_).ok());
}

TEST_F(CrawlDirectoryTest, ACrawlIsNotGoneOnWithByAScheduler) {
  ASSERT_NE(Open(), nullptr);
  const auto opened = CrawlDirectory::OpenForScheduler(path_);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("go on with: weft crawl --out " + path_));
  EXPECT_FALSE(fs::exists(path_ + "/weft.scheduler"));
}

TEST_F(CrawlDirectoryTest, NeitherACrawlNorASchedulerBeginsInAPagesDirectory) {
  ASSERT_TRUE(CrawlDirectory::OpenForPages(path_).ok());
  Touch(path_ + "/pages-directory-id");
  EXPECT_THAT(Refusal(), HasSubstr("it is a worker's --pages directory"));
  EXPECT_FALSE(CrawlDirectory::OpenForScheduler(path_).ok());
  EXPECT_FALSE(fs::exists(path_ + "/warc"));
}

TEST_F(CrawlDirectoryTest, AWorkerDoesNotStorePagesInACrawl) {
  fs::create_directory(Open()->db_path());
  auto pages = CrawlDirectory::OpenForPages(path_);
  ASSERT_FALSE(pages.ok());
  EXPECT_THAT(std::string(pages.status().message()), HasSubstr("a crawl's or a scheduler's directory"));
}

TEST_F(CrawlDirectoryTest, AFileIsNoDirectory) {
  Touch(path_);
  EXPECT_THAT(Refusal(), HasSubstr("cannot be made a directory"));
}

TEST_F(CrawlDirectoryTest, ACrawlGoesOnWhereOneWasBegun) {
  Open().reset();
  fs::create_directory(path_ + "/crawl.db");
  Touch(path_ + "/notes.txt");   // the user's own, beside it
  EXPECT_NE(Open(), nullptr);
}

TEST_F(CrawlDirectoryTest, OneAtATime) {
  auto first = Open();
  EXPECT_THAT(Refusal(), HasSubstr(fmt::format("pid {}", getpid())));
  first.reset();
  EXPECT_NE(Open(), nullptr);
}

TEST_F(CrawlDirectoryTest, AShorterPidThanBeforeIsReadWhole) {
  fs::create_directory(path_);
  std::ofstream(path_ + "/weft.lock") << "99999999999999999\n";
  auto directory = Open();
  EXPECT_THAT(Refusal(), HasSubstr(fmt::format("(pid {})", getpid())));
}

TEST_F(CrawlDirectoryTest, ExistsOnceThereIsACrawl) {
  EXPECT_FALSE(CrawlDirectory::Exists(path_));
  auto directory = Open();
  EXPECT_FALSE(CrawlDirectory::Exists(path_));
  fs::create_directory(directory->db_path());
  EXPECT_TRUE(CrawlDirectory::Exists(path_));
}

TEST_F(CrawlDirectoryTest, ThereMustBeACrawlToRead) {
  auto directory = CrawlDirectory::OpenToRead(path_);
  EXPECT_EQ(directory.status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(fs::exists(path_));   // looking leaves no trace
}

TEST_F(CrawlDirectoryTest, AReaderOfAPagesDirectoryIsToldWhatItIs) {
  fs::create_directory(path_);
  Touch(path_ + "/pages-directory-id");
  auto directory = CrawlDirectory::OpenToRead(path_);
  EXPECT_THAT(std::string(directory.status().message()), HasSubstr("it is a worker's --pages directory"));
}

TEST_F(CrawlDirectoryTest, AReaderSeesWhoRuns) {
  auto running = Open();
  fs::create_directory(running->db_path());
  auto reader = CrawlDirectory::OpenToRead(path_);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->running_pid(), getpid());
}

TEST_F(CrawlDirectoryTest, ReadersShareACrawlThatNobodyRuns) {
  fs::create_directory(Open()->db_path());
  auto first = CrawlDirectory::OpenToRead(path_);
  auto second = CrawlDirectory::OpenToRead(path_);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ((*first)->running_pid(), 0);
  EXPECT_EQ((*second)->running_pid(), 0);
}

TEST_F(CrawlDirectoryTest, AReaderThatOnlySawARunningCrawlDoesNotKeepTheNextFromBeginning) {
  auto running = Open();
  fs::create_directory(running->db_path());
  auto reader = CrawlDirectory::OpenToRead(path_);
  ASSERT_TRUE(reader.ok());
  running.reset();
  EXPECT_NE(Open(), nullptr);
}

TEST_F(CrawlDirectoryTest, ThePagesDirectoryMayHoldOtherThingsAndIsLockedToo) {
  fs::create_directory(path_);
  Touch(path_ + "/other");
  auto first = CrawlDirectory::OpenForPages(path_);
  ASSERT_TRUE(first.ok()) << first.status();
  auto second = CrawlDirectory::OpenForPages(path_);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("choose another --pages"));
}

TEST_F(CrawlDirectoryTest, TheControlEndpointIsShortHoweverDeepTheDirectoryLies) {
  for (int i = 0; i < 20; ++i) path_ += "/a-rather-long-name";
  auto directory = Open();
  std::string endpoint = directory->control_endpoint();
  EXPECT_LT(endpoint.size(), 100u);
  // It names a place inside the directory.
  std::string file = endpoint.substr(std::string("ipc://").size());
  Touch(file);
  EXPECT_TRUE(fs::exists(path_ + "/weft.sock"));
}

}  // namespace
}  // namespace weft
