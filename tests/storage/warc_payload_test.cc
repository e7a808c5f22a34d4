#include "storage/warc_payload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/random.h"
#include "tests/storage/warc_record_support.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::HasSubstr;

absl::StatusOr<WarcPayload> Payload(const std::string& record) { return PayloadOf(ReadAllOf(record).records.at(0)); }

TEST(WarcPayload, IsWithoutTransferAndContentCoding) {
  const std::string packed = GzipMember("hello");
  const std::string body = fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", packed.size(), packed);
  const auto payload = Payload(ResponseRecord("http://a/", "1", HttpResponse(body, "Content-Type: text/html; charset=x\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n")));
  ASSERT_TRUE(payload.ok()) << payload.status();
  EXPECT_EQ(payload->bytes, "hello");
  EXPECT_EQ(payload->mime, "text/html");
  EXPECT_EQ(payload->problem, "");
}

TEST(WarcPayload, OfOtherRecordsIsTheBlock) {
  EXPECT_EQ(Payload(MakeRecord("WARC-Type: resource\r\nContent-Type: image/png\r\n", "png"))->bytes, "png");
}

TEST(WarcPayload, WhatCannotBeDecodedIsSaid) {
  const auto payload = Payload(ResponseRecord("http://a/", "1", HttpResponse(GzipMember(std::string(1000, 'x')).substr(0, 20), "Content-Encoding: gzip\r\n")));
  ASSERT_TRUE(payload.ok());
  EXPECT_NE(payload->problem, "");
}

TEST(WarcPayload, ARevisitHasNone) {
  const auto payload = Payload(MakeRecord("WARC-Type: revisit\r\nWARC-Refers-To-Target-URI: http://a/\r\n", ""));
  EXPECT_THAT(std::string(payload.status().message()), HasSubstr("http://a/"));
}

TEST(PayloadFileName, IsMadeOfHostAndPath) {
  EXPECT_EQ(PayloadFileName("http://example.org/a/b.html", "text/html", 1), "example.org_a_b.html");
  EXPECT_EQ(PayloadFileName("http://example.org/a/b.html", "text/html", 2), "example.org_a_b-2.html");
  EXPECT_EQ(PayloadFileName("https://example.org/", "text/html", 1), "example.org.html");
  EXPECT_EQ(PayloadFileName("https://example.org/a?b=c.d/e#f", "image/png", 1), "example.org_a_b_c.d_e.png");
  EXPECT_EQ(PayloadFileName("https://example.org/x.php?b=1", "text/html", 1), "example.org_x_b_1.php");
  EXPECT_EQ(PayloadFileName("urn:uuid:1", "", 1), "urn_uuid_1");
  EXPECT_EQ(PayloadFileName("", "", 1), "payload");
}

TEST(PayloadFileName, EscapesNoDirectoryWhateverTheUri) {
  constexpr uint64_t kSeed = 20260106;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  const auto random = SeededRandom(kSeed);
  const std::string alphabet("a./\\%:?#~ \0\n-\xff*", 15);
  for (int round = 0; round < 5000; ++round) {
    std::string uri = round % 2 == 0 ? "" : "http://";
    for (uint64_t i = random->Below(300); i > 0; --i) uri += alphabet[random->Below(alphabet.size())];
    const std::string name = PayloadFileName(uri, "text/html", 1 + static_cast<unsigned>(random->Below(3)));
    ASSERT_FALSE(name.empty());
    EXPECT_LE(name.size(), 128u);
    EXPECT_NE(name.front(), '.') << name;
    EXPECT_NE(name.front(), '-') << name;
    for (const char c : name) {
      EXPECT_TRUE((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-') << name;
    }
  }
}

TEST(PayloadFileName, CopiesHaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (unsigned copy = 1; copy < 100; ++copy) EXPECT_TRUE(names.insert(PayloadFileName("http://a/b", "", copy)).second);
}

}  // namespace
}  // namespace weft
