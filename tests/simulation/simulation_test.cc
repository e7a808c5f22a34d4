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

INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, testing::Range<uint64_t>(1, 51));

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
