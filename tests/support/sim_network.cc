#include "tests/support/sim_network.h"

#include <fmt/format.h>

#include <algorithm>

namespace weft::test {
namespace {

// A dealer queues for a router that is away; here for some seconds, and not always.
constexpr int kRedeliveries = 8;
constexpr absl::Duration kRedeliverAfter = absl::Milliseconds(500);

std::pair<std::string, std::string> Pair(const std::string& a, const std::string& b) {
  return a < b ? std::pair(a, b) : std::pair(b, a);
}

}  // namespace

SimNetwork::SimNetwork(SimClock& clock, uint64_t seed) : clock_(clock), seed_(seed) {}
SimNetwork::~SimNetwork() = default;

void SimNetwork::Part(const std::string& machine, const std::string& other, absl::Duration length) {
  absl::Time& until = parted_[Pair(machine, other)];
  until = std::max(until, clock_.Now() + length);
}

bool SimNetwork::Parted(const std::string& a, const std::string& b) const {
  auto it = parted_.find(Pair(a, b));
  return it != parted_.end() && it->second > clock_.Now();
}

SimBus* SimNetwork::Receiver(const Connection& connection, bool to_server) {
  uint64_t id = connection.dialer;
  if (to_server) {
    auto endpoint = endpoints_.find(connection.endpoint);
    id = endpoint == endpoints_.end() ? 0 : endpoint->second.bus;
  }
  auto it = buses_.find(id);
  return it == buses_.end() ? nullptr : it->second;
}

void SimNetwork::Transmit(const SimBus& from, uint64_t id, bool to_server, const Message& message) {
  ++counters_.sent;
  auto it = connections_.find(id);
  if (it == connections_.end()) {
    ++counters_.dropped;
    return;
  }
  if (tap_) tap_->OnSent(from, Receiver(it->second, to_server), message);
  Random& random = *it->second.random;
  if (random.Unit() < faults_.drop) {
    ++counters_.dropped;
    return;
  }
  Schedule(from.id_, id, to_server, message);
  if (random.Unit() < faults_.duplicate) {
    ++counters_.duplicated;
    Schedule(from.id_, id, to_server, message);
  }
}

void SimNetwork::Schedule(uint64_t sender, uint64_t id, bool to_server, const Message& message) {
  Connection& connection = connections_[id];
  absl::Time& last = to_server ? connection.last_to_server : connection.last_to_dialer;
  Random& random = *connection.random;
  absl::Time when = clock_.Now() + faults_.latency + faults_.jitter * random.Unit();
  if (random.Unit() < faults_.late) when += faults_.late_by * random.Unit();
  if (random.Unit() >= faults_.reorder) {
    when = std::max(when, last + absl::Nanoseconds(1));
    last = when;
  }
  clock_.At(when, kWorld,
            [this, sender, id, to_server, message] { Deliver(sender, id, to_server, message, kRedeliveries); });
}

void SimNetwork::Deliver(uint64_t sender, uint64_t id, bool to_server, Message message, int tries) {
  auto it = connections_.find(id);
  if (it == connections_.end()) return;
  SimBus* bus = Receiver(it->second, to_server);
  auto endpoint = endpoints_.find(it->second.endpoint);
  bool parted = endpoint != endpoints_.end() && Parted(it->second.dialer_machine, endpoint->second.machine);
  if (bus == nullptr || parted) {
    // The other process may come back: what the sender's side has queued for it may still arrive.
    if (tries > 0 && to_server && it->second.random->Unit() < 0.8) {
      clock_.After(kRedeliverAfter, kWorld, [this, sender, id, to_server, message = std::move(message), tries]() mutable {
        Deliver(sender, id, to_server, std::move(message), tries - 1);
      });
    } else {
      ++counters_.dropped;
    }
    return;
  }
  // The event belongs to the receiving process: it waits while that is paused, and is gone with it.
  uint64_t receiver = bus->id_;
  clock_.At(clock_.Now(), bus->life(), [this, sender, receiver, id, to_server, message = std::move(message)]() mutable {
    auto to = buses_.find(receiver);
    if (to == buses_.end()) return;
    PeerId peer = to_server ? fmt::format("k{}", id) : fmt::format("d{}", id);
    if (to_server) {
      auto connection = connections_.find(id);
      const bool open = connection != connections_.end();
      if (open ? !LetIn(connection->second, *to->second) : !to->second->key_.empty()) {
        ++counters_.refused;
        return;
      }
      if (open) message.from_key = connection->second.dialer_key;
      to->second->knocked_[peer] = id;
    } else if (!to->second->dialed_.contains(peer)) {
      return;
    }
    ++counters_.delivered;
    auto from = buses_.find(sender);
    if (tap_) tap_->OnDelivered(from == buses_.end() ? nullptr : from->second, *to->second, message);
    to->second->handler_(peer, std::move(message));
  });
}

bool SimNetwork::LetIn(Connection& connection, const SimBus& server) {
  if (connection.server_key != server.key_) return false;
  if (server.key_.empty()) return true;
  const bool allowed = server.allowed_.contains(connection.dialer_key);
  if (connection.shook_hands == server.id_) return allowed || !server.watches_frames_;
  if (allowed) connection.shook_hands = server.id_;
  return allowed;
}

SimBus::SimBus(SimNetwork& network, std::string machine, Life life, Handler handler)
    : network_(network),
      machine_(std::move(machine)),
      life_(life),
      handler_(std::move(handler)),
      id_(network.next_id_++) {
  network_.buses_[id_] = this;
}

SimBus::~SimBus() {
  network_.buses_.erase(id_);
  for (auto& [name, endpoint] : network_.endpoints_) {
    if (endpoint.bus == id_) endpoint.bus = 0;
  }
  for (const auto& [peer, connection] : dialed_) network_.connections_[connection].dialer = 0;
}

void SimBus::Bind(const std::string& endpoint) { network_.endpoints_[endpoint] = {id_, machine_}; }

void SimBus::UseKey(PeerKey own, bool watches_frames) {
  key_ = std::move(own);
  watches_frames_ = watches_frames;
}

absl::StatusOr<PeerId> SimBus::ConnectTo(const std::string& endpoint, const PeerKey& server_key) {
  if (key_.empty() != server_key.empty()) {
    return absl::FailedPreconditionError(endpoint + ": one side has a key, and the other has none");
  }
  uint64_t id = network_.next_id_++;
  SimNetwork::Connection connection;
  connection.dialer = id_;
  connection.dialer_machine = machine_;
  connection.endpoint = endpoint;
  connection.dialer_key = key_;
  connection.server_key = server_key;
  connection.random = SeededRandom(network_.seed_ ^ (id * 0x9E3779B97F4A7C15ULL));
  network_.connections_[id] = std::move(connection);
  PeerId peer = fmt::format("d{}", id);
  dialed_[peer] = id;
  return peer;
}

void SimBus::Disconnect(const PeerId& peer) {
  if (auto it = dialed_.find(peer); it != dialed_.end()) {
    network_.connections_.erase(it->second);
    dialed_.erase(it);
  }
  knocked_.erase(peer);
}

void SimBus::Send(const PeerId& peer, const Message& message) {
  if (muted_) return;
  if (auto it = dialed_.find(peer); it != dialed_.end()) {
    network_.Transmit(*this, it->second, true, message);
  } else if (auto knocked = knocked_.find(peer); knocked != knocked_.end()) {
    network_.Transmit(*this, knocked->second, false, message);
  }
}

}  // namespace weft::test
