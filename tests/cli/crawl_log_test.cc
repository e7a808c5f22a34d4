#include "cli/crawl_log.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/support/manual_clock.h"

namespace weft::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const absl::Time kNow = absl::FromUnixMillis(1'700'000'000'250);

UrlEnd Page() {
  UrlEnd end;
  end.url = "https://a.example/x";
  end.referrer = "https://a.example/";
  end.depth = 2;
  end.status = 200;
  end.outcome = Outcome::kResponse;
  end.mime = "text/html";
  end.payload_bytes = 1234;
  end.payload_digest = std::string(20, '\0');
  end.fetched_at = absl::FromUnixMillis(1'700'000'000'000);
  end.took = absl::Milliseconds(87);
  return end;
}

std::vector<std::string> Fields(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> fields;
  for (std::string field; in >> field;) fields.push_back(field);
  return fields;
}

TEST(CrawlLogLineTest, TwelveFieldsInHeritrixOrder) {
  EXPECT_THAT(Fields(CrawlLogLine(Page(), kNow)),
              testing::ElementsAre("2023-11-14T22:13:20.250Z", "200", "1234", "https://a.example/x", "LL",
                                   "https://a.example/", "text/html", "-", "20231114221320000+87",
                                   "sha1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "-", "-"));
}

TEST(CrawlLogLineTest, WhatIsMissingIsADash) {
  UrlEnd end;
  end.url = "https://a.example/";
  end.outcome = Outcome::kDns;
  end.fetched_at = kNow;
  std::vector<std::string> fields = Fields(CrawlLogLine(end, kNow));
  ASSERT_THAT(fields, SizeIs(12));
  EXPECT_EQ(fields[1], "0");
  EXPECT_EQ(fields[4], "-");
  EXPECT_EQ(fields[5], "-");
  EXPECT_EQ(fields[6], "-");
  EXPECT_EQ(fields[9], "-");
  EXPECT_EQ(fields[11], "dns");
}

TEST(CrawlLogLineTest, TheReasonAndItsDetailStandInTheAnnotations) {
  UrlEnd end = Page();
  end.outcome = Outcome::kRobots;
  end.note = "Disallow: /x y";
  EXPECT_EQ(Fields(CrawlLogLine(end, kNow)).back(), "robots:Disallow:_/x_y");
  end.outcome = Outcome::kResponse;
  end.note = "linear-scan";
  EXPECT_EQ(Fields(CrawlLogLine(end, kNow)).back(), "linear-scan");
}

// Sites choose what stands in here.
TEST(CrawlLogLineTest, NothingThatASiteSaysMakesAFieldOrALine) {
  UrlEnd end = Page();
  end.mime = "text/html x\n2023 forged";
  end.note = "a\tb\r\nc\x01";
  end.referrer = "https://a.example/ \n";
  std::string line = CrawlLogLine(end, kNow);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\r'), std::string::npos);
  EXPECT_EQ(line.find('\t'), std::string::npos);
  EXPECT_THAT(Fields(line), SizeIs(12));
}

TEST(CrawlLogLineTest, ARedirectEndsThePath) {
  UrlEnd end = Page();
  end.redirect = true;
  EXPECT_EQ(Fields(CrawlLogLine(end, kNow))[4], "LLR");
}

// As Heritrix writes them: the last fifty hops, and how many came before.
TEST(CrawlLogLineTest, AVeryDeepPathIsShortened) {
  UrlEnd end = Page();
  end.depth = 50;
  EXPECT_EQ(Fields(CrawlLogLine(end, kNow))[4], std::string(50, 'L'));
  end.depth = 52;
  EXPECT_EQ(Fields(CrawlLogLine(end, kNow))[4], "2+" + std::string(50, 'L'));
  end.redirect = true;
  EXPECT_EQ(Fields(CrawlLogLine(end, kNow))[4], "3+" + std::string(49, 'L') + "R");
  end.depth = UINT32_MAX;
  ASSERT_LT(CrawlLogLine(end, kNow).size(), 400u);
}

class CrawlLogTest : public testing::Test {
 protected:
  CrawlLogTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "weft-log-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    path_ = directory_ + "/crawl.log";
  }
  ~CrawlLogTest() override { std::filesystem::remove_all(directory_); }
  std::unique_ptr<CrawlLog> Open(const std::string& path) {
    auto log = CrawlLog::Open(path, clock_);
    EXPECT_TRUE(log.ok()) << log.status();
    return log.ok() ? std::move(*log) : nullptr;
  }
  std::vector<std::string> Lines() const {
    std::ifstream in(path_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  ManualClock clock_;
  std::string directory_;
  std::string path_;
};

TEST_F(CrawlLogTest, LinesAreWrittenByFlushAndByTheEnd) {
  auto log = Open(path_);
  log->Write(Page());
  EXPECT_THAT(Lines(), IsEmpty());
  log->Flush();
  EXPECT_THAT(Lines(), SizeIs(1));
  log->Write(Page());
  log.reset();
  EXPECT_THAT(Lines(), SizeIs(2));
}

TEST_F(CrawlLogTest, ALaterRunAppends) {
  Open(path_)->Write(Page());
  Open(path_)->Write(Page());
  EXPECT_THAT(Lines(), SizeIs(2));
}

TEST_F(CrawlLogTest, WhatCannotBeOpenedIsTold) {
  auto log = CrawlLog::Open(directory_ + "/missing/crawl.log", clock_);
  ASSERT_FALSE(log.ok());
  EXPECT_THAT(std::string(log.status().message()), HasSubstr("crawl.log"));
}

TEST_F(CrawlLogTest, AFullDiskIsAProblemThatIsToldAndBounded) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  auto log = Open("/dev/full");
  EXPECT_EQ(log->problem(), "");
  UrlEnd end = Page();
  end.note = std::string(100'000, 'x');
  for (int i = 0; i < 500; ++i) log->Write(end);   // 50 MB: most of it finds no room
  log->Flush();
  EXPECT_THAT(log->problem(), HasSubstr("crawl.log cannot be written"));
}

TEST_F(CrawlLogTest, WhatFoundNoRoomIsCountedWhereItIsMissing) {
  auto log = Open(path_);
  UrlEnd end = Page();
  end.note = std::string(100'000, 'x');
  for (int i = 0; i < 100; ++i) log->Write(end);   // 10 MB without a flush in between
  log.reset();
  std::vector<std::string> lines = Lines();
  ASSERT_THAT(lines, testing::Not(IsEmpty()));
  size_t whole = lines.size() - 1;
  EXPECT_LT(whole, 100u);
  EXPECT_TRUE(lines.back() == fmt::format("# {} lines are missing here: they could not be written", 100 - whole))
      << lines.back().substr(0, 80);
}

}  // namespace
}  // namespace weft::test
