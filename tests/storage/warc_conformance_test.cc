// WARC files of other writers, against what an independent reader found in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include <nlohmann/json.hpp>

#include "common/digest.h"
#include "storage/warc_digest.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;

void ExpectRecord(const nlohmann::json& want, const WarcRecord& got) {
  EXPECT_EQ(got.offset, want.at("offset").get<uint64_t>());
  EXPECT_EQ(got.version, want.at("version").get<std::string>());
  EXPECT_EQ(got.block.size(), want.at("content_length").get<size_t>());
  EXPECT_EQ(Base32(Sha1(got.block)), want.at("block_sha1_b32").get<std::string>());
  if (want.contains("member_length")) {
    EXPECT_EQ(got.length, want["member_length"].get<uint64_t>());
  }
  const std::pair<const char*, const char*> fields[] = {
      {"type", "WARC-Type"},         {"uri", "WARC-Target-URI"},     {"date", "WARC-Date"},
      {"profile", "WARC-Profile"},   {"truncated", "WARC-Truncated"}, {"block_digest", "WARC-Block-Digest"},
      {"payload_digest", "WARC-Payload-Digest"}, {"refers_to_target_uri", "WARC-Refers-To-Target-URI"}};
  for (const auto& [key, name] : fields) {
    if (want.contains(key)) {
      EXPECT_EQ(got.Get(name), want[key].is_null() ? "" : want[key].get<std::string>()) << key;
    }
  }
  const DigestVerdict verdict = CheckBlockDigest(got);
  if (!want.contains("block_digest_ok")) {
    EXPECT_EQ(verdict, DigestVerdict::kAbsent);
  } else {
    EXPECT_EQ(verdict, want["block_digest_ok"].get<bool>() ? DigestVerdict::kMatches : DigestVerdict::kDiffers);
  }
}

class WarcConformance : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("WEFT_CONFORMANCE_DATA");
    if (data == nullptr) GTEST_SKIP() << "WEFT_CONFORMANCE_DATA is not set: no third-party WARC files to read";
    directory_ = std::string(data) + "/warc/";
  }
  std::string directory_;
};

TEST_F(WarcConformance, RecordsOffsetsAndDigestsAreThoseOfAnIndependentReader) {
  const nlohmann::json expect = nlohmann::json::parse(ReadFile(directory_ + "EXPECT.json"));
  ASSERT_GT(expect.size(), 0u);
  for (const auto& [file, want] : expect.items()) {
    SCOPED_TRACE(file);
    const WarcContent content = ReadAllFrom(directory_ + file);
    EXPECT_EQ(content.problems.empty(), !want.contains("problem")) << ::testing::PrintToString(content.problems);
    const auto& records = want.at("records");
    // Where that reader gave up at damage, this one may go on.
    if (want.contains("problem")) {
      ASSERT_GE(content.records.size(), records.size());
    } else {
      ASSERT_EQ(content.records.size(), records.size());
    }
    for (size_t i = 0; i < records.size(); ++i) {
      SCOPED_TRACE(i);
      ExpectRecord(records[i], content.records[i]);
    }
  }
}

TEST_F(WarcConformance, PayloadDigestsInBase32AndBothBase64Forms) {
  const WarcContent content = ReadAllFrom(directory_ + "example-digest.warc");
  ASSERT_EQ(content.records.size(), 4u);
  EXPECT_EQ(CheckPayloadDigest(content.records[0]), DigestVerdict::kDiffers);
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(CheckPayloadDigest(content.records[i]), DigestVerdict::kMatches) << i;
}

TEST_F(WarcConformance, AllPayloadDigestsOfGoodFilesHold) {
  for (const char* file : {"example.warc", "example.warc.gz", "example-resource.warc.gz", "post-test.warc.gz",
                           "hello-world.warc", "hello-world.warc.gz", "20130729-heritrix-original.warc.gz"}) {
    for (const WarcRecord& record : ReadAllFrom(directory_ + file).records) {
      EXPECT_NE(CheckPayloadDigest(record), DigestVerdict::kDiffers) << file << " at " << record.offset;
    }
  }
}

}  // namespace
}  // namespace weft
