// Resolver on c-ares, driven by an EventLoop. The only c-ares user.
// Asked in this order: --resolve entries, literal addresses, localhost (RFC 6761 6.3), the cache, /etc/hosts, the name
// servers of /etc/resolv.conf as it stood at the start. Search domains are not applied: hosts of URLs are whole names.
// The loop must outlive the resolver; look-ups that run when it is destroyed end without a call. A callback must not
// destroy the resolver.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/event_loop.h"
#include "fetcher/resolver.h"

namespace weft {

struct AresResolverOptions {
  std::vector<std::string> fixed;            // HOST:PORT:ADDR (ADDR may be [v6]); "*" as HOST or PORT matches any
  absl::Duration min_ttl = absl::Seconds(30);
  absl::Duration max_ttl = absl::Hours(1);
  absl::Duration negative_ttl = absl::Seconds(30);
  absl::Duration timeout = absl::Seconds(10);  // of one look-up, all servers tried
  size_t cache_entries = 100'000;
  size_t in_flight = 512;                    // look-ups that are asked at once; others wait, their time runs later
  std::string servers;                       // "127.0.0.1:5353,..." for tests; empty: the system's
};

absl::StatusOr<std::unique_ptr<Resolver>> NewAresResolver(EventLoop& loop, const Clock& clock,
                                                          const AresResolverOptions& options);

}  // namespace weft
