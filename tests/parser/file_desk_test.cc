// What a parser answers tools that ask for its files.
#include "parser/file_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"
#include "tests/support/manual_pool.h"
#include "tests/support/recording_bus.h"

namespace weft::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint64_t kDirectory = 70;

class FakeReader : public PagesReader {
 public:
  absl::StatusOr<std::string> Read(const std::string& file, uint64_t offset, uint64_t length) const override {
    if (file == "gone.warc") return absl::NotFoundError("no such file");
    if (file == "bad.warc") return absl::DataLossError("the disk fails");
    if (file == "../keys") return absl::InvalidArgumentError("not a WARC file name");
    return offset >= text.size() ? "" : text.substr(offset, length);
  }
  std::string text = "0123456789";
};

class FileDeskTest : public testing::Test {
 protected:
  void SetUp() override { Make(&reader_); }
  void Make(const PagesReader* reader) { desk_ = std::make_unique<FileDesk>(bus_, clock_, 9, kDirectory, reader, pool_); }
  void Want(const std::string& file, uint64_t offset, uint64_t length, int times = 1, const PeerKey& key = "") {
    wire::Frame frame;
    frame.set_session(55);
    frame.mutable_file_bytes_wanted()->set_pages_dir_id(directory_);
    for (int i = 0; i < times; ++i) {
      wire::FileBytesWanted::Piece* piece = frame.mutable_file_bytes_wanted()->add_pieces();
      piece->set_number(++last_);
      piece->set_file(file);
      piece->set_offset(offset);
      piece->set_length(length);
    }
    desk_->OnMessage("tool", {std::move(frame), nullptr, key});
  }
  wire::FileBytes::Problem ProblemOf(size_t answer) const { return bus_.sent.at(answer).message.frame.file_bytes().problem(); }

  ManualClock clock_;
  ManualPool pool_;
  RecordingBus bus_;
  FakeReader reader_;
  uint64_t directory_ = kDirectory;
  uint64_t last_ = 0;
  std::unique_ptr<FileDesk> desk_;
};

TEST_F(FileDeskTest, APieceIsReadOnThePoolAndSentToWhoAsked) {
  Want("a.warc", 2, 3);
  EXPECT_THAT(bus_.sent, IsEmpty()) << "not on the loop";
  pool_.RunAll();
  ASSERT_THAT(bus_.sent, SizeIs(1));
  EXPECT_EQ(bus_.sent[0].to, "tool");
  EXPECT_EQ(bus_.sent[0].message.frame.peer_session(), 55u);
  EXPECT_EQ(bus_.sent[0].message.frame.file_bytes().number(), 1u);
  EXPECT_EQ(*bus_.sent[0].message.payload, "234");
}

TEST_F(FileDeskTest, AtTheEndOfTheFileThereIsLessOrNothing) {
  Want("a.warc", 8, 5);
  Want("a.warc", 10, 5);
  pool_.RunAll();
  ASSERT_THAT(bus_.sent, SizeIs(2));
  EXPECT_EQ(*bus_.sent[0].message.payload, "89");
  EXPECT_EQ(ProblemOf(1), wire::FileBytes::NONE);
  EXPECT_EQ(bus_.sent[1].message.payload, nullptr);
}

TEST_F(FileDeskTest, WhatCannotBeReadIsSaidWithItsReason) {
  Want("gone.warc", 0, 1);
  Want("bad.warc", 0, 1);
  Want("../keys", 0, 1);
  pool_.RunAll();
  ASSERT_THAT(bus_.sent, SizeIs(3));
  EXPECT_EQ(ProblemOf(0), wire::FileBytes::NO_FILE);
  EXPECT_EQ(ProblemOf(1), wire::FileBytes::UNREADABLE);
  EXPECT_THAT(bus_.sent[1].message.frame.file_bytes().detail(), HasSubstr("the disk fails"));
  EXPECT_EQ(ProblemOf(2), wire::FileBytes::REFUSED);
}

TEST_F(FileDeskTest, AnotherDirectoryIsNotAnsweredFor) {
  directory_ = 71;
  Want("a.warc", 0, 1);
  ASSERT_THAT(bus_.sent, SizeIs(1));
  EXPECT_EQ(ProblemOf(0), wire::FileBytes::REFUSED);
  EXPECT_EQ(pool_.waiting(), 0u);
}

TEST_F(FileDeskTest, AParserWithoutFilesAnswersForNone) {
  Make(nullptr);
  Want("a.warc", 0, 1);
  ASSERT_THAT(bus_.sent, SizeIs(1));
  EXPECT_EQ(ProblemOf(0), wire::FileBytes::REFUSED);
}

TEST_F(FileDeskTest, APieceIsNoLongerThanAPayload) {
  Want("a.warc", 0, kMaxPayloadBytes + 1);
  Want("a.warc", 0, 0);
  ASSERT_THAT(bus_.sent, SizeIs(2));
  EXPECT_EQ(ProblemOf(0), wire::FileBytes::REFUSED);
  EXPECT_EQ(ProblemOf(1), wire::FileBytes::REFUSED);
}

TEST_F(FileDeskTest, OnlyKeysOfToolsAreAnswered) {
  desk_->AllowKeys({"laptop"});
  Want("a.warc", 0, 1, 1, "fetcher");
  ASSERT_THAT(bus_.sent, SizeIs(1));
  EXPECT_EQ(ProblemOf(0), wire::FileBytes::REFUSED);
  EXPECT_EQ(bus_.sent[0].message.payload, nullptr);
  Want("a.warc", 0, 1, 1, "laptop");
  pool_.RunAll();
  EXPECT_EQ(ProblemOf(1), wire::FileBytes::NONE);
  desk_->AllowKeys({});
  Want("a.warc", 0, 1, 1, "laptop");
  EXPECT_EQ(ProblemOf(2), wire::FileBytes::REFUSED) << "revoked";
  EXPECT_EQ(desk_->refused(), 2u);
}

TEST_F(FileDeskTest, WhatIsReadAtATimeIsBounded) {
  const int most = static_cast<int>(FileDesk::kMostBytes / kMaxPayloadBytes);
  for (int i = 0; i < most; ++i) Want("a.warc", 0, kMaxPayloadBytes);
  EXPECT_THAT(bus_.sent, IsEmpty());
  Want("a.warc", 0, 1);
  ASSERT_THAT(bus_.sent, SizeIs(1));
  EXPECT_EQ(ProblemOf(0), wire::FileBytes::BUSY);
  pool_.RunAll();
  bus_.sent.clear();
  Want("a.warc", 0, 1);
  pool_.RunAll();
  EXPECT_EQ(ProblemOf(0), wire::FileBytes::NONE) << "there is room again";
}

TEST_F(FileDeskTest, OfARequestNoMoreThanTheMostPiecesAreRead) {
  Want("a.warc", 0, 1, FileDesk::kMostPieces + 10);
  pool_.RunAll();
  EXPECT_THAT(bus_.sent, SizeIs(FileDesk::kMostPieces));
}

TEST_F(FileDeskTest, AFullPoolIsSaidAndForgotten) {
  pool_.full = true;
  Want("a.warc", 0, kMaxPayloadBytes, 2);
  ASSERT_THAT(bus_.sent, SizeIs(2));
  EXPECT_EQ(ProblemOf(0), wire::FileBytes::BUSY);
  EXPECT_EQ(ProblemOf(1), wire::FileBytes::BUSY);
  pool_.full = false;
  Want("a.warc", 0, 1);
  pool_.RunAll();
  EXPECT_EQ(ProblemOf(2), wire::FileBytes::NONE);
}

TEST_F(FileDeskTest, WhoWaitsIsToldSoOnceASecond) {
  Want("a.warc", 0, 1);
  desk_->OnTick();
  ASSERT_THAT(bus_.sent, SizeIs(1));
  EXPECT_EQ(bus_.sent[0].message.frame.file_bytes().number(), 0u);
  desk_->OnTick();
  EXPECT_THAT(bus_.sent, SizeIs(1));
  clock_.Advance(FileDesk::kBeat);
  desk_->OnTick();
  EXPECT_THAT(bus_.sent, SizeIs(2));
  pool_.RunAll();
  clock_.Advance(FileDesk::kBeat);
  desk_->OnTick();
  EXPECT_THAT(bus_.sent, SizeIs(3)) << "nobody waits any more";
}

TEST_F(FileDeskTest, AReadThatEndsAfterTheDeskIsSentToNobody) {
  Want("a.warc", 0, 1);
  desk_.reset();
  pool_.RunAll();
  EXPECT_THAT(bus_.sent, IsEmpty());
}

}  // namespace
}  // namespace weft::test
