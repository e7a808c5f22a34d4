// Resolver on c-ares, driven by an EventLoop. The only c-ares user.
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
  std::string servers;                       // "127.0.0.1:5353,..." for tests; empty: the system's
};

absl::StatusOr<std::unique_ptr<Resolver>> NewAresResolver(EventLoop& loop, const Clock& clock,
                                                          const AresResolverOptions& options);

}  // namespace weft
