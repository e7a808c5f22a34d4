// Watching the connections of sockets, one socket after the other.
#include "common/zmq_watch.h"

#include <gtest/gtest.h>
#include <zmq.h>

#include <string>

namespace weft::test {
namespace {

class ZmqWatchTest : public testing::Test {
 protected:
  ~ZmqWatchTest() override { zmq_ctx_term(context_); }
  void* Socket(int type) {
    void* socket = zmq_socket(context_, type);
    const int none = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    return socket;
  }
  void* context_ = zmq_ctx_new();
};

// A connection that is opened again and again gets a watch each time, at the same place in memory.
// libzmq closes sockets some time later, and has a thousand at most.
TEST_F(ZmqWatchTest, HundredsAreMadeOneAfterTheOther) {
  for (int i = 0; i < 300; ++i) {
    void* socket = Socket(ZMQ_DEALER);
    {
      const ZmqWatch watch(context_, socket);
      EXPECT_GE(watch.descriptor(), 0) << "number " << i;
    }
    zmq_close(socket);
    if (HasFailure()) break;
  }
}

TEST_F(ZmqWatchTest, TellsThatAConnectionIsOpen) {
  void* server = Socket(ZMQ_ROUTER);
  ASSERT_EQ(zmq_bind(server, "tcp://127.0.0.1:*"), 0);
  char endpoint[64];
  size_t size = sizeof endpoint;
  ASSERT_EQ(zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
  void* client = Socket(ZMQ_DEALER);
  {
    ZmqWatch watch(context_, client);
    ASSERT_EQ(zmq_connect(client, endpoint), 0);
    zmq_pollitem_t item = {nullptr, watch.descriptor(), ZMQ_POLLIN, 0};
    std::optional<ConnectionEvent> event;
    for (int i = 0; i < 100 && event != ConnectionEvent::kOpened; ++i) {
      event = watch.Next();
      if (!event) zmq_poll(&item, 1, 100);
    }
    EXPECT_EQ(event, ConnectionEvent::kOpened);
  }
  zmq_close(client);
  zmq_close(server);
}

TEST_F(ZmqWatchTest, WithoutASocketNothingIsTold) {
  ZmqWatch watch(nullptr, nullptr);
  EXPECT_EQ(watch.descriptor(), -1);
  EXPECT_EQ(watch.Next(), std::nullopt);
}

}  // namespace
}  // namespace weft::test
