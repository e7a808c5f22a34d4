// Pages with the same bytes as another URL's: what is stored of them, and what is read of that.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "common/digest.h"
#include "storage/known_payloads.h"
#include "storage/warc_check.h"
#include "storage/warc_copier.h"
#include "storage/warc_pages.h"
#include "storage/warc_place.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kFirst[] = "https://example.org/a";
constexpr char kSecond[] = "https://example.org/b?print=1";

class WarcDedupTest : public ::testing::TestWithParam<WarcCompression> {
 protected:
  void SetUp() override { Open(WarcDedup::kAll); }
  void Open(WarcDedup dedup) {
    WarcStoreOptions options = StoreOptions(directory_.path());
    options.compression = GetParam();
    options.dedup = dedup;
    options.payloads = &*known_;
    store_ = WarcStore::Open(options, clock_, *random_).value();
  }
  StoredExchange Store(const Exchange& bare) {
    Exchange exchange = bare;
    exchange.notes = &notes_;
    auto stored = store_->Append(exchange);
    EXPECT_TRUE(stored.ok()) << stored.status();
    EXPECT_TRUE(store_->Sync().ok());
    return stored.value_or(StoredExchange{});
  }
  void Commit(const Exchange& exchange, const StoredExchange& stored) {
    store_->Committed({exchange.url, exchange.began, stored.place, stored.payload_digest, exchange.payload.size()});
  }
  StoredExchange StoreAndCommit(const Exchange& exchange) {
    const StoredExchange stored = Store(exchange);
    Commit(exchange, stored);
    return stored;
  }
  WarcRecord RawAt(const WarcPlace& place) {
    EXPECT_TRUE(store_->Close().ok());
    return WarcReader::Open(directory_ / place.file, place.offset).value()->Next().value();
  }

  TempDirectory directory_;
  StandingClock clock_;
  std::unique_ptr<Random> random_ = SeededRandom(7);
  std::optional<KnownPayloads> known_{std::in_place};
  std::unique_ptr<WarcStore> store_;
  ExchangeNotes notes_;
  std::string body_ = "<html>" + std::string(4000, 'x') + "</html>";
  Page first_{kFirst, body_};
  Page second_{kSecond, body_};
};
INSTANTIATE_TEST_SUITE_P(Forms, WarcDedupTest, kAllCompressions, CompressionName);

TEST_P(WarcDedupTest, ASecondUrlWithTheSameBytesIsARevisitThatNamesTheFirst) {
  const StoredExchange first = StoreAndCommit(first_.exchange());
  const StoredExchange second = Store(second_.exchange());
  EXPECT_FALSE(first.place.refers);
  EXPECT_TRUE(second.place.refers);
  EXPECT_FALSE(second.revisit) << "it has a place of its own";
  const WarcRecord raw = RawAt(second.place);
  EXPECT_EQ(raw.Get("WARC-Type"), "revisit");
  EXPECT_EQ(raw.Get("WARC-Profile"), "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest");
  EXPECT_EQ(raw.Get("WARC-Target-URI"), kSecond);
  EXPECT_EQ(raw.Get("WARC-Refers-To-Target-URI"), kFirst);
  EXPECT_EQ(raw.Get("WARC-Refers-To-Date"), WarcDate(first_.exchange().began));
  EXPECT_EQ(raw.Get("WARC-Refers-To-Filename"), first.place.file);
  EXPECT_EQ(raw.Get("WARC-Refers-To-File-Offset"), std::to_string(first.place.offset));
  EXPECT_EQ(raw.Get("WARC-Payload-Digest"), Sha1Label(Sha1(body_)));
  EXPECT_EQ(raw.Get("WARC-Truncated"), "length");
  EXPECT_EQ(raw.block, second_.exchange().response_head);
  const auto reader = WarcReader::Open(directory_ / second.place.file).value();
  EXPECT_TRUE(CheckWarc(*reader, [](const WarcVerdict& verdict) {
                EXPECT_THAT(verdict.problems, IsEmpty()) << verdict.type;
                EXPECT_THAT(verdict.notes, IsEmpty()) << verdict.type;
              }).good());
}

TEST_P(WarcDedupTest, ItIsReadAsTheResponseThatItStandsFor) {
  StoreAndCommit(first_.exchange());
  const StoredExchange second = Store(second_.exchange());
  const auto record = ReadWarcPlace(directory_.path(), second.place);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->Get("WARC-Type"), "response");
  EXPECT_EQ(record->Get("WARC-Target-URI"), kSecond);
  EXPECT_EQ(record->Get("WARC-Truncated"), "");
  EXPECT_EQ(record->block, second_.block());
}

TEST_P(WarcDedupTest, EachKeepsTheHeadAndTheFramingOfItsOwn) {
  Exchange chunked = first_.exchange();
  const std::string wire = fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", body_.size(), body_);
  chunked.response_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  chunked.wire_body = wire;
  StoreAndCommit(chunked);
  const StoredExchange plain = Store(second_.exchange());
  ASSERT_TRUE(plain.place.refers);
  EXPECT_EQ(ReadWarcPlace(directory_.path(), plain.place)->block, second_.block());

  chunked.url = "https://example.org/c";
  const StoredExchange third = Store(chunked);
  ASSERT_TRUE(third.place.refers);
  EXPECT_EQ(ReadWarcPlace(directory_.path(), third.place)->block, std::string(chunked.response_head) + wire);
}

TEST_P(WarcDedupTest, WhatIsNotCommittedIsNotReferredTo) {
  Store(first_.exchange());
  EXPECT_FALSE(Store(second_.exchange()).place.refers);
}

TEST_P(WarcDedupTest, APageOfAnotherDirectoryIsNotReferredTo_Rule11) {
  StoredExchange elsewhere = Store(first_.exchange());
  elsewhere.place.pages_dir_id += 1;
  Commit(first_.exchange(), elsewhere);
  EXPECT_FALSE(Store(second_.exchange()).place.refers);
}

TEST_P(WarcDedupTest, ARevisitIsNeverReferredTo) {
  StoreAndCommit(first_.exchange());
  const StoredExchange second = StoreAndCommit(second_.exchange());
  const Page third("https://example.org/c", body_);
  const WarcRecord raw = RawAt(Store(third.exchange()).place);
  EXPECT_EQ(raw.Get("WARC-Refers-To-Target-URI"), kFirst);
  EXPECT_NE(raw.Get("WARC-Refers-To-File-Offset"), std::to_string(second.place.offset));
}

TEST_P(WarcDedupTest, ItNamesTheRecordById) {
  const StoredExchange first = StoreAndCommit(first_.exchange());
  const StoredExchange second = Store(second_.exchange());
  EXPECT_TRUE(store_->Close().ok());
  std::string id;
  for (const WarcRecord& record : ReadAllFrom(directory_ / first.place.file).records) {
    if (record.offset == first.place.offset) id = record.Get("WARC-Record-ID");
  }
  ASSERT_THAT(id, HasSubstr("urn:uuid:"));
  EXPECT_EQ(RawAt(second.place).Get("WARC-Refers-To"), id);
}

// What another process stored is known again once it is found again.
TEST_P(WarcDedupTest, APageOfAnEarlierProcessIsReferredToOnceItWasVisitedAgain) {
  const StoredExchange first = StoreAndCommit(first_.exchange());
  known_.emplace();
  Open(WarcDedup::kAll);
  EXPECT_FALSE(Store(second_.exchange()).place.refers) << "not known yet";
  const StoredBefore before{kFirst, first_.exchange().began, first.payload_digest, first.place};
  Exchange again = first_.exchange();
  again.before = &before;
  ASSERT_TRUE(Store(again).revisit);
  const Page third("https://example.org/c", body_);
  const StoredExchange refers = Store(third.exchange());
  ASSERT_TRUE(refers.place.refers);
  EXPECT_EQ(ReadWarcPlace(directory_.path(), refers.place)->block, third.block());
  const WarcRecord raw = RawAt(refers.place);
  EXPECT_EQ(raw.Get("WARC-Refers-To-Filename"), first.place.file);
  EXPECT_EQ(raw.Get("WARC-Refers-To-Date"), WarcDate(first_.exchange().began));
  EXPECT_EQ(raw.Get("WARC-Refers-To"), "") << "its id is not known here";
}

TEST_P(WarcDedupTest, ARevisitIsNotReferredToWhereItsTargetIsNotKnown_Rule11) {
  StoreAndCommit(first_.exchange());
  const StoredExchange second = Store(second_.exchange());
  ASSERT_TRUE(second.place.refers);
  known_.emplace();
  Open(WarcDedup::kAll);
  Commit(second_.exchange(), second);
  const Page third("https://example.org/c", body_);
  EXPECT_FALSE(Store(third.exchange()).place.refers);
}

TEST_P(WarcDedupTest, SmallPayloadsAreStoredAgain) {
  for (const size_t size : {KnownPayloads::kLeastPayload - 1, KnownPayloads::kLeastPayload}) {
    const std::string body(size, 'y');
    const Page first(kFirst, body), second(kSecond, body);
    StoreAndCommit(first.exchange());
    EXPECT_EQ(Store(second.exchange()).place.refers, size == KnownPayloads::kLeastPayload) << size;
  }
}

TEST_P(WarcDedupTest, ACutPageAndARobotsFileStandForThemselves) {
  StoreAndCommit(first_.exchange());
  Exchange cut = second_.exchange();
  cut.truncated = "time";
  EXPECT_FALSE(Store(cut).place.refers);
  EXPECT_FALSE(store_->Append(second_.exchange())->place.refers) << "without notes";
}

TEST_P(WarcDedupTest, OnlyWhereItIsAskedFor) {
  for (const WarcDedup dedup : {WarcDedup::kUrl, WarcDedup::kNone}) {
    Open(dedup);
    StoreAndCommit(first_.exchange());
    EXPECT_FALSE(Store(second_.exchange()).place.refers);
  }
}

TEST_P(WarcDedupTest, WithNoneAnEarlierVisitIsNoReasonEither) {
  Open(WarcDedup::kNone);
  StoredBefore before;
  before.url = kFirst;
  const std::string digest = Sha1(body_);
  before.payload_digest = digest;
  Exchange exchange = first_.exchange();
  exchange.before = &before;
  EXPECT_FALSE(Store(exchange).revisit);
  before.not_modified = true;
  EXPECT_TRUE(Store(exchange).revisit) << "a 304 has no body that could be stored";
}

// A revisit of a revisit would lead a reader nowhere.
TEST_P(WarcDedupTest, ALaterVisitOfARevisitNamesTheRecordWithTheBody) {
  StoreAndCommit(first_.exchange());
  const StoredExchange second = Store(second_.exchange());
  StoredBefore before{kSecond, second_.exchange().began, second.payload_digest, second.place};
  Exchange again = second_.exchange();
  again.before = &before;
  const StoredExchange third = Store(again);
  EXPECT_TRUE(third.revisit);
  EXPECT_EQ(third.place, second.place);
  EXPECT_TRUE(store_->Close().ok());
  std::vector<std::string> referred;
  for (const WarcRecord& record : ReadAllFrom(directory_ / second.place.file).records) {
    if (IsRevisit(record)) referred.emplace_back(record.Get("WARC-Refers-To-Target-URI"));
  }
  EXPECT_EQ(referred, std::vector<std::string>(2, kFirst));
}

TEST_P(WarcDedupTest, ALaterVisitOfARevisitWhoseBodyIsKnownNoMoreIsAResponse) {
  StoreAndCommit(first_.exchange());
  const StoredExchange second = Store(second_.exchange());
  known_.emplace();
  StoredBefore before{kSecond, second_.exchange().began, second.payload_digest, second.place};
  Exchange again = second_.exchange();
  again.before = &before;
  const StoredExchange third = Store(again);
  EXPECT_FALSE(third.revisit);
  EXPECT_EQ(RawAt(third.place).Get("WARC-Type"), "response");
}

TEST_P(WarcDedupTest, SubmittedAgainItIsThePageItself) {
  StoreAndCommit(first_.exchange());
  const StoredExchange second = Store(second_.exchange());
  const auto pages = OpenWarcPages(directory_.path(), absl::UnixEpoch()).value();
  ASSERT_TRUE(pages->Next().ok());
  const auto page = pages->Next();
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->url, kSecond);
  EXPECT_EQ(page->place, second.place);
  EXPECT_EQ(page->response, second_.block());
  EXPECT_FALSE(page->revisit_of.has_value());
  EXPECT_EQ(page->truncated, "");
  const auto again = pages->ReadAt(second.place);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->response, second_.block());
}

TEST_P(WarcDedupTest, ACopyOfItAloneHoldsTheBody) {
  StoreAndCommit(first_.exchange());
  const StoredExchange second = Store(second_.exchange());
  WarcCopier copier;
  DirectoryFiles files(directory_.path());
  std::string out;
  const auto copied = copier.Copy(files, second.place, out);
  ASSERT_TRUE(copied.ok()) << copied.status();
  const WarcContent content = ReadAllOf(out);
  ASSERT_THAT(content.records, SizeIs(4));  // with warcinfo, request and metadata
  EXPECT_EQ(content.records[1].Get("WARC-Type"), "response");
  EXPECT_EQ(content.records[1].offset, copied->begin);
  EXPECT_EQ(content.records[1].block, second_.block());
  EXPECT_THAT(content.records[1].head, Not(HasSubstr("Refers")));
  const auto reader = WarcReader::OverSource(std::make_unique<MemorySource>(out));
  EXPECT_TRUE(CheckWarc(*reader, [](const WarcVerdict& verdict) { EXPECT_THAT(verdict.problems, IsEmpty()); }).good());
}

TEST_P(WarcDedupTest, IfThePayloadHasChangedOrIsGoneThatIsSaid) {
  const StoredExchange first = StoreAndCommit(first_.exchange());
  const StoredExchange second = Store(second_.exchange());
  WarcRecord raw = RawAt(second.place);
  for (auto& [name, value] : raw.fields) {
    if (name == "WARC-Payload-Digest") value = Sha1Label(Sha1("other"));
  }
  EXPECT_TRUE(absl::IsDataLoss(MadeWhole(directory_.path(), raw).status()));
  raw = RawAt(second.place);
  for (auto& [name, value] : raw.fields) {
    if (name == "WARC-Refers-To-File-Offset") value = std::to_string(second.place.offset);
  }
  EXPECT_TRUE(absl::IsDataLoss(MadeWhole(directory_.path(), raw).status())) << "a revisit of a revisit";
  for (auto& [name, value] : raw.fields) {
    if (name == "WARC-Refers-To-Filename") value = "../" + first.place.file;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(MadeWhole(directory_.path(), raw).status()));
}

TEST(KnownPayloadsTest, WhatWasNotMetForLongestIsForgotten) {
  KnownPayloads known(2000);
  const auto digest = [](int i) { return Sha1(std::to_string(i)); };
  known.Add(digest(0), {"https://example.org/0", absl::UnixEpoch(), "a.warc.gz", 7});
  for (int i = 1; i < 100; ++i) {
    known.Add(digest(i), {"https://example.org/" + std::to_string(i), absl::UnixEpoch(), "a.warc.gz", 7});
    ASSERT_TRUE(known.Find(digest(0)).has_value()) << i;
    EXPECT_LE(known.bytes(), 2000u);
  }
  EXPECT_FALSE(known.Find(digest(1)).has_value());
  EXPECT_TRUE(known.Find(digest(99)).has_value());
}

TEST(KnownPayloadsTest, TheFirstRecordStaysTheOneThatIsReferredTo) {
  KnownPayloads known;
  known.Add(Sha1("x"), {"https://example.org/0", absl::UnixEpoch(), "a.warc.gz", 7});
  known.Add(Sha1("x"), {"https://example.org/1", absl::UnixEpoch(), "b.warc.gz", 8});
  EXPECT_EQ(known.Find(Sha1("x"))->file, "a.warc.gz");
}

}  // namespace
}  // namespace weft
