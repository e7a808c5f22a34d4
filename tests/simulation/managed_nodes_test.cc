// Crawls whose nodes are drained, forgotten, deprived of their tokens or of the right time, more often than drawn ones are; and
// that the observer would see it if the product did not do what it should then.
#include <gtest/gtest.h>

#include "tests/support/sim_cluster.h"

namespace weft::test {
namespace {

using Kind = SimFault::Kind;

std::string Explain(const SimReport& report) {
  std::string text = report.summary;
  for (const auto& violation : report.violations) text += "\n  " + violation.rule + ": " + violation.text;
  return text;
}

bool Has(const SimReport& report, std::string_view rule) {
  for (const auto& violation : report.violations) {
    if (violation.rule == rule) return true;
  }
  return false;
}

class ManagedNodes : public testing::TestWithParam<uint64_t> {
 protected:
  ManagedNodes() : options_(DrawOptions(GetParam())) {
    options_.faultless = true;
    options_.web = {.hosts = 12, .pages = 400, .troubled_hosts = 0, .odd_pages = 0.1, .large_pages = 1};
    options_.settings.set_scope("any");
    options_.settings.set_ignore_robots(false);
    options_.settings.set_recrawl(false);
    options_.recrawl_for = absl::ZeroDuration();
    options_.settings.set_delay_us(500'000);
    options_.network = {};
    options_.pool.stall = 0;
    options_.faults.clear();
    options_.keys = true;
  }
  void Every(absl::Duration every, int times, SimFault fault, const std::string& of, int count) {
    for (int i = 0; i < times; ++i) {
      fault.at = every * (i + 1);
      if (!of.empty()) fault.machine = of + "-" + std::to_string(i % count);
      options_.faults.push_back(fault);
    }
  }
  SimReport Run() { return SimCluster(options_).Run(); }
  static uint64_t Of(const SimReport& report, Kind kind) { return report.faults[static_cast<size_t>(kind)]; }

  SimOptions options_;
};

// A node that is asked to leave hands in everything, and returns what it has not begun: no page is fetched twice for it.
TEST_P(ManagedNodes, LeaveInOrderAndNothingIsFetchedAgain) {
  Every(absl::Seconds(7), 6, {.kind = Kind::kDrain, .at = {}, .machine = {}, .other = {}, .length = absl::Seconds(4)}, "fetcher",
        options_.fetchers);
  Every(absl::Seconds(11), 4, {.kind = Kind::kDrain, .at = {}, .machine = {}, .other = {}, .length = absl::Seconds(4)}, "parser",
        options_.parsers);
  const SimReport report = Run();
  EXPECT_TRUE(report.ok()) << Explain(report);
  EXPECT_GE(report.drained, 4u) << report.summary;
  EXPECT_EQ(report.refetches, 0u);
}

// Nothing is measured by the wall clock: hosts are left their delay, leases run as long as they did, nothing is fetched twice.
TEST_P(ManagedNodes, KeepTheirPromisesWhateverTheirWallClocksSay) {
  for (const int hours : {1, -2, 1}) {
    Every(absl::Seconds(9 + hours), 3, {.kind = Kind::kClockJump, .at = {}, .machine = {}, .other = {}, .length = absl::Hours(hours)}, "", 0);
    Every(absl::Seconds(13 + hours), 3, {.kind = Kind::kClockJump, .at = {}, .machine = {}, .other = {}, .length = absl::Hours(-hours)},
          "fetcher", options_.fetchers);
  }
  const SimReport report = Run();
  EXPECT_TRUE(report.ok()) << Explain(report);
  EXPECT_GE(Of(report, Kind::kClockJump), 10u) << report.summary;
  EXPECT_EQ(report.refetches, 0u);
}

// What such a node has under way ends with its leases, though nobody hears of it (rule 16).
TEST_P(ManagedNodes, ThatAreCutOffWhileTheyLeaveAskNothingBeyondTheirLeases) {
  options_.faultless = false;
  options_.web.troubled_hosts = 0.8;
  options_.scheduler.lease = absl::Seconds(5);
  options_.scheduler.lease_grace = absl::Milliseconds(50);
  for (int i = 0; i < 8; ++i) {
    const std::string machine = "fetcher-" + std::to_string(i % options_.fetchers);
    const absl::Duration at = absl::Seconds(5 + 9 * i);
    options_.faults.push_back({.kind = Kind::kDrain, .at = at, .machine = machine, .other = {}, .length = absl::Seconds(2)});
    options_.faults.push_back({.kind = Kind::kPart, .at = at + absl::Milliseconds(300), .machine = machine, .other = "scheduler",
                               .length = absl::Seconds(25)});
  }
  const SimReport report = Run();
  EXPECT_TRUE(report.ok()) << Explain(report);
}

TEST_P(ManagedNodes, OfWhichTokensAreRevokedGetNothingMoreAndTheCrawlGoesOn) {
  options_.faultless = false;
  options_.watches_frames = GetParam() % 2 == 0;
  const SimFault revocation = {.kind = Kind::kRevoke, .at = {}, .machine = {}, .other = {}, .length = absl::Seconds(15)};
  Every(absl::Seconds(8), 6, revocation, "fetcher", options_.fetchers);
  Every(absl::Seconds(17), 3, revocation, "parser", options_.parsers);
  const SimReport report = Run();
  EXPECT_TRUE(report.ok()) << Explain(report);
  EXPECT_GE(Of(report, Kind::kRevoke), 4u) << report.summary;
}

TEST_P(ManagedNodes, ThatAreGoneAreForgotten) {
  options_.faultless = false;
  options_.fetchers = 4;
  for (int i = 1; i < 4; ++i) {
    options_.faults.push_back({.kind = Kind::kForget, .at = absl::Seconds(8 * i), .machine = "fetcher-" + std::to_string(i), .other = {},
                               .length = absl::Seconds(1)});
  }
  options_.faults.push_back({.kind = Kind::kForgetCutOff, .at = absl::Seconds(12), .machine = "fetcher-0", .other = {}, .length = absl::Seconds(30)});
  options_.faults.push_back({.kind = Kind::kForget, .at = absl::Seconds(20), .machine = "parser-1", .other = {}, .length = absl::Seconds(1)});
  const SimReport report = Run();
  EXPECT_TRUE(report.ok()) << Explain(report);
  EXPECT_GE(report.forgotten, 1u) << report.summary;
}

// One that is started again before it was missed waits until its twin is silent, and is told to register then: nobody is left out
// because that word was lost.
TEST_P(ManagedNodes, WithTokensAreRegisteredAgainThoughMuchIsLost) {
  options_.faultless = false;
  options_.network.drop = 0.25;
  options_.settings.set_delay_us(2'000'000);
  const SimFault crash = {.kind = Kind::kCrash, .at = {}, .machine = {}, .other = {}, .length = absl::Milliseconds(300)};
  Every(absl::Seconds(7), 20, crash, "fetcher", options_.fetchers);
  Every(absl::Seconds(11), 14, crash, "parser", options_.parsers);
  const SimReport report = Run();
  EXPECT_TRUE(report.ok()) << Explain(report);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ManagedNodes, testing::Range<uint64_t>(1, 5));

// ---- planted faults ----

TEST_P(ManagedNodes, ArePlantedWithARevocationThatTheSchedulerDoesNotHearOfAndItIsSeen) {
  options_.faultless = false;
  options_.planted = SimOptions::Planted::kSchedulerNotToldOfRevocation;
  options_.faults.push_back({.kind = Kind::kRevoke, .at = absl::Seconds(10), .machine = "fetcher-0", .other = {}, .length = absl::Minutes(5)});
  const SimReport report = Run();
  EXPECT_TRUE(Has(report, "key")) << Explain(report);
}

// Gaps in a node's own time are made up for (rule 30), so that not every crawl shows it.
TEST(PlantedTime, ThatFollowsTheWallClockIsSeen) {
  int seen = 0;
  for (uint64_t seed = 1; seed <= 60 && seen == 0; ++seed) {
    SimOptions options = DrawOptions(seed);
    options.planted = SimOptions::Planted::kTimeFollowsTheWallClock;
    bool jumps = false;
    for (const SimFault& fault : options.faults) jumps = jumps || fault.kind == Kind::kClockJump;
    if (jumps && !SimCluster(options).Run().ok()) ++seen;
  }
  EXPECT_GT(seen, 0);
}

}  // namespace
}  // namespace weft::test
