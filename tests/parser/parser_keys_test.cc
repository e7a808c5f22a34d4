// Whose pages a parser takes (protocol rule 33). The fetchers' side is played over real SessionLinks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "parser/page_intake.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_bus.h"

namespace weft::test {
namespace {

class PlayedFetcher {
 public:
  PlayedFetcher(PageIntake& intake, PeerId name, PeerKey key)
      : intake_(intake), name_(std::move(name)), key_(std::move(key)), link_(&bus_, "parser", 77) {}
  void SendPage(uint64_t id, uint32_t chunks = 1) {
    wire::Frame frame;
    frame.mutable_page()->set_page_id(id);
    frame.mutable_page()->set_chunks(chunks);
    Say(std::move(frame));
  }
  void SendChunk(uint64_t id) {
    wire::Frame frame;
    frame.mutable_page_chunk()->set_page_id(id);
    frame.mutable_page_chunk()->set_index(1);
    Say(std::move(frame));
  }

 private:
  void Say(wire::Frame frame) {
    link_.Send({std::move(frame), std::make_shared<const std::string>("body")});
    for (; said_ < bus_.sent.size(); ++said_) {
      Message message = bus_.sent[said_].message;
      message.from_key = key_;
      intake_.OnMessage(name_, std::move(message));
    }
  }

  PageIntake& intake_;
  RecordingBus bus_;
  PeerId name_;
  PeerKey key_;
  SessionLink link_;
  size_t said_ = 0;
};

class ParserKeysTest : public testing::Test {
 protected:
  ManualClock clock_;
  RecordingBus bus_;
  PageIntake intake_{bus_, clock_, 9, 64, 1 << 20};
};

TEST_F(ParserKeysTest, PagesUnderAnAllowedKeyAreTaken) {
  intake_.AllowKeys({"a"});
  PlayedFetcher fetcher(intake_, "f", "a");
  fetcher.SendPage(1);
  EXPECT_EQ(intake_.waiting(), 1u);
}

TEST_F(ParserKeysTest, BeforeTheListIsKnownNoKeyIsTaken) {
  PlayedFetcher fetcher(intake_, "f", "a");
  fetcher.SendPage(1);
  EXPECT_TRUE(intake_.empty());
}

TEST_F(ParserKeysTest, FramesOverAnOpenConnectionAreRefusedOnceTheKeyIsRevoked) {
  intake_.AllowKeys({"a", "b"});
  PlayedFetcher fetcher(intake_, "f", "a");
  fetcher.SendPage(1);
  ArrivedPage page;
  ASSERT_TRUE(intake_.Take(page));
  EXPECT_EQ(intake_.refused(), 0u);
  intake_.AllowKeys({"b"});
  fetcher.SendPage(2);
  EXPECT_TRUE(intake_.empty());
  EXPECT_EQ(intake_.refused(), 1u);
}

TEST_F(ParserKeysTest, WhatWaitsUnderARevokedKeyIsDroppedAndTheOthersStay) {
  intake_.AllowKeys({"a", "b"});
  PlayedFetcher revoked(intake_, "f", "a");
  PlayedFetcher other(intake_, "g", "b");
  revoked.SendPage(1);
  revoked.SendPage(2, 2);
  other.SendPage(3);
  intake_.AllowKeys({"b"});
  revoked.SendChunk(2);
  ASSERT_EQ(intake_.waiting(), 1u);
  ArrivedPage page;
  ASSERT_TRUE(intake_.Take(page));
  EXPECT_EQ(page.page.page_id(), 3u);
}

TEST_F(ParserKeysTest, AConnectionDoesNotChangeHands) {
  intake_.AllowKeys({"a", "b"});
  PlayedFetcher first(intake_, "f", "a");
  first.SendPage(1);
  PlayedFetcher second(intake_, "f", "b");
  second.SendPage(2);
  EXPECT_EQ(intake_.waiting(), 1u);
  EXPECT_EQ(intake_.refused(), 1u);
}

TEST_F(ParserKeysTest, WhereNoKeyIsAskedForNoneIsNeeded) {
  PlayedFetcher fetcher(intake_, "f", "");
  fetcher.SendPage(1);
  EXPECT_EQ(intake_.waiting(), 1u);
}

}  // namespace
}  // namespace weft::test
