#include "tests/support/sim_commit_check.h"

#include <gtest/gtest.h>

#include "tests/support/memory_kv.h"

namespace weft::test {
namespace {

const Fingerprint kKey{1, 2};

class Commits : public testing::Test {
 protected:
  KvBatch Batch(UrlState state, uint32_t attempt, uint32_t generation = 0, absl::AnyInvocable<void(UrlRecord&)> more = nullptr) {
    UrlRecord record;
    record.state = state;
    record.attempt = attempt;
    record.generation = generation;
    record.url = "http://a.example/";
    if (state == UrlState::kPending) record.queue_position = 1;
    if (state == UrlState::kFailed) record.reason = Outcome::kDns;
    if (state == UrlState::kPending && generation > 0) record.keeps_page = true;
    if (more) more(record);
    KvBatch batch;
    batch.Put(Family::kUrls, std::string(2, '\0') + kKey.ToBytes(), EncodeUrlRecord(record));
    return batch;
  }
  void SendPage(uint64_t id, bool robots = false) {
    wire::Frame frame;
    frame.set_session(5);
    frame.mutable_page()->set_page_id(id);
    frame.mutable_page()->set_robots(robots);
    frame.mutable_page()->mutable_ticket()->set_key(kKey.ToBytes());
    frame.mutable_page()->mutable_ticket()->set_url("http://a.example/");
    check.OnPageSent(frame);
  }
  void AckPage(uint64_t id) {
    wire::PageAck ack;
    ack.add_page_ids(id);
    check.OnPageAckSent(5, ack);
  }
  wire::PageResult Result() {
    wire::PageResult result;
    result.mutable_ticket()->set_key(kKey.ToBytes());
    result.mutable_ticket()->set_url("http://a.example/");
    return result;
  }
  void AckEnd(uint32_t attempt = 0) {
    wire::EndedAck ack;
    ack.add_ended()->set_key(kKey.ToBytes());
    ack.mutable_ended(0)->set_attempt(attempt);
    check.OnEndedAckSent("p", ack);
  }

  bool synced = true;
  SimClock clock;
  Violations violations{clock};
  CommitCheck check{violations, [this](const WarcPlace&, const std::string&) { return synced; },
                    [this](const std::string&) { return synced; }};
};

TEST_F(Commits, AcceptTheWholeWayOfAPage) {
  check.OnWrite(Batch(UrlState::kPending, 0));
  SendPage(1);
  check.OnResultSent("p", Result());
  check.OnWrite(Batch(UrlState::kDone, 0));
  check.OnSync();
  AckEnd();
  AckPage(1);
  check.OnUrlEnd("http://a.example/");
  EXPECT_TRUE(violations.empty());
}

TEST_F(Commits, SeeAUrlCommittedTwice) {
  check.OnWrite(Batch(UrlState::kDone, 0));
  check.OnWrite(Batch(UrlState::kFailed, 0));
  EXPECT_TRUE(violations.Has("committed-once"));
}

TEST_F(Commits, AcceptARecrawl) {
  check.OnWrite(Batch(UrlState::kDone, 0));
  check.OnWrite(Batch(UrlState::kPending, 0, 1));
  EXPECT_TRUE(violations.empty());
}

TEST_F(Commits, SeeAVisitThatTakesThePageAway) {
  check.OnWrite(Batch(UrlState::kDone, 0));
  check.OnWrite(Batch(UrlState::kFailed, 0, 1));
  EXPECT_TRUE(violations.Has("committed-once"));
}

TEST_F(Commits, SeeAVisitThatGoesBack) {
  check.OnWrite(Batch(UrlState::kDone, 0, 2));
  check.OnWrite(Batch(UrlState::kDone, 0, 1));
  EXPECT_TRUE(violations.Has("committed-once"));
}

TEST_F(Commits, AcceptADonePageThatIsPlanned) {
  check.OnWrite(Batch(UrlState::kDone, 0));
  check.OnWrite(Batch(UrlState::kDone, 0, 0, [](UrlRecord& record) { record.due_us = 7, record.recrawl_us = 9; }));
  EXPECT_TRUE(violations.empty());
}

TEST_F(Commits, SeeADonePageThatBecomesAnotherWithinItsVisit) {
  check.OnWrite(Batch(UrlState::kDone, 0));
  check.OnWrite(Batch(UrlState::kDone, 0, 0, [](UrlRecord& record) { record.place.offset = 7; }));
  EXPECT_TRUE(violations.Has("committed-once"));
}

TEST_F(Commits, AcceptOneEndForEachVisitAndSeeOneMore) {
  check.OnWrite(Batch(UrlState::kDone, 0));
  check.OnUrlEnd("http://a.example/");
  check.OnWrite(Batch(UrlState::kPending, 0, 1));
  check.OnUrlEnd("http://a.example/");
  EXPECT_TRUE(violations.empty());
  check.OnUrlEnd("http://a.example/");
  EXPECT_TRUE(violations.Has("committed-once"));
}

TEST_F(Commits, CountUrlsThatMoveAhead) {
  const auto at = [this](uint64_t position) {
    check.OnWrite(Batch(UrlState::kPending, 0, 0, [=](UrlRecord& record) { record.queue_position = position; }));
  };
  at(7);
  at(9);
  EXPECT_EQ(check.moves(), 0u);
  at(3);
  EXPECT_EQ(check.moves(), 1u);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Commits, SeeAnAttemptThatGoesBack) {
  check.OnWrite(Batch(UrlState::kPending, 2));
  check.OnWrite(Batch(UrlState::kPending, 1));
  EXPECT_TRUE(violations.Has("committed-once"));
}

TEST_F(Commits, SeeADeletedRecord) {
  KvBatch batch;
  batch.Delete(Family::kUrls, std::string(2, '\0') + kKey.ToBytes());
  check.OnWrite(batch);
  EXPECT_TRUE(violations.Has("committed-once"));
}

TEST_F(Commits, SeeAResultBeforeItsPageIsSynced) {
  synced = false;
  check.OnResultSent("p", Result());
  EXPECT_TRUE(violations.Has("page-sync"));
}

TEST_F(Commits, SeeAnEndAcknowledgedBeforeTheSync) {
  check.OnWrite(Batch(UrlState::kPending, 0));
  check.OnSync();
  check.OnResultSent("p", Result());
  check.OnWrite(Batch(UrlState::kDone, 0));
  AckEnd();
  EXPECT_TRUE(violations.Has("ack"));
}

// What came too late goes back to its queue as it is: the same attempt may be out again, and reported by a parser, before that
// is acknowledged to its fetcher.
TEST_F(Commits, AcceptThatAnotherEndOfTheSameAttemptIsAcknowledged) {
  check.OnWrite(Batch(UrlState::kPending, 0));
  wire::UrlEnded late;
  *late.mutable_ticket() = Result().ticket();
  check.OnEndedSent("f", late);
  check.OnResultSent("p", Result());
  wire::EndedAck ack;
  ack.add_ended()->set_key(kKey.ToBytes());
  check.OnEndedAckSent("f", ack);
  EXPECT_TRUE(violations.empty());
  check.OnEndedAckSent("p", ack);
  EXPECT_TRUE(violations.Has("ack"));
}

TEST_F(Commits, SeeARefusalAcknowledgedBeforeTheSync) {
  check.OnWrite(Batch(UrlState::kPending, 0));
  wire::UrlEnded ended;
  *ended.mutable_ticket() = Result().ticket();
  ended.set_outcome(static_cast<uint32_t>(Outcome::kRobots));
  check.OnEndedSent("f", ended);
  wire::EndedAck ack;
  ack.add_ended()->set_key(kKey.ToBytes());
  check.OnEndedAckSent("f", ack);
  EXPECT_TRUE(violations.Has("ack"));
}

TEST_F(Commits, SeeARefusalAcknowledgedBeforeTheSyncThoughTheAttemptWasGivenBackOnce) {
  check.OnWrite(Batch(UrlState::kPending, 0));
  wire::UrlEnded ended;
  *ended.mutable_ticket() = Result().ticket();
  check.OnEndedSent("f", ended);
  ended.set_outcome(static_cast<uint32_t>(Outcome::kRobots));
  check.OnEndedSent("f", ended);
  wire::EndedAck ack;
  ack.add_ended()->set_key(kKey.ToBytes());
  check.OnEndedAckSent("f", ack);
  EXPECT_TRUE(violations.empty());
  check.OnEndedAckSent("f", ack);
  EXPECT_TRUE(violations.Has("ack"));
}

TEST_F(Commits, AcceptTheEndOfAUrlThatACrashHasForgotten) {
  SendPage(1);
  check.OnResultSent("p", Result());
  wire::EndedAck ack;
  ack.add_ended()->set_key(kKey.ToBytes());
  ack.mutable_ended(0)->set_superseded(true);
  check.OnEndedAckSent("p", ack);
  AckPage(1);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Commits, SeeAnUnknownUrlAcknowledgedAsCommitted) {
  check.OnResultSent("p", Result());
  AckEnd();
  EXPECT_TRUE(violations.Has("ack"));
}

TEST_F(Commits, SeeAPageAcknowledgedBeforeTheSync) {
  check.OnWrite(Batch(UrlState::kPending, 0));
  check.OnSync();
  SendPage(1);
  check.OnWrite(Batch(UrlState::kDone, 0));
  AckPage(1);
  EXPECT_TRUE(violations.Has("ack"));
}

TEST_F(Commits, SeeAPageAcknowledgedThatNobodyHasStored) {
  check.OnWrite(Batch(UrlState::kDone, 0));
  check.OnSync();
  SendPage(1);
  synced = false;
  AckPage(1);
  EXPECT_TRUE(violations.Has("ack"));
}

TEST_F(Commits, ARobotsExchangeNeedsOnlyItsCopy) {
  SendPage(1, true);
  AckPage(1);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Commits, SeeAnAcknowledgementOfAPageThatWasNeverSent) {
  AckPage(9);
  EXPECT_TRUE(violations.Has("ack"));
}

TEST_F(Commits, AnAttemptIsOverOnceTheRecordHasGoneOn) {
  check.OnWrite(Batch(UrlState::kPending, 1));
  check.OnSync();
  check.OnResultSent("p", Result());
  AckEnd(0);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Commits, SeeAnEndToldTwice) {
  check.OnUrlEnd("http://a.example/");
  check.OnUrlEnd("http://a.example/");
  EXPECT_TRUE(violations.Has("committed-once"));
}

TEST_F(Commits, SeeALedgerThatDoesNotAddUp) {
  LedgerCounts ledger;
  ledger.discovered = 2;
  ledger.done = 1;
  check.OnLedger(ledger);
  EXPECT_TRUE(violations.Has("ledger"));
}

TEST_F(Commits, SeeDurableRecordsGoneAfterARestart) {
  check.OnWrite(Batch(UrlState::kDone, 0));
  check.OnSync();
  MemoryDisk empty;
  check.OnReopened(*OpenMemoryKv(empty));
  EXPECT_TRUE(violations.Has("records"));
}

TEST_F(Commits, AcceptUnsyncedRecordsGoneAfterARestartAndCommittedAgain) {
  check.OnWrite(Batch(UrlState::kPending, 0));
  check.OnSync();
  check.OnWrite(Batch(UrlState::kDone, 0));
  MemoryDisk disk;
  auto kv = OpenMemoryKv(disk);
  ASSERT_TRUE(kv->Write(Batch(UrlState::kPending, 0)).ok());
  check.OnReopened(*kv);
  check.OnWrite(Batch(UrlState::kDone, 0));
  EXPECT_TRUE(violations.empty());
}

TEST_F(Commits, AcceptAFinishThatIsDurable) {
  check.OnWrite(Batch(UrlState::kDone, 0));
  check.OnSync();
  check.OnFinishTold();
  EXPECT_TRUE(violations.empty());
}

TEST_F(Commits, SeeAFinishBeforeTheLastEndIsDurable) {
  check.OnWrite(Batch(UrlState::kPending, 0));
  check.OnSync();
  check.OnWrite(Batch(UrlState::kDone, 0));
  check.OnFinishTold();
  EXPECT_TRUE(violations.Has("end"));
}

}  // namespace
}  // namespace weft::test
