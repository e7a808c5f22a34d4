#include "tests/support/sim_network.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft::test {
namespace {

Message Numbered(uint64_t seq) {
  Message message;
  message.frame.set_seq(seq);
  return message;
}

struct Host {
  Host(SimClock& clock, SimNetwork& network, const std::string& machine)
      : life(clock.Begin()), bus(network, machine, life, [this](const PeerId& from, Message message) {
          got.push_back(message.frame.seq());
          last_peer = from;
          last_key = message.from_key;
          last_payload = message.payload;
        }) {}
  Life life;
  SimBus bus;
  std::vector<uint64_t> got;
  PeerId last_peer;
  PeerKey last_key;
  Payload last_payload;
};

class Network : public testing::Test {
 protected:
  void RunAll() {
    while (clock.RunNext()) {
    }
  }
  SimClock clock;
  SimNetwork network{clock, 1};
};

TEST_F(Network, CarriesMessagesBothWaysInOrder) {
  Host server(clock, network, "server");
  Host client(clock, network, "client");
  server.bus.Bind("sim://x");
  PeerId peer = client.bus.Connect("sim://x").value();
  for (uint64_t i = 1; i <= 100; ++i) client.bus.Send(peer, Numbered(i));
  RunAll();
  ASSERT_EQ(server.got.size(), 100u);
  EXPECT_TRUE(std::is_sorted(server.got.begin(), server.got.end()));
  server.bus.Send(server.last_peer, Numbered(7));
  RunAll();
  EXPECT_EQ(client.got, std::vector<uint64_t>{7});
  EXPECT_EQ(client.last_peer, peer);
}

TEST_F(Network, SharesThePayload) {
  Host server(clock, network, "server");
  Host client(clock, network, "client");
  server.bus.Bind("sim://x");
  Message message = Numbered(1);
  message.payload = std::make_shared<const std::string>("body");
  client.bus.Send(client.bus.Connect("sim://x").value(), message);
  RunAll();
  EXPECT_EQ(server.last_payload.get(), message.payload.get());
}

TEST_F(Network, ARestartedClientIsANewPeerAndTheOldOneHearsNothing) {
  Host server(clock, network, "server");
  server.bus.Bind("sim://x");
  PeerId before;
  {
    Host client(clock, network, "client");
    client.bus.Send(client.bus.Connect("sim://x").value(), Numbered(1));
    RunAll();
    before = server.last_peer;
    clock.End(client.life);
  }
  Host again(clock, network, "client");
  again.bus.Send(again.bus.Connect("sim://x").value(), Numbered(2));
  RunAll();
  EXPECT_NE(server.last_peer, before);
  server.bus.Send(before, Numbered(3));
  RunAll();
  EXPECT_TRUE(again.got.empty());
}

TEST_F(Network, WhatASenderSentBeforeItDiedMayStillArrive) {
  Host server(clock, network, "server");
  server.bus.Bind("sim://x");
  {
    Host client(clock, network, "client");
    client.bus.Send(client.bus.Connect("sim://x").value(), Numbered(1));
    clock.End(client.life);
  }
  RunAll();
  EXPECT_EQ(server.got.size(), 1u);
}

TEST_F(Network, NothingPassesWhilePartedButSomeIsQueued) {
  Host server(clock, network, "server");
  Host client(clock, network, "client");
  server.bus.Bind("sim://x");
  network.Part("client", "server", absl::Seconds(60));
  PeerId peer = client.bus.Connect("sim://x").value();
  for (uint64_t i = 1; i <= 10; ++i) client.bus.Send(peer, Numbered(i));
  RunAll();
  EXPECT_TRUE(server.got.empty());
  EXPECT_EQ(network.counters().dropped, 10u);
}

TEST_F(Network, FaultsDropRepeatAndReorder) {
  Host server(clock, network, "server");
  Host client(clock, network, "client");
  server.bus.Bind("sim://x");
  NetworkFaults faults;
  faults.drop = faults.duplicate = faults.reorder = 0.2;
  network.SetFaults(faults);
  PeerId peer = client.bus.Connect("sim://x").value();
  for (uint64_t i = 1; i <= 500; ++i) client.bus.Send(peer, Numbered(i));
  RunAll();
  EXPECT_GT(network.counters().dropped, 50u);
  EXPECT_GT(network.counters().duplicated, 50u);
  EXPECT_FALSE(std::is_sorted(server.got.begin(), server.got.end()));
}

TEST_F(Network, AfterDisconnectNothingArrives) {
  Host server(clock, network, "server");
  Host client(clock, network, "client");
  server.bus.Bind("sim://x");
  PeerId peer = client.bus.Connect("sim://x").value();
  client.bus.Send(peer, Numbered(1));
  RunAll();
  client.bus.Disconnect(peer);
  server.bus.Send(server.last_peer, Numbered(2));
  client.bus.Send(peer, Numbered(3));
  RunAll();
  EXPECT_TRUE(client.got.empty());
  EXPECT_EQ(server.got.size(), 1u);
}

TEST_F(Network, WithKeysLetsThoseInThatAreAllowed) {
  Host server(clock, network, "server");
  Host client(clock, network, "client");
  server.bus.UseKey("s", true);
  client.bus.UseKey("c", true);
  server.bus.Bind("sim://x");
  PeerId peer = client.bus.ConnectTo("sim://x", "s").value();
  client.bus.Send(peer, Numbered(1));
  RunAll();
  EXPECT_TRUE(server.got.empty());
  server.bus.AllowKeys({"c"});
  client.bus.Send(peer, Numbered(2));
  RunAll();
  EXPECT_EQ(server.got, std::vector<uint64_t>{2});
  EXPECT_EQ(server.last_key, "c");
  server.bus.AllowKeys({});
  client.bus.Send(peer, Numbered(3));
  RunAll();
  EXPECT_EQ(server.got, std::vector<uint64_t>{2});
  EXPECT_EQ(network.counters().refused, 2u);
}

TEST_F(Network, WhoLooksAtHandshakesAloneHearsOldConnectionsAndNoNewOnes) {
  Host server(clock, network, "server");
  Host client(clock, network, "client");
  server.bus.UseKey("s", false);
  client.bus.UseKey("c", false);
  server.bus.Bind("sim://x");
  server.bus.AllowKeys({"c"});
  PeerId before = client.bus.ConnectTo("sim://x", "s").value();
  client.bus.Send(before, Numbered(1));
  RunAll();
  server.bus.AllowKeys({});
  client.bus.Send(before, Numbered(2));
  client.bus.Send(client.bus.ConnectTo("sim://x", "s").value(), Numbered(3));
  RunAll();
  EXPECT_EQ(server.got, (std::vector<uint64_t>{1, 2}));
}

TEST_F(Network, ProvesTheServerByTheKeyThatIsExpected) {
  Host server(clock, network, "server");
  Host client(clock, network, "client");
  server.bus.UseKey("another", true);
  client.bus.UseKey("c", true);
  server.bus.Bind("sim://x");
  server.bus.AllowKeys({"c"});
  client.bus.Send(client.bus.ConnectTo("sim://x", "s").value(), Numbered(1));
  RunAll();
  EXPECT_TRUE(server.got.empty());
  EXPECT_FALSE(client.bus.Connect("sim://x").ok());
}

}  // namespace
}  // namespace weft::test
