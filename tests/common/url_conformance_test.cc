// The URL parser against the web-platform-tests cases and those of other canonicalisers.
#include <unicode/ucnv.h>
#include <unicode/unistr.h>

#include <map>

#include "common/url.h"
#include "tests/common/conformance.h"

namespace weft {
namespace {

using test::ConformanceFile;
using test::Tally;
using test::TextOr;

constexpr std::string_view kFailure = "(failure)";

absl::StatusOr<Url> ParseCase(const nlohmann::json& row) {
  const std::string input = row["input"];
  const std::string base_text = TextOr(row, "base", "");
  if (base_text.empty()) return Url::Parse(input);
  absl::StatusOr<Url> base = Url::Parse(base_text);
  if (!base.ok()) return base;
  return Url::Parse(input, *base);
}

// All of the API's fields in one line.
std::string FieldsOf(const Url& url) {
  const std::string_view userinfo = url.userinfo();
  const size_t colon = userinfo.find(':');
  const std::string_view password =
      colon == std::string_view::npos ? std::string_view() : userinfo.substr(colon + 1);
  // What lies between host and path: ":8080", or nothing.
  std::string_view port(url.host().data() + url.host().size(), url.path().data());
  port = port.starts_with(':') ? port.substr(1) : std::string_view();
  return fmt::format("{} {}: user={} password={} host={} port={} path={} search={} hash={}", url.href(), url.scheme(),
                     userinfo.substr(0, colon), password, url.host(), port, url.path(),
                     url.query().empty() ? "" : fmt::format("?{}", url.query()),
                     url.fragment().empty() ? "" : fmt::format("#{}", url.fragment()));
}

std::string FieldsOf(const nlohmann::json& row) {
  return fmt::format("{} {} user={} password={} host={} port={} path={} search={} hash={}", TextOr(row, "href", ""),
                     TextOr(row, "protocol", ""), TextOr(row, "username", ""), TextOr(row, "password", ""),
                     TextOr(row, "hostname", ""), TextOr(row, "port", ""), TextOr(row, "pathname", ""),
                     TextOr(row, "search", ""), TextOr(row, "hash", ""));
}

bool IsSpecialCase(const nlohmann::json& row) {
  const std::string judged = TextOr(row, "href", TextOr(row, "input", ""));
  static const std::set<std::string, std::less<>> kSpecial = {"http", "https", "ws", "wss", "ftp", "file"};
  return kSpecial.contains(judged.substr(0, judged.find(':'))) || judged.find(':') == std::string::npos;
}

TEST(UrlConformance, UrlTestDataFieldByField) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  Tally special("urltestdata, special schemes");
  Tally others("urltestdata, other schemes");
  for (const nlohmann::json& row : test::ReadJsonCases(ConformanceFile("url/urltestdata.json"))) {
    const absl::StatusOr<Url> url = ParseCase(row);
    const std::string expected = row.contains("failure") ? std::string(kFailure) : FieldsOf(row);
    Tally& tally = IsSpecialCase(row) ? special : others;
    tally.Expect(fmt::format("{} on {}", TextOr(row, "input", ""), TextOr(row, "base", "-")), expected,
                 url.ok() ? FieldsOf(*url) : std::string(kFailure));
  }
  EXPECT_GT(special.ran(), 300u);
  EXPECT_EQ(special.passed(), special.ran());
  EXPECT_GE(others.rate(), 0.995);
}

TEST(UrlConformance, UrlTestDataOrigins) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  Tally tally("urltestdata, origin");
  for (const nlohmann::json& row : test::ReadJsonCases(ConformanceFile("url/urltestdata.json"))) {
    const absl::StatusOr<Url> url = ParseCase(row);
    if (!url.ok() || !row.contains("origin")) continue;
    tally.Expect(TextOr(row, "input", ""), TextOr(row, "origin", ""), url->origin());
  }
  EXPECT_GT(tally.ran(), 200u);
  EXPECT_EQ(tally.passed(), tally.ran());
}

TEST(UrlConformance, SerialisingIsIdempotent) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  Tally tally("urltestdata, parsed twice");
  for (const nlohmann::json& row : test::ReadJsonCases(ConformanceFile("url/urltestdata.json"))) {
    const absl::StatusOr<Url> url = ParseCase(row);
    if (!url.ok()) continue;
    const absl::StatusOr<Url> again = Url::Parse(url->href());
    tally.Expect(url->href(), url->href(), again.ok() ? again->href() : kFailure);
  }
  EXPECT_GT(tally.ran(), 300u);
  EXPECT_EQ(tally.passed(), tally.ran());
}

// The cases are written for "https://<input>/x".
void RunDomainCases(const std::string& file, size_t at_least) {
  Tally tally(file);
  for (const nlohmann::json& row : test::ReadJsonCases(ConformanceFile(file))) {
    const std::string input = row["input"];
    const absl::StatusOr<Url> url = Url::Parse(fmt::format("https://{}/x", input));
    tally.Expect(input, TextOr(row, "output", kFailure), url.ok() ? url->host() : kFailure);
  }
  EXPECT_GE(tally.ran(), at_least);
  EXPECT_GE(tally.rate(), 0.98);
}

TEST(UrlConformance, ToAscii) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  RunDomainCases("url/toascii.json", 60);
}

TEST(UrlConformance, IdnaTestV2) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  RunDomainCases("url/IdnaTestV2.json", 1800);
}

// An encoder of the Encoding Standard as far as ICU has it: what the encoding lacks comes back as "&#NNNN;".
std::string EncodeWithIcu(const std::string& label, std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  UConverter* converter = ucnv_open(label.c_str(), &error);
  ucnv_setFromUCallBack(converter, UCNV_FROM_U_CALLBACK_ESCAPE, UCNV_ESCAPE_XML_DEC, nullptr, nullptr, &error);
  icu::UnicodeString units = icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(),
      static_cast<int32_t>(text.size())));
  // The Shift_JIS encoder of the standard takes the minus sign for its full-width form; ICU's table has only that.
  if (label.starts_with("ibm-943")) units.findAndReplace(u"\u2212", u"\uff0d");
  std::string out(text.size() * 12 + 32, '\0');
  const int32_t length = ucnv_fromUChars(converter, out.data(), static_cast<int32_t>(out.size()), units.getBuffer(),
                                         units.length(), &error);
  ucnv_close(converter);
  EXPECT_TRUE(U_SUCCESS(error)) << label;
  out.resize(static_cast<size_t>(length));
  return out;
}

TEST(UrlConformance, PercentEncodingInOtherEncodings) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  // Labels of the Encoding Standard by the names under which ICU has the same tables.
  const std::map<std::string, std::string> icu_names = {{"shift_jis", "ibm-943_P15A-2003"}, {"big5", "windows-950"},
                                                        {"euc-kr", "windows-949"}};
  Tally tally("percent-encoding.json");
  for (const nlohmann::json& row : test::ReadJsonCases(ConformanceFile("url/percent-encoding.json"))) {
    const std::string input = row["input"];
    for (const auto& [label, output] : row["output"].items()) {
      const auto named = icu_names.find(label);
      const std::string converter = named == icu_names.end() ? label : named->second;
      const auto encode = [&](std::string_view query) { return EncodeWithIcu(converter, query); };
      const Url::QueryEncoder encoder = encode;
      const absl::StatusOr<Url> url = Url::Parse("http://h/?" + input + "A#x", nullptr, &encoder);
      tally.Expect(fmt::format("{} in {}", input, label), output.get<std::string>() + "A",
                   url.ok() ? url->query() : std::string_view(kFailure));
    }
  }
  EXPECT_EQ(tally.ran(), 11u);
  EXPECT_EQ(tally.passed(), tally.ran());
}

}  // namespace
}  // namespace weft
