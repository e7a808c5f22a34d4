#include "tests/support/sim_credit_check.h"

#include <gtest/gtest.h>

namespace weft::test {
namespace {

class Credit : public testing::Test {
 protected:
  void Grant(uint64_t items, uint64_t bytes) {
    wire::Frame frame;
    frame.set_session(2);
    frame.set_peer_session(1);
    frame.mutable_page_beat_reply()->set_credit_items(items);
    frame.mutable_page_beat_reply()->set_credit_bytes(bytes);
    check.OnDelivered(frame);
  }
  void Send(uint64_t id, uint64_t bytes) {
    Message message;
    message.frame.set_version(kProtocolVersion);
    message.frame.set_session(1);
    message.frame.set_peer_session(2);
    message.frame.mutable_page()->set_page_id(id);
    message.frame.mutable_page()->set_body_bytes(bytes);
    check.OnSent(message);
  }
  SimClock clock;
  Violations violations{clock};
  CreditCheck check{violations};
};

TEST_F(Credit, AcceptsWhatWasGrantedAndRepeats) {
  Grant(2, 100);
  Send(1, 50);
  Send(1, 50);
  Send(2, 50);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Credit, SeesTooManyPages) {
  Grant(2, 1000);
  for (uint64_t id = 1; id <= 3; ++id) Send(id, 1);
  EXPECT_TRUE(violations.Has("credit"));
}

TEST_F(Credit, SeesTooManyBytes) {
  Grant(10, 100);
  Send(1, 60);
  Send(2, 60);
  EXPECT_TRUE(violations.Has("credit"));
}

TEST_F(Credit, ALostGrantIsNoGrant) {
  Send(1, 1);
  EXPECT_TRUE(violations.Has("credit"));
}

TEST_F(Credit, SeesPayloadsAndFramesThatNoBusCarries) {
  Message message;
  message.frame.set_version(kProtocolVersion);
  message.payload = std::make_shared<const std::string>(kMaxPayloadBytes + 1, 'x');
  check.OnSent(message);
  EXPECT_TRUE(violations.Has("frame-size"));
  Violations more(clock);
  CreditCheck other(more);
  message.payload = nullptr;
  message.frame.mutable_page()->set_response_head(std::string(kMaxFrameBytes, 'x'));
  other.OnSent(message);
  EXPECT_TRUE(more.Has("frame-size"));
}

}  // namespace
}  // namespace weft::test
