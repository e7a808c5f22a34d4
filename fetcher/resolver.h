// Names to addresses, as a seam. AresResolver is the real one (the only c-ares user): single-flight, with a cache that
// follows TTLs within bounds and remembers failures for a short while.
// Thread rule: belongs to the fetcher's loop; the callback runs on it, possibly before Resolve returns.
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "common/ip_address.h"

namespace weft {

class Resolver {
 public:
  virtual ~Resolver() = default;
  // `host`: a serialised host of a Url (a literal address is answered as itself). At least one address, IPv4 first, or
  // an error: NotFound (no such name, no address), Unavailable (servers do not answer). `port` serves --resolve.
  using Callback = absl::AnyInvocable<void(absl::StatusOr<std::vector<IpAddress>>)>;
  virtual void Resolve(const std::string& host, uint16_t port, Callback callback) = 0;
};

}  // namespace weft
