#include "storage/warc_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/digest.h"
#include "common/random.h"
#include "storage/gzip_member.h"
#include "storage/warc_digest.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string Record(std::string_view block, std::string_view fields = "WARC-Type: resource\r\n",
                   std::string_view version = "WARC/1.0") {
  std::string out(version);
  out.append("\r\n").append(fields).append("Content-Length: ").append(std::to_string(block.size()));
  return out.append("\r\n\r\n").append(block).append("\r\n\r\n");
}

std::string Gzip(std::string_view bytes) {
  std::string out;
  GzipMemberWriter writer;
  writer.Begin(&out);
  writer.Add(bytes);
  writer.Finish();
  return out;
}

std::vector<std::string> Blocks(const WarcContent& content) {
  std::vector<std::string> blocks;
  for (const WarcRecord& record : content.records) blocks.push_back(record.block);
  return blocks;
}

TEST(WarcReader, EmptyFileHasNoRecords) {
  const WarcContent content = ReadAllOf("");
  EXPECT_THAT(content.records, SizeIs(0));
  EXPECT_THAT(content.problems, SizeIs(0));
}

TEST(WarcReader, PlainRecordsWithOffsetsAndLengths) {
  const std::string first = Record("one");
  const std::string second = Record("");
  const WarcContent content = ReadAllOf(first + second);
  ASSERT_THAT(Blocks(content), ElementsAre("one", ""));
  EXPECT_EQ(content.records[0].length, first.size());
  EXPECT_EQ(content.records[1].offset, first.size());
  EXPECT_EQ(content.records[1].length, second.size());
}

TEST(WarcReader, MembersWithOffsetsAndLengths) {
  const std::string first = Gzip(Record("one"));
  const std::string second = Gzip(Record("two"));
  const WarcContent content = ReadAllOf(first + second);
  ASSERT_THAT(Blocks(content), ElementsAre("one", "two"));
  EXPECT_EQ(content.records[0].length, first.size());
  EXPECT_EQ(content.records[1].offset, first.size());
  EXPECT_EQ(content.records[1].length, second.size());
}

TEST(WarcReader, WholeFileAsOneMember) {
  const WarcContent content = ReadAllOf(Gzip(Record("one") + Record("two") + Record("three")));
  ASSERT_THAT(Blocks(content), ElementsAre("one", "two", "three"));
  EXPECT_THAT(content.problems, SizeIs(0));
  EXPECT_EQ(content.records[0].length, 0u) << "not to be read by its place";
  EXPECT_EQ(content.records[2].offset, 0u);
}

TEST(WarcReader, ReadsFromAnOffset) {
  const std::string first = Record("one");
  auto reader = WarcReader::OverSource(std::make_unique<MemorySource>(first + Record("two")), first.size());
  EXPECT_EQ(reader->Next()->block, "two");
  EXPECT_TRUE(absl::IsNotFound(reader->Next().status()));
  EXPECT_TRUE(absl::IsNotFound(WarcReader::OverSource(std::make_unique<MemorySource>("x"), 99)->Next().status()));
}

TEST(WarcReader, OtherVersionsLineEndsAndFoldedFields) {
  const WarcContent content = ReadAllOf(
      "WARC/0.18\nWARC-Type : resource\nX: a\n  b\n\tc\nnonsense\ncontent-length: 3\n\none\n\n\n\n" +
      Record("two", "", "warc/1.1"));
  ASSERT_THAT(Blocks(content), ElementsAre("one", "two"));
  EXPECT_EQ(content.records[0].version, "WARC/0.18");
  EXPECT_EQ(content.records[0].Get("x"), "a b c");
  EXPECT_EQ(content.records[0].Get("WARC-Type"), "resource");
  EXPECT_FALSE(content.records[0].terminated);
  EXPECT_TRUE(content.records[1].terminated);
}

TEST(WarcReader, GarbageBetweenRecordsIsReportedAndSkipped) {
  const WarcContent content = ReadAllOf(Record("one") + "garbage\r\n" + Record("two"));
  EXPECT_THAT(Blocks(content), ElementsAre("one", "two"));
  EXPECT_THAT(content.problems, ElementsAre(HasSubstr("not a WARC record")));
}

TEST(WarcReader, RecordWithoutReadableLengthIsReportedAndSkipped) {
  for (const char* length : {"", "Content-Length: x\r\n", "Content-Length: -1\r\n", "Content-Length: 9999999999999999999\r\n"}) {
    const WarcContent content = ReadAllOf("WARC/1.0\r\n" + std::string(length) + "\r\n" + Record("two"));
    EXPECT_THAT(Blocks(content), ElementsAre("two")) << length;
    EXPECT_THAT(content.problems, SizeIs(1)) << length;
  }
}

TEST(WarcReader, LengthBeyondTheFileIsReportedAndTheRecordsBehindAreFound) {
  const WarcContent content = ReadAllOf("WARC/1.0\r\nContent-Length: 100000\r\n\r\nshort\r\n\r\n" + Record("two"));
  EXPECT_THAT(Blocks(content), ElementsAre("two"));
  EXPECT_THAT(content.problems, ElementsAre("a WARC record that is cut short at offset 0"));
}

TEST(WarcReader, WrongLengthsInAMemberEndWithIt) {
  for (const char* length : {"2", "100000", "x", "999999999999"}) {
    std::string record = Record("block");
    record.replace(record.find("Content-Length: 5") + 16, 1, length);
    const WarcContent content = ReadAllOf(Gzip(Record("one")) + Gzip(record) + Gzip(Record("two")));
    EXPECT_EQ(content.records.front().block, "one") << length;
    EXPECT_EQ(content.records.back().block, "two") << length;
    EXPECT_THAT(content.problems, SizeIs(1)) << length;
  }
}

TEST(WarcReader, RecordsBeyondTheLimitAreReportedAndPassed) {
  const std::string big(5000, 'x');
  for (const std::string& bytes : {Record("one") + Record(big) + Record("two"),
                                   Gzip(Record("one")) + Gzip(Record(big)) + Gzip(Record("two")),
                                   Gzip(Record("one") + Record(big) + Record("two"))}) {
    const WarcContent content = ReadAllOf(bytes, 4999);
    EXPECT_THAT(Blocks(content), ElementsAre("one", "two"));
    EXPECT_THAT(content.problems, ElementsAre(HasSubstr("longer than")));
  }
}

TEST(WarcReader, DamagedMemberIsReportedAndTheNextIsFound) {
  std::string noise(3000, ' ');
  const auto random = SeededRandom(3);
  for (char& c : noise) c = static_cast<char>('a' + random->Below(26));
  const std::string good = Gzip(Record("one"));
  const std::string victim = Gzip(Record(noise));
  for (size_t at = 0; at < victim.size(); at += 7) {
    SCOPED_TRACE(at);
    std::string damaged = victim;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    const WarcContent content = ReadAllOf(good + damaged + Gzip(Record("two")));
    ASSERT_GE(content.records.size(), 2u);
    EXPECT_EQ(content.records.front().block, "one");
    EXPECT_EQ(content.records.back().block, "two");
    // Few bytes of a gzip header mean nothing (time, system).
    if (content.records.size() == 2) {
      EXPECT_THAT(content.problems, SizeIs(1));
    }
    for (const WarcRecord& record : content.records) EXPECT_TRUE(record.block.size() == 3 || record.block == noise);
  }
}

TEST(WarcReader, EveryCutOfAMemberIsReported) {
  const std::string first = Gzip(Record("one"));
  const std::string second = Gzip(Record("two"));
  for (size_t size = 1; size < second.size(); ++size) {
    const WarcContent content = ReadAllOf(first + second.substr(0, size));
    EXPECT_THAT(Blocks(content), ElementsAre("one")) << size;
    EXPECT_THAT(content.problems, SizeIs(1)) << size;
  }
}

TEST(WarcReader, DamagedBeginningOfAFileIsPassed) {
  EXPECT_THAT(Blocks(ReadAllOf("garbage" + Gzip(Record("one")) + Gzip(Record("two")))), ElementsAre("one", "two"));
  EXPECT_THAT(Blocks(ReadAllOf("garbage\n" + Record("one"))), ElementsAre("one"));
}

TEST(WarcReader, MembersOfOtherContentAreReported) {
  const WarcContent content = ReadAllOf(Gzip("hello") + Gzip("") + Gzip(Record("one")));
  EXPECT_THAT(Blocks(content), ElementsAre("one"));
  EXPECT_THAT(content.problems, SizeIs(1));
}

TEST(WarcReader, NestedBeginningsCostNoMoreThanLinear) {
  // Each line begins a record whose head has no end; each stored block of gzip begins another member.
  std::string heads;
  while (heads.size() < 3'000'000) heads += "WARC/1.0\r\n";
  EXPECT_GT(ReadAllOf(heads).problems.size(), 0u);
  std::string members;
  const std::string head = Gzip("WARC/1.0 and then").substr(0, 10);
  while (members.size() < 3'000'000) {
    // A stored block of 40 bytes that is not the last (RFC 1951 section 3.2.4); its bytes begin the next member.
    members += head + std::string("\x00\x28\x00\xd7\xff", 5) + "WARC/1.0\r\n" + std::string(15, 'x');
  }
  EXPECT_GT(ReadAllOf(members).problems.size(), 0u);
}

TEST(WarcReader, MissingFilesAndDirectoriesAreErrors) {
  TempDirectory directory;
  EXPECT_TRUE(absl::IsNotFound(WarcReader::Open(directory / "none").status()));
  EXPECT_FALSE(WarcReader::Open(directory.path()).ok());
}

TEST(WarcReader, MutatedFilesNeverHarm) {
  constexpr uint64_t kSeed = 20260103;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  const auto random = SeededRandom(kSeed);
  const std::string http = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  const std::string record = Record(http, "WARC-Type: response\r\nContent-Type: application/http\r\nWARC-Block-Digest: sha1:A\r\nWARC-Payload-Digest: sha1:" + Base32(Sha1("abc")) + "\r\n");
  const std::string samples[] = {record + Record("two") + record, Gzip(record) + Gzip(Record("two")) + Gzip(record),
                                 Gzip(record + Record("two") + record)};
  for (int round = 0; round < 4000; ++round) {
    std::string bytes = samples[random->Below(3)];
    for (uint64_t edits = 1 + random->Below(5); edits > 0; --edits) {
      const size_t at = random->Below(bytes.size());
      switch (random->Below(4)) {
        case 0: bytes[at] = static_cast<char>(random->Next()); break;
        case 1: bytes.insert(at, bytes.substr(random->Below(bytes.size()), random->Below(60))); break;
        case 2: bytes.erase(at, random->Below(20)); break;
        case 3: bytes[at] = static_cast<char>('0' + random->Below(10)); break;
      }
      if (bytes.empty()) bytes = "x";
    }
    const WarcContent content = ReadAllOf(bytes, 4096);
    for (const WarcRecord& found : content.records) {
      EXPECT_LE(found.offset + found.length, bytes.size());
      EXPECT_LE(found.block.size(), 4096u);
      CheckBlockDigest(found);
      CheckPayloadDigest(found);
    }
  }
}

// ---- digests ----

DigestVerdict Payload(std::string_view label, std::string_view body, std::string_view type = "response") {
  const std::string fields = "WARC-Type: " + std::string(type) + "\r\nContent-Type: application/http; msgtype=response\r\nWARC-Payload-Digest: " + std::string(label) + "\r\n";
  const std::string block = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body);
  return CheckPayloadDigest(ReadAllOf(Record(block, fields)).records.at(0));
}

TEST(WarcDigest, PayloadIsTriedWithAndWithoutItsTransferCoding) {
  const std::string wire = "3\r\nabc\r\n0\r\n\r\n";
  EXPECT_EQ(Payload(Sha1Label(Sha1("abc")), wire), DigestVerdict::kMatches);
  EXPECT_EQ(Payload(Sha1Label(Sha1(wire)), wire), DigestVerdict::kMatches);
  EXPECT_EQ(Payload(Sha1Label(Sha1("abd")), wire), DigestVerdict::kDiffers);
}

TEST(WarcDigest, WhatCannotBeCheckedIsSaid) {
  EXPECT_EQ(Payload("crc32:12", "abc"), DigestVerdict::kUnknown);
  EXPECT_EQ(Payload("unlabelled", "abc"), DigestVerdict::kUnknown);
  EXPECT_EQ(Payload("", "abc"), DigestVerdict::kAbsent);
  EXPECT_EQ(Payload(Sha1Label(Sha1("elsewhere")), "abc", "revisit"), DigestVerdict::kUnknown);
}

}  // namespace
}  // namespace weft
