// A network for simulated nodes: loses, repeats, delays and reorders messages, and parts machines for a while, all from
// one seed. SimBus is a node's end of it, with the meaning of common/bus.h: connecting always succeeds, a process that
// restarts is a new peer, messages to a dead or unknown peer vanish, payloads are shared and not copied. With keys it does what
// ZmqBus does: whose key is not allowed gets through no handshake, and frames bring the key of who sent them.
// Thread rule: one thread.
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/time/time.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "common/bus.h"
#include "common/random.h"
#include "tests/support/sim_clock.h"

namespace weft::test {

// Chances are per message.
struct NetworkFaults {
  double drop = 0;
  double duplicate = 0;
  double reorder = 0;     // overtakes what was sent before it
  double late = 0;        // waits up to `late_by` more, everything behind it on the connection too
  absl::Duration latency = absl::Milliseconds(1);
  absl::Duration jitter = absl::Milliseconds(4);
  absl::Duration late_by = absl::Seconds(5);
};

class SimBus;

// Sees every message as it is handed to the network and as it is handed to a node.
class NetworkTap {
 public:
  virtual ~NetworkTap() = default;
  virtual void OnSent(const SimBus& from, const SimBus* to, const Message& message) = 0;
  virtual void OnDelivered(const SimBus* from, const SimBus& to, const Message& message) = 0;
};

class SimNetwork {
 public:
  SimNetwork(SimClock& clock, uint64_t seed);
  ~SimNetwork();

  void SetFaults(const NetworkFaults& faults) { faults_ = faults; }
  // Nothing passes between the two machines for that long; what is in flight arrives.
  void Part(const std::string& machine, const std::string& other, absl::Duration length);
  void SetTap(NetworkTap* tap) { tap_ = tap; }

  struct Counters {
    uint64_t sent = 0;
    uint64_t delivered = 0;
    uint64_t dropped = 0;
    uint64_t duplicated = 0;
    uint64_t refused = 0;    // under a key that is not allowed (any more)
  };
  const Counters& counters() const { return counters_; }

 private:
  friend class SimBus;
  struct Connection {
    uint64_t dialer = 0;             // bus id
    std::string dialer_machine;
    std::string endpoint;
    PeerKey dialer_key;
    PeerKey server_key;              // whom the dialer expects
    uint64_t shook_hands = 0;        // bus id of the server that has let it in
    std::unique_ptr<Random> random;  // its own: the order in which a node serves its peers must not matter
    absl::Time last_to_server = absl::InfinitePast();
    absl::Time last_to_dialer = absl::InfinitePast();
  };
  struct Endpoint {
    uint64_t bus = 0;                // 0: nobody listens now
    std::string machine;
  };

  void Transmit(const SimBus& from, uint64_t connection, bool to_server, const Message& message);
  void Schedule(uint64_t sender, uint64_t connection, bool to_server, const Message& message);
  void Deliver(uint64_t sender, uint64_t connection, bool to_server, Message message, int tries);
  bool Parted(const std::string& a, const std::string& b) const;
  bool LetIn(Connection& connection, const SimBus& server);
  SimBus* Receiver(const Connection& connection, bool to_server);

  SimClock& clock_;
  uint64_t seed_;
  NetworkFaults faults_;
  NetworkTap* tap_ = nullptr;
  Counters counters_;
  uint64_t next_id_ = 1;
  std::map<uint64_t, SimBus*> buses_;
  std::map<std::string, Endpoint> endpoints_;
  std::map<uint64_t, Connection> connections_;
  std::map<std::pair<std::string, std::string>, absl::Time> parted_;
};

class SimBus : public Bus {
 public:
  using Handler = absl::AnyInvocable<void(const PeerId& from, Message message)>;
  // `handler` is called within an event of `life`. `machine` names it to Part and to people.
  SimBus(SimNetwork& network, std::string machine, Life life, Handler handler);
  ~SimBus() override;

  void Bind(const std::string& endpoint);
  // Its endpoints ask for keys from now on, and its connections show this one. `watches_frames`: as ZmqBus does, frames are dropped
  // whose key is not allowed any more; else only handshakes are, so that what nodes themselves do about keys stands alone.
  void UseKey(PeerKey own, bool watches_frames);
  absl::StatusOr<PeerId> Connect(const std::string& endpoint) override { return ConnectTo(endpoint, ""); }
  absl::StatusOr<PeerId> ConnectTo(const std::string& endpoint, const PeerKey& server_key) override;
  void AllowKeys(const std::set<PeerKey>& keys) override { allowed_ = keys; }
  void Disconnect(const PeerId& peer) override;
  void Send(const PeerId& peer, const Message& message) override;

  // The process is dying: nothing it still says is heard.
  void Mute() { muted_ = true; }

  const std::string& machine() const { return machine_; }
  Life life() const { return life_; }
  const PeerKey& key() const { return key_; }

 private:
  friend class SimNetwork;
  SimNetwork& network_;
  std::string machine_;
  Life life_;
  Handler handler_;
  uint64_t id_;
  bool muted_ = false;
  PeerKey key_;                         // "": no keys are used
  bool watches_frames_ = true;
  std::set<PeerKey> allowed_;
  std::map<PeerId, uint64_t> dialed_;   // to connections
  std::map<PeerId, uint64_t> knocked_;  // who has been heard at a bound endpoint
};

}  // namespace weft::test
