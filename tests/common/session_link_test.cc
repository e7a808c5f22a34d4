#include "common/session_link.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/common/session_link_messages.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using test::Beat;
using test::BeatReply;
using test::Numbered;
using test::Unknown;

// Keeps what is sent until the test carries it over.
class Wire : public Bus {
 public:
  absl::StatusOr<PeerId> Connect(const std::string& endpoint) override { return endpoint; }
  void Disconnect(const PeerId&) override {}
  void Send(const PeerId&, const Message& message) override { sent.push_back(message); }

  Message Take() {
    Message first = std::move(sent.front());
    sent.erase(sent.begin());
    return first;
  }
  std::vector<Message> sent;
};

std::vector<uint64_t> Numbers(const std::vector<Message>& messages) {
  std::vector<uint64_t> numbers;
  for (const Message& message : messages) {
    if (message.frame.has_page_chunk()) numbers.push_back(message.frame.page_chunk().page_id());
  }
  return numbers;
}

struct End {
  explicit End(uint64_t session) : link(&wire, "peer", session) {}
  Wire wire;
  SessionLink link;
};

// Carries everything over, answers heartbeats and strangers as an owner does; returns what arrived at `to`.
std::vector<uint64_t> CarryOver(End& from, End& to) {
  std::vector<uint64_t> numbers;
  while (!from.wire.sent.empty()) {
    Message message = from.wire.Take();
    wire::Frame frame = message.frame;
    SessionLink::Received received = to.link.Receive(std::move(message));
    if (received.peer_lost_us) to.link.SendUnsequenced(Unknown(), &frame);
    for (const Message& delivered : received.deliver) {
      if (delivered.frame.has_page_beat()) to.link.SendUnsequenced(BeatReply(), &delivered.frame);
    }
    std::vector<uint64_t> got = Numbers(received.deliver);
    numbers.insert(numbers.end(), got.begin(), got.end());
  }
  return numbers;
}

class SessionLinkTest : public ::testing::Test {
 protected:
  void MakeAcquainted() {
    a_.link.SendUnsequenced(Beat());
    CarryOver(a_, b_);
    CarryOver(b_, a_);
    b_.link.SendUnsequenced(Beat());
    CarryOver(b_, a_);
    CarryOver(a_, b_);
    ASSERT_EQ(a_.link.peer_session(), 22u);
    ASSERT_EQ(b_.link.peer_session(), 11u);
  }
  void BeatBothWays() {
    a_.link.SendUnsequenced(Beat());
    b_.link.SendUnsequenced(Beat());
  }

  End a_{11};
  End b_{22};
};

TEST_F(SessionLinkTest, StampsVersionSessionsAndSequence) {
  MakeAcquainted();
  a_.link.Send(Numbered(7));
  wire::Frame frame = a_.wire.Take().frame;
  EXPECT_EQ(frame.version(), kProtocolVersion);
  EXPECT_EQ(frame.session(), 11u);
  EXPECT_EQ(frame.peer_session(), 22u);
  EXPECT_EQ(frame.seq(), 1u);
}

TEST_F(SessionLinkTest, TheFirstFrameOfAllIsANewSessionAndTheNextIsNot) {
  a_.link.Send(Numbered(1));
  a_.link.Send(Numbered(2));
  SessionLink::Received first = b_.link.Receive(a_.wire.Take());
  EXPECT_TRUE(first.new_session);
  EXPECT_FALSE(first.peer_lost_us);
  EXPECT_THAT(Numbers(first.deliver), ElementsAre(1));
  SessionLink::Received second = b_.link.Receive(a_.wire.Take());
  EXPECT_FALSE(second.new_session);
  EXPECT_THAT(Numbers(second.deliver), ElementsAre(2));
}

TEST_F(SessionLinkTest, DeliversRepeatedFramesOnce) {
  a_.link.Send(Numbered(1));
  a_.wire.sent.push_back(a_.wire.sent.front());
  EXPECT_THAT(CarryOver(a_, b_), ElementsAre(1));
}

TEST_F(SessionLinkTest, DeliversReorderedFramesInOrder) {
  for (uint64_t i = 1; i <= 5; ++i) a_.link.Send(Numbered(i));
  std::reverse(a_.wire.sent.begin(), a_.wire.sent.end());
  EXPECT_THAT(CarryOver(a_, b_), ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(SessionLinkTest, AnyFrameOfThePeerConfirms) {
  MakeAcquainted();
  a_.link.Send(Numbered(1));
  a_.link.Send(Numbered(2));
  EXPECT_EQ(a_.link.unconfirmed(), 2u);
  CarryOver(a_, b_);
  b_.link.Send(Numbered(3));
  CarryOver(b_, a_);
  EXPECT_EQ(a_.link.unconfirmed(), 0u);
}

TEST_F(SessionLinkTest, SendsAgainWhatAHeartbeatsAnswerProvesLost) {
  MakeAcquainted();
  for (uint64_t i = 1; i <= 4; ++i) a_.link.Send(Numbered(i));
  a_.wire.sent.erase(a_.wire.sent.begin() + 1, a_.wire.sent.begin() + 3);
  EXPECT_THAT(CarryOver(a_, b_), ElementsAre(1));
  a_.link.SendUnsequenced(Beat());
  CarryOver(a_, b_);
  CarryOver(b_, a_);
  EXPECT_THAT(CarryOver(a_, b_), ElementsAre(2, 3, 4));
}

TEST_F(SessionLinkTest, WithoutEvidenceNothingIsSentAgain) {
  MakeAcquainted();
  a_.link.Send(Numbered(1));
  a_.wire.sent.clear();
  for (int i = 0; i < 10; ++i) b_.link.SendUnsequenced(Beat());  // says that nothing was received, answers nothing
  CarryOver(b_, a_);
  for (const Message& message : a_.wire.sent) EXPECT_EQ(message.frame.seq(), 0u);
}

TEST_F(SessionLinkTest, AMessageSentAfterTheHeartbeatIsNotTakenForLost) {
  MakeAcquainted();
  a_.link.SendUnsequenced(Beat());
  CarryOver(a_, b_);
  a_.link.Send(Numbered(1));
  a_.wire.sent.clear();  // still under way
  CarryOver(b_, a_);
  EXPECT_THAT(a_.wire.sent, IsEmpty());
}

TEST_F(SessionLinkTest, HeartbeatsUnderWayDoNotMultiplyWhatIsSentAgain) {
  MakeAcquainted();
  for (uint64_t i = 1; i <= 100; ++i) a_.link.Send(Numbered(i));
  a_.wire.sent.clear();
  for (int i = 0; i < 5; ++i) a_.link.SendUnsequenced(Beat());
  CarryOver(a_, b_);
  CarryOver(b_, a_);
  EXPECT_EQ(a_.wire.sent.size(), 101u);  // and the marker
  a_.wire.sent.clear();                  // lost again, marker and all
  a_.link.SendUnsequenced(Beat());
  CarryOver(a_, b_);
  CarryOver(b_, a_);
  EXPECT_EQ(CarryOver(a_, b_).size(), 100u);
  a_.link.SendUnsequenced(Beat());
  CarryOver(a_, b_);
  CarryOver(b_, a_);
  EXPECT_EQ(a_.link.unconfirmed(), 0u);
}

TEST_F(SessionLinkTest, PayloadsAreSharedNeverCopied) {
  MakeAcquainted();
  Payload body = std::make_shared<const std::string>(100'000, 'x');
  Message message = Numbered(1);
  message.payload = body;
  a_.link.Send(std::move(message));
  a_.wire.sent.clear();
  a_.link.SendUnsequenced(Beat());
  CarryOver(a_, b_);
  CarryOver(b_, a_);
  SessionLink::Received received = b_.link.Receive(a_.wire.Take());
  ASSERT_EQ(received.deliver.size(), 1u);
  EXPECT_EQ(received.deliver[0].payload, body);
}

TEST_F(SessionLinkTest, KeepsABoundedNumberOfEarlyFramesAndGetsTheRestLater) {
  MakeAcquainted();
  const uint64_t count = 2 * SessionLink::kMaxEarly;
  for (uint64_t i = 1; i <= count; ++i) a_.link.Send(Numbered(i));
  Message first = a_.wire.Take();
  EXPECT_THAT(CarryOver(a_, b_), IsEmpty());
  EXPECT_EQ(b_.link.Receive(first).deliver.size(), 1 + SessionLink::kMaxEarly);
  a_.link.SendUnsequenced(Beat());
  CarryOver(a_, b_);
  CarryOver(b_, a_);
  EXPECT_EQ(CarryOver(a_, b_).size(), count - 1 - SessionLink::kMaxEarly);
}

TEST_F(SessionLinkTest, KeepsABoundedNumberOfEarlyBytes) {
  MakeAcquainted();
  Payload body = std::make_shared<const std::string>(kMaxPayloadBytes, 'x');
  const uint64_t fit = SessionLink::kMaxEarlyBytes / kMaxPayloadBytes;
  for (uint64_t i = 1; i <= 2 * fit; ++i) {
    Message message = Numbered(i);
    message.payload = body;
    a_.link.Send(std::move(message));
  }
  Message first = a_.wire.Take();
  CarryOver(a_, b_);
  size_t delivered = b_.link.Receive(first).deliver.size();
  EXPECT_LE(delivered, fit + 1);
  EXPECT_GE(delivered, fit / 2);
}

TEST_F(SessionLinkTest, ARestartedReceiverTellsThePeerThatItIsUnknown) {
  MakeAcquainted();
  End reborn(33);
  a_.link.Send(Numbered(1));
  Message late = a_.wire.sent.front();
  SessionLink::Received received = reborn.link.Receive(a_.wire.Take());
  EXPECT_TRUE(received.peer_lost_us);
  EXPECT_THAT(received.deliver, IsEmpty());
  reborn.link.SendUnsequenced(Unknown(), &late.frame);
  SessionLink::Received answer = a_.link.Receive(reborn.wire.Take());
  EXPECT_TRUE(answer.new_session);
  ASSERT_EQ(answer.deliver.size(), 1u);
  EXPECT_TRUE(answer.deliver[0].frame.has_session_unknown());
  EXPECT_EQ(a_.link.peer_session(), 33u);
  EXPECT_EQ(a_.link.unconfirmed(), 0u);
  a_.link.Send(Numbered(2));
  EXPECT_THAT(CarryOver(a_, reborn), ElementsAre(2));
}

TEST_F(SessionLinkTest, FramesOfAnOldSessionAreIgnored) {
  MakeAcquainted();
  b_.link.Send(Numbered(1));
  b_.link.SendUnsequenced(Beat());
  std::vector<Message> late = b_.wire.sent;
  End reborn(33);
  reborn.link.Send(Numbered(2));
  EXPECT_THAT(CarryOver(reborn, a_), ElementsAre(2));
  for (Message& message : late) {
    SessionLink::Received received = a_.link.Receive(message);
    EXPECT_FALSE(received.new_session);
    EXPECT_FALSE(received.peer_lost_us);
    EXPECT_THAT(received.deliver, IsEmpty());
  }
  EXPECT_EQ(a_.link.peer_session(), 33u);
}

TEST_F(SessionLinkTest, ALateFirstFrameDoesNotSpoilTheNumbersOfThePeersNextAcquaintance) {
  a_.link.Send(Numbered(1));  // to nobody in particular
  Message late = a_.wire.sent.front();
  CarryOver(a_, b_);
  b_.link.SendUnsequenced(Beat());
  CarryOver(b_, a_);  // a_ knows b_, and that 1 has arrived
  CarryOver(a_, b_);
  End reborn(33);
  EXPECT_THAT(Numbers(reborn.link.Receive(late).deliver), ElementsAre(1));
  a_.link.SendUnsequenced(Beat());
  CarryOver(a_, reborn);  // addressed to b_
  CarryOver(reborn, a_);
  EXPECT_EQ(a_.link.peer_session(), 33u);
  a_.link.Send(Numbered(2));
  a_.link.Send(Numbered(3));
  EXPECT_THAT(CarryOver(a_, reborn), ElementsAre(2, 3));
}

TEST_F(SessionLinkTest, ResetMakesBothSidesBeginAnew) {
  MakeAcquainted();
  for (uint64_t i = 1; i <= 3; ++i) {
    a_.link.Send(Numbered(i));
    b_.link.Send(Numbered(10 + i));
  }
  CarryOver(a_, b_);
  CarryOver(b_, a_);
  a_.link.Send(Numbered(4));
  a_.wire.sent.clear();
  a_.link.Reset();
  EXPECT_EQ(a_.link.unconfirmed(), 0u);
  EXPECT_EQ(a_.link.peer_session(), 0u);
  a_.link.Send(Numbered(5));
  SessionLink::Received received = b_.link.Receive(a_.wire.Take());
  EXPECT_TRUE(received.new_session);
  EXPECT_THAT(Numbers(received.deliver), ElementsAre(5));
  b_.link.Send(Numbered(14));
  EXPECT_THAT(CarryOver(b_, a_), ElementsAre(14));
  a_.link.Send(Numbered(6));
  EXPECT_THAT(CarryOver(a_, b_), ElementsAre(6));
}

TEST_F(SessionLinkTest, FramesOnTheirWayDuringAResetAreRefusedNotDelivered) {
  MakeAcquainted();
  b_.link.Send(Numbered(1));
  CarryOver(b_, a_);
  b_.link.Send(Numbered(2));
  a_.link.Reset();
  SessionLink::Received received = a_.link.Receive(b_.wire.Take());
  EXPECT_TRUE(received.peer_lost_us);
  EXPECT_THAT(received.deliver, IsEmpty());
}

TEST_F(SessionLinkTest, ALinkMadeAnewForAKnownPeerMakesItBeginAnew) {
  MakeAcquainted();
  for (uint64_t i = 1; i <= 3; ++i) {
    a_.link.Send(Numbered(i));
    b_.link.Send(Numbered(10 + i));
  }
  CarryOver(a_, b_);
  CarryOver(b_, a_);
  End anew(22);  // same session: the owner had dropped its link
  a_.link.Send(Numbered(4));
  a_.link.Send(Numbered(5));
  EXPECT_THAT(CarryOver(a_, anew), IsEmpty());
  SessionLink::Received received = a_.link.Receive(anew.wire.Take());
  EXPECT_TRUE(received.new_session);
  a_.link.Send(Numbered(6));
  EXPECT_THAT(CarryOver(a_, anew), ElementsAre(6));
  anew.link.Send(Numbered(14));
  anew.wire.sent.erase(anew.wire.sent.begin());  // the second SessionUnknown
  EXPECT_THAT(CarryOver(anew, a_), ElementsAre(14));
}

TEST_F(SessionLinkTest, OnlyTheFirstOfSeveralSessionUnknownsIsHeard) {
  MakeAcquainted();
  End reborn(33);
  for (uint64_t i = 1; i <= 5; ++i) a_.link.Send(Numbered(i));
  CarryOver(a_, reborn);
  ASSERT_EQ(reborn.wire.sent.size(), 5u);
  int heard = 0;
  while (!reborn.wire.sent.empty()) {
    SessionLink::Received received = a_.link.Receive(reborn.wire.Take());
    heard += static_cast<int>(received.deliver.size());
  }
  EXPECT_EQ(heard, 1);
}

TEST_F(SessionLinkTest, ASessionUnknownSentOnPurposeIsHeard) {
  MakeAcquainted();
  End reborn(33);
  a_.link.Send(Numbered(1));
  CarryOver(a_, reborn);
  CarryOver(reborn, a_);
  a_.link.SendUnsequenced(Beat());
  CarryOver(a_, reborn);
  CarryOver(reborn, a_);
  reborn.link.SendUnsequenced(Unknown());
  EXPECT_EQ(a_.link.Receive(reborn.wire.Take()).deliver.size(), 1u);
}

TEST_F(SessionLinkTest, ALateFrameOfADeadSessionNeverHeardDoesNotDisplaceTheLivingOneForLong) {
  End dead(21);
  a_.link.SendUnsequenced(Beat());
  dead.link.Receive(a_.wire.sent.front());
  dead.link.Send(Numbered(66));
  Message late = dead.wire.Take();
  MakeAcquainted();
  a_.wire.sent.clear();
  a_.link.Receive(late);
  EXPECT_EQ(a_.link.peer_session(), 21u);
  for (int i = 0; i < 3; ++i) {
    BeatBothWays();
    CarryOver(a_, b_);
    CarryOver(b_, a_);
  }
  EXPECT_EQ(a_.link.peer_session(), 22u);
  a_.link.Send(Numbered(1));
  EXPECT_THAT(CarryOver(a_, b_), ElementsAre(1));
}

TEST_F(SessionLinkTest, WhoIsDisplacedByALateFrameIsNoticedAndBeginsAnewWhenTold) {
  End dead(21);
  dead.link.Send(Numbered(66));
  const Message late = dead.wire.Take();
  MakeAcquainted();
  a_.wire.sent.clear();
  a_.link.Receive(late);
  // Only `b_` beats here: nothing that `a_` says goes to it.
  b_.link.SendUnsequenced(Beat());
  const SessionLink::Received received = a_.link.Receive(b_.wire.Take());
  EXPECT_TRUE(received.displaced);
  EXPECT_THAT(received.deliver, IsEmpty());
  End again(23);
  again.link.Send(Numbered(1));
  EXPECT_THAT(CarryOver(again, a_), ElementsAre(1));
}

// `b_` registered, and the answers to it were held up for so long that `a_` forgot it.
TEST_F(SessionLinkTest, ALateFrameOfAForgottenLinkTakesNoNumberFromTheNextOne) {
  b_.link.Send(Numbered(1));
  CarryOver(b_, a_);
  a_.link.Send(Numbered(7));
  const Message late = a_.wire.Take();
  SessionLink next(&a_.wire, "peer", 11, /*first_life=*/1);
  b_.link.SendUnsequenced(Beat());
  next.Receive(b_.wire.Take());
  next.Send(Numbered(8));
  const Message fresh = a_.wire.Take();
  EXPECT_THAT(Numbers(b_.link.Receive(late).deliver), ElementsAre(7));
  const SessionLink::Received received = b_.link.Receive(fresh);
  EXPECT_TRUE(received.new_session);
  EXPECT_THAT(Numbers(received.deliver), ElementsAre(8));
}

TEST_F(SessionLinkTest, ALateFrameOfAnEarlierLifeIsOfNobodyDisplaced) {
  MakeAcquainted();
  b_.link.SendUnsequenced(Beat());
  const Message late = b_.wire.Take();
  b_.link.Reset();
  a_.link.SendUnsequenced(Beat());
  CarryOver(a_, b_);
  b_.link.Send(Numbered(1));
  CarryOver(b_, a_);
  EXPECT_FALSE(a_.link.Receive(late).displaced);
}

TEST_F(SessionLinkTest, FramesWithoutASessionAreIgnored) {
  Message message = Numbered(1);
  message.frame.set_seq(1);
  SessionLink::Received received = b_.link.Receive(message);
  EXPECT_FALSE(received.new_session);
  EXPECT_THAT(received.deliver, IsEmpty());
}

}  // namespace
}  // namespace weft
