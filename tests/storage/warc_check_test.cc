// What is found wrong with records: one fault each, and none in good ones.
#include "storage/warc_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "storage/warc_rules.h"
#include "tests/storage/warc_record_support.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kUri[] = "http://example.org/";

struct Checked {
  std::vector<WarcVerdict> verdicts;
  WarcTally tally;
};
Checked Check(std::string bytes) {
  Checked checked;
  const auto reader = WarcReader::OverSource(std::make_unique<MemorySource>(std::move(bytes)));
  checked.tally = CheckWarc(*reader, [&](const WarcVerdict& verdict) { checked.verdicts.push_back(verdict); });
  return checked;
}

std::vector<std::string> ProblemsOf(std::string bytes) {
  std::vector<std::string> problems;
  for (const WarcVerdict& verdict : Check(std::move(bytes)).verdicts) {
    problems.insert(problems.end(), verdict.problems.begin(), verdict.problems.end());
  }
  return problems;
}

std::string With(std::string_view type, std::string_view fields) {
  return MakeRecord(CommonFields(type, "1") + std::string(fields), "");
}
const std::string kTarget = std::string("WARC-Target-URI: ") + kUri + "\r\n";

TEST(WarcCheck, GoodRecordsHaveNoFault) {
  const std::string http = HttpResponse("hello");
  const std::string file =
      MakeRecord(CommonFields("warcinfo", "0") + "WARC-Filename: x\r\nContent-Type: application/warc-fields\r\n", "software: x\r\n") +
      ResponseRecord(kUri, "1", http, "WARC-IP-Address: 2001:db8::1\r\nWARC-Concurrent-To: <urn:uuid:2>\r\nWARC-Warcinfo-ID: <urn:uuid:0>\r\nWARC-Block-Digest: " + Sha1Label(Sha1(http)) + "\r\n") +
      MakeRecord(CommonFields("request", "2") + kTarget + "WARC-Concurrent-To: <urn:uuid:1>\r\nContent-Type: application/http;msgtype=request\r\n", "GET / HTTP/1.1\r\n\r\n") +
      MakeRecord(CommonFields("metadata", "3") + "WARC-Concurrent-To: <urn:uuid:1>\r\nWARC-Concurrent-To: <urn:uuid:2>\r\n", "via: x\r\n") +
      MakeRecord(CommonFields("revisit", "4") + kTarget + "WARC-Profile: http://netpreserve.org/warc/1.1/revisit/identical-payload-digest\r\n"
                 "WARC-Refers-To-Target-URI: http://a/\r\nWARC-Refers-To-Date: 2026-01-01T00:00:00.123456789Z\r\nWARC-Truncated: length\r\n", "");
  const Checked checked = Check(file);
  for (const WarcVerdict& verdict : checked.verdicts) EXPECT_THAT(verdict.problems, IsEmpty()) << verdict.type;
  EXPECT_TRUE(checked.tally.good());
  EXPECT_EQ(checked.tally.records, 5u);
  EXPECT_EQ(checked.tally.digests_checked, 1u);
  EXPECT_EQ(checked.tally.unpaired, 0u);
}

TEST(WarcCheck, MissingFields) {
  EXPECT_THAT(ProblemsOf(MakeRecord("WARC-Type: warcinfo\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n", "")), ElementsAre("WARC-Record-ID is missing"));
  EXPECT_THAT(ProblemsOf(MakeRecord("WARC-Type: warcinfo\r\nWARC-Record-ID: <a:b>\r\n", "")), ElementsAre("WARC-Date is missing"));
  EXPECT_THAT(ProblemsOf(MakeRecord("WARC-Date: 2026-01-02T03:04:05Z\r\nWARC-Record-ID: <a:b>\r\n", "")), ElementsAre("WARC-Type is missing"));
  EXPECT_THAT(ProblemsOf(With("resource", "")), ElementsAre("WARC-Target-URI is missing"));
  EXPECT_THAT(ProblemsOf(With("revisit", kTarget)), ElementsAre("WARC-Profile is missing"));
  EXPECT_THAT(ProblemsOf(With("metadata", "")), IsEmpty()) << "it may be of no URI";
}

TEST(WarcCheck, FieldsThatATypeMayNotHave) {
  EXPECT_THAT(ProblemsOf(With("warcinfo", kTarget)), ElementsAre("WARC-Target-URI is not allowed in a warcinfo record"));
  EXPECT_THAT(ProblemsOf(With("response", kTarget + "WARC-Refers-To: <a:b>\r\n")), ElementsAre(HasSubstr("WARC-Refers-To is not allowed")));
  EXPECT_THAT(ProblemsOf(With("resource", kTarget + "WARC-Profile: x:y\r\n")), ElementsAre(HasSubstr("WARC-Profile is not allowed")));
  EXPECT_THAT(ProblemsOf(With("conversion", kTarget + "WARC-IP-Address: 192.0.2.1\r\n")), ElementsAre(HasSubstr("WARC-IP-Address is not allowed")));
  EXPECT_THAT(ProblemsOf(With("request", kTarget + "WARC-Filename: x\r\n")), ElementsAre(HasSubstr("WARC-Filename is not allowed")));
}

TEST(WarcCheck, OnlyConcurrentToMayStandTwice) {
  EXPECT_THAT(ProblemsOf(With("resource", kTarget + "X: 1\r\nx: 2\r\n")), ElementsAre("x stands more than once"));
  EXPECT_THAT(ProblemsOf(With("resource", kTarget + "WARC-Concurrent-To: <a:b>\r\nWARC-Concurrent-To: <a:c>\r\n")), IsEmpty());
}

TEST(WarcCheck, FormsOfValues) {
  EXPECT_THAT(ProblemsOf(With("resource", "WARC-Target-URI: /relative\r\n")), ElementsAre(HasSubstr("WARC-Target-URI cannot be read")));
  EXPECT_THAT(ProblemsOf(With("resource", "WARC-Target-URI: http://a/ b\r\n")), ElementsAre(HasSubstr("WARC-Target-URI cannot be read")));
  EXPECT_THAT(ProblemsOf(With("resource", kTarget + "WARC-IP-Address: example.org\r\n")), ElementsAre(HasSubstr("WARC-IP-Address cannot be read")));
  EXPECT_THAT(ProblemsOf(With("resource", kTarget + "WARC-Warcinfo-ID: urn:uuid:3\r\n")), ElementsAre(HasSubstr("no URI within <>")));
  EXPECT_THAT(ProblemsOf(With("resource", kTarget + "nonsense\r\n")), ElementsAre(HasSubstr("is no field")));
}

TEST(WarcCheck, AngleBracketsBelongToVersionOneZero) {
  const std::string fields = CommonFields("resource", "1") + "WARC-Target-URI: <http://example.org/>\r\n";
  EXPECT_THAT(ProblemsOf(MakeRecord(fields, "", "WARC/1.0")), IsEmpty());
  EXPECT_THAT(ProblemsOf(MakeRecord(fields, "")), ElementsAre(HasSubstr("WARC-Target-URI")));
  EXPECT_EQ(Check(MakeRecord(fields, "", "WARC/1.0")).verdicts.at(0).uri, kUri);
}

TEST(WarcDate, BothVersions) {
  for (const char* good : {"2026-01-02T03:04:05Z", "0001-12-31T23:59:60Z"}) {
    EXPECT_TRUE(IsWarcDate(good, "WARC/1.0")) << good;
    EXPECT_TRUE(IsWarcDate(good, "WARC/1.1")) << good;
  }
  for (const char* newer : {"2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.123456789Z", "2026", "2026-01", "2026-01-02", "2026-01-02T03:04Z"}) {
    EXPECT_FALSE(IsWarcDate(newer, "WARC/1.0")) << newer;
    EXPECT_TRUE(IsWarcDate(newer, "WARC/1.1")) << newer;
  }
  for (const char* bad : {"", "2026-13-02T03:04:05Z", "2026-01-32T03:04:05Z", "2026-01-02T24:04:05Z", "2026-01-02T03:04:05", "2026-01-02T03:04:05+01:00",
                          "20260102030405", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05.1234567890Z", "2026-01-02T03:04:61Z", "2026-1-02T03:04:05Z"}) {
    EXPECT_FALSE(IsWarcDate(bad, "WARC/1.1")) << bad;
  }
}

TEST(WarcCheck, DigestsThatDiffer) {
  const std::string wrong = Sha1Label(Sha1("other"));
  const Checked checked = Check(ResponseRecord(kUri, "1", HttpResponse("a"), "WARC-Block-Digest: " + wrong + "\r\nWARC-Payload-Digest: " + wrong + "\r\n"));
  EXPECT_THAT(checked.verdicts.at(0).problems, ElementsAre("the block's digest differs", "the payload's digest differs"));
  EXPECT_FALSE(checked.tally.good());
}

TEST(WarcCheck, AnUnknownDigestIsNoProblem) {
  const Checked checked = Check(ResponseRecord(kUri, "1", HttpResponse("a"), "WARC-Block-Digest: blake9:AA\r\n"));
  EXPECT_EQ(checked.verdicts.at(0).block_digest, DigestVerdict::kUnknown);
  EXPECT_TRUE(checked.tally.good());
}

TEST(WarcCheck, BlocksThatAreNoMessageOfTheirKind) {
  EXPECT_THAT(ProblemsOf(ResponseRecord(kUri, "1", "hello")), ElementsAre(HasSubstr("no HTTP message")));
  EXPECT_THAT(ProblemsOf(ResponseRecord(kUri, "1", "GET / HTTP/1.1\r\n\r\n")), ElementsAre(HasSubstr("no HTTP message")));
}

TEST(WarcCheck, TwoRecordsOfOneId) {
  EXPECT_THAT(ProblemsOf(ResponseRecord(kUri, "1", HttpResponse("a")) + ResponseRecord(kUri, "1", HttpResponse("b"))),
              ElementsAre("WARC-Record-ID is that of the record at offset 0"));
}

TEST(WarcCheck, RecordsOfOneCaptureHaveOneDateAndOneUri) {
  const auto request = [](std::string_view uri, std::string_view date) {
    return MakeRecord(CommonFields("request", "2", date) + fmt::format("WARC-Target-URI: {}\r\nWARC-Concurrent-To: <urn:uuid:1>\r\n", uri), "");
  };
  const std::string response = ResponseRecord(kUri, "1", HttpResponse("a"));
  EXPECT_THAT(ProblemsOf(response + request(kUri, "2026-01-02T03:04:05Z")), IsEmpty());
  for (const bool response_first : {true, false}) {
    const std::string late = request(kUri, "2026-01-02T03:04:06Z"), other = request("http://example.org/b", "2026-01-02T03:04:05Z");
    EXPECT_THAT(ProblemsOf(response_first ? response + late : late + response), ElementsAre(HasSubstr("another WARC-Date")));
    EXPECT_THAT(ProblemsOf(response_first ? response + other : other + response), ElementsAre(HasSubstr("another WARC-Target-URI")));
  }
}

TEST(WarcCheck, ARecordThatIsNamedAndNotThereIsCounted) {
  const Checked checked = Check(ResponseRecord(kUri, "1", HttpResponse("a"), "WARC-Concurrent-To: <urn:uuid:9>\r\n"));
  EXPECT_EQ(checked.tally.unpaired, 1u);
  EXPECT_TRUE(checked.tally.good()) << "it may be in another file";
}

TEST(WarcCheck, AMemberWithTwoRecords) {
  const std::string two = MakeRecord(CommonFields("resource", "1") + kTarget, "") + MakeRecord(CommonFields("resource", "2") + kTarget, "");
  const std::vector<std::string> problems = ProblemsOf(GzipMember(two));
  ASSERT_EQ(problems.size(), 2u);
  for (const std::string& problem : problems) EXPECT_THAT(problem, HasSubstr("shares its compressed member"));
}

TEST(WarcCheck, AWrongContentLengthIsAProblemAndTheNextRecordIsRead) {
  std::string wrong = ResponseRecord(kUri, "1", HttpResponse("hello"));
  wrong.replace(wrong.find("Content-Length: ") + 16, 2, "44");
  const Checked checked = Check(wrong + ResponseRecord(kUri, "2", HttpResponse("two")));
  EXPECT_THAT(checked.verdicts.front().problems, ElementsAre(HasSubstr("Content-Length may be wrong")));
  EXPECT_EQ(checked.verdicts.back().content_length, HttpResponse("two").size());
  EXPECT_THAT(checked.verdicts.back().problems, IsEmpty());
}

TEST(WarcCheck, DamageHasItsOffset) {
  const std::string first = GzipMember(ResponseRecord(kUri, "1", HttpResponse("a")));
  const Checked checked = Check(first + "garbage" + GzipMember(ResponseRecord(kUri, "2", HttpResponse("b"))));
  ASSERT_EQ(checked.verdicts.size(), 3u);
  EXPECT_TRUE(checked.verdicts[1].damage);
  EXPECT_EQ(checked.verdicts[1].offset, first.size());
  EXPECT_EQ(checked.tally.damages, 1u);
  const auto json = nlohmann::json::parse(JsonLine(checked.verdicts[1], "x.warc"));
  EXPECT_EQ(json.at("offset"), first.size());
  EXPECT_TRUE(json.at("type").is_null());
  EXPECT_THAT(json.at("problem").get<std::string>(), HasSubstr("gzip member"));
}

TEST(WarcCheck, JsonOfARecord) {
  const std::string http = HttpResponse("a");
  const std::string record = ResponseRecord(kUri, "1", http, "WARC-Payload-Digest: " + Sha1Label(Sha1("a")) + "\r\n");
  const auto json = nlohmann::json::parse(JsonLine(Check(record).verdicts.at(0), "dir/x.warc"));
  const nlohmann::json want = {{"file", "dir/x.warc"}, {"offset", 0}, {"length", record.size()}, {"version", "WARC/1.1"}, {"type", "response"},
                               {"uri", kUri}, {"date", "2026-01-02T03:04:05Z"}, {"content_length", http.size()}, {"block_digest", "absent"},
                               {"payload_digest", "ok"}, {"problem", nullptr}, {"note", nullptr}};
  EXPECT_EQ(json, want);
}

}  // namespace
}  // namespace weft
