// Third-party sitemaps and feeds, read from WEFT_CONFORMANCE_DATA.
#include <gtest/gtest.h>

#include "tests/common/conformance.h"
#include "tests/parser/sitemap_reading.h"

namespace weft {
namespace {

using test::ConformanceFile;
using test::Tally;
using test::TextOr;

std::string ReadWhole(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The cases know RSS 1.0 as rss, and no sitemap at all as invalid.
std::string KindOf(const SitemapFile& file) {
  if (file.kind == SitemapKind::kRdf) return "rss";
  return file.kind == SitemapKind::kUnknown ? "invalid" : std::string(SitemapKindName(file.kind));
}

nlohmann::json Taken(const nlohmann::json& row, const SitemapFile& file) {
  nlohmann::json taken{{"kind", KindOf(file)},
                       {"urls", test::Addresses(file.kind == SitemapKind::kIndex ? file.sitemaps : file.urls)}};
  for (const SitemapUrl& entry : file.urls) {
    if (row.contains("lastmod_unix_ms")) {
      auto& moment = taken["lastmod_unix_ms"][entry.url.href()];
      if (entry.lastmod_time) moment = absl::ToUnixMillis(*entry.lastmod_time);
    }
    if (!row.contains("alternates")) continue;
    for (const Url& alternate : entry.alternates) taken["alternates"][entry.url.href()].push_back(alternate.href());
  }
  return taken;
}

nlohmann::json Expected(const nlohmann::json& row) {
  nlohmann::json expected;
  for (const char* field : {"kind", "urls", "lastmod_unix_ms", "alternates"}) {
    if (row.contains(field)) expected[field] = row[field];
  }
  return expected;
}

TEST(SitemapConformance, EveryFile) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  Tally tally("sitemaps and feeds");
  const auto rows = nlohmann::json::parse(ReadWhole(ConformanceFile("sitemaps/EXPECT.json")));
  for (const auto& row : rows) {
    const std::string name = row["file"];
    const std::string body = ReadWhole(ConformanceFile("sitemaps/" + name));
    const SitemapFile file = test::ReadSitemapText(body, TextOr(row, "content_type", ""), row["url"].get<std::string>());
    tally.Expect(name, Expected(row).dump(), Taken(row, file).dump());
  }
  EXPECT_GE(tally.ran(), 20U);
  EXPECT_EQ(tally.passed(), tally.ran());
}

}  // namespace
}  // namespace weft
