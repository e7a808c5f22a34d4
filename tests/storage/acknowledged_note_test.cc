#include "storage/acknowledged_note.h"

#include <gtest/gtest.h>

#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;

class AcknowledgedNoteTest : public ::testing::Test {
 protected:
  Acknowledged OnDisk() const { return AcknowledgedNote(directory_.path()).last(); }

  TempDirectory directory_;
  FailingFileOps files_;
};

TEST_F(AcknowledgedNoteTest, SaysNothingWhereThereIsNone) { EXPECT_EQ(OnDisk(), Acknowledged{}); }

TEST_F(AcknowledgedNoteTest, IsReadByTheNextProcess) {
  AcknowledgedNote note(directory_.path());
  note.Take({~0ull, 0x123, 45});
  EXPECT_EQ(OnDisk(), Acknowledged{});
  ASSERT_TRUE(note.Write().ok());
  EXPECT_EQ(OnDisk(), (Acknowledged{~0ull, 0x123, 45}));
}

TEST_F(AcknowledgedNoteTest, TheHigherCommitOfOneOpeningStays) {
  AcknowledgedNote note(directory_.path());
  note.Take({1, 2, 45});
  note.Take({1, 2, 44});   // of another parser, told later
  EXPECT_EQ(note.last(), (Acknowledged{1, 2, 45}));
}

TEST_F(AcknowledgedNoteTest, ALaterOpeningMayBeginLower) {
  AcknowledgedNote note(directory_.path());
  note.Take({1, 2, 45});
  note.Take({1, 3, 7});
  EXPECT_EQ(note.last(), (Acknowledged{1, 3, 7}));
}

TEST_F(AcknowledgedNoteTest, IsNotWrittenAgainWhereNothingIsNew) {
  AcknowledgedNote note(directory_.path(), files_);
  note.Take({1, 2, 45});
  ASSERT_TRUE(note.Write().ok());
  const int before = files_.count();
  ASSERT_TRUE(note.Write().ok());
  EXPECT_EQ(files_.count(), before);
}

TEST_F(AcknowledgedNoteTest, AFailureAnywhereLeavesTheOldOneOrTheNewOne) {
  AcknowledgedNote old(directory_.path());
  old.Take({1, 2, 45});
  ASSERT_TRUE(old.Write().ok());
  for (int failing = 0; failing < 10; ++failing) {
    const Acknowledged before = OnDisk();
    const Acknowledged after = {1, 2, 100 + static_cast<uint64_t>(failing)};
    FailingFileOps files;
    files.fail = [failing](int index, FailingFileOps::Op) {
      return index == failing ? absl::InternalError("disk") : absl::OkStatus();
    };
    AcknowledgedNote note(directory_.path(), files);
    note.Take(after);
    const bool written = note.Write().ok();
    const Acknowledged now = OnDisk();
    EXPECT_TRUE(now == before || now == after) << failing;
    if (written) {
      EXPECT_EQ(now, after) << failing;
    }
    EXPECT_TRUE(note.Write().ok()) << "the next try, past the failure";
    EXPECT_EQ(OnDisk(), after);
  }
}

TEST_F(AcknowledgedNoteTest, BytesThatAreNoNoteSayNothing) {
  for (const char* text : {"", "x", "1 2", "0000000000000001 0000000000000002 4", "1 2 3 4\n"}) {
    WriteFile(directory_ / "highest-commit", text);
    EXPECT_EQ(OnDisk(), Acknowledged{}) << text;
  }
}

}  // namespace
}  // namespace weft
