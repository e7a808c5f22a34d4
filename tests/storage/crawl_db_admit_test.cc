#include "tests/storage/crawl_db_fixture.h"

namespace weft::test {
namespace {

using testing::Each;
using testing::ElementsAre;

using CrawlDbAdmit = CrawlDbTest;
constexpr char kA[] = "https://a.example/1";

TEST_F(CrawlDbAdmit, NewUrlIsQueuedAndPending) {
  EXPECT_EQ(Admit(kA), Admission::kQueued);
  auto record = Find(kA);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->state, UrlState::kPending);
  EXPECT_EQ(record->url, kA);
  EXPECT_EQ(record->referrer, (Fingerprint{7, 7}));
  EXPECT_EQ(db_->ledger().discovered, 1u);
  EXPECT_EQ(db_->ledger().pending, 1u);
  EXPECT_THAT(QueueUrls("https://a.example"), ElementsAre(kA));
}

TEST_F(CrawlDbAdmit, KnownUrlChangesAndWritesNothing) {
  Admit(kA);
  uint64_t writes = disk_.writes();
  uint64_t commit = db_->commit();
  EXPECT_EQ(Admit(kA), Admission::kKnown);
  EXPECT_EQ(disk_.writes(), writes);
  EXPECT_EQ(db_->commit(), commit);
}

TEST_F(CrawlDbAdmit, DuplicateWithinOneCallIsKnown_Rule4) {
  std::vector<Candidate> twice = {MakeCandidate(kA), MakeCandidate(kA)};
  EXPECT_THAT(*db_->Admit(twice, 0), ElementsAre(Admission::kQueued, Admission::kKnown));
  EXPECT_EQ(db_->ledger().discovered, 1u);
  EXPECT_EQ(Queue("https://a.example").size(), 1u);
}

TEST_F(CrawlDbAdmit, DuplicateWithinOneCallLeavesTheSmallerDepth) {
  std::vector<Candidate> twice = {MakeCandidate(kA, 5), MakeCandidate(kA, 2)};
  ASSERT_TRUE(db_->Admit(twice, 0).ok());
  EXPECT_EQ(Find(kA)->depth, 2u);
}

TEST_F(CrawlDbAdmit, RefusedAndThenAdmissibleWithinOneCallIsTakenUp_Rule36) {
  std::vector<Candidate> twice = {MakeCandidate(kA, 9, Outcome::kDepth), MakeCandidate(kA, 2)};
  EXPECT_THAT(*db_->Admit(twice, 0), ElementsAre(Admission::kRefused, Admission::kTakenUp));
  EXPECT_EQ(db_->ledger().pending, 1u);
}

TEST_F(CrawlDbAdmit, AnswersComeInTheOrderOfTheCandidatesAcrossShards) {
  Admit("https://b.example/known");
  std::vector<Candidate> mixed;
  for (const char* url : {"https://d.example/1", "https://b.example/known", "https://c.example/1", "https://a.example/1"}) {
    mixed.push_back(MakeCandidate(url));
  }
  EXPECT_THAT(*db_->Admit(mixed, 0), ElementsAre(Admission::kQueued, Admission::kKnown, Admission::kQueued,
                                                 Admission::kQueued));
}

TEST_F(CrawlDbAdmit, OneBatchPerShard_Rule12) {
  std::vector<Candidate> many;
  for (int i = 0; i < 50; ++i) many.push_back(MakeCandidate(fmt::format("https://a.example/{}", i)));
  uint64_t writes = disk_.writes();
  EXPECT_THAT(*db_->Admit(many, 0), Each(Admission::kQueued));
  EXPECT_EQ(disk_.writes(), writes + 1);
}

TEST_F(CrawlDbAdmit, PendingFoundNearerTakesTheDepthAndKeepsItsPlace) {
  Admit(kA, 5);
  uint64_t position = Find(kA)->queue_position;
  EXPECT_EQ(Admit(kA, 2), Admission::kKnown);
  EXPECT_EQ(Find(kA)->depth, 2u);
  EXPECT_EQ(Find(kA)->queue_position, position);
  Admit(kA, 4);
  EXPECT_EQ(Find(kA)->depth, 2u);
}

TEST_F(CrawlDbAdmit, DoneFoundNearerStaysAsItIs) {
  Admit(kA, 5);
  Commit(End(kA, AttemptEnd::Kind::kDone));
  UrlRecord before = *Find(kA);
  Candidate seed = MakeCandidate(kA, 0);
  seed.seed = true;
  EXPECT_EQ(AdmitOne(seed), Admission::kKnown);
  EXPECT_EQ(*Find(kA), before);
}

TEST_F(CrawlDbAdmit, PendingBecomesASeed) {
  Admit(kA, 0);
  Candidate seed = MakeCandidate(kA, 0);
  seed.seed = true;
  EXPECT_EQ(AdmitOne(seed), Admission::kKnown);
  EXPECT_TRUE(Find(kA)->seed);
}

TEST_F(CrawlDbAdmit, RefusedUrlIsOneRecordHoweverOftenFound_Rule35) {
  EXPECT_EQ(Admit(kA, 1, Outcome::kScope), Admission::kRefused);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Admit(kA, 1, Outcome::kScope), Admission::kKnown);
  EXPECT_EQ(db_->ledger().discovered, 1u);
  EXPECT_EQ(db_->ledger().refused.at(Outcome::kScope), 1u);
  EXPECT_EQ(Find(kA)->reason, Outcome::kScope);
  EXPECT_EQ(Host("a.example")->refused_recorded, 1u);
}

TEST_F(CrawlDbAdmit, RefusedBeyondTheHostsCapIsASighting_Rule35) {
  options_.refused_cap_per_host = 2;
  Reopen();
  std::vector<Candidate> many;
  for (int i = 0; i < 4; ++i) many.push_back(MakeCandidate(fmt::format("https://a.example/{}", i), 1, Outcome::kScope));
  many.push_back(MakeCandidate("https://b.example/", 1, Outcome::kScope));
  EXPECT_THAT(*db_->Admit(many, 0), ElementsAre(Admission::kRefused, Admission::kRefused, Admission::kSighting,
                                                Admission::kSighting, Admission::kRefused));
  EXPECT_EQ(db_->ledger().discovered, 3u);
  EXPECT_EQ(db_->ledger().sightings, 2u);
  EXPECT_EQ(Find("https://a.example/3"), std::nullopt);
  Reopen();
  EXPECT_EQ(Admit("https://a.example/9", 1, Outcome::kScope), Admission::kSighting);
  EXPECT_EQ(db_->ledger().sightings, 3u);
}

TEST_F(CrawlDbAdmit, RefusedForWhereItWasFoundIsTakenUpWhenAdmissible_Rule36) {
  // Or for what the user has bounded, or what is a trap until it is released.
  for (Outcome reason : {Outcome::kDepth, Outcome::kScope, Outcome::kPrefix, Outcome::kExcluded, Outcome::kUrlTooLong,
                         Outcome::kHostBudget, Outcome::kTrap}) {
    std::string url = fmt::format("https://a.example/{}", OutcomeName(reason));
    Admit(url, 4, reason);
    EXPECT_EQ(Admit(url, 2), Admission::kTakenUp) << OutcomeName(reason);
    EXPECT_EQ(Find(url)->state, UrlState::kPending);
    EXPECT_EQ(Find(url)->depth, 2u);
    EXPECT_EQ(Find(url)->reason, Outcome::kNone);
  }
  EXPECT_TRUE(db_->ledger().refused.empty());
  EXPECT_EQ(db_->ledger().discovered, 7u);
  EXPECT_EQ(Host("a.example")->refused_recorded, 0u);
  EXPECT_EQ(Queue("https://a.example").size(), 7u);
}

TEST_F(CrawlDbAdmit, TakenUpKeepsTheSmallerDepth_Rule36) {
  Admit(kA, 1, Outcome::kScope);
  EXPECT_EQ(Admit(kA, 3), Admission::kTakenUp);
  EXPECT_EQ(Find(kA)->depth, 1u);
}

TEST_F(CrawlDbAdmit, RefusedForWhatItIsStaysRefused) {
  for (Outcome reason : {Outcome::kRobots, Outcome::kAddress, Outcome::kRedirectHops, Outcome::kScheme}) {
    std::string url = fmt::format("https://a.example/{}", OutcomeName(reason));
    Admit(url, 4, reason);
    EXPECT_EQ(Admit(url, 2), Admission::kKnown) << OutcomeName(reason);
    EXPECT_EQ(Find(url)->state, UrlState::kRefused);
  }
}

TEST(Candidate, HasTheHostAndTheOriginOfItsRequestUrl) {
  const auto placed = [](const char* text) {
    Candidate c;
    c.SetUrl(Url::Parse(text).value());
    return c;
  };
  const Candidate full = placed("https://user:pass@a.example:8443/x?y#z");
  EXPECT_EQ(full.url, "https://a.example:8443/x?y");
  EXPECT_EQ(full.host(), "a.example");
  EXPECT_EQ(full.origin(), "https://a.example:8443");
  const Candidate bare = placed("http://[::1]#z");
  EXPECT_EQ(bare.url, "http://[::1]/");
  EXPECT_EQ(bare.host(), "[::1]");
  EXPECT_EQ(bare.origin(), "http://[::1]");
  EXPECT_EQ(Candidate().host(), "");
  EXPECT_EQ(Candidate().origin(), "");
}

TEST_F(CrawlDbAdmit, RefusedCandidateNeedsNoOrigin) {
  Candidate c;
  c.key = {1, 1};
  c.url = "mailto:somebody@example.com";
  c.refused = Outcome::kScheme;
  EXPECT_EQ(AdmitOne(c), Admission::kRefused);
}

TEST_F(CrawlDbAdmit, CandidateWithoutOriginOrWithAnUnknownShardIsTheCallersMistake) {
  Candidate c = MakeCandidate(kA);
  c.shard = kShardCount;
  EXPECT_EQ(db_->Admit({&c, 1}, 0).status().code(), absl::StatusCode::kInvalidArgument);
  c = MakeCandidate(kA);
  c.origin_end = 0;
  EXPECT_EQ(db_->Admit({&c, 1}, 0).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(db_->health().ok());
}

TEST_F(CrawlDbAdmit, HostInAnotherShardIsTheCallersMistakeAndChangesNothing) {
  Admit(kA);
  std::vector<Candidate> two = {MakeCandidate("https://a.example/2"), MakeCandidate("https://a.example/3")};
  for (Candidate& c : two) c.shard = static_cast<uint16_t>((c.shard + 1) % kShardCount);
  EXPECT_EQ(db_->Admit(two, 0).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(db_->ledger().discovered, 1u);
}

}  // namespace
}  // namespace weft::test
