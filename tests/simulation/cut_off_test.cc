// Fetchers that are cut off from the scheduler again and again, for longer than their leases run, while they go on asking:
// what drawn crawls do seldom.
#include <gtest/gtest.h>

#include "tests/support/sim_cluster.h"

namespace weft::test {
namespace {

class CutOff : public testing::TestWithParam<uint64_t> {
 protected:
  CutOff() : options_(DrawOptions(GetParam())) {
    options_.faultless = false;
    options_.web = {.hosts = 6, .pages = 150, .troubled_hosts = 0, .odd_pages = 0.1, .large_pages = 0};
    options_.fetchers = 3;
    options_.network = {};
    options_.network.latency = absl::Milliseconds(1);
    options_.scheduler.lease = absl::Seconds(5);
    options_.scheduler.lease_grace = absl::Milliseconds(50);
    options_.settings.set_scope("any");
    options_.settings.set_ignore_robots(true);
    options_.web.ignore_robots = true;
    options_.settings.set_host_connections(1);
    options_.faults.clear();
  }
  // Each of them in turn, for as long as `length`.
  void CutEvery(absl::Duration every, absl::Duration length, int times) {
    for (int i = 0; i < times; ++i) {
      SimFault fault;
      fault.kind = SimFault::Kind::kPart;
      fault.at = every * (i + 1);
      fault.machine = "fetcher-" + std::to_string(i % cut_);
      fault.other = "scheduler";
      fault.length = length;
      options_.faults.push_back(std::move(fault));
    }
  }
  void ThrottleEverywhere() {
    options_.web.troubled_hosts = 1;
    options_.web.trouble_is_throttling = true;
    options_.web.pages = 300;
    options_.web.hosts = 9;
    options_.settings.set_delay_us(300'000);
    options_.fetchers = 5;
    options_.network.latency = absl::Milliseconds(300);  // more is wanted while the revocation is on its way
    CutEvery(absl::Seconds(3), absl::Milliseconds(7500), 80);
  }
  SimReport Run() {
    SimReport report = SimCluster(options_).Run();
    std::string text = report.summary;
    for (const auto& violation : report.violations) text += "\n  " + violation.rule + ": " + violation.text;
    EXPECT_TRUE(report.ok()) << "seed " << GetParam() << ": " << text;
    EXPECT_GT(report.requests, 50u);
    return report;
  }

  SimOptions options_;
  static void TearDownTestSuite() {
    if (throttled_crawls_ < 30) return;
    EXPECT_GT(revokes_, 0u) << "the situation does not come about any more";
  }
  static inline uint64_t revokes_ = 0;
  static inline int throttled_crawls_ = 0;
  int cut_ = 3;  // the first so many fetchers
};

// The host's delay is kept after a lease that ran out, although nobody knows when it was asked last (rule 19).
TEST_P(CutOff, LeavesItsHostsTheirDelay) {
  options_.settings.set_delay_us(4'000'000);
  CutEvery(absl::Seconds(9), absl::Seconds(8), 30);
  Run();
}

// Word of a pause that reaches the scheduler after the lease has run out is obeyed all the same (rule 24).
TEST_P(CutOff, StillTellsThatAHostAskedForAPause) {
  options_.web.troubled_hosts = 1;
  options_.settings.set_delay_us(500'000);
  CutEvery(absl::Seconds(4), absl::Milliseconds(5200), 40);
  Run();
}

// The same when somebody else has the host by then: that lease is taken back, and its holder stops (rule 24). And at every
// cut a lease ends on both sides, at the fetcher first (rule 16).
TEST_P(CutOff, TakesTheHostBackFromWhoeverHasItWhenThePauseIsTold) {
  ThrottleEverywhere();
  for (uint64_t more = 0; more < 3; ++more) {
    options_.seed = GetParam() * 100 + more;
    revokes_ += Run().revokes;
    ++throttled_crawls_;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, CutOff, testing::Range<uint64_t>(1, 16));

}  // namespace
}  // namespace weft::test
