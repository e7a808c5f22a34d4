#include "storage/export_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zstd.h>

#include "storage/byte_source.h"
#include "storage/gzip_member.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;

const std::string kLine(200, 'x');

TEST(OutputFile, FileAppearsWholeWithFinish) {
  TempDirectory directory;
  auto file = OutputFile::ToFile(directory / "pages.jsonl");
  ASSERT_TRUE(file.ok());
  std::string want;
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE((*file)->Write(kLine + "\n").ok());
    want += kLine + "\n";
  }
  EXPECT_EQ((*file)->position(), want.size());
  EXPECT_FALSE(std::filesystem::exists(directory / "pages.jsonl"));
  ASSERT_TRUE((*file)->Finish().ok());
  EXPECT_THAT(directory.Names(), ElementsAre("pages.jsonl"));
  EXPECT_EQ(ReadFile(directory / "pages.jsonl"), want);
}

TEST(OutputFile, PiecesOfAnySizeStandInTheirOrder) {
  TempDirectory directory;
  auto file = OutputFile::ToFile(directory / "f");
  std::string want;
  for (const size_t size : {1u, 300'000u, 0u, 262'144u, 7u, 262'143u, 1u, 1'000'000u}) {
    const std::string piece(size, static_cast<char>('a' + want.size() % 26));
    ASSERT_TRUE((*file)->Write(piece).ok());
    want += piece;
  }
  ASSERT_TRUE((*file)->Finish().ok());
  EXPECT_EQ(ReadFile(directory / "f"), want);
}

TEST(OutputFile, WithoutFinishTheOldFileStays) {
  TempDirectory directory;
  WriteFile(directory / "pages.jsonl", "old");
  {
    auto file = OutputFile::ToFile(directory / "pages.jsonl");
    ASSERT_TRUE((*file)->Write(kLine).ok());
  }
  EXPECT_THAT(directory.Names(), ElementsAre("pages.jsonl"));
  EXPECT_EQ(ReadFile(directory / "pages.jsonl"), "old");
}

TEST(OutputFile, LinkStaysAndItsTargetIsReplaced) {
  TempDirectory directory;
  WriteFile(directory / "real.jsonl", "old");
  std::filesystem::create_symlink(directory / "real.jsonl", directory / "link.jsonl");
  auto file = OutputFile::ToFile(directory / "link.jsonl");
  ASSERT_TRUE((*file)->Finish().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(directory / "link.jsonl"));
  EXPECT_EQ(ReadFile(directory / "real.jsonl"), "");
}

TEST(OutputFile, DevicesAreWrittenNotReplaced) {
  auto file = OutputFile::ToFile("/dev/null");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->Write(kLine).ok());
  EXPECT_TRUE((*file)->Finish().ok());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(OutputFile, DirectoriesAndMissingFoldersAreErrors) {
  TempDirectory directory;
  EXPECT_TRUE(absl::IsInvalidArgument(OutputFile::ToFile(directory.path()).status()));
  EXPECT_TRUE(absl::IsNotFound(OutputFile::ToFile(directory / "none/pages.jsonl").status()));
}

TEST(OutputFile, FullDiskIsReportedAndKept) {
  const int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
  if (fd < 0) GTEST_SKIP() << "no /dev/full here";
  auto file = OutputFile::ToDescriptor(fd);
  EXPECT_TRUE(file->Write(kLine).ok()) << "buffered";
  EXPECT_TRUE(absl::IsResourceExhausted(file->Finish()));
  EXPECT_TRUE(absl::IsResourceExhausted(file->Write(kLine)));
  EXPECT_TRUE(absl::IsResourceExhausted(file->Finish()));
  close(fd);
}

TEST(OutputFile, ALimitOnFilesIsReportedAndNothingIsLeft) {
  ASSERT_NE(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
  rlimit before {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit tight = {.rlim_cur = 100'000, .rlim_max = before.rlim_max};
  TempDirectory directory;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  absl::Status status;
  {
    auto file = OutputFile::ToFile(directory / "f");
    for (int i = 0; status.ok() && i < 10'000; ++i) status = (*file)->Write(kLine);
  }
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(directory.Names(), ElementsAre());
}

TEST(OutputFile, ReaderThatHasGoneIsReported) {
  ASSERT_NE(signal(SIGPIPE, SIG_IGN), SIG_ERR);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  auto file = OutputFile::ToDescriptor(ends[1]);
  absl::Status status;
  for (int i = 0; status.ok() && i < 100'000; ++i) status = file->Write(kLine);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  close(ends[1]);
}

TEST(CompressionOf, GoesByTheEndOfTheName) {
  EXPECT_EQ(CompressionOf("a.jsonl.gz"), Compression::kGzip);
  EXPECT_EQ(CompressionOf("a.csv.zst"), Compression::kZstd);
  EXPECT_EQ(CompressionOf("a.gz.csv"), Compression::kNone);
}

// 10 MB of which no two lines are equal.
std::string ManyLines() {
  std::string text;
  for (int64_t i = 0; text.size() < 10'000'000; ++i) text += std::to_string(i * 7919) + " a line\n";
  return text;
}

std::string WriteCompressed(Compression compression, const std::string& text, const std::string& path) {
  auto sink = Compressed(compression, *OutputFile::ToFile(path));
  for (size_t at = 0; at < text.size(); at += 99'991) EXPECT_TRUE(sink->Write(std::string_view(text).substr(at, 99'991)).ok());
  EXPECT_TRUE(sink->Finish().ok());
  return ReadFile(path);
}

TEST(Compressed, GzipIsReadBackMemberByMember) {
  TempDirectory directory;
  const std::string text = ManyLines();
  const std::string path = directory / "f.gz";
  WriteCompressed(Compression::kGzip, text, path);
  auto source = OpenFileSource(path);
  ASSERT_TRUE(source.ok());
  GzipMemberReader reader(**source);
  std::string read;
  int members = 0;
  for (uint64_t at = 0; at < std::filesystem::file_size(path); at = reader.position(), ++members) {
    reader.Start(at);
    char piece[65536];
    while (const size_t got = reader.Read(piece, sizeof(piece))) read.append(piece, got);
    ASSERT_EQ(reader.state(), GzipMemberReader::State::kEnd);
  }
  EXPECT_TRUE(read == text);
  EXPECT_GT(members, 1);
}

TEST(Compressed, ZstdIsOneFrameThatIsReadBack) {
  TempDirectory directory;
  const std::string text = ManyLines();
  const std::string pressed = WriteCompressed(Compression::kZstd, text, directory / "f.zst");
  EXPECT_LT(pressed.size(), text.size() / 2);
  std::string read(text.size() + 1, '\0');
  EXPECT_EQ(ZSTD_findFrameCompressedSize(pressed.data(), pressed.size()), pressed.size());
  ASSERT_EQ(ZSTD_decompress(read.data(), read.size(), pressed.data(), pressed.size()), text.size());
  read.resize(text.size());
  EXPECT_TRUE(read == text);
}

TEST(Compressed, NothingIsAnEmptyFileOfItsKind) {
  TempDirectory directory;
  EXPECT_TRUE(WriteCompressed(Compression::kGzip, "", directory / "f.gz").starts_with("\x1f\x8b"));
  EXPECT_TRUE(WriteCompressed(Compression::kZstd, "", directory / "f.zst").starts_with("\x28\xb5\x2f\xfd"));
}

}  // namespace
}  // namespace weft
