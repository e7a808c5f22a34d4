#include "common/zmq_bus.h"

#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/payload_registry.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::testing::StartsWith;

Message Numbered(uint64_t number) {
  Message message;
  message.frame.set_version(kProtocolVersion);
  message.frame.mutable_page_chunk()->set_page_id(number);
  return message;
}

Message WithBody(uint64_t number, Payload body) {
  Message message = Numbered(number);
  message.payload = std::move(body);
  return message;
}

Payload Body(size_t size) { return std::make_shared<const std::string>(size, 'x'); }

// A bus that keeps what it gets.
struct Side {
  Side(ZmqContext& context, EventLoop& loop)
      : bus(context, loop, [this](const PeerId& peer, Message message) {
          from.push_back(peer);
          numbers.push_back(message.frame.page_chunk().page_id());
          payloads.push_back(message.payload);
          if (on_message) on_message(peer, message);
        }) {}

  std::vector<PeerId> from;
  std::vector<uint64_t> numbers;
  std::vector<Payload> payloads;
  std::function<void(const PeerId&, const Message&)> on_message;
  ZmqBus bus;
};

class Loops : public ::testing::Test {
 protected:
  // Runs until `done`, or fails after a time that no machine needs.
  void RunUntil(std::function<bool()> done) {
    uint64_t watchdog = loop_.At(SystemClock().SteadyNow() + absl::Seconds(20), [&] {
      ADD_FAILURE() << "nothing came";
      loop_.Stop();
    });
    bool stopped = false;
    uint64_t poller = loop_.AddPoller([&] {
      if (!stopped && done()) {
        stopped = true;
        loop_.Stop();
      }
      return false;
    });
    loop_.Run();
    loop_.RemovePoller(poller);
    loop_.CancelTimer(watchdog);
  }

  ZmqContext context_;
  EventLoop loop_{"test", SystemClock()};
};

class ZmqBusTest : public Loops {
 protected:
  std::string BindTcp() {
    absl::StatusOr<std::string> endpoint = server_.bus.Bind("tcp://127.0.0.1:0");
    EXPECT_TRUE(endpoint.ok()) << endpoint.status();
    return endpoint.value_or("");
  }
  PeerId Connect(const std::string& endpoint) {
    absl::StatusOr<PeerId> peer = client_.bus.Connect(endpoint);
    EXPECT_TRUE(peer.ok()) << peer.status();
    return peer.value_or("");
  }

  Side server_{context_, loop_};
  Side client_{context_, loop_};
};

class ZmqBusTransportTest : public ZmqBusTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    std::string scheme = GetParam();
    if (scheme == "tcp") bind_to_ = "tcp://127.0.0.1:0";
    if (scheme == "tcp6") bind_to_ = "tcp://[::1]:0";
    if (scheme == "inproc") bind_to_ = "inproc://zmq-bus-test";
    if (scheme == "ipc") {
      char directory[] = "/tmp/weft-zmq-XXXXXX";
      ASSERT_NE(mkdtemp(directory), nullptr);
      directory_ = directory;
      bind_to_ = fmt::format("ipc://{}/socket", directory);
    }
    absl::StatusOr<std::string> endpoint = server_.bus.Bind(bind_to_);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    endpoint_ = *endpoint;
  }
  void TearDown() override {
    if (directory_.empty()) return;
    unlink((directory_ + "/socket").c_str());
    rmdir(directory_.c_str());
  }
  std::string bind_to_;
  std::string endpoint_;
  std::string directory_;
};

TEST_P(ZmqBusTransportTest, CarriesMessagesAndAnswersToTheConnectionTheyCameFrom) {
  PeerId up = Connect(endpoint_);
  PeerId up_again = Connect(endpoint_);
  ASSERT_NE(up, up_again);
  server_.on_message = [&](const PeerId& peer, const Message& message) {
    server_.bus.Send(peer, Numbered(message.frame.page_chunk().page_id() + 100));
  };
  client_.bus.Send(up, Numbered(1));
  RunUntil([&] { return client_.numbers.size() == 1; });
  client_.bus.Send(up_again, Numbered(2));
  RunUntil([&] { return client_.numbers.size() == 2; });
  EXPECT_THAT(server_.numbers, ElementsAre(1, 2));
  EXPECT_NE(server_.from[0], server_.from[1]);
  EXPECT_THAT(client_.numbers, ElementsAre(101, 102));
  EXPECT_THAT(client_.from, ElementsAre(up, up_again));
  EXPECT_EQ(client_.bus.counters().sent, 2u);
  EXPECT_EQ(client_.bus.counters().received, 2u);
}

TEST_P(ZmqBusTransportTest, CarriesPayloadsBothWays) {
  PeerId up = Connect(endpoint_);
  Payload small = Body(3);
  Payload large = Body(kMaxPayloadBytes);
  server_.on_message = [&](const PeerId& peer, const Message& message) {
    server_.bus.Send(peer, WithBody(9, message.payload));
  };
  client_.bus.Send(up, WithBody(1, small));
  client_.bus.Send(up, WithBody(2, large));
  RunUntil([&] { return client_.payloads.size() == 2; });
  EXPECT_EQ(*client_.payloads[0], *small);
  EXPECT_EQ(*client_.payloads[1], *large);
}

TEST_P(ZmqBusTransportTest, TellsAnEmptyPayloadFromNone) {
  PeerId up = Connect(endpoint_);
  client_.bus.Send(up, WithBody(1, Body(0)));
  client_.bus.Send(up, Numbered(2));
  RunUntil([&] { return server_.payloads.size() == 2; });
  ASSERT_NE(server_.payloads[0], nullptr);
  EXPECT_EQ(*server_.payloads[0], "");
  EXPECT_EQ(server_.payloads[1], nullptr);
}

TEST_P(ZmqBusTransportTest, KeepsOrderAndLosesNothingInALongBurst) {
  constexpr uint64_t kBurst = 20'000;
  PeerId up = Connect(endpoint_);
  for (uint64_t i = 0; i < kBurst; ++i) client_.bus.Send(up, Numbered(i));
  RunUntil([&] { return server_.numbers.size() == kBurst; });
  for (uint64_t i = 0; i < kBurst; ++i) ASSERT_EQ(server_.numbers[i], i);
  EXPECT_EQ(client_.bus.counters().dropped_unsendable, 0u);
}

TEST_P(ZmqBusTransportTest, CountsWhatIsSentToAPeerThatHasGone) {
  PeerId up = Connect(endpoint_);
  client_.bus.Send(up, Numbered(1));
  RunUntil([&] { return server_.numbers.size() == 1; });
  client_.bus.Disconnect(up);
  uint64_t tries = 0;
  RunUntil([&] {
    ++tries;
    server_.bus.Send(server_.from[0], Numbered(2));  // until the other side has noticed
    loop_.At(SystemClock().SteadyNow() + absl::Milliseconds(1), [] {});
    return server_.bus.counters().dropped_unsendable > 0;
  });
  EXPECT_EQ(server_.bus.counters().sent + server_.bus.counters().dropped_unsendable, tries);
  client_.bus.Send(up, Numbered(3));
  EXPECT_EQ(client_.bus.counters().dropped_unsendable, 1u);
}

INSTANTIATE_TEST_SUITE_P(Transports, ZmqBusTransportTest, ::testing::Values("tcp", "tcp6", "inproc", "ipc"),
                         [](const auto& param_info) { return std::string(param_info.param); });

TEST_F(ZmqBusTest, WithinAProcessThePayloadItselfIsHandedOver) {
  ASSERT_TRUE(server_.bus.Bind("inproc://same").ok());
  PeerId up = Connect("inproc://same");
  Payload body = Body(30'000);
  client_.bus.Send(up, WithBody(1, body));
  client_.bus.Send(up, WithBody(2, body));  // again: each frame has a reference
  RunUntil([&] { return server_.payloads.size() == 2; });
  EXPECT_EQ(server_.payloads[0], body);
  EXPECT_EQ(server_.payloads[1], body);
  EXPECT_EQ(context_.payloads().size(), 0u);
}

TEST_F(ZmqBusTest, ConnectsBeforeAnybodyListens) {
  PeerId up = Connect("inproc://later");
  client_.bus.Send(up, Numbered(1));
  ASSERT_TRUE(server_.bus.Bind("inproc://later").ok());
  RunUntil([&] { return server_.numbers.size() == 1; });
}

TEST_F(ZmqBusTest, ListensOnSeveralEndpoints) {
  std::string tcp = BindTcp();
  ASSERT_TRUE(server_.bus.Bind("inproc://beside").ok());
  client_.bus.Send(Connect(tcp), Numbered(1));
  client_.bus.Send(Connect("inproc://beside"), Numbered(1));
  RunUntil([&] { return server_.numbers.size() == 2; });
}

TEST_F(ZmqBusTest, AConnectionOutlivesTheListener) {
  std::string endpoint;
  PeerId up;
  {
    Side first(context_, loop_);
    endpoint = *first.bus.Bind("tcp://127.0.0.1:0");
    up = Connect(endpoint);
    client_.bus.Send(up, Numbered(1));
    RunUntil([&] { return first.numbers.size() == 1; });
  }
  absl::StatusOr<std::string> bound;
  RunUntil([&] {  // the old socket closes in libzmq's own time
    bound = server_.bus.Bind(endpoint);
    loop_.At(SystemClock().SteadyNow() + absl::Milliseconds(1), [] {});
    return bound.ok();
  });
  RunUntil([&] {
    client_.bus.Send(up, Numbered(2));
    loop_.At(SystemClock().SteadyNow() + absl::Milliseconds(20), [] {});
    return !server_.numbers.empty();
  });
  EXPECT_EQ(server_.numbers[0], 2u);
}

TEST_F(ZmqBusTest, AnOpenConnectionThatNothingComesFromIsOpenedAgain) {
  client_.bus.SetPatience(absl::Milliseconds(100));
  const PeerId up = Connect(BindTcp());
  uint64_t sent = 0;
  RunUntil([&] {
    client_.bus.Send(up, Numbered(++sent));
    loop_.At(SystemClock().SteadyNow() + absl::Milliseconds(5), [] {});
    return client_.bus.counters().opened_again > 0;
  });
  EXPECT_GT(sent, 10u);
  const size_t before = server_.numbers.size();
  server_.on_message = [&](const PeerId& from, const Message&) { server_.bus.Send(from, Numbered(1)); };
  RunUntil([&] {
    client_.bus.Send(up, Numbered(++sent));
    loop_.At(SystemClock().SteadyNow() + absl::Milliseconds(5), [] {});
    return server_.numbers.size() > before && !client_.numbers.empty();
  });
  EXPECT_EQ(server_.from.back(), server_.from.front()) << "its peer knows it by the same id";
}

TEST_F(ZmqBusTest, AConnectionThatIsAnsweredStaysAndSoDoesOneThatLittleIsSentOver) {
  client_.bus.SetPatience(absl::Milliseconds(100));
  server_.on_message = [&](const PeerId& from, const Message&) { server_.bus.Send(from, Numbered(1)); };
  const PeerId answered = Connect(BindTcp());
  Side silent(context_, loop_);
  const PeerId seldom = Connect(*silent.bus.Bind("tcp://127.0.0.1:0"));
  for (uint64_t number = 1; number <= 5; ++number) client_.bus.Send(seldom, Numbered(number));
  uint64_t sent = 0;
  RunUntil([&] {
    client_.bus.Send(answered, Numbered(++sent));
    loop_.At(SystemClock().SteadyNow() + absl::Milliseconds(5), [] {});
    return client_.numbers.size() > 100;
  });
  client_.bus.Send(seldom, Numbered(6));
  EXPECT_EQ(client_.bus.counters().opened_again, 0u);
}

TEST_F(ZmqBusTest, NamesItsEndpointAsPeopleDo) {
  EXPECT_THAT(BindTcp(), StartsWith("tcp://127.0.0.1:"));
  EXPECT_EQ(*server_.bus.Bind("inproc://named"), "inproc://named");
}

TEST_F(ZmqBusTest, SaysWhenAnEndpointIsInUse) {
  std::string endpoint = BindTcp();
  absl::StatusOr<std::string> second = client_.bus.Bind(endpoint);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), StartsWith(endpoint + " is in use"));
}

TEST_F(ZmqBusTest, RefusesEndpointsThatAreNone) {
  EXPECT_EQ(client_.bus.Bind("7700").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client_.bus.Connect("nowhere").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client_.bus.Connect("gopher://x:1").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ZmqBusTest, CountsWhatIsSentToPeersThatNeverWere) {
  client_.bus.Send("tcp://127.0.0.1:1#7", Numbered(1));
  client_.bus.Send("00112233445566778899aabbccddeeff", Numbered(1));  // no router here
  BindTcp();
  server_.bus.Send("00112233445566778899aabbccddeeff", Numbered(1));
  server_.bus.Send("zz112233445566778899aabbccddeeff", Numbered(1));
  server_.bus.Send("", Numbered(1));
  EXPECT_EQ(client_.bus.counters().dropped_unsendable, 2u);
  EXPECT_EQ(server_.bus.counters().dropped_unsendable, 3u);
}

TEST_F(ZmqBusTest, DoesNotSendWhatTheOtherSideWouldHangUpOn) {
  PeerId up = Connect(BindTcp());
  client_.bus.Send(up, WithBody(1, Body(kMaxPayloadBytes + 1)));
  Message long_frame = Numbered(2);
  long_frame.frame.mutable_page()->set_response_head(std::string(kMaxFrameBytes, 'x'));
  client_.bus.Send(up, long_frame);
  client_.bus.Send(up, Numbered(3));
  RunUntil([&] { return !server_.numbers.empty(); });
  EXPECT_THAT(server_.numbers, ElementsAre(3));
  EXPECT_EQ(client_.bus.counters().dropped_unsendable, 2u);
}

TEST_F(ZmqBusTest, DisconnectsFromWithinItsOwnMessage) {
  PeerId up = Connect(BindTcp());
  server_.on_message = [&](const PeerId& peer, const Message&) {
    for (uint64_t i = 0; i < 10; ++i) server_.bus.Send(peer, Numbered(i));
  };
  client_.on_message = [&](const PeerId& peer, const Message&) { client_.bus.Disconnect(peer); };
  client_.bus.Send(up, Numbered(1));
  RunUntil([&] { return !client_.numbers.empty(); });
  EXPECT_THAT(client_.numbers, ElementsAre(0));
}

TEST_F(ZmqBusTest, ConnectsFromWithinAMessage) {
  std::string endpoint = BindTcp();
  PeerId up = Connect(endpoint);
  server_.on_message = [&](const PeerId& peer, const Message&) { server_.bus.Send(peer, Numbered(5)); };
  client_.on_message = [&](const PeerId&, const Message&) {
    if (client_.numbers.size() == 1) client_.bus.Send(Connect(endpoint), Numbered(2));
  };
  client_.bus.Send(up, Numbered(1));
  RunUntil([&] { return client_.numbers.size() == 2; });
  EXPECT_NE(client_.from[0], client_.from[1]);
}

// ---- What other programs may send ----

class StrangersTest : public ZmqBusTest {
 protected:
  void SetUp() override {
    endpoint_ = BindTcp();
    raw_context_ = zmq_ctx_new();
  }
  void TearDown() override {
    for (void* socket : raw_) zmq_close(socket);
    zmq_ctx_term(raw_context_);
  }
  void SendRaw(const std::vector<std::string>& parts, const std::string& id = "0123456789abcdef") {
    void* socket = zmq_socket(raw_context_, ZMQ_DEALER);
    raw_.push_back(socket);
    zmq_setsockopt(socket, ZMQ_ROUTING_ID, id.data(), id.size());
    ASSERT_EQ(zmq_connect(socket, endpoint_.c_str()), 0);
    for (size_t i = 0; i < parts.size(); ++i) {
      int more = i + 1 < parts.size() ? ZMQ_SNDMORE : 0;
      ASSERT_GE(zmq_send(socket, parts[i].data(), parts[i].size(), more), 0);
    }
  }
  void ExpectDroppedAsMalformed() {
    RunUntil([&] { return server_.bus.counters().dropped_malformed == 1; });
    EXPECT_THAT(server_.numbers, SizeIs(0));
    client_.bus.Send(Connect(endpoint_), Numbered(7));  // the bus goes on
    RunUntil([&] { return !server_.numbers.empty(); });
    EXPECT_THAT(server_.numbers, ElementsAre(7));
  }
  static std::string Good() { return Numbered(1).frame.SerializeAsString(); }

  std::string endpoint_;
  void* raw_context_ = nullptr;
  std::vector<void*> raw_;
};

TEST_F(StrangersTest, BytesThatAreNoFrameAreCountedAndDropped) {
  SendRaw({"\xff\xff\xff\xff"});
  ExpectDroppedAsMalformed();
}

TEST_F(StrangersTest, AnotherProtocolVersionIsCountedAndDropped) {
  wire::Frame frame;
  frame.set_version(kProtocolVersion + 1);
  SendRaw({frame.SerializeAsString()});
  ExpectDroppedAsMalformed();
}

TEST_F(StrangersTest, ARegistrationInAnotherVersionIsDeliveredSoThatItCanBeRefused) {
  wire::Frame frame = Numbered(7).frame;
  frame.set_version(kProtocolVersion + 1);
  frame.mutable_register_()->set_name("newer");
  SendRaw({frame.SerializeAsString()});
  RunUntil([&] { return server_.bus.counters().received == 1; });
  EXPECT_EQ(server_.bus.counters().dropped_malformed, 0u);
}

TEST_F(StrangersTest, TooManyPartsAreCountedAndDroppedAsOneMessage) {
  SendRaw({Good(), "payload", "and", "more", "still"});
  ExpectDroppedAsMalformed();
}

TEST_F(StrangersTest, ATooLongPayloadIsCountedAndDropped) {
  SendRaw({Good(), std::string(kMaxPayloadBytes + 1, 'x')});
  ExpectDroppedAsMalformed();
}

TEST_F(StrangersTest, ARoutingIdThatIsNotOursIsCountedAndDropped) {
  SendRaw({Good()}, "short");
  ExpectDroppedAsMalformed();
}

TEST_F(StrangersTest, AGoodFrameOfAStrangerIsDelivered) {
  SendRaw({Good(), "payload"});
  RunUntil([&] { return !server_.numbers.empty(); });
  EXPECT_EQ(*server_.payloads[0], "payload");
  EXPECT_EQ(server_.from[0], "30313233343536373839616263646566");
}

// ---- Threads ----

class ThreadsTest : public Loops, public ::testing::WithParamInterface<const char*> {};

TEST_P(ThreadsTest, TwoLoopsPlayPingPongWithPayloads) {
  constexpr uint64_t kRounds = 3'000;
  EventLoop other_loop("other", SystemClock());
  Side server(context_, other_loop);
  server.on_message = [&](const PeerId& peer, const Message& message) {
    server.bus.Send(peer, WithBody(message.frame.page_chunk().page_id(), message.payload));
  };
  absl::StatusOr<std::string> endpoint = server.bus.Bind(GetParam());
  ASSERT_TRUE(endpoint.ok());
  std::thread other([&] { other_loop.Run(); });
  Side client(context_, loop_);
  PeerId up = *client.bus.Connect(*endpoint);
  size_t bytes = 0;
  auto ping = [&](uint64_t n) {
    client.bus.Send(up, WithBody(n, std::make_shared<const std::string>(n % 5'000, static_cast<char>(n))));
  };
  client.on_message = [&](const PeerId&, const Message& message) {
    uint64_t n = message.frame.page_chunk().page_id();
    EXPECT_EQ(message.payload->size(), n % 5'000);
    for (char c : *message.payload) bytes += c == static_cast<char>(n) ? 1 : 0;
    client.payloads.clear();
    if (n + 8 < kRounds) ping(n + 8);
  };
  for (uint64_t n = 0; n < 8; ++n) ping(n);
  RunUntil([&] { return client.numbers.size() == kRounds; });
  size_t expected = 0;
  for (uint64_t n = 0; n < kRounds; ++n) expected += n % 5'000;
  EXPECT_EQ(bytes, expected);
  other_loop.Stop();
  other.join();
}

INSTANTIATE_TEST_SUITE_P(Transports, ThreadsTest, ::testing::Values("inproc://ping-pong", "tcp://127.0.0.1:0"),
                         [](const auto& param_info) { return std::string(param_info.index == 0 ? "inproc" : "tcp"); });

// ---- What is left over ----

TEST(ZmqBusPayloads, AreGivenBackWhenMessagesAreDropped) {
  Payload body = Body(1000);
  {
    ZmqContext context;
    EventLoop loop("test", SystemClock());
    Side server(context, loop);
    Side client(context, loop);
    ASSERT_TRUE(server.bus.Bind("inproc://dropped").ok());
    client.bus.Send(*client.bus.Connect("inproc://dropped"), WithBody(1, body));    // never received
    client.bus.Send(*client.bus.Connect("tcp://127.0.0.1:1"), WithBody(2, body));   // never connected
    client.bus.Send("unknown", WithBody(3, body));
    EXPECT_GT(body.use_count(), 1);
  }
  EXPECT_EQ(body.use_count(), 1);
}

}  // namespace
}  // namespace weft
