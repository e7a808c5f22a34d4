#include "storage/seen_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "storage/byte_coding.h"

namespace weft::test {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kId = 77;
constexpr uint64_t kLineage = 5;
constexpr uint64_t kKeys = 15;

class SeenSnapshot : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/weft-seen-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    path_ = directory_ + "/set.a";
    for (uint64_t i = 0; i < kKeys; ++i) set_->Put({i, i << 50}, SeenNote::Settled());
  }
  void TearDown() override { fs::remove_all(directory_); }

  absl::Status Save(uint64_t id = kId, uint64_t lineage = kLineage) {
    SeenSnapshotWriter writer(path_, {id, lineage, 9, kKeys}, PosixFileOps());
    for (size_t i = 0; i < set_->segments(); ++i) {
      std::string segment;
      set_->SaveSegment(i, segment);
      std::string piece;
      PutFixed32(piece, static_cast<uint32_t>(segment.size()));
      absl::Status added = writer.Add(piece + segment);
      if (!added.ok()) return added;
    }
    return writer.Finish();
  }
  absl::Status Load() {
    loaded_ = SeenUrls::Create(1 << 20).value();
    return LoadSeenSnapshot(path_, kId, kLineage, *loaded_);
  }
  std::string Bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes; }

  std::string directory_;
  std::string path_;
  std::unique_ptr<SeenUrls> set_ = SeenUrls::Create(1 << 20).value();
  std::unique_ptr<SeenUrls> loaded_;
};

TEST_F(SeenSnapshot, GivesTheSetBack) {
  ASSERT_TRUE(Save().ok());
  ASSERT_TRUE(Load().ok());
  EXPECT_EQ(loaded_->size(), kKeys);
  for (uint64_t i = 0; i < kKeys; ++i) EXPECT_EQ(loaded_->Check({i, i << 50}).kind, SeenAnswer::Kind::kKnown);
}

TEST_F(SeenSnapshot, IsThereAsAWholeOrNotAtAll) {
  SeenSnapshotWriter writer(path_, {kId, kLineage, 9, 0}, PosixFileOps());
  ASSERT_TRUE(writer.Add("").ok());
  EXPECT_FALSE(fs::exists(path_));
  ASSERT_TRUE(writer.Finish().ok());
  EXPECT_TRUE(fs::exists(path_));
  EXPECT_FALSE(fs::exists(path_ + ".new"));
}

TEST_F(SeenSnapshot, ReplacesItsPredecessorAndWhatACrashLeft) {
  Write("older");
  std::ofstream(path_ + ".new") << "half";
  ASSERT_TRUE(Save().ok());
  EXPECT_TRUE(Load().ok());
}

TEST_F(SeenSnapshot, MissingFileIsNotFound) { EXPECT_EQ(Load().code(), absl::StatusCode::kNotFound); }

TEST_F(SeenSnapshot, OneOfAnotherIdOrCrawlIsRefused) {
  ASSERT_TRUE(Save(kId + 1).ok());
  EXPECT_EQ(Load().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Save(kId, kLineage + 1).ok());
  EXPECT_EQ(Load().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SeenSnapshot, TornAtAnyByteIsRefused) {
  ASSERT_TRUE(Save().ok());
  const std::string whole = Bytes();
  ASSERT_GT(whole.size(), kKeys * 12);
  for (size_t size = 0; size < whole.size(); ++size) {
    Write(whole.substr(0, size));
    EXPECT_FALSE(Load().ok()) << size;
  }
  Write(whole + '\0');
  EXPECT_FALSE(Load().ok()) << "longer than it was";
}

TEST_F(SeenSnapshot, AnyFlippedBitIsRefused) {
  ASSERT_TRUE(Save().ok());
  const std::string whole = Bytes();
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    Write(flipped);
    EXPECT_FALSE(Load().ok()) << "bit " << bit;
  }
}

TEST_F(SeenSnapshot, PieceOfAnotherSnapshotIsRefused) {
  ASSERT_TRUE(Save().ok());
  const std::string mine = Bytes();
  ASSERT_TRUE(Save(kId + 1).ok());
  const std::string other = Bytes();
  ASSERT_EQ(mine.size(), other.size());
  Write(mine.substr(0, 52) + other.substr(52));
  EXPECT_EQ(Load().code(), absl::StatusCode::kDataLoss);
}

// Fails the n-th write, sync or rename.
class FailingFiles : public FileOps {
 public:
  explicit FailingFiles(int nth) : left_(nth) {}
  absl::StatusOr<int> Create(const std::string& path) override {
    if (Fails()) return absl::ResourceExhaustedError("full");
    return real_.Create(path);
  }
  absl::StatusOr<int> OpenForWriting(const std::string& path) override { return real_.OpenForWriting(path); }
  absl::Status WriteAt(int fd, std::string_view bytes, uint64_t offset) override {
    return Fails() ? absl::ResourceExhaustedError("full") : real_.WriteAt(fd, bytes, offset);
  }
  absl::Status Truncate(int fd, uint64_t size) override { return real_.Truncate(fd, size); }
  absl::Status SyncData(int fd) override { return Fails() ? absl::InternalError("sync") : real_.SyncData(fd); }
  absl::Status Close(int fd) override { return real_.Close(fd); }
  absl::Status RenameToNew(const std::string& from, const std::string& to) override { return real_.RenameToNew(from, to); }
  absl::Status RenameOver(const std::string& from, const std::string& to) override {
    return Fails() ? absl::InternalError("rename") : real_.RenameOver(from, to);
  }
  absl::Status Remove(const std::string& path) override { return real_.Remove(path); }
  absl::Status SyncDirectory(const std::string& path) override {
    return Fails() ? absl::InternalError("sync") : real_.SyncDirectory(path);
  }
  bool Exists(const std::string& path) override { return real_.Exists(path); }
  bool failed() const { return left_ <= 0; }

 private:
  bool Fails() { return --left_ == 0; }
  int left_;
  FileOps& real_ = PosixFileOps();
};

TEST_F(SeenSnapshot, AnyFailureIsToldAndLeavesNoHalfFile) {
  for (int nth = 1;; ++nth) {
    fs::remove(path_);
    FailingFiles files(nth);
    SeenSnapshotWriter writer(path_, {kId, kLineage, 9, 0}, files);
    absl::Status status = writer.Add("");
    if (status.ok()) status = writer.Finish();
    if (!files.failed()) {
      EXPECT_GT(nth, 7);
      break;
    }
    EXPECT_FALSE(status.ok()) << nth;
    EXPECT_FALSE(fs::exists(path_ + ".new")) << nth;
  }
}

}  // namespace
}  // namespace weft::test
