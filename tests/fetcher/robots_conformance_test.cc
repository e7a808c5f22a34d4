// Third-party cases of robots.txt parsers. Undisputed ones must all hold; for disputed ones (peers differ from the RFC or
// from each other) the output says what Weft does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "fetcher/robots_rules.h"

namespace weft {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class RobotsConformance : public testing::Test {
 protected:
  void SetUp() override {
    const char* root = getenv("WEFT_CONFORMANCE_DATA");
    if (root == nullptr) GTEST_SKIP() << "WEFT_CONFORMANCE_DATA is not set: third-party robots.txt cases were not run";
    folder_ = fs::path(root) / "robots";
    ASSERT_TRUE(fs::is_directory(folder_)) << folder_;
  }

  std::vector<json> Lines(const char* name) const {
    std::ifstream in(folder_ / name);
    std::vector<json> rows;
    for (std::string line; std::getline(in, line);) rows.push_back(json::parse(line));
    return rows;
  }

  fs::path folder_;
};

// What follows the authority, without fragment.
std::string PathAndQuery(std::string url) {
  url = url.substr(0, url.find('#'));
  const size_t authority = url.find("://");
  const size_t path = url.find_first_of("/?", authority == std::string::npos ? 0 : authority + 3);
  return path == std::string::npos ? "/" : url.substr(path);
}

std::string DecodeBase64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t value = digits.find(c);
    if (value == std::string::npos) continue;
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xFFFFu;
    count += 6;
    if (count >= 8) out += static_cast<char>(bits >> (count -= 8) & 0xFF);
  }
  return out;
}

TEST_F(RobotsConformance, UndisputedCasesHoldAndDisputedOnesAreListed) {
  int undisputed = 0;
  int disputed = 0;
  int as_the_rfc_reads = 0;
  for (const json& row : Lines("cases.jsonl")) {
    const std::string body = row.contains("robots") ? row["robots"].get<std::string>() : DecodeBase64(row["robots_b64"]);
    const std::string agent = row["agent"];
    const std::string url = row["url"];
    const bool allowed = RobotsRules::Parse(body, agent).Allowed(PathAndQuery(url));
    if (!row["disputed"]) {
      ++undisputed;
      EXPECT_EQ(allowed, row["allowed"].get<bool>()) << row.dump(1);
      continue;
    }
    ++disputed;
    as_the_rfc_reads += allowed == row["rfc_reading"].get<bool>();
    std::cout << row["id"].get<std::string>() << " agent '" << agent << "' " << url.substr(0, 80) << ": Weft "
              << (allowed ? "allows" : "disallows") << "; " << row["source"].get<std::string>() << " "
              << (row["allowed"].get<bool>() ? "allows" : "disallows") << "; RFC 9309 "
              << (row["rfc_reading"].get<bool>() ? "allows" : "disallows") << " (" << row.value("note", "") << ")\n";
  }
  std::cout << undisputed << " undisputed cases; " << disputed << " disputed, of which Weft reads " << as_the_rfc_reads
            << " as the RFC does\n";
  EXPECT_GE(undisputed, 500) << "cases are missing";
}

TEST_F(RobotsConformance, CrawlDelays) {
  int count = 0;
  for (const json& row : Lines("extras.jsonl")) {
    if (!row.contains("crawl_delay")) continue;
    ++count;
    const auto delay = RobotsRules::Parse(row["robots"].get<std::string>(), row["agent"].get<std::string>()).crawl_delay();
    if (row["crawl_delay"].is_null()) {
      EXPECT_FALSE(delay.has_value()) << row.dump(1);
    } else {
      ASSERT_TRUE(delay.has_value()) << row.dump(1);
      EXPECT_EQ(absl::ToDoubleSeconds(*delay), row["crawl_delay"].get<double>()) << row.dump(1);
    }
  }
  EXPECT_GE(count, 5);
}

TEST_F(RobotsConformance, Sitemaps) {
  int count = 0;
  for (const json& row : Lines("extras.jsonl")) {
    if (!row.contains("sitemaps")) continue;
    ++count;
    std::vector<std::string> got =
        RobotsRules::Parse(row["robots"].get<std::string>(), row["agent"].get<std::string>()).sitemaps();
    // Sitemaps come as written; resolving is the caller's. Here the two forms that the cases hold.
    for (std::string& sitemap : got) {
      if (sitemap.starts_with("/")) sitemap = "http://example.com" + sitemap;
      if (sitemap.starts_with("HTTP://")) sitemap = "http" + sitemap.substr(4);
    }
    EXPECT_EQ(got, row["sitemaps"].get<std::vector<std::string>>()) << row.dump(1);
  }
  EXPECT_GE(count, 3);
}

TEST_F(RobotsConformance, RealFilesParseAndKeepTheirPromises) {
  int files = 0;
  int ruled = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "realworld")) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream body;
    body << in.rdbuf();
    ++files;
    const std::string text = body.str();
    const RobotsRules rules = RobotsRules::Parse(text, "weft");
    EXPECT_TRUE(rules.Allowed("/robots.txt")) << entry.path();
    // Every literal Disallow of the file, taken as a path, is decided by a rule at least as long.
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("Disallow: /") || line.find_first_of("*$#% ", 10) != std::string::npos) continue;
      while (!line.empty() && line.back() == '\r') line.pop_back();
      const RobotsRules::Verdict verdict = rules.Check(line.substr(10));
      if (verdict.line == 0) continue;  // another agent's group
      ++ruled;
      EXPECT_FALSE(verdict.rule.empty());
    }
  }
  EXPECT_GE(files, 50);
  EXPECT_GE(ruled, 500);
}

}  // namespace
}  // namespace weft
