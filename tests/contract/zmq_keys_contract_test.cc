// Keys over real sockets: who comes in, whose frames are taken, and what becomes of the others.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/zmq_bus.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

KeyPair Pair() {
  absl::StatusOr<KeyPair> made = MakeKeyPair();
  EXPECT_TRUE(made.ok()) << made.status();
  return made.value_or(KeyPair{});
}

Message Numbered(uint64_t number) {
  Message message;
  message.frame.set_version(kProtocolVersion);
  message.frame.mutable_page_chunk()->set_page_id(number);
  return message;
}

struct Side {
  Side(ZmqContext& context, EventLoop& loop)
      : bus(context, loop, [this](const PeerId& peer, Message message) {
          keys.push_back(message.from_key);
          numbers.push_back(message.frame.page_chunk().page_id());
          last = peer;
        }) {}
  std::vector<PeerKey> keys;
  std::vector<uint64_t> numbers;
  PeerId last;
  ZmqBus bus;
};

class ZmqKeysTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server_.bus.UseKeys(server_keys_).ok());
    ASSERT_TRUE(client_.bus.UseKeys(client_keys_).ok());
    absl::StatusOr<std::string> bound = server_.bus.BindWithKeys("tcp://127.0.0.1:0");
    ASSERT_TRUE(bound.ok()) << bound.status();
    endpoint_ = *bound;
  }
  PeerId Join(Side& side, const PeerKey& server_key) {
    absl::StatusOr<PeerId> peer = side.bus.ConnectTo(endpoint_, server_key);
    EXPECT_TRUE(peer.ok()) << peer.status();
    return peer.value_or("");
  }
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
  // A connection to the endpoint that speaks nothing of ours.
  int Plain() {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(std::stoi(endpoint_.substr(endpoint_.rfind(':') + 1))));
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  const KeyPair server_keys_ = Pair();
  const KeyPair client_keys_ = Pair();
  ZmqContext context_;
  EventLoop loop_{"test", SystemClock()};
  Side server_{context_, loop_};
  Side client_{context_, loop_};
  std::string endpoint_;
};

TEST_F(ZmqKeysTest, AFrameTellsTheKeyThatItsSenderProved) {
  server_.bus.AllowKeys({client_keys_.public_key});
  PeerId up = Join(client_, server_keys_.public_key);
  client_.bus.Send(up, Numbered(1));
  client_.bus.Send(up, Numbered(2));
  RunUntil([&] { return server_.numbers.size() == 2; });
  EXPECT_THAT(server_.keys, ElementsAre(client_keys_.public_key, client_keys_.public_key));
  server_.bus.Send(server_.last, Numbered(3));
  RunUntil([&] { return client_.numbers.size() == 1; });
}

TEST_F(ZmqKeysTest, AKeyThatIsNotAllowedIsRefusedAtTheHandshakeAndCountedOnBothSides) {
  PeerId up = Join(client_, server_keys_.public_key);
  client_.bus.Send(up, Numbered(1));
  RunUntil([&] { return client_.bus.counters().key_refused > 0 && server_.bus.refusals().handshakes > 0; });
  EXPECT_THAT(server_.numbers, IsEmpty());
}

TEST_F(ZmqKeysTest, AConnectionThatWasRefusedOpensOnceItsKeyIsAllowed) {
  PeerId up = Join(client_, server_keys_.public_key);
  RunUntil([&] { return client_.bus.counters().key_refused > 0; });
  server_.bus.AllowKeys({client_keys_.public_key});
  uint64_t sent = 0;
  RunUntil([&] {
    // What was sent to the refused connection is lost: links send it again.
    client_.bus.Send(up, Numbered(++sent));
    return !server_.numbers.empty();
  });
}

TEST_F(ZmqKeysTest, FramesOverAnOpenConnectionAreRefusedOnceItsKeyIsAllowedNoMore) {
  server_.bus.AllowKeys({client_keys_.public_key});
  PeerId up = Join(client_, server_keys_.public_key);
  client_.bus.Send(up, Numbered(1));
  RunUntil([&] { return server_.numbers.size() == 1; });
  server_.bus.AllowKeys({Pair().public_key});
  client_.bus.Send(up, Numbered(2));
  RunUntil([&] { return server_.bus.refusals().frames == 1; });
  EXPECT_THAT(server_.numbers, ElementsAre(1));
  // It can still be told why.
  server_.bus.Send(server_.last, Numbered(3));
  RunUntil([&] { return client_.numbers.size() == 1; });
}

TEST_F(ZmqKeysTest, WithoutAKeyNobodyComesIn) {
  server_.bus.AllowKeys({client_keys_.public_key});
  Side stranger(context_, loop_);
  absl::StatusOr<PeerId> up = stranger.bus.Connect(endpoint_);
  ASSERT_TRUE(up.ok());
  stranger.bus.Send(*up, Numbered(1));
  RunUntil([&] { return stranger.bus.counters().mismatches > 0 && server_.bus.refusals().handshakes > 0; });
  EXPECT_THAT(server_.numbers, IsEmpty());
}

TEST_F(ZmqKeysTest, WhoIsClosedOutOfEachHandshakeIsToldOfAMismatchToo) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  Side stranger(context_, loop_);
  ASSERT_TRUE(stranger.bus.Connect("tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port))).ok());
  int closed = 0;
  uint64_t timer = 0;
  std::function<void()> close_them = [&] {
    for (int one = accept(listener, nullptr, nullptr); one >= 0; one = accept(listener, nullptr, nullptr)) {
      close(one);
      ++closed;
    }
    timer = loop_.At(SystemClock().SteadyNow() + absl::Milliseconds(10), close_them);
  };
  close_them();
  RunUntil([&] { return stranger.bus.counters().mismatches > 0; });
  loop_.CancelTimer(timer);
  EXPECT_GE(closed, 5) << "one or two are an accident";
  EXPECT_EQ(stranger.bus.counters().key_refused, 0u);
  close(listener);
}

TEST_F(ZmqKeysTest, AServerThatDoesNotHoldTheSecretHalfHearsNothing) {
  server_.bus.AllowKeys({client_keys_.public_key});
  PeerId up = Join(client_, Pair().public_key);
  client_.bus.Send(up, Numbered(1));
  RunUntil([&] { return server_.bus.refusals().handshakes > 0; });
  EXPECT_THAT(server_.numbers, IsEmpty());
}

TEST_F(ZmqKeysTest, WhatWasBoundWithoutKeysBeforeStaysOpenBesideIt) {
  Side both(context_, loop_);
  ASSERT_TRUE(both.bus.UseKeys(server_keys_).ok());
  absl::StatusOr<std::string> open = both.bus.Bind("tcp://127.0.0.1:0");
  ASSERT_TRUE(open.ok());
  endpoint_ = both.bus.BindWithKeys("tcp://127.0.0.1:0").value_or("");
  both.bus.AllowKeys({client_keys_.public_key});
  Side keyless(context_, loop_);
  keyless.bus.Send(keyless.bus.Connect(*open).value_or(""), Numbered(7));
  RunUntil([&] { return both.numbers.size() == 1; });
  EXPECT_THAT(both.keys, ElementsAre(""));
  client_.bus.Send(Join(client_, server_keys_.public_key), Numbered(8));
  RunUntil([&] { return both.numbers.size() == 2; });
  EXPECT_EQ(both.keys.back(), client_keys_.public_key);
  EXPECT_EQ(both.bus.Bind("tcp://127.0.0.1:0").status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ZmqKeysTest, TwoBusesOfOneProcessHaveListsOfTheirOwn) {
  server_.bus.AllowKeys({client_keys_.public_key});
  Side other(context_, loop_);
  ASSERT_TRUE(other.bus.UseKeys(server_keys_).ok());
  endpoint_ = other.bus.BindWithKeys("tcp://127.0.0.1:0").value_or("");
  PeerId up = Join(client_, server_keys_.public_key);
  client_.bus.Send(up, Numbered(1));
  RunUntil([&] { return other.bus.refusals().handshakes > 0; });
  EXPECT_THAT(other.numbers, IsEmpty());
}

TEST_F(ZmqKeysTest, ANodeWithKeysConnectsToNobodyWithoutOne) {
  EXPECT_EQ(client_.bus.Connect(endpoint_).status().code(), absl::StatusCode::kFailedPrecondition);
  Side keyless(context_, loop_);
  EXPECT_EQ(keyless.bus.ConnectTo(endpoint_, server_keys_.public_key).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(ZmqKeysTest, TheLargestMessageGoesThroughEncrypted) {
  server_.bus.AllowKeys({client_keys_.public_key});
  PeerId up = Join(client_, server_keys_.public_key);
  Message message = Numbered(1);
  message.frame.clear_page_chunk();
  std::string* html = message.frame.mutable_page()->mutable_response_head();
  html->assign(kMaxFrameBytes - message.frame.ByteSizeLong() - 16, 'x');
  ASSERT_LE(message.frame.ByteSizeLong(), kMaxFrameBytes);
  ASSERT_GT(message.frame.ByteSizeLong(), kMaxFrameBytes - 64);
  client_.bus.Send(up, message);
  RunUntil([&] { return server_.numbers.size() == 1; });
}

TEST_F(ZmqKeysTest, SilentConnectionsAndGarbageDoNotKeepOthersOut) {
  server_.bus.AllowKeys({client_keys_.public_key});
  std::vector<int> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(Plain());
  // A claim of 64 MB to come, by nobody.
  const std::string claim("\xff\x00\x00\x00\x00\x04\x00\x00\x00\x7f", 10);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(write(silent[static_cast<size_t>(i)], claim.data(), claim.size()), 10);
  PeerId up = Join(client_, server_keys_.public_key);
  client_.bus.Send(up, Numbered(1));
  RunUntil([&] { return server_.numbers.size() == 1; });
  for (int fd : silent) close(fd);
  RunUntil([&] { return server_.bus.refusals().handshakes >= 100; });
}

TEST(ZmqKeysOnly, AKeyIsFortyCharactersOfZ85) {
  const KeyPair pair = Pair();
  EXPECT_TRUE(IsKey(pair.public_key));
  EXPECT_EQ(PublicKeyOf(pair.secret_key).value_or(""), pair.public_key);
  for (const std::string& bad : {std::string(), pair.public_key.substr(1), std::string(40, '~'), std::string(40, '#')}) {
    EXPECT_FALSE(IsKey(bad)) << bad;
    EXPECT_FALSE(PublicKeyOf(bad).ok()) << bad;
  }
}

TEST(ZmqKeysOnly, HalvesThatDoNotBelongTogetherAreRefused) {
  ZmqContext context;
  EventLoop loop("test", SystemClock());
  ZmqBus bus(context, loop, [](const PeerId&, Message) {});
  EXPECT_FALSE(bus.UseKeys({Pair().public_key, Pair().secret_key}).ok());
  EXPECT_FALSE(bus.BindWithKeys("tcp://127.0.0.1:0").ok());
}

}  // namespace
}  // namespace weft
