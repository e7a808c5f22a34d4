// Files of zstd frames, and what tells the forms of files apart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "storage/zstd_frame.h"
#include "tests/storage/warc_record_support.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Resource(std::string_view block) { return MakeRecord("WARC-Type: resource\r\n", block); }

std::vector<std::string> Blocks(const WarcContent& content) {
  std::vector<std::string> blocks;
  for (const WarcRecord& record : content.records) blocks.push_back(record.block);
  return blocks;
}

std::string Noise(size_t size, uint64_t seed) {
  const auto random = SeededRandom(seed);
  std::string noise(size, ' ');
  for (char& c : noise) c = static_cast<char>('a' + random->Below(26));
  return noise;
}

TEST(WarcZstd, FramesWithOffsetsAndLengths) {
  const std::string first = ZstdFrame(Resource("one")), second = ZstdFrame(Resource("two"));
  const WarcContent content = ReadAllOf(first + second);
  ASSERT_THAT(Blocks(content), ElementsAre("one", "two"));
  EXPECT_THAT(content.problems, IsEmpty());
  EXPECT_EQ(content.records[0].length, first.size());
  EXPECT_EQ(content.records[1].offset, first.size());
  EXPECT_EQ(content.records[1].length, second.size());
  EXPECT_TRUE(content.records[1].compressed);
  auto reader = WarcReader::OverSource(std::make_unique<MemorySource>(first + second), first.size());
  EXPECT_EQ(reader->Next()->block, "two");
}

TEST(WarcZstd, ADictionaryAtTheFrontServesAllFrames) {
  const std::string dictionary = Noise(5000, 1);
  const std::string block = dictionary.substr(100, 3000);
  const std::string frame = ZstdFrame(Resource(block), dictionary);
  ASSERT_LT(frame.size(), 1000u) << "it leans on the dictionary";
  for (const std::string& stored : {dictionary, ZstdFrame(dictionary)}) {
    const std::string front = DictionaryFrame(stored);
    const WarcContent content = ReadAllOf(front + frame + frame);
    EXPECT_THAT(content.problems, IsEmpty());
    ASSERT_THAT(Blocks(content), ElementsAre(block, block));
    EXPECT_EQ(content.records[0].offset, front.size());
    // By its place alone, too.
    auto reader = WarcReader::OverSource(std::make_unique<MemorySource>(front + frame + frame), front.size() + frame.size());
    EXPECT_EQ(reader->Next()->block, block);
  }
}

TEST(WarcZstd, OtherSkippableFramesArePassed) {
  std::string skippable = DictionaryFrame("anything");
  skippable[0] = '\x50';
  const WarcContent content = ReadAllOf(ZstdFrame(Resource("one")) + skippable + ZstdFrame(Resource("two")));
  EXPECT_THAT(Blocks(content), ElementsAre("one", "two"));
  EXPECT_THAT(content.problems, IsEmpty());
}

TEST(WarcZstd, ADictionaryThatCannotBeReadIsReported) {
  const std::string frame = ZstdFrame(Resource("one"));
  std::string damaged = ZstdFrame(std::string(5000, 'x'));
  damaged[damaged.size() - 1] = static_cast<char>(damaged[damaged.size() - 1] ^ 1);
  for (const std::string& front : {DictionaryFrame(damaged), DictionaryFrame("x").substr(0, 4) + "\xff\xff\xff\x7f"}) {
    const WarcContent content = ReadAllOf(front + frame);
    ASSERT_GE(content.problems.size(), 1u);
    EXPECT_THAT(content.problems[0], HasSubstr("dictionary"));
  }
  EXPECT_THAT(Blocks(ReadAllOf(DictionaryFrame(damaged) + frame)), ElementsAre("one")) << "it was written without one";
}

TEST(WarcZstd, AWholeFileAsOneFrame) {
  const WarcContent content = ReadAllOf(ZstdFrame(Resource("one") + Resource("two")));
  ASSERT_THAT(Blocks(content), ElementsAre("one", "two"));
  EXPECT_EQ(content.records[0].length, 0u);
}

TEST(WarcZstd, DamagedFramesAreReportedAndTheNextIsFound) {
  const std::string good = ZstdFrame(Resource("one")), victim = ZstdFrame(Resource(Noise(3000, 3)));
  for (size_t at = 0; at < victim.size(); at += 7) {
    SCOPED_TRACE(at);
    std::string damaged = victim;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    const WarcContent content = ReadAllOf(good + damaged + ZstdFrame(Resource("two")));
    EXPECT_THAT(Blocks(content), ElementsAre("one", "two"));
    EXPECT_GE(content.problems.size(), 1u);
  }
}

TEST(WarcZstd, EveryCutOfAFrameIsReported) {
  const std::string first = ZstdFrame(Resource("one")), second = ZstdFrame(Resource("two"));
  for (size_t size = 1; size < second.size(); ++size) {
    const WarcContent content = ReadAllOf(first + second.substr(0, size));
    EXPECT_THAT(Blocks(content), ElementsAre("one")) << size;
    EXPECT_THAT(content.problems, SizeIs(1)) << size;
  }
}

TEST(WarcZstd, GarbageInFrontOfFramesIsPassed) {
  EXPECT_THAT(Blocks(ReadAllOf("garbage" + ZstdFrame(Resource("one")) + ZstdFrame(Resource("two")))), ElementsAre("one", "two"));
}

TEST(WarcZstd, MutatedFilesNeverHarm) {
  constexpr uint64_t kSeed = 20260104;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  const auto random = SeededRandom(kSeed);
  const std::string dictionary = Noise(300, 4);
  const std::string samples[] = {ZstdFrame(Resource("one")) + ZstdFrame(Resource(Noise(200, 5))) + ZstdFrame(Resource("three")),
                                 DictionaryFrame(dictionary) + ZstdFrame(Resource(dictionary), dictionary) + ZstdFrame(Resource("two"), dictionary)};
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = samples[random->Below(2)];
    for (uint64_t edits = 1 + random->Below(4); edits > 0; --edits) {
      const size_t at = random->Below(bytes.size());
      if (random->Below(3) == 0) {
        bytes.erase(at, random->Below(10));
      } else {
        bytes[at] = static_cast<char>(random->Next());
      }
      if (bytes.empty()) bytes = "x";
    }
    for (const WarcRecord& record : ReadAllOf(bytes, 4096).records) {
      EXPECT_LE(record.offset + record.length, bytes.size());
    }
  }
}

// ---- plain files ----

TEST(WarcReaderLengths, ARecordThatIsSwallowedByTheOneBeforeIsRead) {
  const std::string lying = "WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: 60\r\n\r\none\r\n\r\n";
  const WarcContent content = ReadAllOf(lying + Resource("two") + Resource("three"));
  ASSERT_THAT(content.records, SizeIs(3));
  EXPECT_FALSE(content.records[0].terminated);
  EXPECT_EQ(content.records[1].block, "two");
  EXPECT_EQ(content.records[1].offset, lying.size());
  EXPECT_EQ(content.records[2].block, "three");
}

TEST(WarcReaderLengths, ABlockThatHoldsRecordsIsOneRecordWhereItEndsAsItShould) {
  const std::string inner = Resource("inner");
  EXPECT_THAT(Blocks(ReadAllOf(Resource("x\r\n\r\n" + inner) + Resource("two"))), ElementsAre("x\r\n\r\n" + inner, "two"));
}

TEST(WarcReaderHead, IsKeptAsItStands) {
  const std::string record = "WARC/1.1\r\nwarc-type:resource\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n";
  EXPECT_EQ(ReadAllOf(record + "\r\n\r\n").records.at(0).head, record);
}

TEST(WarcReaderDamage, TellsItsPlace) {
  const std::string first = Resource("one");
  auto reader = WarcReader::OverSource(std::make_unique<MemorySource>(first + "garbage\r\n" + Resource("two")));
  ASSERT_TRUE(reader->Next().ok());
  EXPECT_TRUE(absl::IsDataLoss(reader->Next().status()));
  EXPECT_EQ(reader->damage_offset(), first.size());
}

}  // namespace
}  // namespace weft
