#include "fetcher/egress.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "common/status.h"

namespace weft {
namespace {

constexpr uint16_t kDiscard = 9;   // any port: nothing is sent there
constexpr size_t kNoShortage = 65536;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress AddressOf(const IpAddress& address, uint16_t port) {
  SocketAddress made;
  if (address.is_v4()) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&made.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    std::memcpy(&v4->sin_addr, address.bytes(), 4);
    made.size = sizeof *v4;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&made.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    std::memcpy(&v6->sin6_addr, address.bytes(), 16);
    made.size = sizeof *v6;
  }
  return made;
}

class DatagramSocket {
 public:
  explicit DatagramSocket(bool v4) : fd_(socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
  ~DatagramSocket() {
    if (fd_ >= 0) close(fd_);
  }
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Egress::Egress(const EgressOptions& options)
    : addresses_(options.addresses),
      limit_(options.connections == 0 ? std::numeric_limits<size_t>::max() : options.connections),
      rooms_(std::max<size_t>(1, addresses_.size())) {}

std::optional<size_t> Egress::PlaceFor(std::string_view host, bool v4) const {
  if (addresses_.empty()) return 0;
  // Rendezvous hashing: the address with the highest draw has the host.
  std::optional<size_t> best;
  uint64_t best_draw = 0;
  for (size_t i = 0; i < addresses_.size(); ++i) {
    if (addresses_[i].is_v4() != v4) continue;
    const uint64_t seed = XXH3_64bits(addresses_[i].bytes(), v4 ? 4 : 16);
    const uint64_t draw = XXH3_64bits_withSeed(host.data(), host.size(), seed);
    if (best && draw <= best_draw) continue;
    best = i;
    best_draw = draw;
  }
  return best;
}

bool Egress::HasRoom(size_t place, absl::Time now) {
  Room& room = rooms_[place];
  if (room.carries >= limit_) return false;
  if (room.ceiling == 0) return true;
  if (now < room.rests_until) return false;
  for (; room.ceiling < kNoShortage && room.raised + kRest <= now; room.raised += kRest) {
    room.ceiling += std::max<size_t>(1, room.ceiling / 10);
  }
  if (room.ceiling >= kNoShortage) room.ceiling = 0;
  return room.ceiling == 0 || room.carries < room.ceiling;
}

void Egress::RanShort(size_t place, absl::Time now) {
  Room& room = rooms_[place];
  if (now < room.rests_until) return;  // of the same shortage
  room.ceiling = std::max<size_t>(1, room.carries * 3 / 4);
  room.rests_until = now + kRest;
  room.raised = room.rests_until;
}

bool HasSourceFor(const IpAddress& peer, const IpAddress* from) {
  const DatagramSocket probe(peer.is_v4());
  if (probe.fd() < 0) return true;  // short of descriptors
  if (from != nullptr) {
    const SocketAddress source = AddressOf(*from, 0);
    if (bind(probe.fd(), source.get(), source.size) != 0) return errno != EADDRNOTAVAIL;
  }
  const SocketAddress target = AddressOf(peer, kDiscard);
  return connect(probe.fd(), target.get(), target.size) == 0;
}

int BindSource(int fd, const IpAddress& from) {
  const int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const SocketAddress source = AddressOf(from, 0);
  return bind(fd, source.get(), source.size) == 0 ? 0 : errno;
}

absl::Status CheckSource(const IpAddress& address) {
  const DatagramSocket probe(address.is_v4());
  const int error = probe.fd() < 0 ? errno : BindSource(probe.fd(), address);
  if (error == 0) return absl::OkStatus();
  return FailedPrecondition("--egress {}: {}", address.ToString(),
                            error == EADDRNOTAVAIL ? "no address of this machine" : std::strerror(error));
}

}  // namespace weft
