#include "tests/simulation/polite_world.h"

#include <fmt/format.h>

#include <algorithm>

namespace weft::test {
namespace {

// All hosts of a cluster answer and rest alike, so that it does not matter whose turn it is.
struct Cluster {
  absl::Duration latency;
  absl::Duration crawl_delay;
  absl::Duration delay;
  double rate() const { return 1 / absl::ToDoubleSeconds(latency + delay); }
};

class Builder {
 public:
  Builder(Random& random, wire::CrawlSettings& settings) : random_(random), settings_(settings) {}

  PoliteWorld Build(size_t hosts) {
    while (world_.hosts.size() < hosts) {
      const uint64_t kind = random_.Below(20);
      if (kind == 0) {
        AddThrottling();
      } else if (kind < 12) {
        const Cluster cluster = Draw();
        const size_t first = world_.hosts.size();
        const size_t places = AddSharedAddress(cluster, {}, nullptr);
        Allow(first, places, PoliteBound::kAddress, cluster);
      } else if (kind < 17) {
        AddDomain();
      } else {
        AddGroup();
      }
    }
    return std::move(world_);
  }

 private:
  Cluster Draw() {
    Cluster cluster;
    cluster.latency = absl::Milliseconds(20 + static_cast<int64_t>(random_.Below(800)));
    if (random_.Below(10) == 0) cluster.crawl_delay = absl::Seconds(2 + static_cast<int64_t>(random_.Below(8)));
    cluster.delay = std::max(absl::Microseconds(settings_.delay_us()), cluster.crawl_delay);
    return cluster;
  }
  size_t AddLimit(std::string name, uint32_t connections, absl::Duration delay) {
    world_.limits.push_back({std::move(name), connections, delay});
    return world_.limits.size() - 1;
  }
  PoliteHost& AddHost(const std::string& name, const Cluster& cluster) {
    PoliteHost& host = world_.hosts.emplace_back();
    host.name = name;
    host.latency = cluster.latency;
    host.crawl_delay = cluster.crawl_delay;
    host.delay = cluster.delay;
    return host;
  }
  std::string NewAddress() {
    const size_t n = ++world_.addresses;
    return fmt::format("20.{}.{}.{}", n >> 16, (n >> 8) & 255, n & 255);
  }

  // Of the hosts since `first` so many may be leased at once.
  void Allow(size_t first, size_t places, PoliteBound bound, const Cluster& cluster) {
    if (places == world_.hosts.size() - first && bound != PoliteBound::kGroup) bound = PoliteBound::kNothing;
    for (size_t i = first; i < world_.hosts.size(); ++i) world_.hosts[i].bound = bound;
    world_.places[static_cast<size_t>(bound)] += static_cast<double>(places);
    world_.allowed_rate[static_cast<size_t>(bound)] += static_cast<double>(places) * cluster.rate();
  }

  // Hosts of as many domains at one address. How many of them may be leased at once.
  size_t AddSharedAddress(const Cluster& cluster, std::vector<size_t> limits, std::vector<std::string>* names) {
    const std::string address = NewAddress();
    limits.push_back(AddLimit("address " + address, settings_.ip_connections(), absl::ZeroDuration()));
    const size_t count = 1 + random_.Below(9);
    for (size_t i = 0; i < count; ++i) {
      PoliteHost& host = AddHost(fmt::format("www.site{}.example", world_.hosts.size()), cluster);
      host.address = address;
      host.limits = limits;
      if (names != nullptr) names->push_back(host.name);
    }
    return std::min<size_t>(count, settings_.ip_connections());
  }

  // Hosts of one domain, five at each of its addresses.
  void AddDomain() {
    const Cluster cluster = Draw();
    const std::string domain = fmt::format("domain{}.example", world_.hosts.size());
    const size_t limit = AddLimit("domain " + domain, settings_.domain_connections(), absl::ZeroDuration());
    const size_t first = world_.hosts.size();
    size_t places = 0;
    const size_t addresses = 1 + random_.Below(6);
    for (size_t a = 0; a < addresses; ++a) {
      const std::string address = NewAddress();
      const size_t at = AddLimit("address " + address, settings_.ip_connections(), absl::ZeroDuration());
      for (int i = 0; i < 5; ++i) {
        PoliteHost& host = AddHost(fmt::format("h{}.{}", world_.hosts.size(), domain), cluster);
        host.address = address;
        host.limits = {limit, at};
      }
      places += std::min<size_t>(5, settings_.ip_connections());
    }
    Allow(first, std::min<size_t>(places, settings_.domain_connections()), PoliteBound::kDomain, cluster);
  }

  // A group of several shared addresses, with its own delay.
  void AddGroup() {
    Cluster cluster = Draw();
    const uint32_t connections = 2 + static_cast<uint32_t>(random_.Below(8));
    const absl::Duration delay = absl::Seconds(1 + static_cast<int64_t>(random_.Below(6)));
    cluster.delay = std::max(cluster.delay, delay);
    const std::string name = fmt::format("group{}", world_.hosts.size());
    const size_t limit = AddLimit("group " + name, connections, delay);
    std::vector<std::string> names;
    const size_t first = world_.hosts.size();
    size_t places = 0;
    const size_t addresses = 2 + random_.Below(5);
    for (size_t a = 0; a < addresses; ++a) places += AddSharedAddress(cluster, {limit}, &names);
    std::string hosts;
    for (const std::string& host : names) hosts += (hosts.empty() ? "" : ",") + host;
    settings_.add_group(fmt::format("name={} hosts={} connections={} delay={}s", name, hosts, connections,
                                    absl::ToInt64Seconds(delay)));
    Allow(first, std::min<size_t>(places, connections), PoliteBound::kGroup, cluster);
  }

  void AddThrottling() {
    PoliteHost& host = AddHost(fmt::format("throttles{}.example", world_.hosts.size()), Draw());
    host.address = NewAddress();
    host.bound = PoliteBound::kThrottles;
    host.throttles_every = 2 + static_cast<int>(random_.Below(4));
    host.retry_after = absl::Seconds(1 + static_cast<int64_t>(random_.Below(20)));
  }

  Random& random_;
  wire::CrawlSettings& settings_;
  PoliteWorld world_;
};

}  // namespace

PoliteWorld MakePoliteWorld(size_t hosts, Random& random, wire::CrawlSettings& settings) {
  return Builder(random, settings).Build(hosts);
}

}  // namespace weft::test
