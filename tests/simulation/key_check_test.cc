#include "tests/support/sim_key_check.h"

#include <gtest/gtest.h>

namespace weft::test {
namespace {

constexpr Life kParser = 4;
constexpr uint64_t kSchedulerSession = 1;
constexpr uint64_t kParserSession = 2;

class Keys : public testing::Test {
 protected:
  Keys() { Take({"good", "bad"}, {}); }

  void Take(const std::set<PeerKey>& hold, const std::set<PeerKey>& revoked) {
    NodeKeys keys;
    for (const PeerKey& key : hold) keys[key] = {.name = key};
    for (const PeerKey& key : revoked) keys[key] = {.name = key, .revoked = true};
    check.OnKeysTaken(keys);
  }
  void Revoke() { Take({"good"}, {"bad"}); }
  void Say(const PeerKey& to, const wire::Frame& frame) { check.OnSentByScheduler(kParser, to, to, frame); }
  static wire::UrlTicket Ticket() {
    wire::UrlTicket ticket;
    ticket.set_key(Fingerprint{1, 2}.ToBytes());
    ticket.set_url("http://a.example/");
    return ticket;
  }
  static wire::Frame Result() {
    wire::Frame frame;
    frame.set_session(kParserSession);
    frame.set_peer_session(kSchedulerSession);
    *frame.mutable_page_result()->mutable_ticket() = Ticket();
    frame.mutable_page_result()->mutable_place()->set_file("a.warc.gz");
    frame.mutable_page_result()->mutable_place()->set_offset(100);
    return frame;
  }
  static wire::Frame Acknowledgement() {
    wire::Frame frame;
    wire::EndedAck::One* one = frame.mutable_ended_ack()->add_ended();
    one->set_key(Ticket().key());
    return frame;
  }
  static UrlRecord Done() {
    UrlRecord record;
    record.state = UrlState::kDone;
    record.place.file = "a.warc.gz";
    record.place.offset = 100;
    return record;
  }
  void TellParser(const std::set<PeerKey>& keys, uint64_t seq) {
    wire::Frame frame;
    frame.set_session(kSchedulerSession);
    frame.set_peer_session(kParserSession);
    frame.set_seq(seq);
    frame.mutable_allowed_keys();
    for (const PeerKey& key : keys) frame.mutable_allowed_keys()->add_keys(key);
    Say("parser", frame);
  }
  void ParserHasRead(uint64_t seq) {
    wire::Frame frame;
    frame.set_session(kParserSession);
    frame.set_peer_session(kSchedulerSession);
    frame.set_received(seq);
    check.OnSentByParser(kParser, frame);
  }
  void BringPage(const PeerKey& from) {
    wire::Frame frame;
    *frame.mutable_page()->mutable_ticket() = Ticket();
    check.OnDeliveredToParser(kParser, from, frame);
  }

  SimClock clock;
  Violations violations{clock};
  KeyCheck check{violations};
};

TEST_F(Keys, WorkGoesToThoseThatHold) {
  wire::Frame frame;
  frame.mutable_lease_grant();
  Say("bad", frame);
  Revoke();
  Say("good", frame);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Keys, ALeaseToARevokedOneIsSeen) {
  Revoke();
  wire::Frame frame;
  frame.mutable_lease_grant();
  Say("bad", frame);
  EXPECT_TRUE(violations.Has("key"));
}

TEST_F(Keys, ARenewalToARevokedOneIsSeen) {
  Revoke();
  wire::Frame frame;
  frame.mutable_heartbeat_reply();
  Say("bad", frame);
  EXPECT_TRUE(violations.Has("key"));
}

TEST_F(Keys, ARevokedOneIsToldSo) {
  Revoke();
  wire::Frame frame;
  frame.mutable_register_refused();
  Say("bad", frame);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Keys, WhatWasHandedInBeforeCommitsAndIsAcknowledged) {
  check.OnDeliveredToScheduler("bad", Result());
  Revoke();
  check.OnWritten(Done());
  Say("bad", Acknowledgement());
  EXPECT_TRUE(violations.empty());
}

TEST_F(Keys, ACommitOfWhatARevokedOneHandedInIsSeen) {
  Revoke();
  check.OnDeliveredToScheduler("bad", Result());
  EXPECT_TRUE(violations.empty());
  check.OnWritten(Done());
  EXPECT_TRUE(violations.Has("key"));
}

TEST_F(Keys, AnAcknowledgementOfWhatARevokedOneHandedInIsSeen) {
  Revoke();
  check.OnDeliveredToScheduler("bad", Result());
  Say("bad", Acknowledgement());
  EXPECT_TRUE(violations.Has("key"));
}

TEST_F(Keys, APageThatCameBeforeTheParserKnewMayBeReported) {
  TellParser({"good", "bad"}, 1);
  ParserHasRead(1);
  TellParser({"good"}, 2);
  BringPage("bad");
  ParserHasRead(2);
  check.OnSentByParser(kParser, Result());
  EXPECT_TRUE(violations.empty());
}

TEST_F(Keys, APageOfAKeyThatTheParserKnowsToBeRevokedIsSeen) {
  TellParser({"good", "bad"}, 1);
  TellParser({"good"}, 2);
  ParserHasRead(2);
  BringPage("bad");
  EXPECT_TRUE(violations.empty());
  check.OnSentByParser(kParser, Result());
  EXPECT_TRUE(violations.Has("key"));
}

TEST_F(Keys, TheSamePageMayComeFromAnotherFetcher) {
  TellParser({"good"}, 1);
  ParserHasRead(1);
  BringPage("bad");
  BringPage("good");
  check.OnSentByParser(kParser, Result());
  EXPECT_TRUE(violations.empty());
}

}  // namespace
}  // namespace weft::test
