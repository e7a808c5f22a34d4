#include "storage/cdxj.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "storage/cdxj_request.h"
#include "tests/storage/warc_record_support.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kUri[] = "http://www.example.org/Path?b&a";

std::vector<Capture> Captures(const std::string& bytes) {
  std::vector<Capture> captures;
  CaptureCollector collector("x.warc", [&](const Capture& capture) {
    captures.push_back(capture);
    return absl::OkStatus();
  });
  for (const WarcRecord& record : ReadAllOf(bytes).records) EXPECT_TRUE(collector.Take(record).ok());
  EXPECT_TRUE(collector.Finish().ok());
  return captures;
}

std::string Request(std::string_view message, std::string_view id = "2", std::string_view concurrent = "1", std::string_view uri = kUri) {
  return MakeRecord(fmt::format("{}WARC-Target-URI: {}\r\nWARC-Concurrent-To: <urn:uuid:{}>\r\nContent-Type: application/http;msgtype=request\r\n",
                                CommonFields("request", id), uri, concurrent), message);
}

TEST(Cdxj, LineOfAResponse) {
  const std::string record = ResponseRecord(kUri, "1", HttpResponse("hello", "Content-Type: Text/HTML; charset=utf-8\r\n", 404),
                                            "WARC-Payload-Digest: sha1:ABC\r\n");
  const std::string gz = GzipMember(record);
  const WarcContent content = ReadAllOf(GzipMember(MakeRecord(CommonFields("warcinfo", "0"), "")) + gz);
  const auto capture = CaptureOf(content.records.at(1), "f.warc.gz");
  ASSERT_TRUE(capture.has_value());
  EXPECT_EQ(CdxjLine(*capture),
            fmt::format("org,example)/path?a&b 20260102030405 {{\"url\":\"{}\",\"mime\":\"text/html\",\"status\":\"404\",\"digest\":\"sha1:ABC\","
                        "\"length\":\"{}\",\"offset\":\"{}\",\"filename\":\"f.warc.gz\"}}", kUri, gz.size(), content.records[1].offset));
}

TEST(Cdxj, LengthOfAPlainRecordLeavesOutWhatEndsIt) {
  const std::string record = ResponseRecord(kUri, "1", HttpResponse("x"));
  EXPECT_EQ(Captures(record).at(0).length, record.size() - 4);
}

TEST(Cdxj, AMissingDigestIsTakenOfThePayload) {
  const std::string http = HttpResponse("3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n");
  EXPECT_EQ(Captures(ResponseRecord(kUri, "1", http)).at(0).digest, Sha1Label(Sha1("abc")));
}

TEST(Cdxj, WithoutATypeTheMimeIsUnknown) {
  EXPECT_EQ(Captures(ResponseRecord(kUri, "1", HttpResponse("x", ""))).at(0).mime, "unk");
}

TEST(Cdxj, RevisitsHaveTheirOwnMime) {
  const std::string fields = CommonFields("revisit", "1") + fmt::format("WARC-Target-URI: {}\r\nWARC-Payload-Digest: sha1:Q\r\n", kUri);
  const Capture bare = Captures(MakeRecord(fields, "")).at(0);
  EXPECT_EQ(bare.mime, "warc/revisit");
  EXPECT_EQ(bare.status, "-");
  EXPECT_EQ(bare.digest, "sha1:Q");
  const Capture with_head = Captures(MakeRecord(fields + "Content-Type: application/http\r\n", HttpResponse(""))).at(0);
  EXPECT_EQ(with_head.mime, "warc/revisit");
  EXPECT_EQ(with_head.status, "200");
}

TEST(Cdxj, WhichRecordsAreCaptures) {
  const auto record = [](std::string_view type, std::string_view mime) {
    return MakeRecord(fmt::format("{}WARC-Target-URI: {}\r\nContent-Type: {}\r\n", CommonFields(type, "1"), kUri, mime), "x");
  };
  EXPECT_EQ(Captures(record("resource", "image/png")).at(0).mime, "image/png");
  EXPECT_EQ(Captures(record("metadata", "text/plain")).at(0).status, "-");
  EXPECT_THAT(Captures(record("metadata", "application/warc-fields")), IsEmpty());
  EXPECT_THAT(Captures(record("warcinfo", "application/warc-fields")), IsEmpty());
  EXPECT_THAT(Captures(record("request", "application/http")), IsEmpty());
  EXPECT_THAT(Captures(record("conversion", "text/plain")), IsEmpty());
  EXPECT_THAT(Captures(MakeRecord(CommonFields("resource", "1"), "x")), IsEmpty()) << "of no URI";
  EXPECT_THAT(Captures(MakeRecord(CommonFields("resource", "1", "yesterday") + "WARC-Target-URI: http://a/\r\n", "x")), IsEmpty());
}

TEST(Cdxj, TimestampsHaveFourteenDigits) {
  EXPECT_EQ(CdxjTimestamp("2026-01-02T03:04:05.678Z"), "20260102030405");
  EXPECT_EQ(CdxjTimestamp("2026-01-02T03:04Z"), "20260102030400");
  EXPECT_EQ(CdxjTimestamp("2026"), "20260101000000");
  EXPECT_EQ(CdxjTimestamp("x"), "");
}

TEST(Cdxj, KeysHoldNoSpaceWhateverTheUri) {
  for (const char* uri : {"http://a.b/c d", "urn:x y", "not a url", "dns:a b", "\t", "data:,a b", ""}) {
    const std::string key = CdxjKey(uri);
    EXPECT_FALSE(key.empty());
    EXPECT_EQ(key.find_first_of(" \t\r\n"), std::string::npos) << key;
  }
}

TEST(Cdxj, ValuesAreOneLineOfUtf8) {
  Capture capture;
  capture.key = "a)/";
  capture.timestamp = "20260102030405";
  capture.mime = "a\nb\xff\"";
  const std::string line = CdxjLine(capture);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(line.substr(line.find('{'))).at("mime"), "a\nb\xEF\xBF\xBD\"");
}

// ---- other methods than GET ----

TEST(CdxjRequests, APostNamesItsResponseWhicheverComesFirst) {
  const std::string response = ResponseRecord(kUri, "1", HttpResponse("x"));
  const std::string post = Request("POST /Path HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\nfoo=b+a%26r");
  for (const std::string& file : {response + post, post + response}) {
    const Capture capture = Captures(file).at(0);
    EXPECT_EQ(capture.method, "POST");
    EXPECT_EQ(capture.request_body, "foo=b a&r");
    EXPECT_EQ(capture.key, "org,example)/path?__wb_method=post&a&b&foo=b%20a&r");
    EXPECT_EQ(capture.url, kUri);
    const std::string line = CdxjLine(capture);
    const auto json = nlohmann::json::parse(line.substr(line.find('{')));
    EXPECT_EQ(json.at("method"), "POST");
    EXPECT_EQ(json.at("requestBody"), "foo=b a&r");
  }
}

TEST(CdxjRequests, AGetChangesNothing) {
  const Capture capture = Captures(ResponseRecord(kUri, "1", HttpResponse("x")) + Request("GET / HTTP/1.1\r\n\r\n")).at(0);
  EXPECT_EQ(capture.method, "");
  EXPECT_EQ(capture.key, "org,example)/path?a&b");
}

TEST(CdxjRequests, TheRequestOfAnotherCaptureChangesNothing) {
  const std::string response = ResponseRecord(kUri, "1", HttpResponse("x"));
  EXPECT_EQ(Captures(response + Request("POST / HTTP/1.1\r\n\r\n", "2", "7")).at(0).method, "");
  EXPECT_EQ(Captures(response + Request("POST / HTTP/1.1\r\n\r\n", "2", "1", "http://other.example/")).at(0).method, "");
}

std::string QueryOf(std::string_view type, std::string_view body) {
  const auto records = ReadAllOf(Request(fmt::format("POST / HTTP/1.1\r\nContent-Type: {}\r\n\r\n{}", type, body))).records;
  const auto request = ReadOtherRequest(records.at(0));
  return request ? request->body : "none";
}

TEST(CdxjRequests, BodiesAsQueries) {
  EXPECT_EQ(QueryOf("application/json", R"({"a":"b c","d":{"e":[1,true,null]},"f":1.5})"), "a=b+c&e=1&e.2_=True&e.3_=None&f=1.5");
  EXPECT_EQ(QueryOf("application/json", "{broken"), "");
  EXPECT_EQ(QueryOf("text/plain", R"({"a":1})"), "a=1");
  EXPECT_EQ(QueryOf("text/plain", "hello"), "__wb_post_data=aGVsbG8=");
  EXPECT_EQ(QueryOf("application/octet-stream", "\x01\x02"), "__wb_post_data=AQI=");
  EXPECT_EQ(QueryOf("application/x-www-form-urlencoded", "%ff"), "__wb_post_data=JWZm") << "no UTF-8";
  EXPECT_EQ(QueryOf("image/png", ""), "");
  EXPECT_EQ(QueryOf("image/png", std::string(100'000, 'x')).size(), 4096u);
}

TEST(CdxjRequests, DeepJsonEndsEarly) {
  EXPECT_EQ(JsonAsQuery(std::string(1'000'000, '[')), std::nullopt);
  EXPECT_EQ(JsonAsQuery(std::string(60, '[') + std::string(60, ']')), "");
}

TEST(CdxjRequests, UrlsWithAndWithoutAQuery) {
  EXPECT_EQ(UrlWithRequest("http://a/", "PUT", ""), "http://a/?__wb_method=PUT");
  EXPECT_EQ(UrlWithRequest("http://a/?b#c", "POST", "d#e"), "http://a/?b&__wb_method=POST&d%23e");
}

TEST(CdxjRequests, ALongFileIsHandedOnInItsOrder) {
  std::string file;
  for (int i = 0; i < 300; ++i) file += ResponseRecord(fmt::format("http://a/{}", i), std::to_string(i), HttpResponse("x"));
  const std::vector<Capture> captures = Captures(file);
  ASSERT_THAT(captures, SizeIs(300));
  EXPECT_EQ(captures[299].url, "http://a/299");
}

}  // namespace
}  // namespace weft
