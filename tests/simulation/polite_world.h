// Hosts for the simulation of politeness: shared hosting, domains with many hosts, groups that the user names; where the
// limits nest, so that the rate which they allow is known by arithmetic, without any of the crawler's own code.
// Thread rule: a value.
#pragma once

#include <absl/time/time.h>

#include <array>
#include <string>
#include <vector>

#include "common/random.h"
#include "common/wire.pb.h"

namespace weft::test {

// A limit on connections that some hosts share; each connection keeps the delay.
struct PoliteLimit {
  std::string name;
  uint32_t connections = 1;
  absl::Duration delay;
};

// What bounds the hosts of a cluster beside their own delays.
enum class PoliteBound { kNothing, kAddress, kDomain, kGroup, kThrottles };
inline constexpr size_t kPoliteBounds = 5;

struct PoliteHost {
  std::string name;
  std::string address;
  absl::Duration latency;
  absl::Duration crawl_delay;
  absl::Duration delay;               // between a response and the next request: all that applies
  PoliteBound bound = PoliteBound::kNothing;
  std::vector<size_t> limits;         // indexes into PoliteWorld::limits
  int throttles_every = 0;            // every so many-th answer is a 429 ...
  absl::Duration retry_after;         // ... with this
};

struct PoliteWorld {
  std::vector<PoliteHost> hosts;
  std::vector<PoliteLimit> limits;
  size_t addresses = 0;
  // Requests a second, by what bounds them, where each place of a limit is one host's for good: a place that passes from one
  // host to another need not wait for a host's delay, so that a little more is possible.
  std::array<double, kPoliteBounds> allowed_rate = {};
  std::array<double, kPoliteBounds> places = {};   // requests at once, at the begin
};

// `settings`: delay, domain and address limits are read; the groups are added to it.
PoliteWorld MakePoliteWorld(size_t hosts, Random& random, wire::CrawlSettings& settings);

}  // namespace weft::test
