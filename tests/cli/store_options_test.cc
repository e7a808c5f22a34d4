// --store and the options beside it, on the command line.
#include <gtest/gtest.h>

#include "tests/cli/parse_line.h"

namespace weft {
namespace {

// Words with single blanks between them, "weft" first.
absl::StatusOr<CommandLine> ParseText(const std::string& text) {
  std::vector<std::string> words;
  for (size_t at = 0, end = 0; end != std::string::npos; at = end + 1) words.push_back(text.substr(at, (end = text.find(' ', at)) - at));
  return ParseCommandLine(words);
}

TEST(StoreOptionsOnTheCommandLine, AreOfEveryCommandThatWritesPages) {
  for (const char* command : {"crawl http://a/ --out d", "worker --scheduler tcp://127.0.0.1:1 --pages p", "parser --scheduler tcp://127.0.0.1:1 --pages p"}) {
    const auto line = ParseText(fmt::format("weft {} --store s3://bucket/p --store-endpoint http://127.0.0.1:9000 --store-free on", command));
    ASSERT_TRUE(line.ok()) << line.status();
    EXPECT_EQ(line->invocation.store + line->invocation.store_endpoint + line->invocation.store_free, "s3://bucket/phttp://127.0.0.1:9000on");
    EXPECT_EQ(line->invocation.store_part_bytes, 16u << 20);
    EXPECT_EQ(line->invocation.store_timeout_us, 60'000'000u);
  }
}

TEST(StoreOptionsOnTheCommandLine, WhatIsNoStoreIsRefused) {
  for (const char* bad : {"http://x/", "s3://", "bucket/x", "file://x"}) {
    EXPECT_FALSE(ParseText(fmt::format("weft crawl http://a/ --out d --store {}", bad)).ok()) << bad;
  }
  EXPECT_TRUE(ParseText("weft crawl http://a/ --out d --store none").ok());
  for (const char* bad : {"127.0.0.1:9000", "ftp://x", "http://u:p@x", "http://x/path", "http://x/?q"}) {
    EXPECT_FALSE(ParseText(fmt::format("weft crawl http://a/ --out d --store-endpoint {}", bad)).ok()) << bad;
  }
  EXPECT_FALSE(ParseText("weft crawl http://a/ --out d --store-part-size 1MiB").ok());
}

TEST(StoreOptionsOnTheCommandLine, TheCommandsOfStoresNeedWhatTheyWorkOn) {
  EXPECT_FALSE(ParseText("weft store push x").ok());
  EXPECT_FALSE(ParseText("weft store push --store s3://bucket").ok());
  EXPECT_EQ(ParseText("weft store push x y --store s3://bucket")->invocation.files, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(ParseText("weft store pull d")->command, Command::kStorePull);
  EXPECT_FALSE(ParseText("weft store list").ok());
  EXPECT_TRUE(ParseText("weft store list --store s3://bucket").ok());
  EXPECT_NE(ErrorText(ParseText("weft store").status()).find("store push"), std::string::npos);
}

}  // namespace
}  // namespace weft
