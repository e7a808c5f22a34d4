#include "storage/page_exporter.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::SizeIs;

PageRow Row() {
  PageRow row;
  row.url = "http://example.org/";
  row.status = 200;
  row.depth = 2;
  row.referrer = "http://example.org/from";
  row.fetched_at = absl::FromUnixMicros(1'767'323'045'678'901);
  row.content_type = "text/html";
  row.charset = "UTF-8";
  row.length = 1234;
  row.digest = "sha1:X";
  row.truncated = true;
  row.warc_file = "w.warc.gz";
  row.warc_offset = 5'000'000'000;
  row.robots = {"noindex"};
  row.title = "Title";
  row.links = {"http://a/", "http://b/"};
  row.text = "words";
  return row;
}

TEST(JsonLine, FieldsStandInTheirOrder) {
  EXPECT_EQ(JsonLine(Row()),
            R"({"url":"http://example.org/","status":200,"depth":2,"referrer":"http://example.org/from",)"
            R"("fetched_at":"2026-01-02T03:04:05.678901Z","content_type":"text/html","charset":"UTF-8","length":1234,)"
            R"("digest":"sha1:X","truncated":true,"warc_file":"w.warc.gz","warc_offset":5000000000,"robots":["noindex"],)"
            R"("title":"Title",)"
            R"("links":["http://a/","http://b/"],"text":"words"})");
}

TEST(JsonLine, TextIsLeftOutWhenNotAskedForAndNoLinksAreAnEmptyList) {
  PageRow row = Row();
  row.text.reset();
  row.links.clear();
  EXPECT_TRUE(JsonLine(row).ends_with(R"("title":"Title","links":[]})"));
  row.links = {"one"};
  EXPECT_TRUE(JsonLine(row).ends_with(R"("links":["one"]})"));
}

TEST(JsonLine, OfAPageThatWasFetchedAgainItTellsTheVisits) {
  PageRow row = Row();
  row.text.reset();
  row.first_fetched = absl::FromUnixMicros(1'767'323'045'000'000);
  row.last_checked = absl::FromUnixMicros(1'767'323'046'000'000);
  row.changes = 3;
  EXPECT_TRUE(JsonLine(row).ends_with(R"(,"first_fetched":"2026-01-02T03:04:05.000000Z",)"
                                      R"("last_checked":"2026-01-02T03:04:06.000000Z","changes":3})"))
      << JsonLine(row);
}

TEST(JsonLine, AnyBytesMakeOneValidLine) {
  PageRow row = Row();
  row.title = std::string("a\nb\"\\\x01\0\xff\xc3(\xed\xa0\x80 \xc3\xa9\xf0\x9f\x98\x80", 20);
  const std::string line = JsonLine(row);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find(R"("title":"a\nb\"\\\u0001\u0000)" "\xef\xbf\xbd\xef\xbf\xbd("), std::string::npos) << line;
  EXPECT_NE(line.find("\xc3\xa9\xf0\x9f\x98\x80"), std::string::npos) << line;
}

TEST(JsonlWriter, FileAppearsWholeWithFinish) {
  TempDirectory directory;
  auto writer = JsonlWriter::ToFile(directory / "pages.jsonl");
  ASSERT_TRUE(writer.ok());
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE((*writer)->Append(Row()).ok());
  EXPECT_FALSE(std::filesystem::exists(directory / "pages.jsonl"));
  ASSERT_TRUE((*writer)->Finish().ok());
  EXPECT_THAT(directory.Names(), ElementsAre("pages.jsonl"));
  std::string want;
  for (int i = 0; i < 2000; ++i) want += JsonLine(Row()) + "\n";
  EXPECT_EQ(ReadFile(directory / "pages.jsonl"), want);
}

TEST(JsonlWriter, WithoutFinishTheOldFileStays) {
  TempDirectory directory;
  WriteFile(directory / "pages.jsonl", "old");
  {
    auto writer = JsonlWriter::ToFile(directory / "pages.jsonl");
    ASSERT_TRUE((*writer)->Append(Row()).ok());
  }
  EXPECT_THAT(directory.Names(), ElementsAre("pages.jsonl"));
  EXPECT_EQ(ReadFile(directory / "pages.jsonl"), "old");
}

TEST(JsonlWriter, LinkStaysAndItsTargetIsReplaced) {
  TempDirectory directory;
  WriteFile(directory / "real.jsonl", "old");
  std::filesystem::create_symlink(directory / "real.jsonl", directory / "link.jsonl");
  auto writer = JsonlWriter::ToFile(directory / "link.jsonl");
  ASSERT_TRUE((*writer)->Finish().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(directory / "link.jsonl"));
  EXPECT_EQ(ReadFile(directory / "real.jsonl"), "");
}

TEST(JsonlWriter, DevicesAreWrittenNotReplaced) {
  auto writer = JsonlWriter::ToFile("/dev/null");
  ASSERT_TRUE(writer.ok()) << writer.status();
  EXPECT_TRUE((*writer)->Append(Row()).ok());
  EXPECT_TRUE((*writer)->Finish().ok());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(JsonlWriter, DirectoriesAndMissingFoldersAreErrors) {
  TempDirectory directory;
  EXPECT_TRUE(absl::IsInvalidArgument(JsonlWriter::ToFile(directory.path()).status()));
  EXPECT_TRUE(absl::IsNotFound(JsonlWriter::ToFile(directory / "none/pages.jsonl").status()));
}

TEST(JsonlWriter, FullDiskIsReportedAndKept) {
  const int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
  if (fd < 0) GTEST_SKIP() << "no /dev/full here";
  auto writer = JsonlWriter::ToDescriptor(fd);
  EXPECT_TRUE(writer->Append(Row()).ok()) << "buffered";
  EXPECT_TRUE(absl::IsResourceExhausted(writer->Finish()));
  EXPECT_TRUE(absl::IsResourceExhausted(writer->Append(Row())));
  EXPECT_TRUE(absl::IsResourceExhausted(writer->Finish()));
  close(fd);
}

TEST(JsonlWriter, ReaderThatHasGoneIsReported) {
  ASSERT_NE(signal(SIGPIPE, SIG_IGN), SIG_ERR);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  auto writer = JsonlWriter::ToDescriptor(ends[1]);
  absl::Status status;
  for (int i = 0; status.ok() && i < 100'000; ++i) status = writer->Append(Row());
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  close(ends[1]);
}

}  // namespace
}  // namespace weft
