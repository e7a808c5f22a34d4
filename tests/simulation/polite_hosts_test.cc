// Politeness of a whole cluster over virtual time: many hosts on shared addresses, in domains and groups. A checker that
// counts by itself reads the trace. scripts/polite-hosts runs the long form.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/simulation/polite_cluster.h"

namespace weft::test {
namespace {

size_t FromEnvironment(const char* name, size_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<size_t>(std::strtoull(text, nullptr, 10));
}

wire::CrawlSettings Settings(absl::Duration delay) {
  wire::CrawlSettings settings;
  settings.set_delay_us(absl::ToInt64Microseconds(delay));
  settings.set_host_connections(1);
  settings.set_scope("any");
  return settings;
}

void ExpectPolite(PoliteCluster& cluster) {
  EXPECT_EQ(cluster.failure(), "");
  EXPECT_EQ(cluster.trace().violation_count(), 0u);
  for (const std::string& violation : cluster.trace().violations()) ADD_FAILURE() << violation;
}

TEST(PoliteHosts, EveryLimitHoldsNobodyWaitsForNothingAndTheRateIsWhatTheDelaysAllow) {
  const uint64_t seed = FromEnvironment("WEFT_POLITE_SEED", 11);
  SCOPED_TRACE(fmt::format("seed {}", seed));
  const size_t hosts = FromEnvironment("WEFT_POLITE_HOSTS", 5000);
  const auto seconds = static_cast<int64_t>(FromEnvironment("WEFT_POLITE_SECONDS", 120));
  PoliteOptions options;
  options.seed = seed;
  options.settings = Settings(absl::Seconds(4));
  options.settings.set_domain_connections(10);
  options.settings.set_ip_connections(4);
  auto random = SeededRandom(seed);
  const PoliteWorld world = MakePoliteWorld(hosts, *random, options.settings);
  PoliteCluster cluster(options, world);
  ASSERT_EQ(cluster.Start(), "");
  cluster.Run(absl::Seconds(seconds));
  ExpectPolite(cluster);
  fmt::print("{} hosts, {} addresses, {} limits, {} fetchers, {} s: {} requests under {} leases, {} throttled\n",
             world.hosts.size(), world.addresses, world.limits.size(), options.fetchers, seconds,
             cluster.trace().requests(), cluster.grants(), cluster.trace().throttles());
  for (const auto& [bound, name] : {std::pair(PoliteBound::kNothing, "their own delays"), {PoliteBound::kAddress, "their address"},
                                    {PoliteBound::kDomain, "their domain"}, {PoliteBound::kGroup, "their group"}}) {
    const auto at = static_cast<size_t>(bound);
    const double allowed = world.places[at] + world.allowed_rate[at] * static_cast<double>(seconds);
    const double share = static_cast<double>(cluster.trace().requests_of(bound)) / allowed;
    fmt::print("  hosts bound by {}: {:.1f} % of the rate that this allows\n", name, 100 * share);
    EXPECT_GE(share, 0.95) << name;
  }
  EXPECT_GT(cluster.trace().throttles(), 0u);
}

// `slow`: the first host answers after this. How often the others were asked.
uint64_t AskThousandHosts(absl::Duration slow, uint64_t leases) {
  PoliteOptions options;
  options.fetchers = 2;
  options.leases_per_fetcher = leases;
  options.urls_per_host = 20;
  options.settings = Settings(absl::Seconds(1));
  PoliteWorld world;
  for (int i = 0; i < 1001; ++i) {
    PoliteHost& host = world.hosts.emplace_back();
    host.name = fmt::format("www.s{}.example", i);
    host.address = fmt::format("20.1.{}.{}", i / 250, i % 250 + 1);
    host.latency = i == 0 ? slow : absl::Milliseconds(100);
    host.delay = absl::Seconds(1);
  }
  PoliteCluster cluster(options, world);
  EXPECT_EQ(cluster.Start(), "");
  cluster.Run(absl::Seconds(90));
  ExpectPolite(cluster);
  return cluster.trace().requests() - cluster.trace().requests_of(0);
}

TEST(PoliteHosts, AHostThatTakesThirtySecondsCostsTheOthersLessThanTwoPercent) {
  for (uint64_t leases : {40, 2000}) {
    const uint64_t quick = AskThousandHosts(absl::Milliseconds(100), leases);
    const uint64_t with_slow = AskThousandHosts(absl::Seconds(30), leases);
    EXPECT_GT(quick, std::min<uint64_t>(leases * 2, 1000) * 90 / 2);
    EXPECT_GE(static_cast<double>(with_slow), 0.98 * static_cast<double>(quick)) << leases << " leases a fetcher";
  }
}

TEST(PoliteHosts, AHostThatAsksForAPauseIsAskedNotBeforeAndWithinTheJitterAfter_Rule24) {
  PoliteOptions options;
  options.fetchers = 3;
  options.settings = Settings(absl::Seconds(1));
  options.settings.set_delay_max_us(1'000'000);
  PoliteWorld world;
  for (int i = 0; i < 20; ++i) {
    PoliteHost& host = world.hosts.emplace_back();
    host.name = fmt::format("www.s{}.example", i);
    host.address = fmt::format("20.1.1.{}", i + 1);
    host.latency = absl::Milliseconds(50);
    host.delay = absl::Seconds(1);
    host.throttles_every = 2 + i % 3;
    host.retry_after = absl::Seconds(30);
  }
  PoliteCluster cluster(options, world);
  ASSERT_EQ(cluster.Start(), "");
  cluster.Run(absl::Minutes(20));
  ExpectPolite(cluster);
  EXPECT_GT(cluster.trace().throttles(), 20u * 20u);
  EXPECT_LE(cluster.trace().latest_after_pause(), absl::Seconds(30) * kRetryAfterJitter + absl::Milliseconds(1020));
  EXPECT_GT(cluster.trace().latest_after_pause(), absl::Milliseconds(500)) << "there is a jitter";
}

// The checker itself: it must find what it is there for.
TEST(PoliteTrace, FindsEveryKindOfViolation) {
  PoliteWorld world;
  world.limits = {{"pair", 1, absl::Seconds(5)}};
  for (const char* name : {"a", "b"}) {
    PoliteHost& host = world.hosts.emplace_back();
    host.name = name;
    host.delay = absl::Seconds(1);
    host.limits = {0};
  }
  const absl::Time t = absl::UnixEpoch() + absl::Hours(1);
  auto violations = [&](auto steps) {
    PoliteTrace trace(world);
    trace.OnLease(0, t);
    trace.OnLease(1, t);
    steps(trace);
    return trace.violation_count();
  };
  EXPECT_EQ(violations([&](PoliteTrace& trace) {
              trace.OnRequest(0, 1, t);
              trace.OnEnd(0, t + absl::Seconds(1), absl::ZeroDuration());
              trace.OnRequest(1, 1, t + absl::Seconds(6));
            }), 0u);
  EXPECT_EQ(violations([&](PoliteTrace& trace) {   // the group's delay
              trace.OnRequest(0, 1, t);
              trace.OnEnd(0, t + absl::Seconds(1), absl::ZeroDuration());
              trace.OnRequest(1, 1, t + absl::Milliseconds(5999));
            }), 1u);
  EXPECT_EQ(violations([&](PoliteTrace& trace) {   // the group's connections
              trace.OnRequest(0, 1, t);
              trace.OnRequest(1, 2, t + absl::Seconds(60));
            }), 1u);
  EXPECT_EQ(violations([&](PoliteTrace& trace) {   // a pause
              trace.OnRequest(0, 1, t);
              trace.OnEnd(0, t, absl::Seconds(20));
              trace.OnRequest(0, 1, t + absl::Milliseconds(19'999));
            }), 1u);
  EXPECT_EQ(violations([&](PoliteTrace& trace) {   // without a lease
              trace.OnLeaseOver(0, t);
              trace.OnRequest(0, 1, t);
            }), 1u);
  EXPECT_EQ(violations([&](PoliteTrace& trace) {   // waiting for nothing
              trace.OnLeaseOver(0, t);
              trace.OnLeaseOver(1, t);
              trace.LookForIdle(t + absl::Seconds(1));
              trace.LookForIdle(t + absl::Seconds(2));
            }), 2u);
}

}  // namespace
}  // namespace weft::test
