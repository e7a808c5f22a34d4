#include "storage/store_uploads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/storage/object_store_support.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

// Waits by looking: what ends is told by the threads of the pool, and every test would hang without it.
class StoreUploadsTest : public ::testing::Test {
 protected:
  std::unique_ptr<StoreUploads> Uploads(bool free = false, size_t queue = 1000) {
    StoreUploadsOptions options{.directory = directory_.path(), .store = {.url = "file:///x"}, .free = free, .queue = queue};
    options.away = absl::Milliseconds(1);
    return std::make_unique<StoreUploads>(options, [this](StoreWait&, Random&) { return std::make_unique<test::FakeStore>(objects_); },
                                          [this](const std::string& text) {
                                            MutexLock lock(mutex_);
                                            told_.push_back(text);
                                          });
  }
  void Write(const std::string& name, std::string_view text) { std::ofstream(directory_ / name, std::ios::binary) << text; }
  bool Has(const std::string& name) { return std::filesystem::exists(directory_ / name); }
  static StoreProgress WaitUntil(StoreUploads& uploads, const std::function<bool(const StoreProgress&)>& ready) {
    StoppableWait wait;
    StoreProgress now = uploads.progress();
    while (!ready(now)) {
      wait.Pause(absl::Milliseconds(1));
      now = uploads.progress();
    }
    return now;
  }
  static StoreProgress End(StoreUploads& uploads) {
    uploads.Finish();
    return WaitUntil(uploads, [](const StoreProgress& now) { return now.idle; });
  }
  std::string Told() {
    MutexLock lock(mutex_);
    return fmt::format("{}", fmt::join(told_, "\n"));
  }
  std::vector<std::string> Puts() {
    MutexLock lock(objects_.mutex);
    std::vector<std::string> puts = objects_.puts;
    std::sort(puts.begin(), puts.end());
    return puts;
  }

  test::TempDirectory directory_;
  test::FakeObjects objects_;
  Mutex mutex_;
  std::vector<std::string> told_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(StoreUploadsTest, WhatAnEarlierRunLeftIsStoredWithItsIndex) {
  Write("a.warc.gz", "a");
  Write("a.warc.gz.cdxj", "index");
  Write("b.warc.gz.open", "not finished");
  auto uploads = Uploads();
  uploads->Begin();
  EXPECT_EQ(End(*uploads).stored, 1u);
  EXPECT_EQ(Puts(), (std::vector<std::string>{"a.warc.gz", "a.warc.gz.cdxj"}));
  EXPECT_EQ(ReadStoreNote(directory_ / "a.warc.gz")->digest, *DigestOfFile(directory_ / "a.warc.gz"));
  EXPECT_TRUE(Has("a.warc.gz"));
}

TEST_F(StoreUploadsTest, AFileIsStoredWhenItIsFinished) {
  auto uploads = Uploads();
  uploads->Begin();
  Write("a.warc.gz", "a");
  uploads->FileFinished("a.warc.gz");
  WaitUntil(*uploads, [](const StoreProgress& now) { return now.stored == 1; });
  EXPECT_EQ(Puts(), std::vector<std::string>{"a.warc.gz"});
}

TEST_F(StoreUploadsTest, AStoredFileIsNotStoredAgainByTheNextRun) {
  Write("a.warc.gz", "a");
  for (int run = 0; run < 2; ++run) {
    auto uploads = Uploads();
    uploads->Begin();
    End(*uploads);
  }
  EXPECT_EQ(Puts().size(), 1u);
}

TEST_F(StoreUploadsTest, NothingIsFreedBeforeTheStoreHasItAndItsIndexStays) {
  Write("a.warc.gz", "a");
  Write("a.warc.gz.cdxj", "index");
  std::atomic<bool> was_there{true};
  objects_.before_put = [&](const std::string&) {
    was_there = was_there && Has("a.warc.gz") && !Has("a.warc.gz.stored");
    return absl::OkStatus();
  };
  auto uploads = Uploads(/*free=*/true);
  uploads->Begin();
  End(*uploads);
  EXPECT_TRUE(was_there);
  EXPECT_FALSE(Has("a.warc.gz"));
  EXPECT_TRUE(Has("a.warc.gz.cdxj"));
  EXPECT_EQ(TallyStored(directory_.path())->freed, 1u);
}

TEST_F(StoreUploadsTest, AFileThatWasNotedAndNotFreedIsFreedByTheNextRun) {
  Write("a.warc.gz", "a");
  {
    auto uploads = Uploads();
    uploads->Begin();
    End(*uploads);
  }
  auto uploads = Uploads(/*free=*/true);
  uploads->Begin();
  End(*uploads);
  EXPECT_FALSE(Has("a.warc.gz"));
  EXPECT_EQ(Puts().size(), 1u);
}

TEST_F(StoreUploadsTest, AFileThatIsNotTheOneThatWasStoredIsKept) {
  Write("a.warc.gz", "a");
  {
    auto uploads = Uploads();
    uploads->Begin();
    End(*uploads);
  }
  Write("a.warc.gz", "something else");
  auto uploads = Uploads(/*free=*/true);
  uploads->Begin();
  End(*uploads);
  EXPECT_TRUE(Has("a.warc.gz"));
  EXPECT_NE(Told().find("it is kept"), std::string::npos);
}

TEST_F(StoreUploadsTest, AStoreThatIsAwayIsTriedUntilItIsBack) {
  Write("a.warc.gz", "a");
  std::atomic<int> tries{0};
  objects_.before_put = [&](const std::string&) { return ++tries < 5 ? absl::UnavailableError("away") : absl::OkStatus(); };
  auto uploads = Uploads(/*free=*/true);
  uploads->Begin();
  const StoreProgress now = WaitUntil(*uploads, [](const StoreProgress& progress) { return progress.stored == 1; });
  EXPECT_EQ(now.trouble, "");
  EXPECT_EQ(now.failed, 0u);
  EXPECT_EQ(Told(), "files cannot be stored in file:///x: away; they wait here and are tried again, the crawl goes on\n"
                    "the store file:///x takes files again");
  EXPECT_EQ(ReadStoreState(directory_.path())->trouble, "");
}

TEST_F(StoreUploadsTest, AtTheEndAStoreThatIsAwayIsNotWaitedFor) {
  Write("a.warc.gz", "a");
  Write("b.warc.gz", "b");
  objects_.before_put = [&](const std::string&) { return absl::UnavailableError("away"); };
  auto uploads = Uploads(/*free=*/true);
  uploads->Begin();
  const StoreProgress end = End(*uploads);
  EXPECT_EQ(end.failed, 2u);
  EXPECT_EQ(end.trouble, "away");
  EXPECT_TRUE(Has("a.warc.gz"));
  EXPECT_EQ(ReadStoreState(directory_.path())->trouble, "away");
  EXPECT_EQ(TallyStored(directory_.path())->waiting, 2u);
}

TEST_F(StoreUploadsTest, ATryThatBeganBeforeTheEndIsNotTheLast) {
  Write("a.warc.gz", "a");
  std::atomic<int> tries{0};
  std::promise<void> begun;
  std::promise<void> finishing;
  objects_.before_put = [&](const std::string&) -> absl::Status {
    if (++tries > 1) return absl::OkStatus();
    begun.set_value();
    finishing.get_future().wait();
    return absl::UnavailableError("restarts");
  };
  auto uploads = Uploads(/*free=*/true);
  uploads->Begin();
  begun.get_future().wait();
  uploads->Finish();
  finishing.set_value();
  const StoreProgress end = WaitUntil(*uploads, [](const StoreProgress& now) { return now.idle; });
  EXPECT_EQ(end.stored, 1u);
  EXPECT_EQ(end.failed, 0u);
}

TEST_F(StoreUploadsTest, AtTheEndAStoreThatIsAwayIsNotAskedForEveryFile) {
  for (int i = 0; i < 50; ++i) Write(fmt::format("{:02}.warc.gz", i), "x");
  std::atomic<int> asked{0};
  objects_.before_put = [&](const std::string&) {
    ++asked;
    return absl::UnavailableError("away");
  };
  auto uploads = Uploads(/*free=*/true, /*queue=*/10);
  uploads->Finish();
  uploads->Begin();
  const StoreProgress end = WaitUntil(*uploads, [](const StoreProgress& now) { return now.idle; });
  EXPECT_EQ(end.failed, 50u);
  EXPECT_LE(asked.load(), 4);
}

TEST_F(StoreUploadsTest, AFileThatTheStoreRefusesDoesNotKeepTheOthers) {
  Write("a.warc.gz", "a");
  Write("b.warc.gz", "b");
  objects_.before_put = [&](const std::string& name) { return name == "a.warc.gz" ? absl::AlreadyExistsError("another object") : absl::OkStatus(); };
  auto uploads = Uploads(/*free=*/true);
  uploads->Begin();
  const StoreProgress end = End(*uploads);
  EXPECT_EQ(end.failed, 1u);
  EXPECT_EQ(end.stored, 1u);
  EXPECT_TRUE(Has("a.warc.gz"));
  EXPECT_FALSE(Has("b.warc.gz"));
  EXPECT_NE(Told().find("a.warc.gz is not stored: another object"), std::string::npos);
}

TEST_F(StoreUploadsTest, FilesOfEarlierRunsAreCountedToo) {
  Write("a.warc.gz", "a");
  {
    auto uploads = Uploads(/*free=*/true);
    uploads->Begin();
    EXPECT_EQ(End(*uploads).freed_in_all, 1u);
  }
  Write("b.warc.gz", "bb");
  auto uploads = Uploads(/*free=*/true);
  uploads->Begin();
  const StoreProgress end = End(*uploads);
  EXPECT_EQ(end.stored, 1u);
  EXPECT_EQ(end.stored_in_all, 2u);
  EXPECT_EQ(end.stored_bytes_in_all, 3u);
  EXPECT_EQ(end.freed_in_all, 2u);
  EXPECT_EQ(end.last_error, "");
}

TEST_F(StoreUploadsTest, WhatFailedLastIsKept) {
  Write("a.warc.gz", "a");
  objects_.before_put = [&](const std::string&) { return absl::AlreadyExistsError("another object"); };
  auto uploads = Uploads();
  uploads->Begin();
  EXPECT_EQ(End(*uploads).last_error, "a.warc.gz: another object");
}

TEST_F(StoreUploadsTest, WhatDoesNotFitIntoTheQueueIsFoundInTheDirectory) {
  auto uploads = Uploads(/*free=*/false, /*queue=*/2);
  for (int i = 0; i < 20; ++i) {
    Write(fmt::format("{:02}.warc.gz", i), "x");
    uploads->FileFinished(fmt::format("{:02}.warc.gz", i));
  }
  EXPECT_EQ(uploads->progress().waiting, 2u);
  uploads->Begin();
  EXPECT_EQ(End(*uploads).stored, 20u);
  EXPECT_EQ(Puts().size(), 20u);
}

}  // namespace
}  // namespace weft
