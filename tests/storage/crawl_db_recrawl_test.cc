// Fetching again: when, what a visit changes, and that the ledger, the queues and the exports stay whole.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/storage/crawl_db_fixture.h"

namespace weft::test {
namespace {

using Kind = AttemptEnd::Kind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kUrl = "https://a.example/x";
const RecrawlTerms kTerms{100, 1000, std::nullopt};

class CrawlDbRecrawl : public CrawlDbTest {
 protected:
  void SetUp() override {
    CrawlDbTest::SetUp();
    db_->SetRecrawl(true);
  }
  AttemptEnd Page(const std::string& url, const std::string& digest, uint32_t status = 200) {
    AttemptEnd end = End(url, Kind::kDone);
    end.status = status;
    end.payload_digest = digest;
    end.payload_bytes = 5;
    end.place = {1, digest + ".warc", 10, 20, "digest"};
    end.fetched_at = absl::FromUnixSeconds(++wall_);
    end.etag = "\"" + digest + "\"";
    end.last_modified = "Sat";
    end.recrawl = kTerms;
    return end;
  }
  AttemptEnd Missed(const std::string& url, Kind kind, Outcome reason) {
    AttemptEnd end = End(url, kind, reason);
    end.recrawl = kTerms;
    return end;
  }
  // Fetched once, at crawl time `now`.
  void FetchFirst(const std::string& url = kUrl, CrawlTime now = 0) {
    Admit(url);
    ASSERT_EQ(Commit(Page(url, "one"), now), CommitVerdict::kCommitted);
  }
  std::vector<std::string> Exported(uint64_t pinned) {
    std::vector<CrawlDb::Row> rows;
    std::string next;
    EXPECT_TRUE(db_->ReadDone("", 1000, pinned, rows, next).ok());
    std::vector<std::string> files;
    for (const CrawlDb::Row& row : rows) files.push_back(row.record.place.file);
    return files;
  }
  // Plans everything in pieces of `limit`.
  uint64_t Plan(CrawlDb::RecrawlPlanner planner, CrawlTime now, size_t limit = 1000) {
    std::string cursor;
    uint64_t planned = 0;
    do {
      auto some = db_->PlanRecrawl(cursor, limit, planner, absl::FromUnixSeconds(wall_), now);
      EXPECT_TRUE(some.ok()) << some.status();
      if (!some.ok()) break;
      planned += *some;
    } while (!cursor.empty());
    return planned;
  }

  int64_t wall_ = 1000;
};

TEST_F(CrawlDbRecrawl, APageIsDueAfterTheShortestInterval) {
  FetchFirst(kUrl, 7);
  EXPECT_EQ(db_->NextDue(), 107u);
  EXPECT_EQ(db_->ledger().due_later, 1u);
  EXPECT_EQ(db_->ledger().pending, 0u);
  Promote(106);
  EXPECT_EQ(Find(kUrl)->state, UrlState::kDone);
  CheckPlaces();
}

TEST_F(CrawlDbRecrawl, WithoutTermsItIsDoneForGood) {
  Admit(kUrl);
  AttemptEnd end = Page(kUrl, "one");
  end.recrawl.reset();
  Commit(end);
  EXPECT_EQ(db_->NextDue(), std::nullopt);
  EXPECT_EQ(db_->ledger().due_later, 0u);
}

TEST_F(CrawlDbRecrawl, WhatIsDueIsPendingOneGenerationLater) {
  FetchFirst();
  EXPECT_EQ(Promote(100).size(), 1u);
  auto record = Find(kUrl);
  EXPECT_EQ(record->state, UrlState::kPending);
  EXPECT_EQ(record->generation, 1u);
  EXPECT_EQ(record->attempt, 0u);
  EXPECT_EQ(record->etag, "\"one\"");
  EXPECT_THAT(QueueUrls("https://a.example"), ElementsAre(kUrl));
  LedgerCounts ledger = db_->ledger();
  EXPECT_EQ(ledger.discovered, 1u);
  EXPECT_EQ(ledger.pending, 1u);
  EXPECT_EQ(ledger.done, 0u);
  EXPECT_EQ(ledger.pages, 1u) << "it is stored all the while";
  EXPECT_EQ(ledger.due_later, 0u);
  CheckPlaces();
}

// Rule 2: else the result of last time, sent once more, would mark this visit done.
TEST_F(CrawlDbRecrawl, AResentResultOfTheGenerationBeforeIsSuperseded) {
  Admit(kUrl);
  AttemptEnd first = Page(kUrl, "one");
  Commit(first);
  Promote(100);
  EXPECT_EQ(Commit(first, 101), CommitVerdict::kSuperseded);
  EXPECT_EQ(Find(kUrl)->state, UrlState::kPending);
  EXPECT_EQ(Commit(Page(kUrl, "two"), 102), CommitVerdict::kCommitted);
  EXPECT_EQ(Find(kUrl)->state, UrlState::kDone);
}

TEST_F(CrawlDbRecrawl, AChangedPageTakesTheNewPlaceAndAShorterInterval) {
  FetchFirst();
  Promote(100);
  Commit(Page(kUrl, "one"), 100);     // 150
  Promote(250);
  Commit(Page(kUrl, "two"), 250);
  auto record = Find(kUrl);
  EXPECT_EQ(record->place.file, "two.warc");
  EXPECT_EQ(record->etag, "\"two\"");
  EXPECT_EQ(record->changes, 1u);
  EXPECT_EQ(record->unchanged, 1u);
  EXPECT_EQ(record->first_fetched, absl::FromUnixSeconds(1001));
  EXPECT_EQ(record->fetched_at, absl::FromUnixSeconds(1003));
  EXPECT_EQ(record->recrawl_us, 100u);
  EXPECT_EQ(record->due_us, 350u);
  EXPECT_EQ(db_->ledger().recrawl_changed, 1u);
  CheckPlaces();
}

TEST_F(CrawlDbRecrawl, AnAnswerNotModifiedLeavesThePageAndItsIntervalGrows) {
  FetchFirst();
  Promote(100);
  AttemptEnd end = Page(kUrl, "empty", 304);
  end.etag = "\"fresh\"";
  end.last_modified.clear();
  Commit(end, 100);
  auto record = Find(kUrl);
  EXPECT_EQ(record->state, UrlState::kDone);
  EXPECT_EQ(record->status, 200u);
  EXPECT_EQ(record->place.file, "one.warc");
  EXPECT_EQ(record->payload_digest, "one");
  EXPECT_EQ(record->fetched_at, absl::FromUnixSeconds(1001));
  EXPECT_EQ(record->last_checked(), absl::FromUnixSeconds(1002));
  EXPECT_EQ(record->etag, "\"fresh\"");
  EXPECT_EQ(record->last_modified, "Sat");
  EXPECT_EQ(record->recrawl_us, 150u);
  EXPECT_EQ(db_->ledger().recrawl_unchanged, 1u);
}

TEST_F(CrawlDbRecrawl, TheSameBytesAreUnchanged) {
  FetchFirst();
  Promote(100);
  AttemptEnd same = Page(kUrl, "one");
  same.place.file = "second copy";
  Commit(same, 100);
  EXPECT_EQ(Find(kUrl)->place.file, "one.warc");
  EXPECT_EQ(Find(kUrl)->unchanged, 1u);
}

TEST_F(CrawlDbRecrawl, TheSameBytesUnderAnotherStatusAreAChange) {
  FetchFirst();
  Promote(100);
  Commit(Page(kUrl, "one", 404), 100);
  EXPECT_EQ(Find(kUrl)->status, 404u);
  EXPECT_EQ(Find(kUrl)->changes, 1u);
  EXPECT_EQ(db_->ledger().pages, 0u);
  EXPECT_EQ(db_->ledger().done, 1u);
}

TEST_F(CrawlDbRecrawl, AnUnaskedNotModifiedIsAnAnswerLikeOthers) {
  Admit(kUrl);
  Commit(Page(kUrl, "x", 304));
  EXPECT_EQ(Find(kUrl)->status, 304u);
  EXPECT_EQ(db_->ledger().recrawl_unchanged, 0u);
}

TEST_F(CrawlDbRecrawl, AVisitThatFailsLeavesThePageAndComesLater) {
  for (auto [kind, reason] : {std::pair(Kind::kFailed, Outcome::kTimeout), std::pair(Kind::kRefused, Outcome::kRobots)}) {
    const std::string url = fmt::format("https://a.example/{}", static_cast<int>(kind));
    FetchFirst(url);
    Promote(100);
    EXPECT_EQ(Commit(Missed(url, kind, reason), 100), CommitVerdict::kCommitted);
    auto record = Find(url);
    EXPECT_EQ(record->state, UrlState::kDone);
    EXPECT_EQ(record->place.file, "one.warc");
    EXPECT_EQ(record->missed, 1u);
    EXPECT_EQ(record->due_us, 300u);
    CheckPlaces();
  }
  EXPECT_THAT(db_->ledger().failed, IsEmpty());
  EXPECT_THAT(db_->ledger().refused, IsEmpty());
  EXPECT_EQ(db_->ledger().recrawl_missed, 2u);
}

TEST_F(CrawlDbRecrawl, AServersErrorDoesNotTakeTheGoodPagesPlace) {
  FetchFirst();
  Promote(100);
  Commit(Page(kUrl, "error", 500), 100);
  EXPECT_EQ(Find(kUrl)->status, 200u);
  EXPECT_EQ(Find(kUrl)->missed, 1u);
  Promote(300);
  Commit(Page(kUrl, "two"), 300);
  EXPECT_EQ(Find(kUrl)->missed, 0u);
  EXPECT_EQ(Find(kUrl)->place.file, "two.warc");
}

TEST_F(CrawlDbRecrawl, ARetryOfAVisitKeepsThePage) {
  FetchFirst();
  Promote(100);
  AttemptEnd retry = Retry(kUrl, 50);
  Commit(retry, 100);
  EXPECT_EQ(db_->ledger().due_later, 0u) << "a retry is no recrawl";
  EXPECT_EQ(Find(kUrl)->etag, "\"one\"");
  CheckPlaces();
  Promote(150);
  EXPECT_EQ(Find(kUrl)->generation, 1u);
  Commit(Page(kUrl, "two"), 151);
  EXPECT_EQ(Find(kUrl)->place.file, "two.warc");
}

TEST_F(CrawlDbRecrawl, ARedirectToItsOwnKeyForgetsWhatAnotherUrlWasComparedBy) {
  FetchFirst();
  Promote(100);
  Commit(OwnKeyRedirect(kUrl, "https://a.example/x?"), 100);
  EXPECT_EQ(Find(kUrl)->etag, "");
  EXPECT_TRUE(Find(kUrl)->has_page());
  for (int i = 0; i < kMaxOwnKeyRedirects; ++i) Commit(OwnKeyRedirect(kUrl, kUrl), 100);
  EXPECT_EQ(Find(kUrl)->state, UrlState::kDone) << "a loop is a missed visit";
  EXPECT_EQ(Find(kUrl)->missed, 1u);
  CheckPlaces();
}

TEST_F(CrawlDbRecrawl, FixedTimesBeatTheInterval) {
  Admit(kUrl);
  AttemptEnd end = Page(kUrl, "one");
  end.recrawl->at_us = 12345;
  Commit(end, 10);
  EXPECT_EQ(db_->NextDue(), 12355u);
}

TEST_F(CrawlDbRecrawl, SwitchedOffNothingBecomesPending) {
  FetchFirst();
  db_->SetRecrawl(false);
  Promote(5000);
  EXPECT_EQ(Find(kUrl)->state, UrlState::kDone);
  EXPECT_EQ(db_->NextDue(), std::nullopt);
  EXPECT_EQ(db_->ledger().due_later, 0u);
  CheckPlaces();
}

TEST_F(CrawlDbRecrawl, EverythingIsThereAfterReopening) {
  FetchFirst();
  FetchFirst("https://b.example/");
  ASSERT_TRUE(db_->Sync().ok());
  Promote(100, 1);
  ASSERT_TRUE(db_->Sync().ok());
  LedgerCounts before = db_->ledger();
  Reopen();
  ExpectSameCounts(db_->ledger(), before);
  EXPECT_EQ(db_->ledger().due_later, 1u);
  EXPECT_EQ(db_->NextDue(), 100u);
  CheckPlaces();
}

// Rule 37.
TEST_F(CrawlDbRecrawl, AnExportHasEachPageOnceInItsNewestVersion) {
  FetchFirst();
  const uint64_t pinned = db_->commit();
  FetchFirst("https://later.example/");
  EXPECT_THAT(Exported(pinned), ElementsAre("one.warc")) << "what came after the pin is not in it";
  Promote(100);
  EXPECT_THAT(Exported(pinned), ElementsAre("one.warc")) << "being fetched again it has its old page";
  Commit(Page(kUrl, "two"), 100);
  EXPECT_THAT(Exported(pinned), ElementsAre("two.warc")) << "the newer one, once";
}

TEST_F(CrawlDbRecrawl, AnExportLacksWhatWasKnownBeforeItsPinAndStoredAfterIt_Rule37) {
  Admit(kUrl);
  const uint64_t pinned = db_->commit();
  ASSERT_EQ(Commit(Page(kUrl, "one")), CommitVerdict::kCommitted);
  EXPECT_THAT(Exported(pinned), IsEmpty());
}

TEST_F(CrawlDbRecrawl, APlanTakesNoPageFromAnExport_Rule37) {
  Admit(kUrl);
  AttemptEnd end = Page(kUrl, "one");
  end.recrawl.reset();
  Commit(end);
  const uint64_t pinned = db_->commit();
  ASSERT_EQ(Plan([](const UrlRecord&) { return std::optional(kTerms); }, 0), 1u);
  ASSERT_GT(db_->commit(), pinned);
  EXPECT_THAT(Exported(pinned), ElementsAre("one.warc"));
}

TEST_F(CrawlDbRecrawl, ASitemapThatTellsOfAChangeMakesItDueAtOnce) {
  FetchFirst();
  Candidate hint = MakeCandidate(kUrl);
  hint.lastmod_s = 1000;    // before it was fetched
  EXPECT_EQ(AdmitOne(hint, 50), Admission::kKnown);
  EXPECT_EQ(db_->NextDue(), 100u);
  hint.lastmod_s = 1500;
  EXPECT_EQ(AdmitOne(hint, 50), Admission::kKnown);
  EXPECT_EQ(db_->NextDue(), 50u);
  EXPECT_EQ(db_->ledger().due_later, 1u);
  Promote(50);
  EXPECT_EQ(Find(kUrl)->generation, 1u);
  CheckPlaces();
}

TEST_F(CrawlDbRecrawl, TheSameHintPullsOnce) {
  FetchFirst();
  Candidate hint = MakeCandidate(kUrl);
  hint.lastmod_s = 99999;   // of a site whose clock is wrong
  AdmitOne(hint, 50);
  Promote(50);
  Commit(Page(kUrl, "one"), 60);
  const CrawlTime due = *db_->NextDue();
  AdmitOne(hint, 70);
  EXPECT_EQ(db_->NextDue(), due);
}

TEST_F(CrawlDbRecrawl, AHintDoesNothingForWhatIsNotFetchedAgain) {
  Admit(kUrl);
  AttemptEnd end = Page(kUrl, "one");
  end.recrawl.reset();
  Commit(end);
  Candidate hint = MakeCandidate(kUrl);
  hint.lastmod_s = 5000;
  AdmitOne(hint, 50);
  EXPECT_EQ(db_->NextDue(), std::nullopt);
}

TEST_F(CrawlDbRecrawl, AHintOfANewUrlIsKept) {
  Candidate hint = MakeCandidate(kUrl);
  hint.lastmod_s = 5000;
  AdmitOne(hint);
  EXPECT_EQ(Find(kUrl)->lastmod_s, 5000u);
}

TEST_F(CrawlDbRecrawl, WhatIsDoneAlreadyIsPlannedInPieces) {
  db_->SetRecrawl(false);
  for (int i = 0; i < 25; ++i) {
    const std::string url = fmt::format("https://h{}.example/", i);
    Admit(url);
    AttemptEnd end = Page(url, "one");
    end.recrawl.reset();
    Commit(end);
  }
  Admit("https://pending.example/");
  Commit([&] {
    Admit("https://failed.example/");
    return End("https://failed.example/", Kind::kFailed, Outcome::kDns);
  }());
  db_->SetRecrawl(true);
  auto planner = [](const UrlRecord&) { return std::optional(kTerms); };
  EXPECT_EQ(Plan(planner, 10, 4), 25u);
  EXPECT_EQ(db_->ledger().due_later, 25u);
  CheckPlaces();
  EXPECT_EQ(Plan(planner, 10, 4), 0u) << "a second time changes nothing";
  Promote(200, 1000);
  EXPECT_EQ(db_->ledger().pending, 26u);
  CheckPlaces();
}

TEST_F(CrawlDbRecrawl, APlanCountsWhatHasPassedSinceTheLastVisit) {
  db_->SetRecrawl(false);
  Admit(kUrl);
  AttemptEnd end = Page(kUrl, "one");
  end.recrawl.reset();
  Commit(end);
  wall_ += 1;   // a second
  const RecrawlTerms terms{3'000'000, 9'000'000, std::nullopt};
  Plan([&](const UrlRecord&) { return std::optional(terms); }, 10);
  EXPECT_EQ(db_->NextDue(), 10u + 2'000'000u);
}

TEST_F(CrawlDbRecrawl, APlanFollowsBoundsThatChanged) {
  FetchFirst();
  const RecrawlTerms longer{5000, 9000, std::nullopt};
  EXPECT_EQ(Plan([&](const UrlRecord&) { return std::optional(longer); }, 0), 1u);
  EXPECT_EQ(db_->NextDue(), 5000u);
  EXPECT_EQ(Plan([](const UrlRecord&) { return std::optional<RecrawlTerms>(); }, 0), 1u);
  EXPECT_EQ(db_->NextDue(), std::nullopt);
  CheckPlaces();
}

TEST_F(CrawlDbRecrawl, ANarrowerScopeLeavesWhatIsStoredDone) {
  FetchFirst();
  Promote(100);
  auto changed = db_->Rejudge([](const UrlRecord&) { return Outcome::kScope; }, 100);
  EXPECT_EQ(changed.value(), 1u);
  EXPECT_EQ(Find(kUrl)->state, UrlState::kDone);
  EXPECT_EQ(Find(kUrl)->place.file, "one.warc");
  EXPECT_THAT(db_->ledger().refused, IsEmpty());
  CheckPlaces();
}

// A nearer link still lowers the depth of what is pending again, also after a restart: the set of known URLs says so.
TEST_F(CrawlDbRecrawl, WhatIsPendingAgainIsFoundNearer) {
  Admit(kUrl, 5);
  Commit(Page(kUrl, "one"));
  Promote(100);
  Admit(kUrl, 2);
  EXPECT_EQ(Find(kUrl)->depth, 2u);
}

TEST_F(CrawlDbRecrawl, AnOlderStoreIsReadAndGoneOnWith) {
  wire::CrawlIdentity identity = db_->identity();
  identity.set_format_version(1);
  auto kv = OpenMemoryKv(disk_);
  KvBatch batch;
  batch.Put(Family::kMeta, "identity", identity.SerializeAsString());
  ASSERT_TRUE(kv->Write(batch).ok());
  Reopen();
  EXPECT_EQ(db_->identity().format_version(), kCrawlDbFormat);
}

// Visits of every kind in any order, with crashes: the ledger, the queues and what is due stay one.
TEST_F(CrawlDbRecrawl, StaysWholeWhateverVisitsBring) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    auto dice = SeededRandom(seed);
    CrawlTime now = 0;
    for (int step = 0; step < 1500; ++step) {
      now += dice->Below(60);
      const std::string url = fmt::format("https://h{}.example/{}", dice->Below(4), dice->Below(6));
      Candidate candidate = MakeCandidate(url);
      if (dice->Below(4) == 0) candidate.lastmod_s = 900 + dice->Below(400) + static_cast<uint64_t>(step);
      switch (dice->Below(9)) {
        case 0: AdmitOne(candidate, now); break;
        case 1: Commit(Missed(url, Kind::kFailed, Outcome::kTimeout), now); break;
        case 2: Commit(Missed(url, Kind::kRefused, Outcome::kRobots), now); break;
        case 3: Commit(Retry(url, dice->Below(80)), now); break;
        case 4: Commit(OwnKeyRedirect(url, url), now); break;
        case 5: Commit(Page(url, "empty", dice->Below(2) ? 304 : 500), now); break;
        case 6: Promote(now, 1 + dice->Below(5)); break;
        case 7:
          if (dice->Below(20) == 0) {
            ASSERT_TRUE(db_->RequeueFailed(now).ok());
          }
          if (dice->Below(30) == 0) {
            disk_.Crash(*dice);
            Reopen();
            db_->SetRecrawl(true);
          } else if (dice->Below(3) == 0) {
            ASSERT_TRUE(db_->Sync().ok());
          }
          break;
        default: Commit(Page(url, fmt::format("v{}", dice->Below(3))), now); break;
      }
      if (step % 50 == 0) CheckPlaces();
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(db_->ledger().recrawl_changed + db_->ledger().recrawl_unchanged, 20u);
  }
}

}  // namespace
}  // namespace weft::test
