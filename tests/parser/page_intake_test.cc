// Pages as they arrive. The fetchers' side is played over real SessionLinks.
#include "parser/page_intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/manual_clock.h"
#include "tests/support/recording_bus.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class PlayedFetcher {
 public:
  PlayedFetcher(PageIntake& intake, RecordingBus& parsers_bus, PeerId name, uint64_t session)
      : intake_(intake), parsers_bus_(parsers_bus), name_(std::move(name)),
        link_(std::make_unique<SessionLink>(&bus_, "parser", session)) {}

  void Hello() {
    wire::Frame frame;
    frame.mutable_page_hello()->set_node_id(1);
    Say(std::move(frame), nullptr);
  }
  void SendPage(uint64_t id, const std::vector<std::string>& chunks, uint32_t chunks_said = UINT32_MAX) {
    wire::Frame frame;
    frame.mutable_page()->set_page_id(id);
    frame.mutable_page()->set_chunks(chunks_said == UINT32_MAX ? static_cast<uint32_t>(chunks.size()) : chunks_said);
    Say(std::move(frame), chunks.empty() ? nullptr : std::make_shared<const std::string>(chunks[0]));
    for (uint32_t i = 1; i < chunks.size(); ++i) SendChunk(id, i, chunks[i]);
  }
  void SendChunk(uint64_t id, uint32_t index, const std::string& body) {
    wire::Frame frame;
    frame.mutable_page_chunk()->set_page_id(id);
    frame.mutable_page_chunk()->set_index(index);
    Say(std::move(frame), std::make_shared<const std::string>(body));
  }
  void Beat() {
    wire::Frame frame;
    frame.mutable_page_beat();
    link_->SendUnsequenced({std::move(frame), nullptr});
    Deliver();
  }
  void Say(wire::Frame frame, Payload payload) {
    link_->Send({std::move(frame), std::move(payload)});
    Deliver();
  }
  void Deliver() {
    for (; said_ < bus_.sent.size(); ++said_) intake_.OnMessage(name_, bus_.sent[said_].message);
    Hear();
  }
  void Hear() {
    for (; heard_ < parsers_bus_.sent.size(); ++heard_) {
      if (parsers_bus_.sent[heard_].to != name_) continue;
      for (Message& message : link_->Receive(parsers_bus_.sent[heard_].message).deliver) {
        const wire::Frame& frame = message.frame;
        if (frame.has_page_ack()) {
          acked.insert(acked.end(), frame.page_ack().page_ids().begin(), frame.page_ack().page_ids().end());
          items = std::max(items, frame.page_ack().credit_items());
          bytes = std::max(bytes, frame.page_ack().credit_bytes());
        }
        if (frame.has_page_beat_reply()) {
          items = std::max(items, frame.page_beat_reply().credit_items());
          bytes = std::max(bytes, frame.page_beat_reply().credit_bytes());
          ++replies;
        }
        if (frame.has_page_refused()) {
          refused.insert(refused.end(), frame.page_refused().page_ids().begin(), frame.page_refused().page_ids().end());
        }
        if (frame.has_session_unknown()) ++unknown;
      }
    }
  }
  void Restart(uint64_t session) {
    link_ = std::make_unique<SessionLink>(&bus_, "parser", session);
    items = bytes = 0;
    acked.clear(), refused.clear();
  }

  uint64_t items = 0;
  uint64_t bytes = 0;
  std::vector<uint64_t> acked;
  std::vector<uint64_t> refused;
  int replies = 0;
  int unknown = 0;

 private:
  PageIntake& intake_;
  RecordingBus& parsers_bus_;
  RecordingBus bus_;
  PeerId name_;
  std::unique_ptr<SessionLink> link_;
  size_t said_ = 0;
  size_t heard_ = 0;
};

class PageIntakeTest : public testing::Test {
 protected:
  ArrivedPage Take() {
    ArrivedPage page;
    EXPECT_TRUE(intake_.Take(page));
    return page;
  }
  void Tick(absl::Duration by = absl::ZeroDuration()) {
    clock_.Advance(by);
    intake_.OnTick(absl::Seconds(8));
    f_.Hear();
    g_.Hear();
  }
  static std::string Body(const ArrivedPage& page) {
    std::string all;
    for (const Payload& chunk : page.chunks) all += *chunk;
    return all;
  }

  ManualClock clock_;
  RecordingBus bus_;
  PageIntake intake_{bus_, clock_, /*session=*/900, /*credit_items=*/3, /*credit_bytes=*/100};
  PlayedFetcher f_{intake_, bus_, "f", 31};
  PlayedFetcher g_{intake_, bus_, "g", 32};
};

TEST_F(PageIntakeTest, AHelloIsAnsweredWithCredit_Rule25) {
  f_.Hello();
  EXPECT_EQ(f_.items, 3u);
  EXPECT_EQ(f_.bytes, 100u);
}

TEST_F(PageIntakeTest, CreditIsPerFetcherAndCumulative_Rule25) {
  f_.Hello();
  g_.Hello();
  f_.SendPage(1, {"12345"});
  intake_.Acknowledge(Take(), 5);
  Tick();
  EXPECT_EQ(f_.items, 4u);
  EXPECT_EQ(f_.bytes, 105u);
  EXPECT_EQ(g_.items, 3u);
  f_.Beat();   // says the same again
  EXPECT_EQ(f_.items, 4u);
  EXPECT_EQ(f_.bytes, 105u);
}

TEST_F(PageIntakeTest, NothingIsAcknowledgedBeforeItIsDoneWith) {
  f_.Hello();
  f_.SendPage(1, {"x"});
  f_.SendPage(2, {"y"});
  Tick();
  EXPECT_THAT(f_.acked, IsEmpty());
  EXPECT_EQ(f_.items, 3u);
  Take();
  intake_.Acknowledge(Take(), 1);
  Tick();
  EXPECT_THAT(f_.acked, ElementsAre(2));
}

TEST_F(PageIntakeTest, ChunksArePutTogetherInOrder_Rule29) {
  f_.Hello();
  f_.SendPage(1, {"one ", "two ", "three"});
  ArrivedPage page = Take();
  EXPECT_EQ(Body(page), "one two three");
  EXPECT_EQ(BodyBytes(page), 13u);
  EXPECT_TRUE(intake_.empty());
}

TEST_F(PageIntakeTest, PagesAreTakenInOrderOfTheirCompletion) {
  f_.Hello();
  f_.SendPage(1, {"a"}, /*chunks_said=*/2);
  f_.SendPage(2, {"b"});
  EXPECT_EQ(intake_.waiting(), 1u);
  EXPECT_EQ(Take().page.page_id(), 2u);
  f_.SendChunk(1, 1, "A");
  EXPECT_EQ(Body(Take()), "aA");
}

TEST_F(PageIntakeTest, APageWithoutABodyIsAPage) {
  f_.Hello();
  f_.SendPage(1, {});
  EXPECT_EQ(BodyBytes(Take()), 0u);
}

TEST_F(PageIntakeTest, ChunksOfPagesThatNobodySentAreDropped) {
  f_.Hello();
  f_.SendChunk(77, 1, "x");
  g_.Hello();
  f_.SendPage(1, {"a"}, 2);
  g_.SendChunk(1, 1, "of another fetcher");
  EXPECT_TRUE(intake_.empty());
}

TEST_F(PageIntakeTest, ARefusalGivesTheCreditBackAndReleasesNothing) {
  f_.Hello();
  f_.SendPage(1, {"12345"});
  intake_.Refuse(Take(), 5, "disk full");
  f_.Hear();
  EXPECT_THAT(f_.refused, ElementsAre(1));
  f_.Beat();
  EXPECT_EQ(f_.items, 4u);
  EXPECT_EQ(f_.bytes, 105u);
  Tick();
  EXPECT_THAT(f_.acked, IsEmpty());
}

// Its chunks are gone once it is written, and a failed sync refuses it later.
TEST_F(PageIntakeTest, ARefusalAfterTheBodyWasLetGoGivesItsBytesBackToo_Rule25) {
  f_.Hello();
  f_.SendPage(1, {"12345"});
  ArrivedPage page = Take();
  page.chunks.clear();
  intake_.Refuse(page, 5, "sync failed");
  f_.Beat();
  EXPECT_EQ(f_.bytes, 105u);
}

TEST_F(PageIntakeTest, WhoDrainsGrantsNothingMoreAndStillAcknowledges) {
  f_.Hello();
  f_.SendPage(1, {"12345"});
  intake_.StopCredit();
  intake_.Acknowledge(Take(), 5);
  Tick();
  f_.Beat();
  EXPECT_THAT(f_.acked, ElementsAre(1));
  EXPECT_EQ(f_.items, 3u);
  EXPECT_EQ(f_.bytes, 100u);
  g_.Hello();
  EXPECT_EQ(g_.items, 0u);
}

TEST_F(PageIntakeTest, AFetcherThatBeganAnewHasItsWholeCreditAndHearsNothingOfBefore) {
  f_.Hello();
  f_.SendPage(1, {"12345"});
  f_.SendPage(2, {"half"}, 2);
  ArrivedPage before = Take();
  f_.Restart(41);
  f_.Hello();
  intake_.Acknowledge(before, 5);
  intake_.Refuse(before, 5, "twice");
  Tick();
  EXPECT_EQ(f_.items, 3u);
  EXPECT_EQ(f_.bytes, 100u);
  EXPECT_THAT(f_.acked, IsEmpty());
  EXPECT_THAT(f_.refused, IsEmpty());
  f_.SendChunk(2, 1, "of the past");
  EXPECT_TRUE(intake_.empty());
}

TEST_F(PageIntakeTest, ABeatIsAnsweredWithoutCreditBeforeTheHello) {
  f_.Beat();
  EXPECT_EQ(f_.replies, 1);
  EXPECT_EQ(f_.items, 0u);
}

TEST_F(PageIntakeTest, AForgottenFetcherIsToldThatItIsUnknown) {
  f_.Hello();
  Tick(absl::Seconds(17));   // twice the silence of the dead
  f_.Beat();
  EXPECT_EQ(f_.replies, 0);
  EXPECT_EQ(f_.unknown, 1);
}

TEST_F(PageIntakeTest, AFetcherThatBeatsIsNotForgotten) {
  f_.Hello();
  for (int i = 0; i < 30; ++i) {
    f_.Beat();
    Tick(absl::Seconds(1));
  }
  EXPECT_EQ(f_.replies, 30);
  EXPECT_EQ(f_.unknown, 0);
}

TEST_F(PageIntakeTest, APageOfAForgottenFetcherIsStillTaken) {
  f_.Hello();
  f_.SendPage(1, {"x"});
  Tick(absl::Seconds(17));
  ArrivedPage page = Take();
  intake_.Acknowledge(page, 1);   // to nobody
  Tick();
  EXPECT_THAT(f_.acked, IsEmpty());
}

TEST_F(PageIntakeTest, ARaisedCreditIsSaidWithTheNextBeat) {
  f_.Hello();
  intake_.set_credit_bytes(5000);
  f_.Beat();
  EXPECT_EQ(f_.bytes, 5000u);
}

}  // namespace
}  // namespace weft::test
