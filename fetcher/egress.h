// Which of this machine's addresses requests leave from, and how many downloads each carries at a time.
// A host keeps to one address: a site sees one visitor, and kept connections stay of use. Where local ports or descriptors
// run short, an address carries less for a while and then more again: downloads wait, none fails for it.
// Thread rule: the transport's loop.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "common/ip_address.h"

namespace weft {

struct EgressOptions {
  std::vector<IpAddress> addresses;   // none: the system chooses
  size_t connections = 0;             // downloads that one address carries at a time; 0 = no limit
};

class Egress {
 public:
  explicit Egress(const EgressOptions& options);

  // Where the downloads of a host leave from: a number for the calls below. nullopt: addresses are given, but none of this
  // family. Adding an address moves only the hosts that it takes over.
  std::optional<size_t> PlaceFor(std::string_view host, bool v4) const;
  // nullptr: the system chooses.
  const IpAddress* AddressOf(size_t place) const { return addresses_.empty() ? nullptr : &addresses_[place]; }

  bool HasRoom(size_t place, absl::Time now);
  void Took(size_t place) { ++rooms_[place].carries; }
  void Gave(size_t place) { --rooms_[place].carries; }
  // A download that the place carries found no port or descriptor: a quarter less, nothing new for kRest, then a tenth more
  // every second.
  void RanShort(size_t place, absl::Time now);

  static constexpr absl::Duration kRest = absl::Seconds(1);

 private:
  struct Room {
    size_t carries = 0;
    size_t ceiling = 0;                // while ports are short; 0: none
    absl::Time rests_until = absl::InfinitePast();
    absl::Time raised = absl::InfinitePast();
  };
  std::vector<IpAddress> addresses_;
  size_t limit_;
  std::vector<Room> rooms_;            // one an address; one where the system chooses
};

// Whether this machine has an address to reach `peer` from, `from` if that is given. connect(2) says EADDRNOTAVAIL both where
// there is none and where its ports are used up; a datagram socket, which is never sent on, has ports of its own.
bool HasSourceFor(const IpAddress& peer, const IpAddress* from);

// Gives a TCP socket its source address and leaves the port to connect(2), which can use one port for many peers. Errno.
int BindSource(int fd, const IpAddress& from);

// FailedPrecondition, for people, where the address is not one of this machine's.
absl::Status CheckSource(const IpAddress& address);

}  // namespace weft
