// Whole crawls on a simulated cluster, each from one seed: small and full-size webs, with and without faults.
#include <gtest/gtest.h>

#include "tests/support/sim_cluster.h"

namespace weft::test {
namespace {

std::string Explain(const SimReport& report) {
  std::string text = report.summary + "\n";
  for (const auto& violation : report.violations) text += "  " + violation.rule + ": " + violation.text + "\n";
  return text + report.dump + "to see how it came to this: scripts/simulate --seed " + std::to_string(report.seed) +
         " --trace";
}

class Simulation : public testing::TestWithParam<uint64_t> {};

TEST_P(Simulation, KeepsEveryRuleAndEndsWithTheExpectedSet) {
  SimReport report = SimCluster(DrawOptions(GetParam())).Run();
  EXPECT_TRUE(report.ok()) << Explain(report);
  EXPECT_GT(report.requests, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, testing::Range<uint64_t>(1, 101));

TEST(SimulationOrder, ByPopularityUrlsMoveAndByDepthNoneDoes) {
  for (uint64_t seed : {2, 11, 17}) {
    SimOptions options = DrawOptions(seed);
    options.settings.set_order("popular");
    const SimReport popular = SimCluster(options).Run();
    EXPECT_TRUE(popular.ok()) << Explain(popular);
    EXPECT_GT(popular.moves, 10u) << "seed " << seed;
    options.settings.set_order("breadth");
    const SimReport nearest = SimCluster(options).Run();
    EXPECT_TRUE(nearest.ok()) << Explain(nearest);
    EXPECT_EQ(nearest.moves, 0u) << "seed " << seed;
  }
}

TEST(SimulationRecrawl, PagesAreVisitedAgainAndItAllAddsUp) {
  for (uint64_t seed : {2, 17}) {
    SimOptions options = DrawOptions(seed);
    options.web.changing_pages = true;
    options.settings.set_recrawl(true);
    options.settings.set_recrawl_min_us(60'000'000);
    options.settings.set_recrawl_max_us(300'000'000);
    options.recrawl_for = absl::Minutes(20);
    const SimReport report = SimCluster(options).Run();
    EXPECT_TRUE(report.ok()) << Explain(report);
    EXPECT_GT(report.visits, 300u) << "seed " << seed;
  }
}

TEST(SimulationRepeats, TheSameSeedGivesTheSameRun) {
  for (uint64_t seed : {3, 7}) {
    SimReport first = SimCluster(DrawOptions(seed)).Run();
    SimReport second = SimCluster(DrawOptions(seed)).Run();
    EXPECT_EQ(first.digest, second.digest) << "seed " << seed;
    EXPECT_EQ(first.summary, second.summary);
  }
}

TEST(SimulationRepeats, AnotherSeedGivesAnotherRun) {
  EXPECT_NE(SimCluster(DrawOptions(3)).Run().digest, SimCluster(DrawOptions(7)).Run().digest);
}

}  // namespace
}  // namespace weft::test
