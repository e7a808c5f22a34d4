// Third-party cases for encodings and links, read from WEFT_CONFORMANCE_DATA.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "parser/ascii.h"
#include "parser/charset.h"
#include "tests/common/conformance.h"
#include "tests/parser/extraction.h"

namespace weft {
namespace {

using test::ConformanceFile;
using test::ReadJsonLines;
using test::Tally;

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), AsciiLower);
  return out;
}

std::string ReadFile(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string DecodeBase64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = (bits << 6) | static_cast<unsigned>(kDigits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>((bits >> count) & 0xFF));
  }
  return out;
}

TEST(EncodingConformance, Labels) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  Tally tally("encoding labels");
  const auto labels = nlohmann::json::parse(ReadFile(ConformanceFile("encoding/labels.json")));
  for (const auto& [label, name] : labels.items()) tally.Expect(label, name.get<std::string>(), EncodingFromLabel(label));
  EXPECT_GT(tally.ran(), 200U);
  EXPECT_EQ(tally.passed(), tally.ran());
}

TEST(EncodingConformance, ContentType) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  Tally tally("charset of Content-Type");
  for (const auto& row : ReadJsonLines(ConformanceFile("encoding/content-type.jsonl"))) {
    const std::string type = row["content_type"];
    tally.Expect(type, test::TextOr(row, "encoding", ""), Lower(EncodingFromContentType(type)));
  }
  EXPECT_GT(tally.ran(), 5U);
  EXPECT_EQ(tally.passed(), tally.ran());
}

TEST(EncodingConformance, Decode) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  Tally tally("decoding");
  for (const auto& row : ReadJsonLines(ConformanceFile("encoding/decode.jsonl"))) {
    const std::string hex = row["bytes_hex"];
    std::string bytes;
    for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    const std::string label = row["label"];
    tally.Expect(label + " " + hex, row["text"].get<std::string>(), DecodeToUtf8(bytes, EncodingFromLabel(label)));
  }
  EXPECT_GT(tally.ran(), 4U);
  EXPECT_EQ(tally.passed(), tally.ran());
}

TEST(EncodingConformance, Sniff) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  Tally tally("charset sniffing");
  for (const auto& row : ReadJsonLines(ConformanceFile("encoding/html-sniff.jsonl"))) {
    const std::string html = DecodeBase64(row["html_b64"].get<std::string>());
    tally.Expect(html.substr(0, 120), row["encoding"].get<std::string>(), Lower(SniffCharset(html, "").name));
  }
  EXPECT_GT(tally.ran(), 40U);
  EXPECT_GE(tally.rate(), 0.95);
}

TEST(EncodingConformance, Queries) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  Tally tally("queries in other encodings");
  for (const auto& row : test::ReadJsonCases(ConformanceFile("url/percent-encoding.json"))) {
    const std::string input = row["input"];
    for (const auto& [label, expected] : row["output"].items()) {
      const std::string_view encoding = EncodingFromLabel(label);
      const auto encode = [&](std::string_view query) { return EncodeQuery(query, encoding); };
      const Url::QueryEncoder encoder(encode);
      const absl::StatusOr<Url> url = Url::Parse("http://h/?" + input, nullptr, &encoder);
      tally.Expect(input + " in " + label, expected.get<std::string>(), url.ok() ? url->query() : "no URL");
    }
  }
  EXPECT_GT(tally.ran(), 8U);
  EXPECT_EQ(tally.passed(), tally.ran());
}

// The kinds that are followed, by the names of the cases.
std::string_view KindInCases(LinkKind kind) {
  switch (kind) {
    case LinkKind::kNavigation: return "a";
    case LinkKind::kFrame: return "frame";
    case LinkKind::kRefresh: return "meta-refresh";
    default: return "other";
  }
}

void CheckLinks(const nlohmann::json& row, const ExtractedPage& page, Tally* tally) {
  const auto described = [](std::string_view kind, std::string_view url, bool nofollow) {
    return fmt::format("{} {}{}\n", kind, url, nofollow ? " nofollow" : "");
  };
  std::set<std::string> ignored;
  for (const auto& url : row.value("ignore", nlohmann::json::array())) ignored.insert(url.get<std::string>());
  std::set<std::string> expected;
  for (const auto& link : row["links"]) {
    const std::string kind = link["kind"];
    const std::string_view shown = kind == "area" ? "a" : kind == "iframe" ? "frame" : std::string_view(kind);
    if (shown != "a" && shown != "frame" && shown != "meta-refresh") continue;
    expected.insert(described(shown, link["url"].get<std::string>(), link.value("nofollow", false)));
  }
  std::set<std::string> found;
  for (const ExtractedLink& link : page.links) {
    if (!ignored.contains(link.url.href())) found.insert(described(KindInCases(link.kind), link.url.href(), link.nofollow));
  }
  const auto joined = [](const std::set<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += line;
    return out;
  };
  tally->Expect(row["file"].get<std::string>(), joined(expected), joined(found));
}

TEST(HtmlConformance, LinksTitleAndCharset) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  Tally tally("HTML pages");
  for (const auto& entry : std::filesystem::directory_iterator(ConformanceFile("html"))) {
    if (entry.path().extension() != ".json") continue;
    const auto row = nlohmann::json::parse(ReadFile(entry.path()));
    const std::string file = row["file"];
    const std::string html = ReadFile(ConformanceFile("html/" + file));
    const ExtractedPage page = test::ExtractFrom(html, row["content_type"].get<std::string>(), row["url"].get<std::string>());
    CheckLinks(row, page, &tally);
    if (row.contains("title")) tally.Expect(file + " title", row["title"].get<std::string>(), page.title);
    if (row.contains("charset")) tally.Expect(file + " charset", row["charset"].get<std::string>(), Lower(page.charset));
  }
  EXPECT_GT(tally.ran(), 40U);
  EXPECT_EQ(tally.passed(), tally.ran());
}

}  // namespace
}  // namespace weft
