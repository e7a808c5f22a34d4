#include "cli/pages_finder.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>

#include "storage/pages_directory.h"

namespace weft {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class PagesFinderTest : public testing::Test {
 protected:
  PagesFinderTest() {
    std::string pattern = fs::temp_directory_path() / "weft-pages-XXXXXX";
    root_ = mkdtemp(pattern.data());
    path_ = root_ + "/P1";
    id_ = OpenPagesDirectory(path_, *SystemRandom(), PosixFileOps()).value();
  }
  ~PagesFinderTest() override { fs::remove_all(root_); }
  PagesFinder Finder(const std::vector<std::string>& named = {}) { return PagesFinder::Make(named).value(); }

  std::string root_;
  std::string path_;
  uint64_t id_ = 0;
};

TEST_F(PagesFinderTest, OneThatTheUserNamesIsFoundByItsId) { EXPECT_EQ(*Finder({path_}).Find(id_), path_); }

TEST_F(PagesFinderTest, WhatIsNoPagesDirectoryIsSaidSo) {
  auto finder = PagesFinder::Make({root_});
  EXPECT_EQ(finder.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(finder.status().message()), HasSubstr("--pages " + root_));
}

TEST_F(PagesFinderTest, TheCrawlsOwnIsFoundWhereverItWasMovedTo) {
  PagesFinder finder = Finder();
  finder.Seen(id_, {"m", "/before/it/was/moved"});
  finder.AddIfThere(path_);
  EXPECT_EQ(*finder.Find(id_), path_);
}

TEST_F(PagesFinderTest, OneIsFoundWhereItWasLastSeen) {
  PagesFinder finder = Finder();
  finder.Seen(id_, {"m", path_});
  EXPECT_EQ(*finder.Find(id_), path_);
}

TEST_F(PagesFinderTest, OutOfReachItNamesMachinePathAndWhatToDo) {
  PagesFinder finder = Finder();
  finder.Seen(id_, {"machine-7", root_ + "/gone"});
  EXPECT_THAT(std::string(finder.Find(id_).status().message()),
              AllOf(HasSubstr(root_ + "/gone on the machine 'machine-7'"), HasSubstr("--pages DIR")));
}

TEST_F(PagesFinderTest, TheNodeThatHadItIsNamedWithTheTimeItWasHeardLast) {
  PagesFinder finder = Finder();
  const absl::Time now = absl::FromUnixSeconds(1'767'300'000);
  PagesPlace place{"machine-7", "/disk/P1", "worker-1"};
  finder.Seen(id_, place);
  EXPECT_EQ(finder.NodeOf(id_, now), "worker-1 with machine-7:/disk/P1");
  place.heard = now - absl::Seconds(90);
  finder.Seen(id_, place);
  EXPECT_EQ(finder.NodeOf(id_, now), "worker-1 with machine-7:/disk/P1 (last heard 1m30s ago)");
  place.forgotten = true;
  finder.Seen(id_, place);
  EXPECT_THAT(finder.NodeOf(id_, now), HasSubstr("weft node forget"));
}

TEST_F(PagesFinderTest, AnotherDirectoryAtThatPathIsNotTakenForIt) {
  PagesFinder finder = Finder();
  finder.Seen(id_ + 1, {"m", path_});
  EXPECT_FALSE(finder.Find(id_ + 1).ok());
}

TEST_F(PagesFinderTest, OneThatWasNeverSeenIsAWorkersAndCanBeNamed) {
  EXPECT_THAT(std::string(Finder().Find(id_).status().message()),
              AllOf(HasSubstr("a worker's --pages directory"), HasSubstr("--pages DIR")));
}

}  // namespace
}  // namespace weft
